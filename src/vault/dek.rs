//! Rotate a data key: one compartment of one member gets a new one, and what lies in it is sealed under that.
//!
//! One durable commit draws the key, seals every record of the compartment anew (contents, version and times stay, so
//! that whoever holds an `ETag` may go on), drops the key before it from the member row, and marks the shard. The next
//! seal gives the shard a new key and destroys the old one: from then on no old bytes yield the old data key, and none of
//! the rows under it open.
//!
//! A compartment has no bound, and a commit has: a larger one is done in steps, one a call. The first draws the key; old
//! and new lie side by side in the member row, records are read by the key that their row names, and everything written
//! meanwhile is under the new one; the last drops the old. Two data keys are how the next call, also of a later process,
//! knows that there is something to carry on. That needs no other state, and holds for every compartment there can be.
//!
//! This is no erasure: nothing is lost, nobody is fenced, nothing is certified, and a legal hold does not mind. Backups
//! from before it, however, hold the compartment's records under a key that is gone.

use std::ops::ControlFlow;

use crate::codec::{Event, RecordRow, RowStamp, keys};
use crate::ledger::{Change, Reliance};
use crate::policy::Action;
use crate::tables;
use crate::types::place::Subtree;
use crate::types::{Compartment, Ctx, MemberId};

use super::act::{Act, Decision, Prepared};
use super::api::KeyRotation;
use super::evidence::AccessDetail;
use super::pipeline::{Case, Opened};
use super::{Error, Vault};

/// Records that one call seals anew.
pub const STEP_RECORDS_MAX: usize = 512;
/// Bytes of rows that one call seals anew; with the row that passes it. As much as the ledger puts into one group, so that
/// other writers wait for milliseconds.
pub const STEP_BYTES_MAX: usize = crate::ledger::GROUP_BYTES_MAX;

impl Vault {
    /// Gives a compartment of a member a new data key, and drops the old one once nothing lies under it. Where the reply
    /// says that this is not so yet, the same call carries on.
    ///
    /// # Errors
    /// `not_found`, `gone`; `conflict` where the compartment is written without a pause; a denial of the policy.
    pub fn rotate_dek<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        compartment: &'v Compartment,
    ) -> Act<'v, KeyRotation> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, compartment))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, compartment: &Compartment) -> Decision<KeyRotation> {
    let opened = case.open_member(Action::DekRotate, member, Some(compartment))?;
    step(case, member, compartment, opened)
}

/// One step with an opened member.
pub(super) fn step(
    case: &Case<'_>,
    member: &MemberId,
    compartment: &Compartment,
    mut opened: Opened,
) -> Decision<KeyRotation> {
    let vault = case.vault;
    let keys = opened.compartment(compartment)?.ok_or_else(Error::not_found)?;
    let (number, begins) = (keys.number, keys.deks.len() == 1);
    if begins {
        let drawn = vault.keyring().add_dek(&mut opened.body, number, vault.entropy())?;
        drawn.ok_or(Error::Internal("a compartment that is not erased has a data key"))?;
    }
    let detail =
        AccessDetail { compartment: Some(compartment.as_str()), ..AccessDetail::of_member(case.ctx, case.now) };
    let mut change = vault.access(case.ctx, Event::DekRotate, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    let old = old_rows(case, member, number, &opened)?;
    rewrap(case, &mut change, member, number, &opened, &old.rows)?;
    if begins {
        begin(&mut change, member, number, &old);
    }
    if !old.more {
        opened.body.retire_deks(number);
        let shard = vault.keyring().shard_of(member);
        change.put(tables::dirty::KEYSPACE, tables::dirty::key(Subtree::MEMBERS, shard), Vec::new());
    }
    if begins || !old.more {
        vault.renew_member(&mut change, member, &opened)?;
    }
    let reply = KeyRotation {
        member: *member,
        compartment: compartment.clone(),
        records: old.rows.len(),
        done: !old.more,
        rotated_at: case.now,
    };
    Ok(Prepared::durable(reply, change))
}

/// Rows that lie under an earlier data key.
#[derive(Default)]
struct OldRows {
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
    /// Whether there are more than one call takes.
    more: bool,
}

fn old_rows(case: &Case<'_>, member: &MemberId, number: u16, opened: &Opened) -> Result<OldRows, Error> {
    let keys = opened.body.compartment_numbered(number);
    let present = keys.and_then(|keys| keys.current()).map(|(version, _)| version);
    let mut old = OldRows::default();
    let range = tables::record::range_of(member, Some(number));
    case.vault.engine().scan(tables::record::KEYSPACE, &range, &mut |key, row| {
        if RecordRow::parse(row).is_ok_and(|row| Some(row.dek_version) == present) {
            return ControlFlow::Continue(());
        }
        old.more = old.rows.len() == STEP_RECORDS_MAX || old.bytes >= STEP_BYTES_MAX;
        if old.more {
            return ControlFlow::Break(());
        }
        old.bytes += row.len();
        old.rows.push((key.to_vec(), row.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(old)
}

/// Every row stands on the one that it replaces.
fn rewrap(
    case: &Case<'_>,
    change: &mut Change,
    member: &MemberId,
    number: u16,
    opened: &Opened,
    rows: &[(Vec<u8>, Vec<u8>)],
) -> Result<(), Error> {
    let held = opened.body.compartment_numbered(number).ok_or(Error::Internal("a compartment has its number"))?;
    for (key, row) in rows {
        let (_, _, token) = keys::parse_record(key)?;
        let anew = case.vault.or_moved(opened, member, case.vault.rewrap_record(member, held, &token, row))?;
        change.relies_on(Reliance::Row {
            keyspace: tables::record::KEYSPACE,
            key: key.clone(),
            stamp: Some(RowStamp::of(row)),
        });
        change.put(tables::record::KEYSPACE, key.as_slice(), anew);
    }
    Ok(())
}

/// The call that draws the key sees to it that nothing is under the old one that is not known of: whoever decided with
/// the old keys alone and is committed later decides anew, and so does this where a record came meanwhile. Later calls
/// need neither.
fn begin(change: &mut Change, member: &MemberId, number: u16, old: &OldRows) {
    change.outdates(*member);
    if !old.more {
        change.relies_on(Reliance::Rows {
            keyspace: tables::record::KEYSPACE,
            range: tables::record::range_of(member, Some(number)),
            count: old.rows.len(),
        });
    }
}
