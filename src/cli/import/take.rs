//! Puts batches into the vault, and tells what became of each row.

use super::pipeline::Batch;
use super::row::{Fault, Reason};
use super::tally::Fate;
use super::{EXTERNAL_ID, OnExisting};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::code::{Code, Coded};
use crate::schema::DataMap;
use crate::types::{Ctx, IdentifierKind, MemberId, RecordMeta, Role};
use crate::vault::api::{Expect, Imported, NewMember, RecordAddress, RecordWrite, Written};
use crate::vault::consent::{ImportedConsents, Notice};
use crate::vault::{Error, Vault};

/// Profiles replaced at one time: enough that a group commit carries several, few enough for any machine.
const UPDATES_SIDE_BY_SIDE: usize = 16;

/// How rows are to be taken.
pub(super) struct Rules {
    pub(super) on_existing: OnExisting,
    pub(super) needs_external_id: bool,
    /// Metadata of every profile.
    pub(super) meta: RecordMeta,
    /// The notice under which consents were given.
    pub(super) notice: Notice,
}

/// Takes batches: into the vault, or nowhere in a dry run.
pub(super) struct Taker {
    rules: Rules,
    place: Place,
}

enum Place {
    Vault(Vault, Ctx),
    /// Nowhere; the map says what would be taken.
    Nowhere(DataMap),
}

impl Taker {
    /// Takes rows nowhere, but looks at them.
    pub(super) const fn dry(rules: Rules, map: DataMap) -> Self {
        Self { rules, place: Place::Nowhere(map) }
    }

    /// Takes rows into the vault.
    pub(super) fn open(session: &Session, rules: Rules) -> Result<Self, Failure> {
        Ok(Self { rules, place: Place::Vault(session.vault()?, session.ctx(Role::Crm)) })
    }

    /// What became of each row of the batch, in the order of lines.
    pub(super) fn take(&self, batch: Batch) -> Result<Vec<(u64, Fate)>, Failure> {
        let mut fates: Vec<_> =
            batch.rejects.into_iter().map(|reject| (reject.line, Fate::Rejected(reject.fault))).collect();
        let (mut lines, mut members) = (Vec::new(), Vec::new());
        for row in batch.rows {
            if self.rules.needs_external_id && !row.profile.contains_key(EXTERNAL_ID) {
                fates.push((row.line, Fate::Rejected(Fault::field(Reason::NoExternalId, EXTERNAL_ID))));
                continue;
            }
            lines.push(row.line);
            let meta = self.rules.meta.clone();
            members.push(NewMember { profile: row.profile, meta, idempotency_key: None });
        }
        fates.extend(lines.into_iter().zip(self.put(members)?));
        fates.sort_by_key(|(line, _)| *line);
        Ok(fates)
    }

    fn put(&self, members: Vec<NewMember>) -> Result<Vec<Fate>, Failure> {
        let (vault, ctx) = match &self.place {
            Place::Vault(vault, ctx) => (vault, ctx),
            Place::Nowhere(map) => {
                let check = |mut member: NewMember| {
                    Vault::would_take_out_consents(map, &mut member.profile);
                    Vault::check_member(map, &member).map_or_else(rejected, created)
                };
                return members.into_iter().map(check).collect();
            }
        };
        let mut members = members;
        let taken_out = |member: &mut NewMember| vault.take_out_consents(&mut member.profile);
        let purposes: Vec<_> = members.iter_mut().map(taken_out).collect();
        let consents = ImportedConsents { notice: &self.rules.notice, purposes: &purposes };
        let outcomes = vault.import_with(ctx, &members, consents).wait()?;
        let mut fates = Vec::with_capacity(members.len());
        let mut updates = Vec::new();
        for (at, (outcome, member)) in outcomes.into_iter().zip(members).enumerate() {
            fates.push(match outcome {
                Imported::Created(_) => Fate::Created,
                Imported::Rejected(error) => rejected(error)?,
                Imported::Exists { kind: IdentifierKind::ExternalId, member: id } => {
                    let (fate, update) = self.rules.existing(id, member);
                    updates.extend(update.map(|write| (at, write)));
                    fate
                }
                Imported::Exists { kind, .. } => rejected(Error::IdentifierTaken { kind })?,
            });
        }
        for (at, updated) in update(vault, ctx, &updates) {
            if let Some(fate) = fates.get_mut(at) {
                *fate = updated.map_or_else(rejected, |_| Ok(Fate::Updated))?;
            }
        }
        Ok(fates)
    }

    /// Tidies up after the batches and closes the vault.
    pub(super) fn close(self) -> Result<(), Failure> {
        let Place::Vault(vault, _) = self.place else { return Ok(()) };
        vault.finish_import()?;
        Ok(vault.close()?)
    }
}

impl Rules {
    /// The member is there already, in the vault (`id`) or earlier in the same batch: its fate, and what is to be written.
    fn existing(&self, id: Option<MemberId>, new: NewMember) -> (Fate, Option<RecordWrite>) {
        match (self.on_existing, id) {
            (OnExisting::Skip, _) => (Fate::Existing, None),
            (OnExisting::Update, None) => (Fate::Rejected(Fault::field(Reason::RepeatedExternalId, EXTERNAL_ID)), None),
            (OnExisting::Update, Some(id)) => {
                let address = RecordAddress::profile(id);
                let meta = Some(new.meta).filter(|meta| *meta != RecordMeta::default());
                (Fate::Updated, Some(RecordWrite { address, data: new.profile, meta, expect: Expect::Any }))
            }
        }
    }
}

/// Replaces profiles. Each is a durable commit of its own; done side by side, they share the wait for the disk.
fn update(vault: &Vault, ctx: &Ctx, writes: &[(usize, RecordWrite)]) -> Vec<(usize, Result<Written, Error>)> {
    let share = writes.len().div_ceil(UPDATES_SIDE_BY_SIDE).max(1);
    let put = |(at, write): &(usize, RecordWrite)| (*at, vault.put_record(ctx, write).wait());
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            writes.chunks(share).map(|chunk| scope.spawn(move || chunk.iter().map(put).collect::<Vec<_>>())).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

fn created(_: ()) -> Result<Fate, Failure> {
    Ok(Fate::Created)
}

/// A fault of the row is its fate; any other ends the run, since the next row would meet it too.
fn rejected(error: Error) -> Result<Fate, Failure> {
    let code = error.code();
    let of_the_row = matches!(
        code,
        Code::InvalidIdentifier
            | Code::IdentifierTaken
            | Code::InvalidRequest
            | Code::TooLarge
            | Code::LimitReached
            | Code::UnknownField
            | Code::Gone
            | Code::NotFound
    );
    if !of_the_row {
        return Err(error.into());
    }
    let of_map = error.field().map(ToString::to_string);
    let field = of_map.or_else(|| error.at().map(|at| at.trim_start_matches('/').to_owned()));
    Ok(Fate::Rejected(Fault { reason: code.as_str(), field }))
}
