//! One group of changes becomes one batch: reliances checked, leaves numbered and hashed, rows gathered, written once.
//!
//! Whoever holds the [`Committer`] (it lives behind one lock) is the only writer of the database. It knows nothing of
//! tickets, threads and waiting.

use std::sync::Arc;

use super::change::{Change, Clear, Evidence, Mark, Reliance, Seen};
use super::erasures::Erasures;
use super::error::LedgerError;
use super::overlay::Overlay;
use super::recent::Recent;
use crate::codec::keys;
use crate::codec::posting;
use crate::codec::rows::{HeadRow, parse_epoch};
use crate::store::{Batch, Durability, Engine, Keyspace, Op, StoreError};
use crate::tlog::{Tile, Tree};

/// Operations a group adds besides those of its changes: the head, and a tile now and then.
const EXTRA_OPS: usize = 4;

/// A range with more rows than this is removed as a range.
const CLEARED_SINGLY_MAX: usize = 512;

pub(super) struct Committer {
    engine: Arc<dyn Engine>,
    tree: Tree,
    head: HeadRow,
    /// Epoch of the key tree; 0 before there is one.
    epoch: u64,
    /// Number of the last group written.
    group: u64,
    erasures: Erasures,
    recent: Recent,
    /// Set while a group is under way: a panic in the middle leaves it set.
    torn: bool,
}

/// What is true after a group.
#[derive(Clone, Copy)]
pub(super) struct Committed {
    pub(super) head: HeadRow,
    pub(super) mark: Mark,
    pub(super) generation: u64,
}

/// A group under construction.
struct Group {
    number: u64,
    batch: Batch,
    overlay: Overlay,
    tiles: Vec<Tile>,
}

impl Committer {
    pub(super) fn new(engine: Arc<dyn Engine>, tree: Tree, epoch: u64) -> Self {
        let head = HeadRow { size: tree.size(), root: tree.root() };
        Self { engine, tree, head, epoch, group: 0, erasures: Erasures::default(), recent: Recent::new(), torn: false }
    }

    pub(super) const fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Whether a group was begun and never ended, so that tree and tables are not those on disk.
    pub(super) const fn is_torn(&self) -> bool {
        self.torn
    }

    /// The state after the last group.
    pub(super) fn committed(&self) -> Committed {
        Committed { head: self.head, mark: Mark(self.group), generation: self.erasures.generation() }
    }

