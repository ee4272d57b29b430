//! Access rows: the sealed details of each access, under a prefix that only the member's keys yield.

use std::ops::ControlFlow;

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{KeyRange, Keyspace, Reader};

/// Where access rows lie.
pub const KEYSPACE: Keyspace = Keyspace::Access;

/// The details of one access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessAt {
    /// The leaf of the ledger it belongs to.
    pub leaf: u64,
    /// The row, as stored; empty where the leaf says all.
    pub row: Vec<u8>,
}

/// The key of an access row.
pub fn key(prefix: &[u8; 16], leaf: u64) -> [u8; 24] {
    keys::access(prefix, leaf)
}

/// The accesses under a prefix, oldest first, after the leaf `after`.
pub fn list(
    reader: &dyn Reader,
    prefix: &[u8; 16],
    after: Option<u64>,
    limit: usize,
) -> Result<Chunk<AccessAt>, TablesError> {
    let last = after.map(|leaf| key(prefix, leaf));
    let range = scan::following(prefix, last.as_ref().map(<[u8; 24]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| {
        keys::parse_access(key).map(|(_, leaf)| AccessAt { leaf, row: row.to_vec() })
    })
}

/// Shows every access under a prefix, key and row as they lie, without a copy.
pub fn each_of(reader: &dyn Reader, prefix: &[u8; 16], show: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), TablesError> {
    reader.scan(KEYSPACE, &range_of(prefix), &mut |key, row| {
        show(key, row);
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// The keys of the accesses under a prefix. If there are more than `most`, only so many that this shows.
pub fn keys_of(reader: &dyn Reader, prefix: &[u8; 16], most: usize) -> Result<Vec<Vec<u8>>, TablesError> {
    let mut found = Vec::new();
    reader.scan(KEYSPACE, &range_of(prefix), &mut |key, _| {
        found.push(key.to_vec());
        if found.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// Where marks of members with recipients lie.
pub const MARKS: Keyspace = Keyspace::Control;

/// The key of the mark that is set with every access that names a recipient. The row is empty. Under the prefix of the
/// accesses, so that it names nobody.
pub fn mark(prefix: &[u8; 16]) -> [u8; 17] {
    keys::disclosed(prefix)
}

/// Whether one of the accesses under a prefix may name a recipient.
pub fn is_marked(reader: &dyn Reader, prefix: &[u8; 16]) -> Result<bool, TablesError> {
    Ok(reader.get(MARKS, &mark(prefix))?.is_some())
}

/// Where all accesses under a prefix lie.
pub fn range_of(prefix: &[u8; 16]) -> KeyRange {
    KeyRange::prefix(*prefix)
}
