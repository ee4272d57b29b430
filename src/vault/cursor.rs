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

/// The answer to a cursor that is not one of this listing.
const FOREIGN: Error = Error::Invalid {
    code: Code::InvalidCursor,
    at: "cursor",
    problem: "this cursor was not issued for this listing; start again without one",
};

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

/// The number of the listings of records by their metadata.
pub(crate) const LISTING_QUERY: u8 = 33;

/// Bytes of a cursor that bind it to what was asked.
const BOUND_LEN: usize = 8;

impl Vault {
    /// The text of a cursor after `key` in a listing of what `asked` says. Nothing of it can be read from the cursor.
    pub(crate) fn issue_bound_cursor(&self, listing: u8, asked: &[u8], key: &[u8]) -> String {
        self.issue_cursor(listing, &[self.bound(listing, asked).as_slice(), key].concat())
    }

    /// The key that a cursor of this listing, of what `asked` says, stands for.
    pub(crate) fn read_bound_cursor(&self, listing: u8, asked: &[u8], text: &str) -> Result<Vec<u8>, Error> {
        let bytes = self.read_cursor(listing, text)?;
        match bytes.split_first_chunk() {
            Some((bound, key)) if *bound == self.bound(listing, asked) => Ok(key.to_vec()),
            _ => Err(FOREIGN),
        }
    }

    fn bound(&self, listing: u8, asked: &[u8]) -> [u8; BOUND_LEN] {
        self.keyring().cursor().mac(listing, asked).first_chunk().copied().unwrap_or_default()
    }

    /// The text of a cursor after `key` in a listing.
    pub(crate) fn issue_cursor(&self, listing: u8, key: &[u8]) -> String {
        let mut bytes = self.keyring().cursor().mac(listing, key).to_vec();
        bytes.extend_from_slice(key);
        data_encoding::BASE64URL_NOPAD.encode(&bytes)
    }

    /// The key a cursor of this listing stands for.
    pub(crate) fn read_cursor(&self, listing: u8, text: &str) -> Result<Vec<u8>, Error> {
        if text.len() > (TAG_LEN + KEY_LEN_MAX) * 4 / 3 + 3 {
            return Err(FOREIGN);
        }
        let Ok(bytes) = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()) else { return Err(FOREIGN) };
        let Some((tag, key)) = bytes.split_first_chunk::<TAG_LEN>() else { return Err(FOREIGN) };
        if self.keyring().cursor().verify(listing, key, tag) { Ok(key.to_vec()) } else { Err(FOREIGN) }
    }
}
