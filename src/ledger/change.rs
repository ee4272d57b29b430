//! What is to be written, why it may be written, and the evidence of it: one value.

use crate::codec::{Leaf, RowStamp};
use crate::store::{Batch, KeyRange, Keyspace, Op};
use crate::tlog::{Hash, leaf_hash};
use crate::types::MemberId;

/// Rows and the leaf that testifies to them. There is no change without a leaf:
///
/// ```compile_fail
/// let change = membervault::ledger::Change::new(); // a Change wants its Leaf
/// ```
///
/// ```compile_fail
/// let change = membervault::ledger::Change::default(); // nor is there an empty one
/// ```
///
/// Leaves are encoded and hashed here, in the caller's thread, so that the committer need not.
#[must_use = "a change does nothing until it is submitted"]
pub struct Change {
    pub(super) leaves: Vec<Evidence>,
    pub(super) rows: Batch,
    pub(super) access: Vec<AccessRow>,
    pub(super) late: Vec<Late>,
    pub(super) clears: Vec<Clear>,
    pub(super) relies: Vec<Reliance>,
    pub(super) outdates: Vec<MemberId>,
    pub(super) decided_at: Option<Mark>,
    pub(super) bytes: usize,
}

/// A leaf as it will be stored, and its hash.
pub(super) struct Evidence {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Hash,
}

/// The details beside a leaf; its key ends with the leaf's index.
pub(super) struct AccessRow {
    pub(super) prefix: [u8; 16],
    pub(super) value: Vec<u8>,
    /// Which leaf of the change.
    pub(super) leaf: usize,
}

/// A range to be emptied.
pub(super) struct Clear {
    pub(super) keyspace: Keyspace,
    pub(super) range: KeyRange,
    pub(super) seen: Option<Seen>,
}

/// What a range held when the change was decided.
pub(super) struct Seen {
    pub(super) keys: Vec<Vec<u8>>,
    /// Still so, as long as nothing in this range was written.
    pub(super) by: (Keyspace, KeyRange),
}

/// Where a leaf index goes into a row of the change.
pub(super) struct Late {
    /// Which operation of the change.
    pub(super) op: usize,
    pub(super) index_at: usize,
    /// Which leaf of the change.
    pub(super) leaf: usize,
}

/// A row that holds the index of the change's leaf, which only the commit knows.
pub struct LateRow {
    /// Where the row goes.
    pub keyspace: Keyspace,
    /// The row's key.
    pub key: Vec<u8>,
    /// The row, with eight bytes left for the index.
    pub value: Vec<u8>,
    /// Where in the row the index goes, as a big-endian `u64`.
    pub index_at: usize,
}

/// A moment between two commits, taken with [`super::Ledger::mark`] before the facts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub(super) u64);

/// Something that was so when the change was decided, and must still be so when it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reliance {
    /// The row under this key is the one with this stamp; `None`: there is no such row.
    Row {
        /// Where the row is.
        keyspace: Keyspace,
        /// The row's key.
        key: Vec<u8>,
        /// The stamp of the row that was seen.
        stamp: Option<RowStamp>,
    },
    /// The range holds so many rows. With the stamp of each relied on too: these and no others.
    Rows {
        /// Where the range is.
        keyspace: Keyspace,
        /// The range.
        range: KeyRange,
        /// How many rows were seen. Counted again at the commit, so it is to be small.
        count: usize,
    },
    /// The key tree is at this epoch.
    Epoch(u64),
    /// Nobody wrote this row since, not even as it was. Costs no read; of a row that shares its place in memory with another
    /// it may be said wrongly that it was written.
    Unwritten {
        /// Where the row is.
        keyspace: Keyspace,
        /// The row's key.
        key: Vec<u8>,
        /// Taken before the facts were read.
        since: Mark,
    },
    /// The member was neither erased nor [outdated](Change::outdates) since [`super::Ledger::erasure_generation`] was
    /// this. Costs nothing while nobody is.
    NoErasureSince {
        /// The generation before the facts were read.
        generation: u64,
        /// The member.
        member: MemberId,
    },
}

impl Change {
    /// A change that so far is only its evidence.
    pub fn new(leaf: Leaf) -> Self {
        let bytes = leaf.encode();
        let evidence = Evidence { hash: leaf_hash(&bytes), bytes };
        Self {
            bytes: evidence.bytes.len(),
            leaves: vec![evidence],
            rows: Batch::new(),
            access: Vec::new(),
            late: Vec::new(),
            clears: Vec::new(),
            relies: Vec::new(),
            outdates: Vec::new(),
            decided_at: None,
        }
    }

    /// Sets a row.
    pub fn put(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.op(Op::Put { keyspace, key: key.into(), value: value.into() })
    }

