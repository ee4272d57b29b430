//! Rows of links: what a link shows, by its id, and the links of a member.
//!
//! ```text
//! link             'S' | 0 | share 16      1 | envelope, under the control key
//! links of one     'S' | 1 | member 16     1 | share 16 ... oldest first | random 16
//! ```
//!
//! The random bytes make the second row another one with each link, so that an erasure that relies on it misses none.

use super::CodecError;
use super::keys::tag;
use super::reader::{Reader, join};
use super::rows::ROW_VERSION;
use crate::types::{MemberId, ShareId};

/// What kind of row it is.
const LINK: u8 = 0;
const OF_MEMBER: u8 = 1;

/// Control: a link.
pub fn key(share: &ShareId) -> [u8; 18] {
    join(&[&[tag::SHARE, LINK], share.as_bytes()])
}

/// Control: the links of a member.
pub fn of_member_key(member: &MemberId) -> [u8; 18] {
    join(&[&[tag::SHARE, OF_MEMBER], member.as_bytes()])
}

/// The row of the links of a member.
pub fn encode_of_member(shares: &[ShareId], random: &[u8; 16]) -> Vec<u8> {
    let mut row = vec![ROW_VERSION];
    shares.iter().for_each(|share| row.extend_from_slice(share.as_bytes()));
    row.extend_from_slice(random);
    row
}

/// The links of a member, oldest first.
pub fn parse_of_member(row: &[u8]) -> Result<Vec<ShareId>, CodecError> {
    let rest = Reader::new("links of a member", row, ROW_VERSION)?.rest();
    let (ids, left) = rest.as_chunks();
    match (ids.split_last(), left) {
        (Some((_random, ids)), []) => Ok(ids.iter().copied().map(ShareId::from_bytes).collect()),
        _ => Err(CodecError::Truncated { what: "links of a member" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_of_a_member_are_read_as_they_were_written() {
        let [one, other] = [ShareId::from_bytes([1; 16]), ShareId::from_bytes([2; 16])];
        for shares in [vec![], vec![one], vec![other, one]] {
            let row = encode_of_member(&shares, &[7; 16]);
            assert_eq!(parse_of_member(&row), Ok(shares));
            (0..row.len()).filter(|cut| cut % 16 != 1).for_each(|cut| assert!(parse_of_member(&row[..cut]).is_err()));
        }
        assert!(parse_of_member(&[1]).is_err());
    }

    #[test]
    fn a_link_and_the_links_of_a_member_lie_apart() {
        assert_ne!(key(&ShareId::from_bytes([1; 16])), of_member_key(&MemberId::from_bytes([1; 16])));
    }
}
