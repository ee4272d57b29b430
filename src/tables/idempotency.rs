//! Outcomes of requests with an idempotency key, sealed, under the keyed token of that key.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader};

/// Where outcomes lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of an outcome.
pub fn key(token: &[u8; 16]) -> [u8; 17] {
    keys::idempotency(token)
}

/// An outcome, as stored.
pub fn row(reader: &dyn Reader, token: &[u8; 16]) -> Result<Option<Vec<u8>>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(token))?)
}

/// The stored outcomes after `after`: key and row, for the job that removes old ones.
pub fn list(reader: &dyn Reader, after: Option<&[u8]>, limit: usize) -> Result<Chunk<(Vec<u8>, Vec<u8>)>, TablesError> {
    let range = scan::following(&[keys::tag::IDEMPOTENCY], after);
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| Ok((key.to_vec(), row.to_vec())))
}
