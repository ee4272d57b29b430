//! Posting rows: which records have a value in their metadata. A hint and never the truth: whoever follows one opens the
//! record and looks.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::posting;
use crate::store::{KeyRange, Keyspace, Reader};
use crate::tables::record::RecordKey;
use crate::types::{MemberId, MetaField};

pub use crate::codec::posting::{encode_mark, minute};

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

/// The key of a member's mark.
pub fn mark_key(member: &MemberId) -> [u8; 18] {
    posting::mark(member)
}

/// The mark of a member that has, or had, postings.
pub fn mark(reader: &dyn Reader, member: &MemberId) -> Result<Option<Vec<u8>>, TablesError> {
    Ok(reader.get(KEYSPACE, &mark_key(member))?)
}
