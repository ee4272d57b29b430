//! Whom to tell of an erasure: recipients by name, nothing of the member. One sealed row an erasure that has any.

use super::TablesError;
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};
use crate::types::ErasureId;

/// Where notices lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of an erasure's notice.
pub fn key(erasure: &ErasureId) -> [u8; 17] {
    keys::notice(erasure)
}

/// An erasure's notice, as stored.
pub fn row(reader: &dyn Reader, erasure: &ErasureId) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(erasure))?)
}
