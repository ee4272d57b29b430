//! Writes that are applied together or not at all.

use super::{KeyRange, Keyspace};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a row.
    Put {
        /// Where.
        keyspace: Keyspace,
        /// The key.
        key: Vec<u8>,
        /// The row.
        value: Vec<u8>,
    },
    /// Removes a row; nothing happens if there is none.
    Delete {
        /// Where.
        keyspace: Keyspace,
        /// The key.
        key: Vec<u8>,
    },
    /// Removes every row from `start` (included) to `end` (excluded).
    DeleteRange {
        /// Where.
        keyspace: Keyspace,
        /// The first key.
        start: Vec<u8>,
        /// The first key that stays.
        end: Vec<u8>,
    },
}

/// Writes in order; the later wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The writes.
    pub ops: Vec<Op>,
}

impl Batch {
    /// An empty batch.
    pub const fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// Sets a row.
    pub fn put(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.ops.push(Op::Put { keyspace, key: key.into(), value: value.into() });
        self
    }

    /// Removes a row.
    pub fn delete(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>) -> &mut Self {
        self.ops.push(Op::Delete { keyspace, key: key.into() });
        self
    }

    /// Removes every row from `start` (included) to `end` (excluded).
    pub fn delete_range(
        &mut self,
        keyspace: Keyspace,
        start: impl Into<Vec<u8>>,
        end: impl Into<Vec<u8>>,
    ) -> &mut Self {
        self.ops.push(Op::DeleteRange { keyspace, start: start.into(), end: end.into() });
        self
    }

    /// Takes the operations of `other` after its own.
    pub fn append(&mut self, mut other: Self) -> &mut Self {
        self.ops.append(&mut other.ops);
        self
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Bytes of keys and rows, for limits on the size of a group.
    pub fn bytes(&self) -> usize {
        self.ops.iter().map(Op::bytes).sum()
    }
}

impl Op {
    /// Bytes of keys and row.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Put { key, value, .. } => key.len() + value.len(),
            Self::Delete { key, .. } => key.len(),
            Self::DeleteRange { start, end, .. } => start.len() + end.len(),
        }
    }

    /// The keyspace written to.
    pub const fn keyspace(&self) -> Keyspace {
        match self {
            Self::Put { keyspace, .. } | Self::Delete { keyspace, .. } | Self::DeleteRange { keyspace, .. } => {
                *keyspace
            }
        }
    }
}

impl KeyRange {
    /// Whether the range holds `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_deref().is_none_or(|end| key < end)
    }
}
