//! Outcomes of requests with an idempotency key, sealed, under the keyed token of that key.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};

/// Where outcomes lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// An outcome found by a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeAt {
    /// The keyed token it lies under.
    pub token: [u8; 16],
    /// Its row, as stored.
    pub row: Vec<u8>,
}

/// The key of an outcome.
pub fn key(token: &[u8; 16]) -> [u8; 17] {
    keys::idempotency(token)
}

/// An outcome, as stored.
pub fn row(reader: &dyn Reader, token: &[u8; 16]) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(token))?)
}

/// The stored outcomes after `after`, for the job that removes old ones.
pub fn list(reader: &dyn Reader, after: Option<&[u8; 16]>, limit: usize) -> Result<Chunk<OutcomeAt>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::IDEMPOTENCY], last.as_ref().map(<[u8; 17]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| {
        Ok(OutcomeAt { token: keys::parse_idempotency(key)?, row: row.to_vec() })
    })
}
