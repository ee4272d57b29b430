//! An old image with its old keyring, when nothing newer is left but a copy of the log.
//!
//! In such an image members have keys that were erased since. The log names none of them; yet the keys that are there
//! again yield the tags of their erasures, and know the leaves of what they said. So the newer log is taken over, every
//! member is held against it, and what it says is gone goes again and is sealed; who changed a consent or an objection is
//! put on the safe side; who was shut out is shut out again; and only then is anything served.

use serde::Serialize;

use super::callers::Callers;
use super::records::each_member;
use super::tags::Erasures;
use super::unsettled::Unsettled;
use super::{Error, Restored, stale};
use crate::ledger::{self, Durability, StoredLog};
use crate::store::{Batch, Reader};
use crate::tables;
use crate::tables::meta::Unfinished;
use crate::types::BackupId;
use crate::vault::open::Guard;
use crate::vault::{Parts, Vault};

/// In place of the id of a backup: an image that came back whole.
const WHOLE_IMAGE: BackupId = BackupId::from_bytes([0; 16]);

/// What was found in an old image, and done about it. Counts only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// Leaves of the newer log that were taken over.
    pub leaves: u64,
    /// Members that had keys in the image.
    pub members: u64,
    /// Members and compartments that the log says were erased, and that were erased again.
    pub erased_again: u32,
    /// Erasures that are sealed since.
    pub sealed: u64,
    /// Members of whom the log says that a consent changed after the image: what they had agreed to was set aside.
    pub consents_set_aside: u32,
    /// Members of whom the log says that an objection, a restriction or a refusal changed: their data were restricted.
    pub restricted: u32,
    /// Tokens of the image that the log says were revoked, and that were revoked again.
    pub tokens_revoked: u32,
    /// Whether the use of member data was frozen for all: the log says that links were revoked or freezes set, and not which.
    pub frozen: bool,
}

impl Vault {
    /// Opens an old image offline, takes over the newer `log`, and erases again what that says was erased.
    ///
    /// # Errors
    /// `stale_image` if the log is of another vault or another history; whatever keyring or engine answer. What was begun
    /// stays shut until this is run again and comes to its end.
    pub fn recover_stale(parts: Parts, log: &dyn Reader) -> Result<(Self, Recovered), Error> {
        let engine = std::sync::Arc::clone(&parts.engine);
        // Where the image ends, also if this was begun before.
        let end = match tables::meta::unfinished(&*engine)? {
            None => StoredLog(&*engine).head()?.size,
            Some(begun) if begun.backup == WHOLE_IMAGE => begun.leaves,
            Some(_) => return Err(Error::RestoreUnfinished),
        };
        let (mut batch, leaves) = newer_leaves(&*engine, log)?;
        // In the same batch: with the log taken over and nobody erased, this image must not be served.
        let mark = Unfinished { backup: WHOLE_IMAGE, leaves: end };
        batch.put(tables::meta::KEYSPACE, tables::meta::UNFINISHED_KEY, mark.encode());
        engine.write(batch, Durability::Synced)?;

        let vault = Self::open_behind(parts, Guard::Raised)?;
        let mut done = Restored::default();
        let erasures = Erasures::in_log(&*engine)?;
        let unsettled = Unsettled::in_log(&*engine, end)?;
        let callers = Callers::in_log(&*engine, end)?;
        each_member(&vault, &mut |member, body| {
            done.members += 1;
            erasures.examine(member, body);
            unsettled.examine(member, body);
            Ok(())
        })?;
        done.erased_again = erasures.erase_again(&vault)?;
        let sealed = vault.seal_due()?.map_or(0, |report| report.sealed);
        let (members, erased_again) = (done.members, done.erased_again);
        let mut recovered = Recovered { leaves, members, erased_again, sealed, ..Recovered::default() };
        unsettled.settle(&vault, &mut recovered)?;
        callers.settle(&vault, &mut recovered)?;
        vault.finish_restore(WHOLE_IMAGE, &done)?;
        Ok((vault, recovered))
    }
}

/// The batch that takes over what `log` has and `ours` has not; and how many leaves that is.
fn newer_leaves(ours: &dyn Reader, log: &dyn Reader) -> Result<(Batch, u64), Error> {
    let (present, newer) = (StoredLog(ours).head()?, StoredLog(log).head()?);
    let shorter = present.size.min(newer.size);
    if ledger::root_at(ours, shorter)? != ledger::root_at(log, shorter)? {
        return Err(stale(
            "the log given is not the continuation of this vault's log: another vault, or another history",
        ));
    }
    let leaves = ledger::leaves(log, shorter, newer.size)?;
    let count = leaves.len() as u64;
    Ok((ledger::regrow(ours, shorter, &leaves, newer.root)?, count))
}
