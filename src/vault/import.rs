//! Many members at once, in one commit: what an import of a whole member base is made of.
//!
//! Each member gets its own keys, its own leaf and its own rows, as if created alone; what is shared is the fsync and the
//! pages of the index, each of which is opened and sealed once a batch. A member that cannot be stored is reported and
//! the others are stored all the same. What needs no look into the database can be done beforehand ([`Vault::check_batch`]),
//! while the batch before is still being committed.

use std::sync::Arc;

use rayon::prelude::*;

use crate::codec::leaf::NO_DETAIL;
use crate::codec::{Event, Plaintext};
use crate::keyring::EDIT_BUCKETS_MAX;
use crate::ledger::Change;
use crate::policy::Action;
use crate::schema::DataMap;
use crate::store::KeyRange;
use crate::tables;
use crate::types::{Compartment, Ctx, Identifier, IdentifierKind, MemberId, Purpose, RecordMeta};

use super::act::{Act, Decision, Prepared};
use super::api::{Imported, NewMember, RecordAddress};
use super::consent::{self, ImportedConsents, Notice};
use super::pipeline::Case;
use super::records::NewRecord;
use super::register::{Holder, Place, Places, Register};
use super::schema::declared;
use super::{Error, Vault, input};

/// Members of one batch, as many as an edit of the index may have buckets open. Larger batches share pages better, and take
/// more memory on their way.
pub const BATCH_MEMBERS_MAX: usize = EDIT_BUCKETS_MAX;

/// A batch of which is known what needs no look into the database. Profiles are texts by now, which take less room.
pub struct CheckedBatch {
    members: Vec<Checked>,
    /// The data map they were checked by.
    map: Arc<DataMap>,
}

/// What one member comes to.
enum Checked {
    Fit(Fit),
    Refused(NewMember),
}

/// A member that can be stored, unless one of its identifiers is taken.
struct Fit {
    json: Plaintext,
    meta: RecordMeta,
    /// Where its identifiers lie.
    places: Places,
}

impl CheckedBatch {
    /// The member at this position, as it was handed over.
    ///
    /// # Errors
    /// `internal` for a position beyond the end.
    pub fn member(&self, position: usize) -> Result<NewMember, Error> {
        let member = self.members.get(position).ok_or(Error::Internal("a position within the batch"))?;
        match member {
            Checked::Refused(member) => Ok(copy(member)),
            Checked::Fit(Fit { json, meta, .. }) => {
                let profile = serde_json::from_slice(json.expose()).map_err(|_| Error::Internal("a text is JSON"))?;
                Ok(NewMember { profile, meta: meta.clone(), idempotency_key: None })
            }
        }
    }

    /// The same batch by another data map.
    fn again(&self, vault: &Vault, map: &DataMap) -> Result<Vec<Checked>, Error> {
        let members = (0..self.members.len()).map(|position| self.member(position));
        Ok(check(vault, map, &members.collect::<Result<Vec<_>, _>>()?))
    }
}

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
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            prepare(&case, &check(self, case.map(), batch), &consents)
        })
    }

    /// Checks a batch: the part of an import that can be done while another batch is being committed.
    pub fn check_batch(&self, batch: &[NewMember]) -> CheckedBatch {
        let map = self.map();
        CheckedBatch { members: check(self, &map, batch), map }
    }

    /// As [`Vault::import_with`], of a batch that was checked before. It is checked anew if the data map is another by
    /// now.
    ///
    /// # Errors
    /// As [`Vault::import`].
    pub fn import_checked<'v>(
        &'v self,
        ctx: &'v Ctx,
        batch: &'v CheckedBatch,
        consents: ImportedConsents<'v>,
    ) -> Act<'v, Vec<Imported>> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            if case.is_decided_by(&batch.map) {
                return prepare(&case, &batch.members, &consents);
            }
            prepare(&case, &batch.again(self, case.map())?, &consents)
        })
    }

    /// Merges what the batches of an import left of each index page; to be called once at the end. Each batch writes most
    /// pages anew, and unmerged they take several times their room on disk.
    ///
    /// # Errors
    /// What the storage engine answers.
    pub fn finish_import(&self) -> Result<(), Error> {
        std::thread::scope(|scope| {
            let flushed = scope.spawn(|| self.engine().flush());
            self.engine().compact(tables::page::KEYSPACE, &KeyRange::all())?;
            Ok(flushed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
        })
    }

    /// Checks a member as far as its own content goes: limits, what the data map lets be written, and the form of its
    /// identifiers. Looks nothing up.
    ///
    /// # Errors
    /// `invalid_identifier`, `unknown_field`, `too_large`, `invalid_request`.
    pub fn check_member(map: &DataMap, new: &NewMember) -> Result<(), Error> {
        checked(map, new).map(|_| ())
    }
}

