//! Finding the entry of a purge: the row of an erasure says when it was, and the ledger is in the order of time.

use std::ops::ControlFlow;

use crate::codec::{ErasureRow, Event, Leaf, LeafKind, keys};
use crate::ledger::StoredLog;
use crate::store::{KeyRange, Keyspace};

use super::super::{Error, Vault};

const MISSING: Error = Error::Internal("the purge of an erasure is in the ledger");

impl Vault {
    /// The index of the `purge` that names this erasure.
    pub(super) fn purge_leaf(&self, row: &ErasureRow) -> Result<u64, Error> {
        let (first, end) = (row.seal_leaf + 1, self.ledger().size());
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.minute_of(middle)? < row.purged.as_minutes() { low = middle + 1 } else { high = middle }
        }
        if let Some(found) = self.purge_between(low, end, &row.tag)? {
            return Ok(found);
        }
        // A clock that was set back leaves the ledger out of order there.
        self.purge_between(first, low, &row.tag)?.ok_or(MISSING)
    }

    fn minute_of(&self, index: u64) -> Result<u32, Error> {
        let leaf = StoredLog(self.engine()).leaf_bytes(index)?.ok_or(MISSING)?;
        Ok(Leaf::parse(&leaf)?.minute)
    }

    fn purge_between(&self, first: u64, end: u64, tag: &[u8; 32]) -> Result<Option<u64>, Error> {
        let range = KeyRange { start: keys::leaf(first).to_vec(), end: Some(keys::leaf(end).to_vec()) };
        let mut found = None;
        self.engine().scan(Keyspace::Ledger, &range, &mut |key, leaf| {
            // The second byte is the kind: most leaves need not be read further.
            if leaf.get(1) != Some(&LeafKind::Purge.number()) || !names(leaf, tag) {
                return ControlFlow::Continue(());
            }
            found = keys::parse_leaf(key).ok();
            ControlFlow::Break(())
        })?;
        Ok(found)
    }
}

fn names(leaf: &[u8], tag: &[u8; 32]) -> bool {
    matches!(Leaf::parse(leaf), Ok(Leaf { event: Event::Purge(tags), .. }) if tags.contains(tag))
}
