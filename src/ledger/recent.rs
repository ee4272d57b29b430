//! Which rows were written lately, without looking at them.
//!
//! A change that relies on a row would cost the committer one read of the engine a row, on the one path everybody
//! shares. Most rows nobody wrote since the change was decided; this table says so for certain, and where it cannot it
//! says "perhaps" and the row is read.

use std::hash::{BuildHasher, RandomState};

use super::change::Mark;
use crate::store::{Keyspace, Op};

/// Slots of the table: with some thousand writes between decision and commit few share a slot by chance. Half a
/// megabyte.
const SLOTS: usize = 1 << 16;

/// For each slot, the number of the last group that wrote a row of it.
pub(super) struct Recent {
    slots: Box<[u64]>,
    /// The last group that removed a range: rows cannot be told apart there.
    range: u64,
    /// Keyed, so that nobody who chooses ids can aim at a slot.
    hasher: RandomState,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { slots: vec![0; SLOTS].into_boxed_slice(), range: 0, hasher: RandomState::new() }
    }

    /// Notes that the group `group` writes what `op` writes.
    pub(super) fn note(&mut self, group: u64, op: &Op) {
        match op {
            Op::Put { keyspace, key, .. } | Op::Delete { keyspace, key } => {
                let slot = self.slot(*keyspace, key);
                if let Some(last) = self.slots.get_mut(slot) {
                    *last = group;
                }
            }
            Op::DeleteRange { .. } => self.range = group,
        }
    }

    /// Whether nobody wrote the row since `mark`. `false` means "perhaps somebody did".
    pub(super) fn untouched(&self, mark: Mark, keyspace: Keyspace, key: &[u8]) -> bool {
        let last = self.slots.get(self.slot(keyspace, key)).copied().unwrap_or(u64::MAX);
        last.max(self.range) <= mark.0
    }

    fn slot(&self, keyspace: Keyspace, key: &[u8]) -> usize {
        let hash = self.hasher.hash_one((keyspace.index(), key));
        usize::try_from(hash % SLOTS as u64).unwrap_or(0)
    }
}
