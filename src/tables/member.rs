//! Member rows: the envelope of a member's keys. A member is there exactly when its row is.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{KeyRange, Keyspace, Reader, Row};
use crate::types::MemberId;

/// Where member rows lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of a member's row.
pub fn key(member: &MemberId) -> [u8; 17] {
    keys::member(member)
}

/// A member's row, as stored. `None` if there is no such member.
pub fn row(reader: &dyn Reader, member: &MemberId) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(member))?)
}

/// The members after `after`, in the order of their ids.
pub fn ids(reader: &dyn Reader, after: Option<&MemberId>, limit: usize) -> Result<Chunk<MemberId>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::MEMBER], last.as_ref().map(<[u8; 17]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, _| keys::parse_member(key))
}

/// The rows of the members from `first` to `last`, both included: what a seal rewraps of one shard.
pub fn between(
    reader: &dyn Reader,
    first: &MemberId,
    last: &MemberId,
) -> Result<Vec<(MemberId, Vec<u8>)>, TablesError> {
    let range = KeyRange { start: key(first).to_vec(), end: crate::store::successor(&key(last)) };
    scan::whole(reader, KEYSPACE, &range, |key, value| Ok((keys::parse_member(key)?, value.to_vec())))
}
