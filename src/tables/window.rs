//! Windows for bulk reads: one sealed row per token that has or had one.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};
use crate::types::TokenId;

/// Where windows lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of a token's window.
pub fn key(token: &TokenId) -> [u8; 9] {
    keys::window(token)
}

/// A token's window, as stored.
pub fn row(reader: &dyn Reader, token: &TokenId) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(token))?)
}

/// The rows of the windows after `after`.
pub fn list(
    reader: &dyn Reader,
    after: Option<&TokenId>,
    limit: usize,
) -> Result<Chunk<(TokenId, Vec<u8>)>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::WINDOW], last.as_ref().map(<[u8; 9]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| Ok((keys::parse_window(key)?, row.to_vec())))
}
