//! Dirty marks: leaves of the key tree from which key material was removed, and which the next seal must re-key.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader};
use crate::types::place::Subtree;

/// Where dirty marks lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of a leaf's mark. The row is empty.
pub fn key(subtree: Subtree, leaf: u32) -> [u8; 6] {
    keys::dirty(subtree, leaf)
}

/// The marked leaves after `after`.
pub fn list(
    reader: &dyn Reader,
    after: Option<(Subtree, u32)>,
    limit: usize,
) -> Result<Chunk<(Subtree, u32)>, TablesError> {
    let last = after.map(|(subtree, leaf)| key(subtree, leaf));
    let range = scan::following(&[keys::tag::DIRTY], last.as_ref().map(<[u8; 6]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, _| keys::parse_dirty(key))
}
