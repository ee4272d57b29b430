//! Inner nodes of the key tree.

use super::TablesError;
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};
use crate::types::place::Subtree;

/// Where nodes lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of a node.
pub fn key(subtree: Subtree, level: u8, index: u32) -> [u8; 7] {
    keys::node(subtree, level, index)
}

/// A node's row, as stored.
pub fn row(reader: &dyn Reader, subtree: Subtree, level: u8, index: u32) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(subtree, level, index))?)
}
