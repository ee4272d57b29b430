//! Posting rows: which records have a value in their metadata. A hint and never the truth: whoever follows one opens the
//! record and looks.

use std::ops::ControlFlow;

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::posting;
use crate::store::{KeyRange, Keyspace, Reader};
use crate::tables::record::RecordKey;
use crate::types::{MemberId, MetaField};

pub use crate::codec::posting::{minute, minute_after};

/// Where postings and marks lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// A posting's key.
pub type PostingKey = [u8; posting::KEY_LEN];
/// The value a posting is under.
pub type Value = [u8; posting::VALUE_LEN];

/// The key of a posting.
pub fn key(field: MetaField, value: &Value, record: &RecordKey) -> PostingKey {
    posting::key(field, value, record)
}

/// Where all postings of one value lie, or of one member's of them.
pub fn range_of(field: MetaField, value: &Value, member: Option<&MemberId>) -> KeyRange {
    KeyRange::prefix(posting::of_value(field, value, member))
}

/// Where the postings of a field lie from the value `from` to before the value `until`; to the last, if `None`.
pub fn range_between(field: MetaField, from: &Value, until: Option<&Value>) -> KeyRange {
    let start = posting::of_value(field, from, None);
    match until {
        Some(until) => KeyRange::new(start, posting::of_value(field, until, None)),
        None => KeyRange { start, ..KeyRange::prefix(posting::of_field(field)) },
    }
}

/// What the keys of all postings of a field begin with.
pub const fn prefix_of(field: MetaField) -> [u8; 2] {
    posting::of_field(field)
}

/// Where all postings and marks lie.
pub fn range() -> KeyRange {
    KeyRange::prefix([crate::codec::keys::tag::POSTING])
}

/// Whether there is this posting.
pub fn is_there(reader: &dyn Reader, key: &PostingKey) -> Result<bool, TablesError> {
    Ok(reader.get(KEYSPACE, key)?.is_some())
}

/// The records of the postings of a range.
pub fn list(
    reader: &dyn Reader,
    range: &KeyRange,
    limit: usize,
) -> Result<Chunk<(PostingKey, RecordKey)>, TablesError> {
    scan::rows(reader, KEYSPACE, range, limit, |key, _| {
        let record = posting::parse(key)?;
        Ok((key.first_chunk().copied().unwrap_or([0; posting::KEY_LEN]), record))
    })
}

/// How many postings a range holds; `limit`, if there are that many or more.
pub fn length(reader: &dyn Reader, range: &KeyRange, limit: usize) -> Result<usize, TablesError> {
    let mut length = 0;
    reader.scan(KEYSPACE, range, &mut |_, _| {
        length += 1;
        if length < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(length)
}

/// The key of a posting the other way round.
pub fn back(field: MetaField, value: &Value, record: &RecordKey) -> [u8; posting::BACK_LEN] {
    posting::back(field, value, record)
}

/// Where the postings of a member, or of one of its compartments, lie the other way round; of a member with its mark.
/// Whoever clears this range in a change clears the postings.
pub fn back_range(member: &MemberId, compartment: Option<u16>) -> KeyRange {
    match compartment {
        Some(number) => KeyRange::prefix(posting::back_of_compartment(member, number)),
        None => KeyRange::prefix(posting::mark(member)),
    }
}

/// The key of a member's mark.
pub fn mark(member: &MemberId) -> [u8; 18] {
    posting::mark(member)
}

/// Whether a member has, or had, postings.
pub fn is_marked(reader: &dyn Reader, member: &MemberId) -> Result<bool, TablesError> {
    Ok(reader.get(KEYSPACE, &mark(member))?.is_some())
}
