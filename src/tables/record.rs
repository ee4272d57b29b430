//! Record rows: one sealed record each, under the keyed token of its name.

use std::ops::ControlFlow;

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{KeyRange, Keyspace, Reader, Row};
use crate::types::MemberId;

/// Where record rows lie.
pub const KEYSPACE: Keyspace = Keyspace::Records;
/// Bytes of a record's key.
pub const KEY_LEN: usize = 34;

/// A record's key.
pub type RecordKey = [u8; KEY_LEN];

/// The key of a record: member, number of the compartment within the member, token of the name.
pub fn key(member: &MemberId, compartment: u16, token: &[u8; 16]) -> RecordKey {
    keys::record(member, compartment, token)
}

/// A record's row, as stored.
pub fn row(reader: &dyn Reader, key: &RecordKey) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, key)?)
}

/// A record found by a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAt {
    /// The number of its compartment within the member.
    pub compartment: u16,
    /// The token of its name.
    pub token: [u8; 16],
    /// Its row, as stored.
    pub row: Vec<u8>,
}

impl RecordAt {
    /// Its key, where the listing goes on.
    pub fn key(&self, member: &MemberId) -> RecordKey {
        key(member, self.compartment, &self.token)
    }
}

/// The records of a member after the key `after`.
pub fn of_member(
    reader: &dyn Reader,
    member: &MemberId,
    after: Option<&RecordKey>,
    limit: usize,
) -> Result<Chunk<RecordAt>, TablesError> {
    listed(reader, &scan::following(member.as_bytes(), after.map(RecordKey::as_slice)), limit)
}

/// The records of one compartment of a member after the key `after`.
pub fn of_compartment(
    reader: &dyn Reader,
    member: &MemberId,
    compartment: u16,
    after: Option<&RecordKey>,
    limit: usize,
) -> Result<Chunk<RecordAt>, TablesError> {
    let prefix = keys::compartment_records(member, compartment);
    listed(reader, &scan::following(&prefix, after.map(RecordKey::as_slice)), limit)
}

/// The keys alone of what [`of_member`] or, with a compartment, [`of_compartment`] lists: what an erasure removes.
pub fn keys_of(
    reader: &dyn Reader,
    member: &MemberId,
    compartment: Option<u16>,
    after: Option<&RecordKey>,
    limit: usize,
) -> Result<Chunk<RecordKey>, TablesError> {
    let mut range = range_of(member, compartment);
    if let Some(after) = after {
        range = range.after(after);
    }
    scan::rows(reader, KEYSPACE, &range, limit, |found, _| {
        keys::parse_record(found).map(|(member, compartment, token)| key(&member, compartment, &token))
    })
}

/// Shows up to `limit` of the records that [`keys_of`] lists, rows as they lie, without a copy.
pub fn each_of(
    reader: &dyn Reader,
    member: &MemberId,
    compartment: Option<u16>,
    limit: usize,
    show: &mut dyn FnMut(&[u8], &[u8]),
) -> Result<(), TablesError> {
    let mut left = limit;
    reader.scan(KEYSPACE, &range_of(member, compartment), &mut |key, row| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        show(key, row);
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// Where all records of a member, or of one of its compartments, lie.
pub fn range_of(member: &MemberId, compartment: Option<u16>) -> KeyRange {
    match compartment {
        Some(number) => KeyRange::prefix(keys::compartment_records(member, number)),
        None => KeyRange::prefix(*member.as_bytes()),
    }
}

fn listed(reader: &dyn Reader, range: &KeyRange, limit: usize) -> Result<Chunk<RecordAt>, TablesError> {
    scan::rows(reader, KEYSPACE, range, limit, |key, row| {
        keys::parse_record(key).map(|(_, compartment, token)| RecordAt { compartment, token, row: row.to_vec() })
    })
}
