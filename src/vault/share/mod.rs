//! Links: one recipient reads chosen fields of one record, until the link ends.
//!
//! A link is a secret that its holder presents; only its hash is kept. It gives no more than whoever made it could have
//! read that moment: at each opening policy, data map and the member's standing are weighed anew, under the role of who
//! made it, and the opening is in the member's history. It ends at its time, after so many openings, when it or the token
//! that made it is revoked, and with the member. Openings are in `open`.

mod open;
mod row;

use crate::clock::Timestamp;
use crate::codec::Event;
use crate::ledger::{Change, Reliance};
use crate::policy::{Action, Denial, Facts, Permit, Treatment};
use crate::tables;
use crate::tables::share::SharesOf;
use crate::types::{Actor, Ctx, FieldName, MemberId, RecipientName, ShareId};

use super::act::{Act, Decision, Prepared};
use super::api::{IssuedShare, NewShare, Shares};
use super::bearer;
use super::evidence::AccessDetail;
use super::pipeline::Case;
use super::rate::RateBucket;
use super::{Error, Vault};
use row::StoredShare;

/// Fields of one link.
pub const FIELDS_MAX: usize = 64;
/// The longest life of a link: 30 days.
pub const TTL_MAX_MS: u64 = 30 * 24 * 3_600 * 1_000;
/// The most openings that can be asked for.
pub const OPENS_MAX: u32 = 10_000;
/// Links of one member that have not ended.
pub const OF_MEMBER_MAX: usize = 64;
/// Attempts a second, of all callers together, that may fail and be told why; further ones are told to wait. Attempts
/// that succeed are not counted, and nobody's failures keep them out.
pub const FAILURES_PER_S: u32 = 20;

/// What all openings share.
pub(crate) struct ShareDesk {
    failures: RateBucket,
}

impl ShareDesk {
    /// A desk at which nobody failed yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { failures: RateBucket::new(FAILURES_PER_S, now) }
    }
}

impl Vault {
    /// Makes a link. Its secret is in the reply and nowhere else.
    ///
    /// # Errors
    /// `purpose_required` without a purpose; `invalid_request` for fields, recipient, end or number of openings out of
    /// bounds, and for a field this role does not see; `limit_reached` where the member has [`OF_MEMBER_MAX`] links;
    /// `not_found`, `gone`; a denial of the policy or of what the member said.
    pub fn create_share<'v>(&'v self, ctx: &'v Ctx, input: &'v NewShare) -> Act<'v, IssuedShare> {
        Act::new(self, move || {
            let acting = Ctx { actor: acting_for(&ctx.actor, &input.recipient)?, ..ctx.clone() };
            prepare_create(&Case::open(self, &acting), input)
        })
    }

    /// The links of a member that have not ended.
    ///
    /// # Errors
    /// `not_found`, `gone`; a denial of the policy.
    pub fn shares<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, Shares> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            case.open_member(Action::ShareRevoke, member, None)?;
            let mut items = Vec::new();
            for id in tables::share::of_member(self.engine(), member)?.ids {
                let share = stored(&case, &id)?.filter(|share| case.now < share.expires_at);
                items.extend(share.map(|share| share.info(id)));
            }
            Ok(Prepared::unlogged(Shares { items }))
        })
    }

    /// Ends a link. From the reply on it is as if it had never been.
    ///
    /// # Errors
    /// `not_found` where the member has no such link; `gone`; a denial of the policy.
    pub fn revoke_share<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId, id: &'v ShareId) -> Act<'v, ()> {
        Act::new(self, move || prepare_revoke(&Case::open(self, ctx), member, id))
    }

    /// Takes the links of a member that is erased along; which they were. The change is refused if one comes in between.
    pub(crate) fn forget_shares(&self, change: &mut Change, member: &MemberId) -> Result<Vec<ShareId>, Error> {
        let shares = tables::share::of_member(self.engine(), member)?;
        rely(change, member, &shares);
        if shares.stamp.is_some() {
            for id in &shares.ids {
                change.delete(tables::share::KEYSPACE, tables::share::key(id));
            }
            change.delete(tables::share::KEYSPACE, tables::share::of_member_key(member));
        }
        Ok(shares.ids)
    }
}

/// Who makes a link acts for its recipient; a token that acts for one hands nothing on to another.
fn acting_for(actor: &Actor, recipient: &RecipientName) -> Result<Actor, Error> {
    if actor.recipient.as_ref().is_some_and(|own| own != recipient) {
        return Err(Error::invalid("/recipient", "this token acts for another recipient"));
    }
    Ok(Actor { recipient: Some(recipient.clone()), ..actor.clone() })
}

fn stored(case: &Case<'_>, id: &ShareId) -> Result<Option<StoredShare>, Error> {
    let row = tables::share::row(case.vault.engine(), id)?;
    row.map(|row| case.vault.open_share_row(id, &row)).transpose()
}

