//! Dirty marks: leaves of the key tree from which key material was removed, and which the next seal must re-key.
//!
//! The mark of a bucket of the index is random, and drawn anew whenever it is set: so a seal sees whether it was set again
//! since the seal looked at the bucket. It tells nothing of why.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::{RowStamp, keys};
use crate::store::{KeyRange, Keyspace, Reader, successor};
use crate::types::place::Subtree;

/// Where dirty marks lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// Bytes of the mark of a bucket.
pub const MARK_LEN: usize = 16;

/// The key of a leaf's mark. The row is random for a bucket, empty for a shard.
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

/// The marks between two leaves, both included, by the stamps of their rows.
pub fn between(
    reader: &dyn Reader,
    first: (Subtree, u32),
    last: (Subtree, u32),
) -> Result<BTreeMap<(Subtree, u32), RowStamp>, TablesError> {
    let range = KeyRange { start: key(first.0, first.1).to_vec(), end: successor(&key(last.0, last.1)) };
    let found =
        scan::whole(reader, KEYSPACE, &range, |key, row| keys::parse_dirty(key).map(|leaf| (leaf, RowStamp::of(row))))?;
    Ok(found.into_iter().collect())
}

/// A mark as it lies: key and row.
pub type MarkRow = (Vec<u8>, Vec<u8>);

/// Up to `limit` marks as they lie.
pub fn marks(reader: &dyn Reader, limit: usize) -> Result<Vec<MarkRow>, TablesError> {
    let mut found = Vec::new();
    reader.scan(KEYSPACE, &KeyRange::prefix([keys::tag::DIRTY]), &mut |key, row| {
        if found.len() >= limit {
            return ControlFlow::Break(());
        }
        found.push((key.to_vec(), row.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
