//! Freezes: one sealed row per scope that is stopped.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};
use crate::types::FreezeScope;

/// Where freezes lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of the freeze of a scope.
pub fn key(scope: &FreezeScope) -> Vec<u8> {
    keys::freeze(scope)
}

/// The freeze of a scope, as stored.
pub fn row(reader: &dyn Reader, scope: &FreezeScope) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(scope))?)
}

/// The rows of the freezes after `after`.
pub fn list(
    reader: &dyn Reader,
    after: Option<&FreezeScope>,
    limit: usize,
) -> Result<Chunk<(FreezeScope, Vec<u8>)>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::FREEZE], last.as_deref());
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| Ok((keys::parse_freeze(key)?, row.to_vec())))
}
