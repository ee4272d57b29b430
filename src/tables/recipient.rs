//! The register of recipients: one sealed row each, under its name.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};
use crate::types::RecipientName;

/// Where recipients lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of a recipient.
pub fn key(name: &RecipientName) -> Vec<u8> {
    keys::recipient(name)
}

/// A recipient's row, as stored.
pub fn row(reader: &dyn Reader, name: &RecipientName) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(name))?)
}

/// The recipients after `after`, by name.
pub fn list(
    reader: &dyn Reader,
    after: Option<&RecipientName>,
    limit: usize,
) -> Result<Chunk<(RecipientName, Vec<u8>)>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::RECIPIENT], last.as_deref());
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| Ok((keys::parse_recipient(key)?, row.to_vec())))
}
