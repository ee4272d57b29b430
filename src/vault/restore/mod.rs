//! Restore: the records of a backup under the control rows of today, into a fresh database.
//!
//! Keys, fences, index and ledger are always the latest (of the live database, or of a mirror of it); the keyring is
//! today's. So whoever was erased since the backup has no key, and comes back nowhere: the rows are left out. Before
//! the first request can be served, the erasures in the log are held against every member that is there, the index
//! against the profiles that came back, and the restore is in the log. Until then a mark in the database keeps it shut.
//!
//! `stale` is the other way, for when only an old image with its old keyring is left. Called by `app`, offline.

mod callers;
mod control;
mod index;
mod records;
mod stale;
mod tags;
mod unsettled;

use std::sync::Arc;

use serde::Serialize;

use crate::code::Code;
use crate::codec::Event;
use crate::codec::keys;
use crate::ledger::{self, Durability};
use crate::store::{Batch, Engine, Keyspace, Reader};
use crate::tables;
use crate::types::{Actor, BackupId, Ctx, RequestId, Role};

use super::open::Guard;
use super::{Error, Parts, Vault};

pub use control::Control;
pub use stale::Recovered;

/// Bytes that are written at a time.
const PIECE: usize = 4 * 1024 * 1024;

/// What a restore is made of.
pub struct Restoring<'a> {
    /// The database of the backup.
    pub data: &'a dyn Reader,
    /// The latest control rows.
    pub control: Control<'a>,
    /// The backup.
    pub backup: BackupId,
    /// SHA-256 of its manifest.
    pub manifest_sha256: [u8; 32],
    /// Size and root of the ledger just before the backup.
    pub ledger: (u64, [u8; 32]),
}

/// What a restore did. Counts only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Members that have keys.
    pub members: u64,
    /// Of these, members whose profile the backup does not have: they came after it.
    pub members_without_profile: u64,
    /// Records that came back.
    pub records: u64,
    /// Record rows of the backup that were left out, because their member or compartment was erased since.
    pub records_left_out: u64,
    /// Record rows that were left out, because the data key they lie under was rotated since: nobody has it any more. A
    /// later backup has the records of these compartments.
    pub records_under_old_keys: u64,
    /// Details of accesses that came back.
    pub accesses: u64,
    /// Details that were left out, because nobody has their key.
    pub accesses_left_out: u64,
    /// Index entries that no profile has any more.
    pub index_removed: u64,
    /// Index entries that were missing.
    pub index_entered: u64,
    /// Identifiers that belong to another member by now; the member keeps its profile and is not found by them.
    pub index_taken: u64,
    /// Members and compartments that the log says were erased and that had keys all the same. An alarm, if not 0.
    pub erased_again: u32,
    /// Whether the log knows this backup. A backup whose manifest is not the one in the log is refused.
    pub backup_is_logged: bool,
}

impl Vault {
    /// Restores into the engine of `parts`, which must be empty, and opens the vault.
    ///
    /// # Errors
    /// `stale_image` where backup, control rows and keyring do not belong together; `corrupt`; whatever the engine
    /// answers. What was begun stays shut (`restore_unfinished`) and is to be removed.
    pub fn restore(parts: Parts, restoring: Restoring<'_>) -> Result<(Self, Restored), Error> {
        let engine = Arc::clone(&parts.engine);
        if tables::meta::vault(&*engine)?.is_some() || tables::meta::unfinished(&*engine)?.is_some() {
            return Err(Error::Mismatch {
                code: Code::AlreadyExists,
                problem: "the database to restore into is not empty; choose a fresh directory",
            });
        }
        let mut mark = Batch::new();
        mark.put(
            tables::meta::KEYSPACE,
            tables::meta::UNFINISHED_KEY,
            tables::meta::Unfinished { backup: restoring.backup, leaves: 0 }.encode(),
        );
        engine.write(mark, Durability::Synced)?;
        let meta = restoring.control.copy_into(&*engine)?;
        belongs(&restoring, &*engine, &meta)?;
        let mut batch = Batch::new();
        batch.put(tables::meta::KEYSPACE, tables::meta::VAULT_KEY, meta);
        engine.write(batch, Durability::Synced)?;

        let vault = Self::open_behind(parts, Guard::Raised)?;
        let mut done = Restored::default();
        let erasures = tags::Erasures::of(&*engine, &restoring, &mut done)?;
        let expected = records::copy(&vault, restoring.data, &erasures, &mut done)?;
        index::reconcile(&vault, expected, &mut done)?;
        vault.engine().sync()?;
        done.erased_again = erasures.erase_again(&vault)?;
        vault.finish_restore(restoring.backup, &done)?;
        Ok((vault, done))
    }

    /// The last act: the leaf, and the mark goes with it.
    fn finish_restore(&self, backup: BackupId, done: &Restored) -> Result<(), Error> {
        let event = Event::Restore { backup, members: done.members, erased_again: done.erased_again };
        let mut change = self.event(&self.local(Role::Ops)?, event, self.now());
        change.delete(tables::meta::KEYSPACE, tables::meta::UNFINISHED_KEY);
        self.ledger().submit(change, Durability::Synced).wait()?;
        Ok(())
    }

    /// The context of an act of the operator at the machine.
    fn local(&self, role: Role) -> Result<Ctx, Error> {
        Ok(Ctx { actor: Actor::local(role), purpose: None, request: RequestId::from_random(self.random()?) })
    }
}

/// Backup and control rows are of one vault, and the control rows grew out of what the backup saw.
fn belongs(restoring: &Restoring<'_>, engine: &dyn Engine, meta: &[u8]) -> Result<(), Error> {
    let of_backup = restoring.data.get(Keyspace::Control, &keys::VAULT_META)?;
    if of_backup.as_deref() != Some(meta) {
        return Err(stale("the backup is of another vault than the control rows"));
    }
    let (size, root) = restoring.ledger;
    match ledger::root_at(engine, size)? {
        Some(found) if found == root => Ok(()),
        Some(_) => {
            Err(stale("the ledger of the control rows is not the one the backup saw: another or altered history"))
        }
        None => Err(stale("the control rows are older than the backup: use the newest database directory or mirror")),
    }
}

const fn stale(problem: &'static str) -> Error {
    Error::Mismatch { code: Code::StaleImage, problem }
}
