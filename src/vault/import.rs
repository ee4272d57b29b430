//! Many members at once, in one commit: what an import of a whole member base is made of.
//!
//! Each member gets its own keys, its own leaf and its own rows, as if created alone; what is shared is the fsync and the
//! pages of the index, each of which is opened and sealed once a batch. A member that cannot be stored is reported and
//! the others are stored all the same.

use std::num::NonZero;

use crate::codec::leaf::NO_DETAIL;
use crate::codec::{Event, Plaintext};
use crate::ledger::Change;
use crate::policy::Action;
use crate::schema::DataMap;
use crate::store::KeyRange;
use crate::tables;
use crate::types::{Compartment, Ctx, Identifier, IdentifierKind, MemberId, Purpose};

use super::act::{Act, Decision, Prepared};
use super::api::{Imported, NewMember, RecordAddress};
use super::consent::{self, ImportedConsents, Notice};
use super::pipeline::Case;
use super::records::NewRecord;
use super::register::{Holder, Places, Register};
use super::schema::declared;
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
        self.import_with(ctx, batch, ImportedConsents::NONE)
    }

    /// As [`Vault::import`], with what the members agreed to elsewhere. Members that are there already keep the consents
    /// they have here, which are newer.
    ///
    /// # Errors
    /// As [`Vault::import`].
    pub fn import_with<'v>(
        &'v self,
        ctx: &'v Ctx,
        batch: &'v [NewMember],
        consents: ImportedConsents<'v>,
    ) -> Act<'v, Vec<Imported>> {
        Act::new(self, move || prepare(&Case::open(self, ctx), batch, &consents))
    }

    /// Merges what the batches of an import left of each index page; to be called once at the end. Each batch writes most
    /// pages anew, and unmerged they take several times their room on disk.
    ///
    /// # Errors
    /// What the storage engine answers.
    pub fn finish_import(&self) -> Result<(), Error> {
        self.engine().flush()?;
        Ok(self.engine().compact(tables::page::KEYSPACE, &KeyRange::all())?)
    }

    /// Checks a member as far as its own content goes: limits, what the data map lets be written, and the form of its
    /// identifiers. Looks nothing up.
    ///
    /// # Errors
    /// `invalid_identifier`, `unknown_field`, `too_large`, `invalid_request`.
    pub fn check_member(map: &DataMap, new: &NewMember) -> Result<(), Error> {
        input::metadata(&new.meta)?;
        declared::profile(map, &new.profile)?;
        input::record_text(&new.profile)?;
        input::identifiers(&new.profile).map(|_| ())
    }
}

fn prepare(case: &Case<'_>, batch: &[NewMember], consents: &ImportedConsents<'_>) -> Decision<Vec<Imported>> {
    case.decide_plain(Action::MemberCreate)?;
    if batch.len() > BATCH_MEMBERS_MAX {
        return Err(Error::LimitReached { limit: "an import batch has at most 10,000 members" }.into());
    }
    let (texts, places): (Vec<_>, Vec<_>) =
        in_parallel(batch, |new| check(case.vault, case.map(), new)).into_iter().unzip();
    let mut register = Register::look_up(case.vault, &places)?;
    let mut accepted = Vec::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for (position, (text, new)) in texts.into_iter().zip(batch).enumerate() {
        let places = places.get(position).ok_or(Error::Internal("every member has places"))?;
        outcomes.push(match (text, register.claim(position, places)) {
            (Err(error), _) => Imported::Rejected(error),
            (_, Err(Holder::Member(kind, member))) => Imported::Exists { kind, member: Some(member) },
            (_, Err(Holder::Earlier(kind))) => Imported::Exists { kind, member: None },
            (Ok(json), Ok(())) => {
                let id = MemberId::from_random(case.vault.random()?);
                accepted.push(Accepted { id, new, json, places, purposes: consents.of(position) });
                Imported::Created(id)
            }
        });
    }
    Ok(Prepared::durable(outcomes, commit(case, register, &accepted, consents.notice)?))
}

/// A member that will be stored.
struct Accepted<'a> {
    id: MemberId,
    new: &'a NewMember,
    json: Plaintext,
    places: &'a Places,
    /// What it agreed to elsewhere.
    purposes: &'a [Purpose],
}

/// One change of all of them.
fn commit(
    case: &Case<'_>,
    register: Register<'_>,
    accepted: &[Accepted<'_>],
    notice: &Notice,
) -> Result<Change, Error> {
    let mut change = case.vault.event(case.ctx, Event::Import, case.now);
    change.decided_at(case.mark);
    let entries: Vec<_> = accepted.iter().map(|member| (member.id, member.places)).collect();
    for edit in register.enter(&entries)? {
        case.vault.put_pages(&mut change, edit)?;
    }
    let with_consents = accepted.iter().any(|member| !member.purposes.is_empty());
    let import = if with_consents { consent::put_common(case, &mut change, notice)? } else { 0 };
    for sealed in in_parallel(accepted, |member| seal(case, member, import)) {
        change.absorb(sealed?);
    }
    Ok(change)
}

/// The text of the profile and the places of its identifiers; no places for a profile that is refused.
fn check(vault: &Vault, map: &DataMap, new: &NewMember) -> (Result<Plaintext, Error>, Places) {
    let checked = || -> Result<_, Error> {
        input::metadata(&new.meta)?;
        declared::profile(map, &new.profile)?;
        Ok((input::record_text(&new.profile)?, input::identifiers(&new.profile)?))
    };
    match checked() {
        Err(error) => (Err(error), Places::new()),
        Ok((json, identifiers)) => {
            let place = |one: &Identifier| (one.kind(), vault.keyring().index_place(one));
            let mut places: Places = identifiers.iter().map(place).collect();
            // First the one by which an import knows a member again: of those a member has, it is to be reported.
            places.sort_by_key(|(kind, _)| *kind != IdentifierKind::ExternalId);
            (Ok(json), places)
        }
    }
}

/// The keys, rows and leaf of one member.
fn seal(case: &Case<'_>, member: &Accepted<'_>, import: u32) -> Result<Change, Error> {
    let Accepted { id, new, json, purposes, .. } = member;
    let vault = case.vault;
    let core = Compartment::core();
    let mut body = vault.keyring().new_member(case.now, &core, vault.entropy())?;
    let notes = body.mk.notes();
    let reference = notes.note.leaf_ref(&NO_DETAIL);
    let mut change = vault.change(case.ctx, Event::MemberCreate(NO_DETAIL), reference, case.now);
    change.decided_at(case.mark);
    change.access_row(notes.access_prefix, Vec::new());
    consent::put_imported(&mut change, id, &mut body, import, purposes)?;
    vault.put_member(&mut change, id, &body)?;
    let address = RecordAddress::profile(*id);
    let record = NewRecord::first(&address, case.now, &new.meta, json.expose());
    vault.put_first_row(&mut change, &body, &record)?;
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
