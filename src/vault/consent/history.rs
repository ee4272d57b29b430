//! The history: a series of dossier records, `consent-1`, `consent-2`, ... Entries are added; none is ever changed. Of a
//! member that an import brought with consents, the first is put together as it is read; see `import`.

use crate::clock::Timestamp;
use crate::codec::{Event, event::Detail};
use crate::ledger::Change;
use crate::types::{Compartment, Ctx, MemberId, Purpose, RecordVersion, Standing};

use super::super::api::RecordAddress;
use super::super::dossier::{self, Entry};
use super::super::evidence::AccessDetail;
use super::super::pipeline::{Case, Opened};
use super::super::{Error, Vault};
use super::{HISTORY_MAX, Happening, HistoryEntry, posting};

/// The series in the dossier.
pub(super) const SERIES: &str = "consent";

impl HistoryEntry {
    /// An entry that says no more than what happened, about these purposes.
    pub(super) fn of(case: &Case<'_>, event: Happening, purposes: &[&Purpose]) -> Self {
        let Ctx { actor, .. } = case.ctx;
        Self {
            event,
            at: case.now,
            by: actor.token,
            role: actor.role,
            purposes: purposes.iter().map(|purpose| (*purpose).clone()).collect(),
            notice: None,
            method: None,
            place: None,
            explicit: false,
            expires_at: None,
            reason: None,
        }
    }
}

/// Begins a change of the standing: takes away what has ended by itself, and hands back how it was before that.
pub(super) fn begin(case: &Case<'_>, opened: &mut Opened) -> Standing {
    let before = opened.body.standing.clone();
    opened.body.standing.drop_ended(case.now);
    before
}

/// The change that adds an entry to the history and writes the member row with the standing that `opened` has now, in
/// place of `before`.
///
/// # Errors
/// `limit_reached` where the history is full and the entry gives or lifts something.
pub(super) fn append(
    case: &Case<'_>,
    opened: &mut Opened,
    member: &MemberId,
    before: &Standing,
    leaf: fn(Detail) -> Event,
    entry: &HistoryEntry,
) -> Result<Change, Error> {
    let length = length(case, opened, member)?;
    if length >= HISTORY_MAX && !entry.event.protects() {
        return Err(Error::LimitReached { limit: "the history of consents of one member has at most 1,000 entries" });
    }
    let name = dossier::entry_name(SERIES, length.saturating_add(1))?;
    let address = RecordAddress { member: *member, compartment: Compartment::dossier(), name: name.clone() };
    let detail = AccessDetail::of_record(case.ctx, case.now, &address, RecordVersion::FIRST);
    let vault: &Vault = case.vault;
    let mut change = vault.access(case.ctx, leaf, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    let entry = Entry { name, content: entry, replaces: None };
    dossier::put_with_standing(case, &mut change, opened, member, &entry)?;
    posting::follow(&mut change, member, before, &opened.body.standing);
    Ok(change)
}

/// The whole history, oldest first.
pub(in crate::vault) fn read(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Vec<HistoryEntry>, Error> {
    let length = length(case, opened, member)?;
    let entry = |number| -> Result<HistoryEntry, Error> {
        let stored = dossier::read(case, opened, member, &dossier::entry_name(SERIES, number)?)?;
        dossier::content(&stored.ok_or(Error::Internal("a series has no gaps"))?)
    };
    (1..=length).map(entry).collect()
}

/// How many entries there are. What an import brought is the first one, and has no row.
fn length(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<u32, Error> {
    let imported = u32::from(opened.body.standing.import_number().is_some());
    dossier::length(case, opened, member, SERIES, imported)
}

/// When an entry's consent ends, as the member row has it: the minute is never later than what was said.
pub(super) fn until(expires_at: Option<Timestamp>) -> Option<u32> {
    expires_at.map(Timestamp::as_minutes)
}
