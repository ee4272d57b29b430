//! Legal holds: one sealed row per held member.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader, Row};
use crate::types::MemberId;

/// Where holds lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of the hold on a member.
pub fn key(member: &MemberId) -> [u8; 17] {
    keys::hold(member)
}

/// The hold on a member, as stored. Its presence alone forbids erasing, whether or not it can be opened.
pub fn row(reader: &dyn Reader, member: &MemberId) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(member))?)
}

/// The held members after `after`.
pub fn members(reader: &dyn Reader, after: Option<&MemberId>, limit: usize) -> Result<Chunk<MemberId>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::HOLD], last.as_ref().map(<[u8; 17]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, _| keys::parse_hold(key))
}