    /// Writes the changes that can be written, in their order, as one batch. Says of each where its first leaf is, or
    /// why nothing of it was written.
    ///
    /// After an error nobody knows what is on disk, while tree and tables here have moved on: the caller must not use
    /// this committer again.
    pub(super) fn commit<'c>(
        &mut self,
        changes: impl ExactSizeIterator<Item = &'c mut Change>,
        outcomes: &mut Vec<Result<u64, LedgerError>>,
    ) -> Result<(), StoreError> {
        self.torn = true;
        let mut group = self.begin(changes.len());
        for change in changes {
            outcomes.push(self.admit(change, &mut group));
        }
        if !group.batch.is_empty() {
            self.finish(group)?;
        }
        self.torn = false;
        Ok(())
    }

    fn begin(&self, changes: usize) -> Group {
        let mut batch = Batch::new();
        // A read is a leaf and an access row; writes bring more, and the vector grows.
        batch.ops.reserve(changes.saturating_mul(2).saturating_add(EXTRA_OPS));
        Group { number: self.group + 1, batch, overlay: Overlay::default(), tiles: Vec::new() }
    }

    /// Adds a change to the group, or says why not; a refused change leaves no trace.
    fn admit(&mut self, change: &mut Change, group: &mut Group) -> Result<u64, LedgerError> {
        for reliance in &change.relies {
            self.check(reliance, change.decided_at, group)?;
        }
        let cleared = self.cleared(&mut change.clears, change.decided_at, group)?;
        let first = self.tree.size();
        write_index(change, first);
        for member in change.outdates.drain(..) {
            self.erasures.note(member, false);
        }
        for op in cleared {
            self.witness(&op, group.number);
            group.batch.ops.push(op);
        }
        for op in &change.rows.ops {
            self.witness(op, group.number);
        }
        group.batch.ops.append(&mut change.rows.ops);
        for access in change.access.drain(..) {
            let key = keys::access(&access.prefix, leaf_index(first, access.leaf));
            group.batch.put(Keyspace::Access, key, access.value);
        }
        for leaf in change.leaves.drain(..) {
            self.append(leaf, group);
        }
        Ok(first)
    }

    fn check(&self, reliance: &Reliance, decided_at: Option<Mark>, group: &mut Group) -> Result<(), LedgerError> {
        match reliance {
            Reliance::NoErasureSince { generation, member } => self.erasures.none_since(*generation, member),
            Reliance::Unwritten { keyspace, key, since } => holds(self.recent.untouched(*since, *keyspace, key)),
            Reliance::Epoch(epoch) => holds(*epoch == self.epoch),
            Reliance::Rows { keyspace, range, count } => {
                holds(group.overlay.keys(&group.batch.ops, &*self.engine, *keyspace, range, *count)?.len() == *count)
            }
            Reliance::Row { keyspace, key, .. }
                if decided_at.is_some_and(|mark| self.recent.untouched(mark, *keyspace, key)) =>
            {
                Ok(())
            }
            Reliance::Row { keyspace, key, stamp } => {
                holds(group.overlay.stamp(&group.batch.ops, &*self.engine, *keyspace, key)? == *stamp)
            }
        }
    }

    /// The operations that empty these ranges as they are now. Rows are removed one by one where they are few, which
    /// leaves no range tombstones in the way of later reads.
    fn cleared(
        &self,
        clears: &mut [Clear],
        decided_at: Option<Mark>,
        group: &mut Group,
    ) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        for Clear { keyspace, range, seen } in clears {
            // Postings go in pairs, each key of which says the other: none may be left out.
            let paired = *keyspace == Keyspace::Control;
            let most = if paired { usize::MAX } else { CLEARED_SINGLY_MAX };
            let still =
                |seen: &Seen| decided_at.is_some_and(|mark| self.recent.range_untouched(mark, seen.by.0, &seen.by.1));
            let keys = match seen.take().filter(still) {
                Some(seen) => seen.keys,
                None => group.overlay.keys(&group.batch.ops, &*self.engine, *keyspace, range, most)?,
            };
            if paired {
                let others = keys.iter().filter_map(|key| posting::of_back(key));
                ops.extend(others.map(|key| Op::Delete { keyspace: *keyspace, key: key.to_vec() }));
            }
            match &range.end {
                Some(end) if keys.len() > CLEARED_SINGLY_MAX => {
                    ops.push(Op::DeleteRange { keyspace: *keyspace, start: range.start.clone(), end: end.clone() });
                }
                _ => ops.extend(keys.into_iter().map(|key| Op::Delete { keyspace: *keyspace, key })),
            }
        }
        Ok(ops)
    }

    /// Takes notice of what later changes rely on.
    fn witness(&mut self, op: &Op, group: u64) {
        self.recent.note(group, op);
        let Op::Put { keyspace: Keyspace::Control, key, value } = op else { return };
        if let Ok((member, compartment)) = keys::parse_fence(key) {
            self.erasures.note(member, compartment.is_none());
        } else if key.as_slice() == keys::TREE_EPOCH {
            self.epoch = parse_epoch(value).unwrap_or(self.epoch);
        }
    }

    fn append(&mut self, leaf: Evidence, group: &mut Group) {
        group.batch.put(Keyspace::Ledger, keys::leaf(self.tree.size()), leaf.bytes);
        self.tree.append(leaf.hash, &mut group.tiles);
    }

    /// Adds full tiles and the head, and writes. The line after which a crash is harmless is the engine's write.
    fn finish(&mut self, group: Group) -> Result<(), StoreError> {
        let Group { number, mut batch, tiles, .. } = group;
        for tile in tiles {
            batch.put(Keyspace::Ledger, keys::tile(tile.level, tile.index), tile.hashes);
        }
        let head = HeadRow { size: self.tree.size(), root: self.tree.root() };
        batch.put(Keyspace::Ledger, keys::LEDGER_HEAD, head.encode());
        #[cfg(feature = "sabotage")]
        let fences = batch.ops.iter().any(|op| matches!(op, Op::Put { key, .. } if keys::parse_fence(key).is_ok()));
        self.engine.write(batch, Durability::Buffered)?;
        #[cfg(feature = "sabotage")]
        if fences {
            let _goes_on = crate::sabotage::step_taken("fence");
        }
        self.head = head;
        self.group = number;
        Ok(())
    }
}

fn holds(so: bool) -> Result<(), LedgerError> {
    if so { Ok(()) } else { Err(LedgerError::Conflict) }
}

fn leaf_index(first: u64, leaf: usize) -> u64 {
    first + leaf as u64
}

/// Writes leaf indexes into the rows that wait for them.
fn write_index(change: &mut Change, first: u64) {
    for late in &change.late {
        if let Some(Op::Put { value, .. }) = change.rows.ops.get_mut(late.op)
            && let Some(place) = value.get_mut(late.index_at..late.index_at + size_of::<u64>())
        {
            place.copy_from_slice(&leaf_index(first, late.leaf).to_be_bytes());
        }
    }
}
