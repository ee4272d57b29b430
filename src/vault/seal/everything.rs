//! Every key of the tree anew: after an old keyring was lost to others, or with a new master key.
//!
//! Whoever has an old keyring, its master key and old files walks from the old root through old nodes to whatever was not
//! re-keyed since. So it is not enough to replace the root: every leaf is marked, as if something had been removed from
//! it, and the sweep that follows (this one, or after a crash the next) replaces them all.

use crate::code::Code;
use crate::codec::Event;
use crate::keyring::KeyringError;
use crate::ledger::{Change, Durability};
use crate::masterkey::MasterKey;
use crate::policy::Action;
use crate::tables;
use crate::types::Ctx;

use super::super::{Error, Vault};
use super::{NextMaster, SealReport};

/// Marks of one commit: half a megabyte.
const MARKS_EACH: u32 = 32 * 1024;

impl Vault {
    /// Gives every leaf of the key tree a new key, and the tree a new root: after it, no key that an earlier keyring led
    /// to opens anything of today. Takes time in proportion to the vault; reads and writes go on.
    ///
    /// # Errors
    /// A denial of the policy; whatever keyring or engine answer.
    pub fn seal_everything(&self, ctx: &Ctx) -> Result<SealReport, Error> {
        self.may(ctx, Action::SealRun)?;
        let turn = self.seals().turn.lock();
        self.mark_everything(ctx, || Event::TreeMark)?;
        self.sweep(&turn)
    }

    /// Puts the keyring, here and at its holders, under another master key, and gives every leaf of the key tree a new
    /// key: an old keyring with the old master key opens nothing of today. Reads and writes go on.
    ///
    /// # Errors
    /// A denial of the policy; `conflict` if the file was rewrapped by another process; whatever keyring or engine
    /// answer. Cut short, it is finished by the next seal; the keyring is under one master key or the other, never both.
    pub fn rotate_master(&self, ctx: &Ctx, master: &dyn MasterKey) -> Result<SealReport, Error> {
        self.may(ctx, Action::KeyringChange)?;
        let turn = self.seals().turn.lock();
        // Marked first: a keyring under a new master key over an old tree would look safer than it is.
        self.mark_everything(ctx, || Event::MasterRotate)?;
        let slot = self.seals().slot().rewrap(master, self.entropy())?;
        let body = slot.read()?;
        self.seals().set_slot(slot);
        self.share_with_holders(&body);
        self.sweep(&turn)
    }

    /// [`Self::rotate_master`] to the master key that the settings name as the next.
    ///
    /// # Errors
    /// `not_configured` where they name none; why it cannot be read; as there.
    pub fn rotate_to_next_master(&self, ctx: &Ctx) -> Result<SealReport, Error> {
        self.may(ctx, Action::KeyringChange)?;
        let next = self.seals().next_master.get().ok_or(Error::Mismatch {
            code: Code::NotConfigured,
            problem: "no next master key is set: name 'next.passphrase_file' or 'next.key_file' in the settings",
        })?;
        let master = next().map_err(KeyringError::from)?;
        self.rotate_master(ctx, &*master)
    }

    /// Says how to find the next master key.
    pub fn set_next_master(&self, next: NextMaster) {
        // Said once, when the vault is opened.
        let _first = self.seals().next_master.set(next);
    }

    /// Marks every leaf of the tree for the sweep that follows. Durable when this returns.
    fn mark_everything(&self, ctx: &Ctx, event: impl Fn() -> Event) -> Result<(), Error> {
        for (subtree, count) in self.keyring().shape().leaves().collect::<Vec<_>>() {
            for first in (0..count).step_by(MARKS_EACH as usize) {
                let mut change: Change = self.event(ctx, event(), self.now());
                let end = count.min(first.saturating_add(MARKS_EACH));
                for leaf in first..end {
                    let mark = self.random::<{ tables::dirty::MARK_LEN }>()?;
                    change.put(tables::dirty::KEYSPACE, tables::dirty::key(subtree, leaf), mark);
                }
                self.ledger().submit(change, Durability::Synced).wait()?;
            }
        }
        Ok(())
    }
}
