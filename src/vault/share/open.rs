//! A recipient opens its link: no token, the secret alone.

use crate::codec::{Event, RowStamp};
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::tables;
use crate::types::{Actor, Ctx, RequestId, TokenId};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::SharedView;
use super::super::evidence::AccessDetail;
use super::super::pipeline::Case;
use super::super::{Error, Vault, bearer, read};
use super::row::StoredShare;

impl Vault {
    /// What a link shows now.
    ///
    /// # Errors
    /// `not_found` for a secret that is none, unknown, expired, used up or revoked, and where the record or member is
    /// gone: they look the same; `rate_limited` in its place after [`super::FAILURES_PER_S`] of these in a second. To
    /// who presents a good secret: a denial of the policy or of what the member said since.
    pub fn open_share<'v>(&'v self, secret: &'v str, request: RequestId) -> Act<'v, SharedView> {
        Act::new(self, move || prepare(self, secret, request))
    }

    /// Why an attempt that failed is refused.
    fn share_refused(&self) -> Error {
        match self.share_desk().failures.take(self.now()) {
            Ok(()) => Error::not_found(),
            Err(retry_after_s) => Error::RateLimited { retry_after_s },
        }
    }

    /// Who made the link, if it may still act: a link lives no longer than the token that made it.
    fn maker(&self, share: &StoredShare) -> Option<Actor> {
        let actor = match share.created_by {
            TokenId::LOCAL_OPERATOR => Actor::local(share.role),
            token => self.live_actor(&token)?,
        };
        Some(Actor { recipient: Some(share.recipient.clone()), ..actor })
    }
}

fn prepare(vault: &Vault, secret: &str, request: RequestId) -> Decision<SharedView> {
    let refused = || vault.share_refused();
    let presented = bearer::parse_share(secret).ok_or_else(refused)?;
    let row = tables::share::row(vault.engine(), &presented.id)?.ok_or_else(refused)?;
    let share = vault.open_share_row(&presented.id, &row)?;
    let is_good = share.is_secret(&presented.hash) && share.is_open(vault.now());
    let actor = vault.maker(&share).filter(|_| is_good).ok_or_else(refused)?;

    let ctx = Ctx { actor, purpose: Some(share.purpose.clone()), request };
    let case = Case::open(vault, &ctx);
    let address = share.address();
    let opened = case.open_member(Action::ShareCreate, &address.member, Some(&address.compartment))?;
    let record = case.stored_record(&opened, &address)?.ok_or_else(Error::not_found)?;
    let view = read::view(&case, &opened, record, Some(&share.fields))?;
    let detail = AccessDetail::of_record(case.ctx, case.now, &address, view.version).showing(&view.shown);
    let mut change = vault.access(case.ctx, Event::ShareOpen, &address.member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: address.member });
    let unchanged = |key: &[u8], row: &[u8]| Reliance::Row {
        keyspace: tables::share::KEYSPACE,
        key: key.to_vec(),
        stamp: Some(RowStamp::of(row)),
    };
    // What the member says meanwhile, and a revocation, come first.
    change.relies_on(unchanged(&tables::member::key(&address.member), &opened.row));
    change.relies_on(unchanged(&tables::share::key(&presented.id), &row));
    let opened_once_more =
        StoredShare { opens: share.opens.saturating_add(1), opened_at: Some(case.now), ..share.clone() };
    vault.put_share(&mut change, &presented.id, &opened_once_more)?;
    let shown = SharedView {
        recipient: share.recipient,
        purpose: share.purpose,
        expires_at: share.expires_at,
        compartment: view.compartment,
        name: view.name,
        version: view.version,
        updated_at: view.updated_at,
        data: view.data,
        withheld: view.withheld,
    };
    Ok(Prepared::durable(shown, change).that_shows_data())
}
