//! Rotations: how the key tree came to each of its epochs.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::{RotationRow, keys};
use crate::store::{Keyspace, Reader};

/// Where rotations lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of the rotation that led to an epoch.
pub fn key(epoch: u64) -> [u8; 9] {
    keys::rotation(epoch)
}

/// The rotation that led to an epoch.
pub fn read(reader: &dyn Reader, epoch: u64) -> Result<Option<RotationRow>, TablesError> {
    let row = reader.get(KEYSPACE, &key(epoch))?;
    Ok(row.map(|row| RotationRow::parse(&row)).transpose()?)
}

/// The rotations after the epoch `after`.
pub fn list(reader: &dyn Reader, after: Option<u64>, limit: usize) -> Result<Chunk<(u64, RotationRow)>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::ROTATION], last.as_ref().map(<[u8; 9]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| Ok((keys::parse_rotation(key)?, RotationRow::parse(row)?)))
}
