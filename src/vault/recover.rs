//! Opening after a crash: which of the two trees is the vault's, and what is left to do of a seal.
//!
//! | tree in the database | roots in the keyring | what is done |
//! |---|---|---|
//! | e | e | nothing |
//! | e | e, e+1 | the pending root is dropped; erasures stay queued, and the next seal draws fresh keys |
//! | e+1 | e, e+1 | the seal goes on from its read-back |
//! | e+1 | e+1 | the certificates, if they are missing |
//! | e | e+1 | the disk lost an acknowledged batch: it is redone from its capsule |
//! | e | e+1, e+2 | the same, noticed when the next seal had begun: redone, then the pending root is dropped |
//! | otherwise | | database and keyring are of different ages: refused, with instructions |
//!
//! Each way can be cut short by another crash and is then taken from its beginning. `tests/seal_model.rs` walks them all.

use serde::Serialize;

use crate::code::Code;
use crate::codec::{Capsule, ErasureRow, Event};
use crate::crypto;
use crate::keyring::{Keyring, KeyringBody};
use crate::ledger;
use crate::store::{Batch, Durability, Engine};
use crate::tables;
use crate::types::{Actor, Ctx, Role};

use super::open::Parts;
use super::seal::capsule::keyspace;
use super::seal::certify::share;
use super::{Error, Vault};

/// What was found when the vault was opened, and done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Recovery {
    /// Nothing: the last process ended between two seals.
    Sound,
    /// A seal had drawn its root and written nothing under it.
    SealAbandoned {
        /// The epoch that never came.
        epoch: u64,
    },
    /// A seal had committed; it was brought to its end.
    SealResumed {
        /// Its epoch.
        epoch: u64,
    },
    /// The disk had lost a seal that it had acknowledged; it was redone from its capsule.
    SealRedone {
        /// Its epoch.
        epoch: u64,
        /// Entries of the ledger that were lost with it and came back.
        leaves: u64,
    },
}

impl Recovery {
    /// One sentence for an operator.
    pub fn sentence(&self) -> String {
        match self {
            Self::Sound => "database and keyring agree; there was nothing to do".to_owned(),
            Self::SealAbandoned { epoch } => {
                format!("a seal to epoch {epoch} had begun and changed nothing; it was dropped, and is taken up anew")
            }
            Self::SealResumed { epoch } => {
                format!(
                    "a seal to epoch {epoch} was committed and not finished; it was finished, and the old root dropped"
                )
            }
            Self::SealRedone { epoch, leaves } => format!(
                "the disk had lost the seal to epoch {epoch}, which it had acknowledged; it was redone from its capsule, \
                 with {leaves} lost ledger entries. Do not trust this disk: check it, and restore the newest backup of \
                 the records"
            ),
        }
    }
}

/// Settles which tree is the vault's: the body of the keyring as it is now, and what was found.
pub(super) fn settle(parts: &Parts) -> Result<(KeyringBody, Recovery), Error> {
    let body = parts.slot.read()?;
    let tree = tables::meta::epoch(&*parts.engine)?.unwrap_or(Keyring::FIRST_EPOCH);
    match (body.epoch, body.next.as_ref().map(|(epoch, _)| *epoch)) {
        (present, None) if tree == present => Ok((body, Recovery::Sound)),
        (present, Some(epoch)) if tree == present => Ok((abandon(parts, body)?, Recovery::SealAbandoned { epoch })),
        (_, Some(next)) if tree == next => Ok((body, Recovery::SealResumed { epoch: next })),
        (present, next) if tree.checked_add(1) == Some(present) => {
            let leaves = redo(parts, &body)?;
            // The loss may show only when the next seal has drawn its root already.
            let body = if next.is_some() { abandon(parts, body)? } else { body };
            Ok((body, Recovery::SealRedone { epoch: present, leaves }))
        }
        (present, next) if tree > next.unwrap_or(present) => Err(stale(
            "the keyring is older than the database: use the keyring in use last, or the copy of another holder",
        )),
        _ => Err(stale(
            "the database is older than the keyring: an old image. Restore the newest data under the latest control rows \
             ('membervault restore'), or replay the erasures since ('membervault recover --stale')",
        )),
    }
}

/// The pending root goes: its tree was never committed, though its bytes may be on the disk.
fn abandon(parts: &Parts, mut body: KeyringBody) -> Result<KeyringBody, Error> {
    #[cfg(feature = "sabotage")]
    if crate::sabotage::keeps_other_root() {
        return Ok(body);
    }
    body.next = None;
    parts.slot.replace(&body, &*parts.entropy)?;
    share(&*parts.slot, &body);
    Ok(body)
}

