//! Erasures: what was asked, for whom, and how far it has come.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::{keys, rows::ErasureRow};
use crate::store::{Keyspace, Reader};
use crate::types::ErasureId;

/// Where erasures lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of an erasure.
pub fn key(erasure: &ErasureId) -> [u8; 17] {
    keys::erasure(erasure)
}

/// One erasure.
pub fn read(reader: &dyn Reader, erasure: &ErasureId) -> Result<Option<ErasureRow>, TablesError> {
    let row = reader.get(KEYSPACE, &key(erasure))?;
    Ok(row.map(|row| ErasureRow::parse(&row)).transpose()?)
}

/// The erasures after `after`, in the order of their ids (which is no order in time).
pub fn list(
    reader: &dyn Reader,
    after: Option<&ErasureId>,
    limit: usize,
) -> Result<Chunk<(ErasureId, ErasureRow)>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::ERASURE], last.as_ref().map(<[u8; 17]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| Ok((keys::parse_erasure(key)?, ErasureRow::parse(row)?)))
}
