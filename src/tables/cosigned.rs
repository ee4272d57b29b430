//! Checkpoints of the log that witnesses have cosigned, by their size.

use super::TablesError;
use super::scan;
use crate::codec::keys;
use crate::codec::rows::parse_cosigned;
use crate::store::{Keyspace, Reader, Row};

/// Where they lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// Cosigned checkpoints that are kept: the newest. Whoever needs an older one has it.
pub const KEPT_MAX: usize = 8;

/// The key of the checkpoint of a size.
pub fn key(size: u64) -> [u8; 9] {
    keys::cosigned(size)
}

/// The row of the checkpoint of a size.
pub fn row(reader: &dyn Reader, size: u64) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(size))?)
}

/// The note of the checkpoint of a size.
pub fn read(reader: &dyn Reader, size: u64) -> Result<Option<String>, TablesError> {
    Ok(row(reader, size)?.map(|row| parse_cosigned(&row)).transpose()?)
}

/// The sizes of all that are kept, ascending.
pub fn sizes(reader: &dyn Reader) -> Result<Vec<u64>, TablesError> {
    let range = scan::following(&[keys::tag::COSIGNED], None);
    let found = scan::rows(reader, KEYSPACE, &range, scan::SCAN_ROWS_MAX, |key, _| keys::parse_cosigned(key))?;
    Ok(found.items)
}
