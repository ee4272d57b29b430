//! Puts batches into the vault, and tells what became of each row.

use super::pipeline::Batch;
use super::row::{Fault, Reason, Row};
use super::tally::Fate;
use super::{EXTERNAL_ID, OnExisting};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::code::{Code, Coded};
use crate::schema::DataMap;
use crate::types::{Ctx, IdentifierKind, MemberId, Purpose, RecordMeta, Role};
use crate::vault::api::{Expect, Imported, NewMember, RecordAddress, RecordWrite, Written};
use crate::vault::consent::{ImportedConsents, Notice};
use crate::vault::import::CheckedBatch;
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

/// A batch that is ready to be taken.
pub(super) struct Ready<'t> {
    /// Of the rows that were rejected so far.
    fates: Vec<(u64, Fate)>,
    /// Of the other rows.
    lines: Vec<u64>,
    work: Work<'t>,
}

/// What is left to do with them.
enum Work<'t> {
    Put {
        vault: &'t Vault,
        ctx: &'t Ctx,
        members: CheckedBatch,
        purposes: Vec<Vec<Purpose>>,
    },
    /// Nothing: it is a dry run.
    Checked(Result<Vec<Fate>, Failure>),
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

    /// What can be done with a batch while the one before is being taken.
    pub(super) fn make_ready(&self, batch: Batch) -> Ready<'_> {
        let mut fates: Vec<_> =
            batch.rejects.into_iter().map(|reject| (reject.line, Fate::Rejected(reject.fault))).collect();
        let (mut lines, mut members, mut purposes) = (Vec::new(), Vec::new(), Vec::new());
        for Row { line, mut profile, .. } in batch.rows {
            if self.rules.needs_external_id && !profile.contains_key(EXTERNAL_ID) {
                fates.push((line, Fate::Rejected(Fault::field(Reason::NoExternalId, EXTERNAL_ID))));
                continue;
            }
            lines.push(line);
            purposes.push(match &self.place {
                Place::Vault(vault, _) => vault.take_out_consents(&mut profile),
                Place::Nowhere(map) => Vault::would_take_out_consents(map, &mut profile),
            });
            members.push(NewMember { profile, meta: self.rules.meta.clone(), idempotency_key: None });
        }
        let work = match &self.place {
            Place::Vault(vault, ctx) => Work::Put { vault, ctx, members: vault.check_batch(&members), purposes },
            Place::Nowhere(map) => {
                let check = |member| Vault::check_member(map, member).map_or_else(rejected, created);
                Work::Checked(members.iter().map(check).collect())
            }
        };
        Ready { fates, lines, work }
    }

    /// What became of each row of the batch, in the order of lines.
    pub(super) fn take(&self, batch: Ready<'_>) -> Result<Vec<(u64, Fate)>, Failure> {
        let Ready { mut fates, lines, work } = batch;
        let of_members = match work {
            Work::Put { vault, ctx, members, purposes } => self.put(vault, ctx, &members, &purposes)?,
            Work::Checked(fates) => fates?,
        };
        fates.extend(lines.into_iter().zip(of_members));
        fates.sort_by_key(|(line, _)| *line);
        Ok(fates)
    }

    fn put(
        &self,
        vault: &Vault,
        ctx: &Ctx,
        members: &CheckedBatch,
        purposes: &[Vec<Purpose>],
    ) -> Result<Vec<Fate>, Failure> {
        let consents = ImportedConsents { notice: &self.rules.notice, purposes };
        let outcomes = vault.import_checked(ctx, members, consents).wait()?;
        let mut fates = Vec::with_capacity(outcomes.len());
        let mut updates = Vec::new();
        for (at, outcome) in outcomes.into_iter().enumerate() {
            fates.push(match outcome {
                Imported::Created(_) => Fate::Created,
                Imported::Rejected(error) => rejected(error)?,
                Imported::Exists { kind: IdentifierKind::ExternalId, member: id } => {
                    let (fate, update) = self.rules.existing(id);
                    if let Some(id) = update {
                        updates.push((at, replacing(id, members.member(at)?)));
                    }
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
    /// The member is there already, in the vault (`id`) or earlier in the same batch: its fate, and whom to write to.
    fn existing(&self, id: Option<MemberId>) -> (Fate, Option<MemberId>) {
        match (self.on_existing, id) {
            (OnExisting::Skip, _) => (Fate::Existing, None),
            (OnExisting::Update, None) => (Fate::Rejected(Fault::field(Reason::RepeatedExternalId, EXTERNAL_ID)), None),
            (OnExisting::Update, Some(id)) => (Fate::Updated, Some(id)),
        }
    }
}

/// The profile of this member is to be that of the file.
fn replacing(id: MemberId, new: NewMember) -> RecordWrite {
    let meta = Some(new.meta).filter(|meta| *meta != RecordMeta::default());
    RecordWrite { address: RecordAddress::profile(id), data: new.profile, meta, expect: Expect::Any }
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