fn prepare(case: &Case<'_>, batch: &[Checked], consents: &ImportedConsents<'_>) -> Decision<Vec<Imported>> {
    case.decide_plain(Action::MemberCreate)?;
    if batch.len() > BATCH_MEMBERS_MAX {
        return Err(Error::LimitReached { limit: "an import batch has at most 16,384 members" }.into());
    }
    let mut register = Register::look_up(case.vault, batch.iter().map(Checked::places))?;
    let mut accepted = Vec::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for (position, member) in batch.iter().enumerate() {
        outcomes.push(match (member, register.claim(position, member.places())) {
            (Checked::Refused(member), _) => Imported::Rejected(why_refused(case.map(), member)),
            (_, Err(Holder::Member(kind, member))) => Imported::Exists { kind, member: Some(member) },
            (_, Err(Holder::Earlier(kind))) => Imported::Exists { kind, member: None },
            (Checked::Fit(fit), Ok(())) => {
                let id = MemberId::from_random(case.vault.random()?);
                accepted.push(Accepted { id, fit, purposes: consents.of(position) });
                Imported::Created(id)
            }
        });
    }
    // In the order of their rows, which are found a place for faster.
    accepted.sort_unstable_by_key(|member| member.id);
    Ok(Prepared::durable(outcomes, commit(case, register, &accepted, consents.notice)?))
}

/// A member that will be stored.
struct Accepted<'a> {
    id: MemberId,
    fit: &'a Fit,
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
    let entries: Vec<_> = accepted.iter().map(|member| (member.id, &member.fit.places)).collect();
    for edit in register.enter(&entries)? {
        case.vault.put_pages(&mut change, edit)?;
    }
    let with_consents = accepted.iter().any(|member| !member.purposes.is_empty());
    let import = if with_consents { consent::put_common(case, &mut change, notice)? } else { 0 };
    let sealed: Vec<_> = accepted.par_iter().map(|member| seal(case, member, import)).collect();
    for sealed in sealed {
        change.absorb(sealed?);
    }
    Ok(change)
}

impl Checked {
    /// Where its identifiers lie; a member that is refused has none.
    fn places(&self) -> &[Place] {
        match self {
            Self::Fit(fit) => &fit.places,
            Self::Refused(_) => &[],
        }
    }
}

fn check(vault: &Vault, map: &DataMap, batch: &[NewMember]) -> Vec<Checked> {
    let check = |new: &NewMember| match checked(map, new) {
        Err(_told_later) => Checked::Refused(copy(new)),
        Ok((json, identifiers)) => {
            let place = |one: &Identifier| (one.kind(), vault.keyring().index_place(one));
            let mut places: Places = identifiers.iter().map(place).collect();
            // First the one by which an import knows a member again: of those a member has, it is to be reported.
            places.sort_by_key(|(kind, _)| *kind != IdentifierKind::ExternalId);
            Checked::Fit(Fit { json, meta: new.meta.clone(), places })
        }
    };
    batch.iter().map(check).collect()
}

/// Of a member as a batch has it.
fn copy(member: &NewMember) -> NewMember {
    NewMember { profile: member.profile.clone(), meta: member.meta.clone(), idempotency_key: None }
}

fn why_refused(map: &DataMap, new: &NewMember) -> Error {
    checked(map, new).err().unwrap_or(Error::Internal("a member is refused twice alike"))
}

/// The text of a profile and its identifiers, if a member may be like this.
fn checked(map: &DataMap, new: &NewMember) -> Result<(Plaintext, Vec<Identifier>), Error> {
    input::metadata(&new.meta)?;
    declared::profile(map, &new.profile)?;
    Ok((input::record_text(&new.profile)?, input::identifiers(&new.profile)?))
}

/// The keys, rows and leaf of one member.
fn seal(case: &Case<'_>, member: &Accepted<'_>, import: u32) -> Result<Change, Error> {
    let Accepted { id, fit, purposes } = member;
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
    let record = NewRecord::first(&address, case.now, &fit.meta, fit.json.expose());
    vault.put_first_row(&mut change, &body, &record)?;
    Ok(change)
}
