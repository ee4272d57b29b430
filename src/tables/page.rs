//! Pages of the sealed index. A bucket without a first page is empty.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{KeyRange, Keyspace, Reader, Row};

/// Where pages lie.
pub const KEYSPACE: Keyspace = Keyspace::Index;

/// The key of a page.
pub fn key(field: u8, bucket: u32, page: u8) -> [u8; 6] {
    keys::page(field, bucket, page)
}

/// A page's row, as stored.
pub fn row(reader: &dyn Reader, field: u8, bucket: u32, page: u8) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(field, bucket, page))?)
}

/// Field, bucket and number of the pages of one field after `after`.
pub fn keys(
    reader: &dyn Reader,
    field: u8,
    after: Option<(u8, u32, u8)>,
    limit: usize,
) -> Result<Chunk<(u8, u32, u8)>, TablesError> {
    let last = after.map(|(field, bucket, page)| key(field, bucket, page));
    let range = scan::following(&[field], last.as_ref().map(<[u8; 6]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, _| keys::parse_page(key))
}

/// The pages of one bucket, by their numbers.
pub fn of_bucket(reader: &dyn Reader, field: u8, bucket: u32) -> Result<Vec<(u8, Vec<u8>)>, TablesError> {
    let (first, last) = (key(field, bucket, 0), key(field, bucket, u8::MAX));
    let range = KeyRange { start: first.to_vec(), end: crate::store::successor(&last) };
    scan::whole(reader, KEYSPACE, &range, |key, row| Ok((keys::parse_page(key)?.2, row.to_vec())))
}
