//! Rows of a range, one after the other, out of one family.
//!
//! Called by `rocks.rs`, which knows the families of a range and whether all of it is to be seen at one moment.

use std::ops::ControlFlow;

use rocksdb::{DBRawIterator, ReadOptions};

use super::failure::failed;
use super::family::Family;
use super::settings::ACCESS_PREFIX_LEN;
use crate::store::{KeyRange, StoreError, Visit};

/// For a range that holds something; RocksDB would not accept another's bounds.
pub(super) fn scan_options(family: Family, range: &KeyRange) -> ReadOptions {
    let mut options = ReadOptions::default();
    // Where rows are hashed by prefix, those of one prefix lie together; any other order has to be made first.
    options.set_total_order_seek(family != Family::Access || !range.shares_prefix(ACCESS_PREFIX_LEN));
    if let Some(end) = &range.end {
        options.set_iterate_upper_bound(end.as_slice());
    }
    options
}

/// Shows rows until there are no more, or the visitor has enough.
pub(super) fn walk(
    mut rows: DBRawIterator<'_>,
    range: &KeyRange,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, StoreError> {
    rows.seek(&range.start);
    while let Some((key, row)) = rows.item() {
        if visit(key, row).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        rows.next();
    }
    rows.status().map_err(|e| failed("scanning rows", e))?;
    Ok(ControlFlow::Continue(()))
}
