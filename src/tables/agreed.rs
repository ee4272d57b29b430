//! Agreed rows: which members agree to a purpose, so that they are found without opening anyone else.
//!
//! A row is a hint, written and removed in the change that writes the member row; how the member stands is in the member
//! row alone. Whoever reads a page of these opens each member and looks. A consent that ended by itself leaves its row
//! until the member's standing is next written; [`Agreed::until`] tells it.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::clock::Timestamp;
use crate::codec::keys;
use crate::codec::rows::{encode_agreed, parse_agreed};
use crate::store::{Keyspace, Reader};
use crate::types::standing::Consent;
use crate::types::{MemberId, Purpose};

/// Where agreed rows lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// A member that agrees to a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The member.
    pub member: MemberId,
    /// The minute from which on it no longer counts; `None`: until it is withdrawn.
    pub until: Option<u32>,
}

impl Agreed {
    /// Whether it counts at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now.as_minutes() < until)
    }
}

/// The key of a member that agrees to a purpose.
pub fn key(purpose: &Purpose, member: &MemberId) -> Vec<u8> {
    keys::agreed(purpose, member)
}

/// The row of a consent.
pub fn encode(consent: &Consent) -> Vec<u8> {
    encode_agreed(consent.until)
}

/// The members that agree to a purpose, after `after`, by ascending id: also those whose consent has ended by itself.
pub fn members(
    reader: &dyn Reader,
    purpose: &Purpose,
    after: Option<&MemberId>,
    limit: usize,
) -> Result<Chunk<Agreed>, TablesError> {
    let last = after.map(|member| key(purpose, member));
    let range = scan::following(&keys::agreed_to(purpose), last.as_deref());
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| {
        let (_, member) = keys::parse_agreed(key)?;
        Ok(Agreed { member, until: parse_agreed(row)? })
    })
}
