//! Many members at once, in one commit: what an import of a whole member base is made of.
//!
//! Each member gets its own keys, its own leaf and its own rows, as if created alone; what is shared is the fsync and the
//! pages of the index, each of which is opened and sealed once a batch. A member that cannot be stored is reported and
//! the others are stored all the same.

use std::collections::HashSet;
use std::num::NonZero;

use crate::codec::leaf::NO_DETAIL;
use crate::codec::{Event, Plaintext};
use crate::crypto::IndexEntryPlace;
use crate::keyring::IndexEdit;
use crate::ledger::Change;
use crate::policy::Action;
use crate::types::{Compartment, Ctx, Identifier, IdentifierKind, MemberId, RecordVersion};

use super::act::{Act, Decision, Prepared};
use super::api::{Imported, NewMember, RecordAddress};
use super::pipeline::Case;
use super::records::NewRecord;
use super::{Error, Vault, input};

/// Members of one batch. Larger batches share pages better; this many take some 20 MiB on their way.
pub const BATCH_MEMBERS_MAX: usize = 10_000;
/// Threads that seal one batch.
const THREADS_MAX: usize = 8;

impl Vault {
    /// Creates many members in one durable commit. The outcomes are in the order of `batch`. Idempotency keys are not
    /// looked at: an import is repeatable through its identifiers.
    ///
    /// # Errors
    /// `limit_reached` for more than [`BATCH_MEMBERS_MAX`] members; a denial of the policy. What is wrong with one
    /// member is in its outcome.
    pub fn import<'v>(&'v self, ctx: &'v Ctx, batch: &'v [NewMember]) -> Act<'v, Vec<Imported>> {
        Act::new(self, move || prepare(&Case::open(self, ctx), batch))
    }

    /// Checks a member as far as its own content goes: limits and the form of its identifiers. Looks nothing up.
    ///
    /// # Errors
    /// `invalid_identifier`, `too_large`, `invalid_request`.
    pub fn check_member(new: &NewMember) -> Result<(), Error> {
        input::metadata(&new.meta)?;
        input::record_text(&new.profile)?;
        input::identifiers(&new.profile).map(|_| ())
    }
}

/// A member that can be stored as far as its own content goes.
struct Checked {
    json: Plaintext,
    places: Vec<(IdentifierKind, IndexEntryPlace)>,
}

fn prepare(case: &Case<'_>, batch: &[NewMember]) -> Decision<Vec<Imported>> {
    case.decide_plain(Action::MemberCreate)?;
    if batch.len() > BATCH_MEMBERS_MAX {
        return Err(Error::LimitReached { limit: "an import batch has at most 10,000 members" }.into());
    }
    let checked = in_parallel(batch, |new| check(case.vault, new));
    let mut edit = case.vault.keyring().edit_index(case.vault.engine());
    let mut ids = HashSet::with_capacity(batch.len());
    let mut accepted = Vec::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for (new, checked) in batch.iter().zip(checked) {
        outcomes.push(match checked {
            Err(error) => Imported::Rejected(error),
            Ok(checked) => {
                let id = MemberId::from_random(case.vault.random()?);
                let outcome = enter(&mut edit, &ids, &checked, id)?;
                if let Imported::Created(id) = outcome {
                    ids.insert(id);
                    accepted.push((id, new, checked.json));
                }
                outcome
            }
        });
    }
    let mut change = case.vault.event(case.ctx, Event::Import, case.now);
    change.decided_at(case.mark);
    case.vault.put_pages(&mut change, edit)?;
    for sealed in in_parallel(&accepted, |(id, new, json)| seal(case, *id, new, json)) {
        change.absorb(sealed?);
    }
    Ok(Prepared::durable(outcomes, change))
}

fn check(vault: &Vault, new: &NewMember) -> Result<Checked, Error> {
    input::metadata(&new.meta)?;
    let json = input::record_text(&new.profile)?;
    let identifiers = input::identifiers(&new.profile)?;
    let place = |one: &Identifier| (one.kind(), vault.keyring().index_place(one));
    let mut places: Vec<_> = identifiers.iter().map(place).collect();
    // First the one by which an import knows a member again: of the identifiers a member has, it is to be reported.
    places.sort_by_key(|(kind, _)| *kind != IdentifierKind::ExternalId);
    Ok(Checked { json, places })
}

/// Enters the identifiers, all of them or none.
fn enter(
    edit: &mut IndexEdit<'_>,
    batch: &HashSet<MemberId>,
    checked: &Checked,
    id: MemberId,
) -> Result<Imported, Error> {
    for (kind, place) in &checked.places {
        if let Some(other) = edit.find(*kind, place)? {
            let member = Some(other).filter(|other| !batch.contains(other));
            return Ok(Imported::Exists { kind: *kind, member });
        }
    }
    for (kind, place) in &checked.places {
        edit.insert(*kind, place, &id)?;
    }
    Ok(Imported::Created(id))
}

/// The keys, rows and leaf of one member.
fn seal(case: &Case<'_>, id: MemberId, new: &NewMember, json: &Plaintext) -> Result<Change, Error> {
    let vault = case.vault;
    let core = Compartment::core();
    let body = vault.keyring().new_member(case.now, &core, vault.entropy())?;
    let notes = body.mk.notes();
    let reference = notes.note.leaf_ref(&NO_DETAIL);
    let mut change = vault.change(case.ctx, Event::MemberCreate(NO_DETAIL), reference, case.now);
    change.decided_at(case.mark);
    change.access_row(notes.access_prefix, Vec::new());
    vault.put_member(&mut change, &id, &body)?;
    let address = RecordAddress::profile(id);
    let record = NewRecord {
        address: &address,
        version: RecordVersion::FIRST,
        created: case.now,
        updated: case.now,
        meta: &new.meta,
        json: json.expose(),
    };
    let (key, row) = vault.seal_record(&body, &record)?;
    change.put(crate::tables::record::KEYSPACE, key, row);
    Ok(change)
}

/// Maps `items` on as many threads as there are processors, in order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let share = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let shares: Vec<_> =
            items.chunks(share).map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<R>>())).collect();
        shares
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
