//! Imports that brought consents: what all members of one have in common, sealed under the control key.
//!
//! Numbered 1, 2, 3, ... without a gap. None is ever removed or rewritten: members name theirs in their own rows.

use super::TablesError;
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};

/// Where they lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of the import of a number.
pub fn key(number: u32) -> [u8; 5] {
    keys::import(number)
}

/// The row of the import of a number.
pub fn row(reader: &dyn Reader, number: u32) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(number))?)
}
