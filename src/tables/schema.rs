//! Data maps that are or were in force, in the order in which they came.

use super::TablesError;
use super::scan;
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};

/// Where they lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// Maps that are kept: the newest. What was in force before stands in the ledger by its hash alone.
pub const KEPT_MAX: usize = 128;

/// The key of the map of a number.
pub fn key(number: u32) -> [u8; 5] {
    keys::schema(number)
}

/// The row of the map of a number.
pub fn row(reader: &dyn Reader, number: u32) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(number))?)
}

/// The numbers of all that are kept, ascending.
pub fn numbers(reader: &dyn Reader) -> Result<Vec<u32>, TablesError> {
    let range = scan::following(&[keys::tag::SCHEMA], None);
    scan::whole(reader, KEYSPACE, &range, |key, _| keys::parse_schema(key))
}
