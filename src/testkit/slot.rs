//! A keyring slot in memory that keeps everything it ever held, and capsules in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "for tests only")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::codec::Plaintext;
use crate::crypto::Entropy;
use crate::keyring::{Holder, KeyringBody, KeyringError, KeyringSlot};
use crate::masterkey::MasterKey;
use crate::store::StoreError;
use crate::store::capsules::Capsules;
use crate::types::slot::SlotLevel;
use crate::types::{HolderName, VaultId};

/// A slot whose whole past can be looked at: the adversary who kept every copy of the keyring.
pub struct MemorySlot {
    vault: VaultId,
    lives: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Bodies as they were written, the present one last.
    past: Vec<Vec<u8>>,
    holders: BTreeMap<HolderName, Vec<u8>>,
    away: BTreeSet<HolderName>,
}

impl MemorySlot {
    /// A slot that holds this body.
    ///
    /// # Panics
    /// If the body cannot be written.
    pub fn new(vault: VaultId, body: &KeyringBody) -> Self {
        let slot = Self { vault, lives: Arc::default(), state: Arc::default() };
        slot.state.lock().past.push(encode(body));
        slot
    }

    /// A number for each process that opens the vault: no two draw the same randomness. Founding it counts as one.
    pub fn begin_life(&self) -> u64 {
        self.lives.fetch_add(1, Ordering::Relaxed)
    }

    /// Every body it ever held, encoded, the present one last.
    pub fn past(&self) -> Vec<Vec<u8>> {
        self.state.lock().past.clone()
    }

    /// What a holder has, encoded.
    pub fn held_by(&self, name: &HolderName) -> Option<Vec<u8>> {
        self.state.lock().holders.get(name).cloned()
    }

    /// Takes a holder away, or brings it back.
    pub fn set_away(&self, name: &HolderName, away: bool) {
        let mut state = self.state.lock();
        if away {
            state.away.insert(name.clone())
        } else {
            state.away.remove(name)
        };
    }

    /// Puts back what it held before, as a machine does that is restored from an image.
    ///
    /// # Panics
    /// If it never held so many.
    pub fn go_back_to(&self, past: usize) {
        let mut state = self.state.lock();
        let body = state.past[past].clone();
        state.past.push(body);
    }
}

fn encode(body: &KeyringBody) -> Vec<u8> {
    body.encode().expect("the body is encoded").expose().to_vec()
}

/// The body of encoded bytes.
///
/// # Panics
/// If they are none.
pub fn decode(bytes: &[u8]) -> KeyringBody {
    KeyringBody::parse(Plaintext::from_vec(bytes.to_vec()).expose()).expect("a body that was encoded")
}

impl KeyringSlot for MemorySlot {
    fn vault(&self) -> &VaultId {
        &self.vault
    }

    fn level(&self) -> SlotLevel {
        SlotLevel::File
    }

    fn read(&self) -> Result<KeyringBody, KeyringError> {
        Ok(decode(self.state.lock().past.last().expect("it holds a body")))
    }

    fn replace(&self, body: &KeyringBody, _entropy: &dyn Entropy) -> Result<(), KeyringError> {
        self.state.lock().past.push(encode(body));
        Ok(())
    }

    fn rewrap(&self, _master: &dyn MasterKey, entropy: &dyn Entropy) -> Result<Arc<dyn KeyringSlot>, KeyringError> {
        self.replace(&self.read()?, entropy)?;
        Ok(Arc::new(Self { vault: self.vault, lives: Arc::clone(&self.lives), state: Arc::clone(&self.state) }))
    }

    fn share(&self, holder: &Holder) -> Result<(), KeyringError> {
        let mut state = self.state.lock();
        let present = state.past.last().cloned().expect("it holds a body");
        if state.away.contains(&holder.name) || !state.holders.contains_key(&holder.name) {
            return Err(KeyringError::HolderAway { name: holder.name.clone(), path: holder.directory.clone() });
        }
        state.holders.insert(holder.name.clone(), present);
        Ok(())
    }

    fn enroll(&self, holder: &Holder) -> Result<(), KeyringError> {
        let mut state = self.state.lock();
        let present = state.past.last().cloned().expect("it holds a body");
        state.holders.insert(holder.name.clone(), present);
        Ok(())
    }

    fn dismiss(&self, holder: &Holder) -> Result<(), KeyringError> {
        let mut state = self.state.lock();
        if state.away.contains(&holder.name) {
            return Err(KeyringError::HolderAway { name: holder.name.clone(), path: holder.directory.clone() });
        }
        state.holders.remove(&holder.name);
        Ok(())
    }
}

/// Capsules in memory.
#[derive(Default)]
pub struct MemoryCapsules(Mutex<BTreeMap<u64, Vec<u8>>>);

impl MemoryCapsules {
    /// Loses every capsule.
    pub fn lose(&self) {
        self.0.lock().clear();
    }
}

impl Capsules for MemoryCapsules {
    fn keep(&self, epoch: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.lock().insert(epoch, bytes.to_vec());
        Ok(())
    }

    fn find(&self, epoch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().get(&epoch).cloned())
    }
}
