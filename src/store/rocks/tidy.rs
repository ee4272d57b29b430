//! Makes RocksDB forget what it noted about files that are gone.
//!
//! Every write to the MANIFEST begins a new one (`settings.rs`), with the table files there were before that write, their
//! first and last keys included. So after a compaction it takes one more write until the bounds of the files that were
//! merged are gone: a flush of a row in RocksDB's own family, which holds nothing of the vault.

use std::io;
use std::sync::Arc;

use rocksdb::{DB, WriteBatch, WriteOptions};

use super::failure::failed;
use crate::store::StoreError;

const DOING: &str = "beginning a new manifest";
const FAMILY: &str = "default";
/// The one row there, written again and again.
const KEY: &[u8] = b"tidy";

pub(super) fn begin_manifest(db: &DB, mut row: WriteBatch, options: &WriteOptions) -> Result<(), StoreError> {
    let absent = || StoreError::Engine { doing: DOING, source: Arc::new(io::Error::from(io::ErrorKind::NotFound)) };
    let family = db.cf_handle(FAMILY).ok_or_else(absent)?;
    row.put_cf(family, KEY, []);
    db.write_opt(row, options).map_err(|e| failed(DOING, e))?;
    db.flush_cf(family).map_err(|e| failed(DOING, e))
}
