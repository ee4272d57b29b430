//! The seal: after it, what was erased cannot be read from any byte ever written with all the keys of today.
//!
//! Erasing writes a fence and removes the rows; old files still hold them, under keys that today's root leads to. The
//! seal replaces the keys on every path from the root to what was removed, and then the root, and only then says so.
//!
//! A *round* (`round`) takes the [`Step`]s once, for a bounded number of leaves of the key tree, so that writers wait
//! for milliseconds; readers never wait. A *sweep* (`sweep`) is as many rounds as there were leaves to re-key when it
//! began, and then certifies the erasures that were fenced before it began. There is one sweep at a time.

pub(super) mod capsule;
pub(super) mod certify;
mod everything;
mod round;
mod step;
mod sweep;
mod waiting;

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use serde::Serialize;

use crate::keyring::KeyringSlot;
use crate::masterkey::{MasterKey, MasterKeyError};
use crate::policy::Action;
use crate::store::capsules::Capsules;
use crate::types::{Ctx, ErasureId, HolderName};

use super::{Error, Vault};

pub use step::Step;
pub use sweep::ROUND_LEAVES_MAX;

/// Told after each step of a seal; a break ends the seal there, as a crash would. For tests of recovery.
pub type StepWatch = Arc<dyn Fn(Step) -> ControlFlow<()> + Send + Sync>;

/// Reads the master key the keyring is to be put under next, at the moment it is asked for.
pub type NextMaster = Arc<dyn Fn() -> Result<Box<dyn MasterKey>, MasterKeyError> + Send + Sync>;

/// What a seal needs besides the rest of the vault.
pub(super) struct Seals {
    /// Where the root is kept.
    slot: RwLock<Arc<dyn KeyringSlot>>,
    next_master: OnceLock<NextMaster>,
    /// Where capsules are kept.
    pub(super) capsules: Arc<dyn Capsules>,
    /// Who has this seals; nobody else does.
    pub(super) turn: Mutex<()>,
    pub(super) watch: Option<StepWatch>,
}

impl Seals {
    pub(super) fn new(slot: Arc<dyn KeyringSlot>, capsules: Arc<dyn Capsules>, watch: Option<StepWatch>) -> Self {
        Self { slot: RwLock::new(slot), next_master: OnceLock::new(), capsules, turn: Mutex::new(()), watch }
    }

    /// Where the root is kept.
    pub(super) fn slot(&self) -> Arc<dyn KeyringSlot> {
        Arc::clone(&self.slot.read())
    }

    /// From now on the root is kept there: the same place, under another master key.
    fn set_slot(&self, slot: Arc<dyn KeyringSlot>) {
        *self.slot.write() = slot;
    }
}

/// What a seal did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SealReport {
    /// The epoch of the key tree afterwards.
    pub epoch: u64,
    /// New roots.
    pub rounds: u32,
    /// Leaves of the key tree that got new keys.
    pub leaves: u64,
    /// Rows that were wrapped anew.
    pub rows: u64,
    /// Erasures that are sealed since.
    pub sealed: u64,
    /// The longest time, in microseconds, that writers had to wait for a round.
    pub longest_pause_us: u64,
    /// Holders of the keyring that have not dropped the old root; erasures wait for them.
    pub waiting_for: Vec<HolderName>,
}

impl Vault {
    /// Seals what waits. Blocks, for milliseconds to seconds; reads and writes go on meanwhile.
    ///
    /// # Errors
    /// A denial of the policy; whatever keyring or engine answer. What was not sealed stays fenced and is taken up again.
    pub fn seal(&self, ctx: &Ctx) -> Result<SealReport, Error> {
        self.may(ctx, Action::SealRun)?;
        let turn = self.seals().turn.lock();
        self.sweep(&turn)
    }

    /// Seals if anything waits for it; for the scheduler.
    ///
    /// # Errors
    /// Whatever keyring or engine answer.
    pub fn seal_due(&self) -> Result<Option<SealReport>, Error> {
        let turn = self.seals().turn.lock();
        if self.seal_is_due()? { self.sweep(&turn).map(Some) } else { Ok(None) }
    }

    /// Seals until this erasure is sealed, or a holder is waited for. For a caller who was allowed to erase.
    ///
    /// # Errors
    /// `not_found`; whatever keyring or engine answer.
    pub fn seal_erasure(&self, id: &ErasureId) -> Result<super::api::Erasure, Error> {
        // Callers that come while a sweep is under way wait here, and most of them then find their work done.
        let turn = self.seals().turn.lock();
        if !self.is_sealed(id)? {
            self.sweep(&turn)?;
        }
        self.erasure_row(id)
    }
}
