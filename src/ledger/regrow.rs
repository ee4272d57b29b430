//! The end of the log, copied out and put back: for a disk that lost what it acknowledged.

use std::ops::ControlFlow;

use super::error::LedgerError;
use super::open::stored_tree;
use crate::codec::keys;
use crate::codec::rows::HeadRow;
use crate::store::{Batch, KeyRange, Keyspace, Reader};
use crate::tlog::leaf_hash;

/// The leaves from `first` (included) to `end` (excluded), as they are stored.
///
/// # Errors
/// `corrupt` where one is missing.
pub fn leaves(reader: &dyn Reader, first: u64, end: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
    let mut leaves = Vec::new();
    let range = KeyRange::new(keys::leaf(first), keys::leaf(end));
    reader.scan(Keyspace::Ledger, &range, &mut |_, leaf| {
        leaves.push(leaf.to_vec());
        ControlFlow::Continue(())
    })?;
    if leaves.len() as u64 == end.saturating_sub(first) {
        Ok(leaves)
    } else {
        Err(LedgerError::Corrupt { what: "a leaf is missing" })
    }
}

/// What must be written so that the log has these leaves, of which the first has the index `first`, and this root after
/// them. Nothing, if it has as many already.
///
/// # Errors
/// `corrupt` where leaves before `first` are missing, or the root after the last is another.
pub fn regrow(reader: &dyn Reader, first: u64, leaves: &[Vec<u8>], root: [u8; 32]) -> Result<Batch, LedgerError> {
    let mut tree = stored_tree(reader)?;
    let mut batch = Batch::new();
    let end = first.saturating_add(leaves.len() as u64);
    if tree.size() >= end {
        return Ok(batch);
    }
    let known = tree.size().checked_sub(first).and_then(|known| usize::try_from(known).ok());
    let lost = known
        .and_then(|known| leaves.get(known..))
        .ok_or(LedgerError::Corrupt { what: "more of its end is missing than the redo capsule holds" })?;
    let mut tiles = Vec::new();
    for leaf in lost {
        batch.put(Keyspace::Ledger, keys::leaf(tree.size()), leaf.as_slice());
        tree.append(leaf_hash(leaf), &mut tiles);
    }
    for tile in tiles {
        batch.put(Keyspace::Ledger, keys::tile(tile.level, tile.index), tile.hashes);
    }
    if tree.root() != root {
        return Err(LedgerError::Corrupt { what: "the redo capsule is of another log" });
    }
    batch.put(Keyspace::Ledger, keys::LEDGER_HEAD, HeadRow { size: tree.size(), root }.encode());
    Ok(batch)
}
