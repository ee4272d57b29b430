//! Legal holds: while one stands, the member cannot be erased and its records cannot be deleted.
//!
//! The reason is sealed under the member's own keys, so it dies with the member once the hold is released.

use crate::codec::Event;
use crate::codec::{RowStamp, rows};
use crate::crypto;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::store::Keyspace;
use crate::tables;
use crate::types::place::HoldPlace;
use crate::types::{Ctx, MemberId};

use super::act::{Act, Decision, Prepared};
use super::api::{Hold, NewHold};
use super::evidence::AccessDetail;
use super::pipeline::{Case, Opened};
use super::{Error, Vault};

/// Bytes of a hold's reason.
pub const REASON_BYTES_MAX: usize = 256;
/// Bytes of a hold's reference.
pub const REFERENCE_BYTES_MAX: usize = 64;

impl Vault {
    /// Sets a hold, or replaces the one that stands.
    ///
    /// # Errors
    /// `invalid_request` for a reason or reference out of bounds; `not_found`, `gone`; a denial of the policy.
    pub fn set_hold<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId, input: &'v NewHold) -> Act<'v, Hold> {
        Act::new(self, move || prepare_set(&Case::open(self, ctx), member, input))
    }

    /// The hold that stands.
    ///
    /// # Errors
    /// `not_found` where none stands.
    pub fn hold<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, Hold> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            let opened = case.open_member(Action::HoldRead, member, None)?;
            let (hold, _) = standing(&case, &opened, member)?.ok_or_else(Error::not_found)?;
            Ok(Prepared::unlogged(hold))
        })
    }

    /// Releases the hold that stands.
    ///
    /// # Errors
    /// `not_found` where none stands.
    pub fn release_hold<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, ()> {
        Act::new(self, move || prepare_release(&Case::open(self, ctx), member))
    }
}

fn standing(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Option<(Hold, RowStamp)>, Error> {
    let Some(row) = tables::hold::row(case.vault.engine(), member)? else { return Ok(None) };
    let place = HoldPlace { vault: case.vault.id(), member };
    let plain = crypto::open(&opened.body.mk.notes().note, &place, rows::sealed(&row)?)?;
    let hold = serde_json::from_slice(plain.expose()).map_err(|_| Error::Internal("an opened hold is a hold"))?;
    Ok(Some((hold, RowStamp::of(&row))))
}

fn prepare_set(case: &Case<'_>, member: &MemberId, input: &NewHold) -> Decision<Hold> {
    let opened = case.open_member(Action::HoldSet, member, None)?;
    check(input)?;
    let vault = case.vault;
    let hold = Hold {
        reason: input.reason.clone(),
        reference: input.reference.clone(),
        set_at: case.now,
        set_by: case.ctx.actor.token,
    };
    let plain = serde_json::to_vec(&hold).map_err(|_| Error::Internal("a hold is serialisable"))?;
    let row = vault.seal_row(&opened.body.mk.notes().note, &HoldPlace { vault: vault.id(), member }, &plain)?;
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = vault.access(case.ctx, Event::HoldSet, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    change.put(Keyspace::Control, tables::hold::key(member), row);
    Ok(Prepared::durable(hold, change))
}

fn check(input: &NewHold) -> Result<(), Error> {
    if input.reason.is_empty() || input.reason.len() > REASON_BYTES_MAX {
        return Err(Error::invalid("/reason", "state the reason of the hold in 1 to 256 bytes"));
    }
    if input.reference.as_ref().is_some_and(|reference| reference.len() > REFERENCE_BYTES_MAX) {
        return Err(Error::invalid("/reference", "a reference has at most 64 bytes"));
    }
    Ok(())
}

fn prepare_release(case: &Case<'_>, member: &MemberId) -> Decision<()> {
    let opened = case.open_member(Action::HoldRelease, member, None)?;
    let (_, stamp) = standing(case, &opened, member)?.ok_or_else(Error::not_found)?;
    let key = tables::hold::key(member).to_vec();
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = case.vault.access(case.ctx, Event::HoldRelease, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::Row { keyspace: Keyspace::Control, key: key.clone(), stamp: Some(stamp) });
    change.delete(Keyspace::Control, key);
    Ok(Prepared::durable((), change))
}