/// Applies the capsule that leads to the keyring's epoch, as one durable batch. How many leaves came back with it.
fn redo(parts: &Parts, body: &KeyringBody) -> Result<u64, Error> {
    let lost = stale(
        "the disk lost a seal that it had acknowledged, and its redo capsule is not there: restore the newest data under \
         the latest control rows ('membervault restore')",
    );
    let file = parts.capsules.find(body.epoch)?.ok_or(lost)?;
    let (covered, hash) = Capsule::split(&file)?;
    let intact = crypto::sha256(&[covered]) == *hash;
    let capsule = Capsule::parse(covered)?;
    let ours =
        capsule.vault == parts.vault && capsule.epoch == body.epoch && capsule.new_root == body.root.commitment();
    if !intact || !ours {
        return Err(Error::Mismatch {
            code: Code::Corrupt,
            problem: "the redo capsule of the lost seal is damaged, or of another seal; take it from a mirror",
        });
    }
    apply(&*parts.engine, &capsule)
}

fn apply(engine: &dyn Engine, capsule: &Capsule) -> Result<u64, Error> {
    let mut batch = Batch::new();
    let unknown = Error::Internal("a capsule names a keyspace that is not there");
    for clear in &capsule.clears {
        let Some(keyspace) = keyspace(clear.keyspace) else { return Err(unknown) };
        batch.delete_range(keyspace, clear.start.clone(), clear.end.clone());
    }
    for row in &capsule.rows {
        let Some(keyspace) = keyspace(row.keyspace) else { return Err(unknown) };
        batch.put(keyspace, row.key.clone(), row.row.clone());
    }
    let before = ledger::StoredLog(engine).head()?.size;
    batch.append(ledger::regrow(engine, capsule.first_leaf, &capsule.leaves, capsule.ledger_root)?);
    engine.write(batch, Durability::Synced)?;
    Ok(ledger::StoredLog(engine).head()?.size.saturating_sub(before))
}

/// Database and keyring do not belong together.
pub(super) const fn stale(problem: &'static str) -> Error {
    Error::Mismatch { code: Code::StaleImage, problem }
}

impl Vault {
    /// What was found when this vault was opened.
    pub fn recovery(&self) -> Recovery {
        self.0.recovery
    }

    /// Ends what the last process left of a seal: the rest of its steps, then certificates that are missing.
    pub(super) fn finish_seals(&self, recovery: Recovery) -> Result<(), Error> {
        if let Recovery::SealResumed { epoch } = recovery {
            self.resume_seal(epoch)?;
        }
        self.erase_what_came_back(matches!(recovery, Recovery::SealRedone { .. }))?;
        if recovery != Recovery::Sound {
            tracing::warn!("{}", recovery.sentence());
        }
        self.certify_what_is_ready()
    }

    /// A disk that lost a seal may have lost fences before it. The capsule brings them back, and not what they removed
    /// elsewhere; an erasure must not be certified over a row that is there. After a redo the index is searched too.
    fn erase_what_came_back(&self, redone: bool) -> Result<(), Error> {
        let ctx = Ctx { actor: Actor::local(Role::Compliance), ..self.own_ctx()? };
        for id in self.pending_erasures()? {
            let row =
                tables::erasure::read(self.engine(), &id)?.ok_or(Error::Internal("a pending erasure has its row"))?;
            if self.has_keys(&row)? {
                tracing::warn!(erasure = %id, "keys were there of what is erased; erasing again");
                self.erase_again(&ctx, &row.member, row.compartment, &id)?;
            } else if redone && row.compartment.is_none() {
                let intent = Event::EraseIntent { erasure: id, compartment_only: false, tag: row.tag };
                let mut change = self.event(&ctx, intent, self.now());
                self.expel(&mut change, &row.member)?;
                self.ledger().submit(change, Durability::Synced).wait()?;
            }
        }
        Ok(())
    }

    /// Whether there are keys of what this erasure erased.
    fn has_keys(&self, row: &ErasureRow) -> Result<bool, Error> {
        let Some(sealed) = tables::member::row(self.engine(), &row.member)? else { return Ok(false) };
        let Some(number) = row.compartment else { return Ok(true) };
        let body = self.keyring().open_member(self.engine(), &row.member, &sealed)?;
        Ok(body.compartment_numbered(number).is_some_and(|keys| !keys.is_erased()))
    }
}