    /// Removes a row.
    pub fn delete(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>) -> &mut Self {
        self.op(Op::Delete { keyspace, key: key.into() })
    }

    /// Removes the rows from `start` (included) to `end` (excluded).
    pub fn delete_range(
        &mut self,
        keyspace: Keyspace,
        start: impl Into<Vec<u8>>,
        end: impl Into<Vec<u8>>,
    ) -> &mut Self {
        self.op(Op::DeleteRange { keyspace, start: start.into(), end: end.into() })
    }

    /// Removes whatever rows the range holds at the moment of the commit, before the rows of this change are written:
    /// also those that came after the change was decided. With a posting the other way round goes the posting.
    pub fn clear(&mut self, keyspace: Keyspace, range: KeyRange) -> &mut Self {
        self.clears.push(Clear { keyspace, range, seen: None });
        self
    }

    /// As [`Change::clear`]. `keys` are those of all rows that the range held when the change was decided: it is looked at
    /// again only if a row was written since whose key begins as those of the range do.
    pub fn clear_seen(&mut self, keyspace: Keyspace, range: KeyRange, keys: Vec<Vec<u8>>) -> &mut Self {
        let by = (keyspace, range.clone());
        self.clears.push(Clear { keyspace, range, seen: Some(Seen { keys, by }) });
        self
    }

    /// As [`Change::clear`], of a range that was empty when the change was decided, and in which nothing is written
    /// without a row of `by`: it is looked at only if one was.
    pub fn clear_beside(&mut self, keyspace: Keyspace, range: KeyRange, by: (Keyspace, KeyRange)) -> &mut Self {
        self.clears.push(Clear { keyspace, range, seen: Some(Seen { keys: Vec::new(), by }) });
        self
    }

    /// Takes over operations that were prepared elsewhere.
    pub fn rows(&mut self, batch: Batch) -> &mut Self {
        batch.ops.into_iter().fold(self, Self::op)
    }

    /// The change is refused if this no longer holds when it is committed.
    pub fn relies_on(&mut self, reliance: Reliance) -> &mut Self {
        self.relies.push(reliance);
        self
    }

    /// Whoever decided about this member before this change is committed, and relies on
    /// [`Reliance::NoErasureSince`], decides anew.
    pub fn outdates(&mut self, member: MemberId) -> &mut Self {
        self.outdates.push(member);
        self
    }

    /// All facts of this change were read after `mark` was taken: rows nobody wrote since need not be read again.
    pub fn decided_at(&mut self, mark: Mark) -> &mut Self {
        self.decided_at = Some(mark);
        self
    }

    /// Stores the details of this access beside the ledger, under `prefix` and the index of the leaf.
    pub fn access_row(&mut self, prefix: [u8; 16], value: impl Into<Vec<u8>>) -> &mut Self {
        let value = value.into();
        self.bytes += value.len();
        self.access.push(AccessRow { prefix, value, leaf: self.last_leaf() });
        self
    }

    /// Sets a row that holds the index of the leaf. The row is made longer if the index would not fit.
    pub fn late(&mut self, row: LateRow) -> &mut Self {
        let LateRow { keyspace, key, mut value, index_at } = row;
        value.resize(value.len().max(index_at + size_of::<u64>()), 0);
        self.late.push(Late { op: self.rows.len(), index_at, leaf: self.last_leaf() });
        self.op(Op::Put { keyspace, key, value })
    }

    /// Makes one atomic change of two: all of both, or nothing. The leaf of `other` follows those of this one.
    pub fn absorb(&mut self, other: Self) -> &mut Self {
        let (leaves, ops) = (self.leaves.len(), self.rows.len());
        self.bytes += other.bytes;
        self.leaves.extend(other.leaves);
        self.rows.append(other.rows);
        self.access.extend(other.access.into_iter().map(|row| AccessRow { leaf: row.leaf + leaves, ..row }));
        self.late.extend(other.late.into_iter().map(|late| Late {
            op: late.op + ops,
            leaf: late.leaf + leaves,
            ..late
        }));
        self.clears.extend(other.clears);
        self.relies.extend(other.relies);
        self.outdates.extend(other.outdates);
        // Facts were read after the earlier of the two marks; without one on either side nothing is known.
        self.decided_at = self.decided_at.zip(other.decided_at).map(|(one, other)| one.min(other));
        self
    }

    /// Number of leaves.
    pub fn leaf_count(&self) -> usize {
        self.leaves.len()
    }

    /// Bytes of leaves and rows: what a caller that absorbs many changes bounds itself by.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn op(&mut self, op: Op) -> &mut Self {
        self.bytes += op.bytes();
        self.rows.ops.push(op);
        self
    }

    fn last_leaf(&self) -> usize {
        self.leaves.len().saturating_sub(1)
    }
}
