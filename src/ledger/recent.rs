//! Which rows were written lately, without looking at them.
//!
//! A change that relies on a row would cost the committer one read of the engine a row, on the one path everybody
//! shares. Most rows nobody wrote since the change was decided; this table says so for certain, and where it cannot it
//! says "perhaps" and the row is read.

use std::hash::{BuildHasher, RandomState};

use super::change::Mark;
use crate::store::{KeyRange, Keyspace, Op};

/// Slots of the table: with some thousand writes between decision and commit few share a slot by chance. Half a
/// megabyte.
const SLOTS: usize = 1 << 16;

/// Records are noted by how their keys begin too, for who empties a range of them: all that is one member's.
const PREFIX_LEN: usize = 16;

const fn is_noted_by_prefix(keyspace: Keyspace) -> bool {
    matches!(keyspace, Keyspace::Records)
}

/// Nobody relies on accesses, of which each read adds one: they are not noted at all.
const fn is_noted_by_key(keyspace: Keyspace) -> bool {
    !matches!(keyspace, Keyspace::Access)
}

/// For each slot, the number of the last group that wrote a row of it.
pub(super) struct Recent {
    slots: Box<[u64]>,
    /// For each keyspace, the last group that removed a range: rows cannot be told apart there.
    ranges: [u64; Keyspace::ALL.len()],
    /// Keyed, so that nobody who chooses ids can aim at a slot.
    hasher: RandomState,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { slots: vec![0; SLOTS].into_boxed_slice(), ranges: [0; Keyspace::ALL.len()], hasher: RandomState::new() }
    }

    /// Notes that the group `group` writes what `op` writes.
    pub(super) fn note(&mut self, group: u64, op: &Op) {
        match op {
            Op::Put { keyspace, key, .. } | Op::Delete { keyspace, key } => {
                if is_noted_by_key(*keyspace) {
                    self.note_key(group, *keyspace, key);
                }
                if let Some(prefix) = key.get(..PREFIX_LEN).filter(|_| is_noted_by_prefix(*keyspace)) {
                    self.note_key(group, *keyspace, prefix);
                }
            }
            Op::DeleteRange { keyspace, .. } => {
                if let Some(last) = self.ranges.get_mut(keyspace.index()) {
                    *last = group;
                }
            }
        }
    }

    fn note_key(&mut self, group: u64, keyspace: Keyspace, key: &[u8]) {
        let slot = self.slot(keyspace, key);
        if let Some(last) = self.slots.get_mut(slot) {
            *last = group;
        }
    }

    /// Whether nobody wrote the row since `mark`. `false` means "perhaps somebody did".
    pub(super) fn untouched(&self, mark: Mark, keyspace: Keyspace, key: &[u8]) -> bool {
        is_noted_by_key(keyspace) && self.slot_untouched(mark, keyspace, key)
    }

    fn slot_untouched(&self, mark: Mark, keyspace: Keyspace, key: &[u8]) -> bool {
        let last = self.slots.get(self.slot(keyspace, key)).copied().unwrap_or(u64::MAX);
        last.max(self.ranges.get(keyspace.index()).copied().unwrap_or(u64::MAX)) <= mark.0
    }

    /// Whether nobody wrote a row of the range since `mark`. `false` means "perhaps somebody did".
    pub(super) fn range_untouched(&self, mark: Mark, keyspace: Keyspace, range: &KeyRange) -> bool {
        let prefix = range.start.get(..PREFIX_LEN).filter(|_| range.shares_prefix(PREFIX_LEN));
        is_noted_by_prefix(keyspace) && prefix.is_some_and(|prefix| self.slot_untouched(mark, keyspace, prefix))
    }

    fn slot(&self, keyspace: Keyspace, key: &[u8]) -> usize {
        let hash = self.hasher.hash_one((keyspace.index(), key));
        usize::try_from(hash % SLOTS as u64).unwrap_or(0)
    }
}
