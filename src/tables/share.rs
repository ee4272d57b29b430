//! Links by which a recipient reads: one sealed row each, and one row a member that says which are its own.

use super::TablesError;
pub use crate::codec::share::{encode_of_member as encode_ids, key, of_member_key};
use crate::codec::{RowStamp, share};
use crate::store::{Keyspace, Reader, Row};
use crate::types::{MemberId, ShareId};

/// Where links lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The links of a member, and the stamp of the row that says so.
#[derive(Debug, Default)]
pub struct SharesOf {
    /// Their ids, oldest first.
    pub ids: Vec<ShareId>,
    /// The stamp; `None` where no link was ever made.
    pub stamp: Option<RowStamp>,
}

/// A link's row, as stored.
pub fn row(reader: &dyn Reader, share: &ShareId) -> Result<Option<Row>, TablesError> {
    Ok(reader.get(KEYSPACE, &key(share))?)
}

/// The links of a member.
pub fn of_member(reader: &dyn Reader, member: &MemberId) -> Result<SharesOf, TablesError> {
    let Some(row) = reader.get(KEYSPACE, &of_member_key(member))? else { return Ok(SharesOf::default()) };
    Ok(SharesOf { ids: share::parse_of_member(&row)?, stamp: Some(RowStamp::of(&row)) })
}
