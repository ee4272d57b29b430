//! Paging cursors: where a listing goes on, authenticated so that nobody can point a listing elsewhere.
//!
//! ```text
//! tag (16) | key (the last row key of the page)      as base64url
//! tag = HMAC-SHA256(cursor key, listing || key)[..16]
//! ```

use crate::code::Code;

use super::{Error, Vault};

const TAG_LEN: usize = 16;
/// No row key is longer; anything longer was not issued here.
const KEY_LEN_MAX: usize = 64;

/// The number of the listing of members.
pub(crate) const LISTING_MEMBERS: u8 = 1;
/// The number of the listings of records.
pub(crate) const LISTING_RECORDS: u8 = 2;
/// The number of the listing of tokens.
pub(crate) const LISTING_TOKENS: u8 = 3;
/// The number of the listing of erasures.
pub(crate) const LISTING_ERASURES: u8 = 4;
/// The number of the walks of retention over all members.
pub(crate) const LISTING_RETENTION: u8 = 30;
/// The number of the histories of members.
pub(crate) const LISTING_HISTORY: u8 = 20;
/// The number of the register of recipients.
pub(crate) const LISTING_RECIPIENTS: u8 = 21;
/// The number of the reports of breaches.
pub(crate) const LISTING_BREACH: u8 = 23;
/// The number of the disclosures of members.
pub(crate) const LISTING_DISCLOSURES: u8 = 22;

/// The number of the listings of requests.
pub(crate) const LISTING_REQUESTS: u8 = 24;

impl Vault {
    /// The text of a cursor after `key` in a listing.
    pub(crate) fn issue_cursor(&self, listing: u8, key: &[u8]) -> String {
        let mut bytes = self.keyring().cursor().mac(listing, key).to_vec();
        bytes.extend_from_slice(key);
        data_encoding::BASE64URL_NOPAD.encode(&bytes)
    }

    /// The key a cursor of this listing stands for.
    pub(crate) fn read_cursor(&self, listing: u8, text: &str) -> Result<Vec<u8>, Error> {
        let invalid = Error::Invalid {
            code: Code::InvalidCursor,
            at: "cursor",
            problem: "this cursor was not issued for this listing; start again without one",
        };
        if text.len() > (TAG_LEN + KEY_LEN_MAX) * 4 / 3 + 3 {
            return Err(invalid);
        }
        let Ok(bytes) = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()) else { return Err(invalid) };
        let Some((tag, key)) = bytes.split_first_chunk::<TAG_LEN>() else { return Err(invalid) };
        if self.keyring().cursor().verify(listing, key, tag) { Ok(key.to_vec()) } else { Err(invalid) }
    }
}
