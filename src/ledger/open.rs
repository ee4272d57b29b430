//! Finding the ledger as it was left: head, tiles, the leaves behind them, and whether they agree.

use crate::codec::keys;
use crate::codec::rows::{HeadRow, parse_epoch};
use crate::store::{Engine, Keyspace};
use crate::tlog::{Hash, HashSource, TILE_WIDTH, Tree, leaf_hash, rebuild};

use super::error::LedgerError;

/// Rebuilds the tree and compares it with the stored head.
pub(super) fn stored_tree(engine: &dyn Engine) -> Result<Tree, LedgerError> {
    let head = match engine.get(Keyspace::Ledger, &keys::LEDGER_HEAD)? {
        Some(row) => HeadRow::parse(&row)?,
        None => HeadRow { size: 0, root: Tree::new().root() },
    };
    // Leaf and head are written in one batch, so this can only be a database put together from parts.
    if engine.get(Keyspace::Ledger, &keys::leaf(head.size))?.is_some() {
        return Err(LedgerError::Corrupt { what: "there is a leaf behind the end of the log" });
    }
    let tree = rebuild(head.size, &mut Stored { engine })?;
    if tree.root() == head.root {
        Ok(tree)
    } else {
        Err(LedgerError::Corrupt { what: "its leaves do not have the stored root" })
    }
}

/// The epoch of the key tree; 0 before there is one.
pub(super) fn stored_epoch(engine: &dyn Engine) -> Result<u64, LedgerError> {
    match engine.get(Keyspace::Control, &keys::TREE_EPOCH)? {
        Some(row) => Ok(parse_epoch(&row)?),
        None => Ok(0),
    }
}

struct Stored<'a> {
    engine: &'a dyn Engine,
}

impl HashSource for Stored<'_> {
    type Error = LedgerError;

    fn leaf(&mut self, index: u64) -> Result<Hash, LedgerError> {
        let leaf = self.engine.get(Keyspace::Ledger, &keys::leaf(index))?;
        leaf.map(|leaf| leaf_hash(&leaf)).ok_or(LedgerError::Corrupt { what: "a leaf is missing" })
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<Vec<Hash>, LedgerError> {
        let row = self.engine.get(Keyspace::Ledger, &keys::tile(level, index))?;
        let row = row.ok_or(LedgerError::Corrupt { what: "a tile of hashes is missing" })?;
        let (hashes, rest) = row.as_chunks::<{ size_of::<Hash>() }>();
        if hashes.len() == TILE_WIDTH && rest.is_empty() {
            Ok(hashes.to_vec())
        } else {
            Err(LedgerError::Corrupt { what: "a tile of hashes is not full" })
        }
    }
}
