//! Finding the ledger as it was left: head, tiles, the leaves behind them, and whether they agree.

use crate::codec::keys;
use crate::codec::rows::parse_epoch;
use crate::store::{Engine, Keyspace, Reader};
use crate::tlog::{Tree, rebuild};

use super::error::LedgerError;
use super::stored::StoredLog;

/// Rebuilds the tree and compares it with the stored head.
pub(super) fn stored_tree(engine: &dyn Reader) -> Result<Tree, LedgerError> {
    let mut log = StoredLog(engine);
    let head = log.head()?;
    // Leaf and head are written in one batch, so this can only be a database put together from parts.
    if log.leaf_bytes(head.size)?.is_some() {
        return Err(LedgerError::Corrupt { what: "there is a leaf behind the end of the log" });
    }
    let tree = rebuild(head.size, &mut log)?;
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
