//! The bounded scan all listings share.

use std::ops::ControlFlow;

use super::TablesError;
use crate::codec::CodecError;
use crate::store::{KeyRange, Keyspace, Reader};

/// The most rows one scan returns, so that no request holds a snapshot of the engine for long.
pub const SCAN_ROWS_MAX: usize = 1_000;
/// A scan ends after the row that brings it to this many bytes: records may be large.
pub const SCAN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Some rows in the order of their keys, and whether more follow. The key of the last is where to go on.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether there was at least one more.
    pub more: bool,
}

/// Reads at most `limit` rows of a range. A row that cannot be read ends the scan with an error: a listing that leaves
/// rows out in silence would be taken for the truth.
pub(super) fn rows<T>(
    reader: &dyn Reader,
    keyspace: Keyspace,
    range: &KeyRange,
    limit: usize,
    mut read: impl FnMut(&[u8], &[u8]) -> Result<T, CodecError>,
) -> Result<Chunk<T>, TablesError> {
    let limit = limit.min(SCAN_ROWS_MAX);
    let mut chunk = Chunk { items: Vec::new(), more: false };
    let mut bytes = 0usize;
    let mut failure = None;
    reader.scan(keyspace, range, &mut |key, value| {
        if chunk.items.len() >= limit || bytes >= SCAN_BYTES_MAX {
            chunk.more = true;
            return ControlFlow::Break(());
        }
        bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
        match read(key, value) {
            Ok(item) => {
                chunk.items.push(item);
                ControlFlow::Continue(())
            }
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failure.map_or(Ok(chunk), |error| Err(error.into()))
}

/// Reads a range that is small by its nature: the rows of one shard, the pages of one bucket.
pub(super) fn whole<T>(
    reader: &dyn Reader,
    keyspace: Keyspace,
    range: &KeyRange,
    mut read: impl FnMut(&[u8], &[u8]) -> Result<T, CodecError>,
) -> Result<Vec<T>, TablesError> {
    let mut items = Ok(Vec::new());
    reader.scan(keyspace, range, &mut |key, value| match (&mut items, read(key, value)) {
        (Ok(all), Ok(item)) => {
            all.push(item);
            ControlFlow::Continue(())
        }
        (_, Err(error)) => {
            items = Err(error);
            ControlFlow::Break(())
        }
        (Err(_), Ok(_)) => ControlFlow::Break(()),
    })?;
    Ok(items?)
}

/// The keys that begin with `prefix`, after `last` where a listing goes on.
pub(super) fn following(prefix: &[u8], last: Option<&[u8]>) -> KeyRange {
    let range = KeyRange::prefix(prefix);
    match last {
        Some(key) => range.after(key),
        None => range,
    }
}