fn prepare_create(case: &Case<'_>, input: &NewShare) -> Decision<IssuedShare> {
    let address = &input.address;
    let member = &address.member;
    let Some(purpose) = &case.ctx.purpose else {
        // Also where the policy asks this role for none; said before anything that depends on the member.
        case.decide(Action::ShareCreate, Some(member), Some(&address.compartment), &Facts::NONE)?;
        return Err(case.denied(Action::ShareCreate, Denial::PurposeRequired));
    };
    let opened = case.open_member(Action::ShareCreate, member, Some(&address.compartment))?;
    check(case, input, &opened.permit)?;
    let record = case.stored_record(&opened, address)?.ok_or_else(Error::not_found)?;
    let vault = case.vault;
    let (secret, drawn) = bearer::draw_share(vault.entropy())?;
    let share = StoredShare {
        member: *member,
        compartment: address.compartment.clone(),
        record: address.name.clone(),
        fields: input.fields.clone(),
        recipient: input.recipient.clone(),
        purpose: purpose.clone(),
        role: case.ctx.actor.role,
        created_by: case.ctx.actor.token,
        created_at: case.now,
        expires_at: input.expires_at,
        opens_max: input.opens_max,
        opens: 0,
        opened_at: None,
        secret_sha256: data_encoding::HEXLOWER.encode(&drawn.hash),
    };
    let detail = AccessDetail {
        // Nothing has gone to the recipient yet: each opening says so when it does.
        recipient: None,
        fields: Some(input.fields.iter().map(FieldName::as_str).collect()),
        ..AccessDetail::of_record(case.ctx, case.now, address, record.version)
    };
    let mut change = vault.access(case.ctx, Event::ShareCreate, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    enter(case, &mut change, member, drawn.id)?;
    vault.put_share(&mut change, &drawn.id, &share)?;
    Ok(Prepared::durable(IssuedShare { secret, info: share.info(drawn.id) }, change))
}

fn check(case: &Case<'_>, input: &NewShare, permit: &Permit) -> Result<(), Error> {
    if input.fields.is_empty() || input.fields.len() > FIELDS_MAX {
        return Err(Error::invalid("/fields", "a link shows 1 to 64 fields, each by its name"));
    }
    let view = permit.view(&input.address.compartment).ok_or_else(Error::not_found)?;
    if input.fields.iter().any(|field| view.treatment(field.as_str()) == Treatment::Hidden) {
        return Err(Error::invalid("/fields", "this role does not see one of the fields; leave it out"));
    }
    if input.expires_at <= case.now || input.expires_at > case.now.plus_millis(TTL_MAX_MS) {
        return Err(Error::invalid("/expires_at", "a link ends in the future, within 30 days"));
    }
    if input.opens_max.is_some_and(|opens| opens == 0 || opens > OPENS_MAX) {
        return Err(Error::invalid("/opens_max", "a link opens 1 to 10,000 times"));
    }
    Ok(())
}

/// Enters a link among those of its member, and takes those away that ended.
fn enter(case: &Case<'_>, change: &mut Change, member: &MemberId, id: ShareId) -> Result<(), Error> {
    let shares = tables::share::of_member(case.vault.engine(), member)?;
    rely(change, member, &shares);
    let mut ids = Vec::with_capacity(shares.ids.len() + 1);
    for old in shares.ids {
        match stored(case, &old)? {
            Some(share) if case.now < share.expires_at => ids.push(old),
            _ => {
                change.delete(tables::share::KEYSPACE, tables::share::key(&old));
            }
        }
    }
    if ids.len() >= OF_MEMBER_MAX {
        return Err(Error::LimitReached { limit: "a member has at most 64 links; revoke those that are not used" });
    }
    ids.push(id);
    put_ids(case, change, member, &ids)
}

fn put_ids(case: &Case<'_>, change: &mut Change, member: &MemberId, ids: &[ShareId]) -> Result<(), Error> {
    let row = tables::share::encode_ids(ids, &case.vault.random()?);
    change.put(tables::share::KEYSPACE, tables::share::of_member_key(member), row);
    Ok(())
}

/// The change stands on these being the links of the member.
fn rely(change: &mut Change, member: &MemberId, shares: &SharesOf) {
    let key = tables::share::of_member_key(member).to_vec();
    change.relies_on(Reliance::Row { keyspace: tables::share::KEYSPACE, key, stamp: shares.stamp });
}

fn prepare_revoke(case: &Case<'_>, member: &MemberId, id: &ShareId) -> Decision<()> {
    let opened = case.open_member(Action::ShareRevoke, member, None)?;
    let shares = tables::share::of_member(case.vault.engine(), member)?;
    let share = if shares.ids.contains(id) { stored(case, id)? } else { None }.ok_or_else(Error::not_found)?;
    let detail = AccessDetail {
        compartment: Some(share.compartment.as_str()),
        record: Some(share.record.as_str()),
        ..AccessDetail::of_member(case.ctx, case.now)
    };
    let mut change = case.vault.access(case.ctx, Event::ShareRevoke, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    rely(&mut change, member, &shares);
    change.delete(tables::share::KEYSPACE, tables::share::key(id));
    let left: Vec<_> = shares.ids.into_iter().filter(|other| other != id).collect();
    put_ids(case, &mut change, member, &left)?;
    Ok(Prepared::durable((), change))
}
