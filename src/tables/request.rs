//! Requests of members: one sealed row each, one sealed row a member that has some, and lists by deadline.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::clock::Timestamp;
use crate::codec::request as keys;
use crate::store::{KeyRange, Keyspace, Reader, Row};
use crate::types::{MemberId, RequestCaseId};

pub use crate::codec::request::RequestList;

/// Where requests lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of a request.
pub fn key(request: &RequestCaseId) -> [u8; 18] {
    keys::case(request)
}

/// A request, as stored.
pub fn row(reader: &dyn Reader, request: &RequestCaseId) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(request))?)
}

/// The key of the row that says which requests there are of a member.
pub fn of_member_key(member: &MemberId) -> [u8; 18] {
    keys::of_member(member)
}

/// Which requests there are of a member, as stored.
pub fn of_member(reader: &dyn Reader, member: &MemberId) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &of_member_key(member))?)
}

/// The key of an entry of a list. The row is empty.
pub fn queued_key(list: RequestList, deadline: Timestamp, request: &RequestCaseId) -> [u8; 27] {
    keys::queued(list, deadline, request)
}

/// The entries of a list after the key `after`, those due first first; with `before`, only those due before it.
pub fn queued(
    reader: &dyn Reader,
    list: RequestList,
    before: Option<Timestamp>,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Chunk<(Vec<u8>, RequestCaseId)>, TablesError> {
    let mut range = KeyRange::prefix(keys::list(list));
    if let Some(before) = before {
        range.end = Some(keys::list_from(list, before).to_vec());
    }
    if let Some(after) = after {
        range = range.after(after);
    }
    if range.is_empty() {
        return Ok(Chunk { items: Vec::new(), more: false });
    }
    scan::rows(reader, KEYSPACE, &range, limit, |key, _| Ok((key.to_vec(), keys::parse_queued(key)?)))
}
