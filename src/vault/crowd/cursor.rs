//! Cursors of walks over members: sealed, because who reads a page must not learn the id of the member behind it, nor
//! what was counted so far.
//!
//! ```text
//! base64url of an envelope under the control key, in the control place 0xff || listing || SHA-256(what was asked, by whom)
//! plaintext: last member 16 | counted u64 | phase u8
//! ```
//!
//! No row has such a key. A cursor fits the question it was given for, and the token that asked it; two cursors are never
//! alike.

use crate::code::Code;
use crate::crypto;
use crate::types::MemberId;
use crate::types::place::ControlPlace;

use super::super::pipeline::Case;
use super::super::{Error, Vault};

/// No row key begins with this.
const NO_ROW: u8 = 0xff;
const PLAIN_LEN: usize = MemberId::LEN + 9;
/// Characters of a cursor.
const TEXT_LEN_MAX: usize = (crypto::ENVELOPE_OVERHEAD + PLAIN_LEN) * 4 / 3 + 4;

/// What a walk is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It shows members.
    Showing,
    /// It counts, and shows none yet.
    Counting,
}

/// Where a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) last: MemberId,
    /// Members counted so far.
    pub(super) counted: u64,
    pub(super) phase: Phase,
}

/// The question a cursor belongs to.
pub(super) struct Question([u8; 34]);

impl Question {
    /// `parts` are what was asked; each may have any bytes.
    pub(super) fn of(case: &Case<'_>, listing: u8, parts: &[&[u8]]) -> Self {
        let actor = &case.ctx.actor;
        let purpose = case.ctx.purpose.as_ref().map_or("", |purpose| purpose.as_str());
        let mut all = vec![crypto::sha256(&[actor.token.as_bytes()]), crypto::sha256(&[purpose.as_bytes()])];
        all.extend(parts.iter().map(|part| crypto::sha256(&[part])));
        let hashes: Vec<&[u8]> = all.iter().map(<[u8; 32]>::as_slice).collect();
        let mut key = [0; 34];
        let (head, digest) = key.split_at_mut(2);
        head.copy_from_slice(&[NO_ROW, listing]);
        digest.copy_from_slice(&crypto::sha256(&hashes));
        Self(key)
    }
}

impl Vault {
    /// The text of a cursor.
    pub(super) fn seal_place(&self, question: &Question, place: &Place) -> Result<String, Error> {
        let mut plain = place.last.as_bytes().to_vec();
        plain.extend_from_slice(&place.counted.to_be_bytes());
        plain.push(u8::from(place.phase == Phase::Counting));
        let at = ControlPlace { vault: self.id(), row_key: &question.0 };
        let sealed = crypto::seal(self.suite(), self.keyring().control(), &at, &plain, self.entropy())?;
        Ok(data_encoding::BASE64URL_NOPAD.encode(&sealed))
    }

    /// The place a cursor stands for.
    pub(super) fn open_place(&self, question: &Question, text: &str) -> Result<Place, Error> {
        let invalid = || Error::Invalid {
            code: Code::InvalidCursor,
            at: "cursor",
            problem: "this cursor was not issued for this question; start again without one",
        };
        if text.len() > TEXT_LEN_MAX {
            return Err(invalid());
        }
        let sealed = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| invalid())?;
        let at = ControlPlace { vault: self.id(), row_key: &question.0 };
        let plain = crypto::open(self.keyring().control(), &at, &sealed).map_err(|_| invalid())?;
        let (last, rest) = plain.expose().split_first_chunk().ok_or_else(invalid)?;
        let (counted, phase) = rest.split_first_chunk().ok_or_else(invalid)?;
        let phase = if phase == [0] { Phase::Showing } else { Phase::Counting };
        Ok(Place { last: MemberId::from_bytes(*last), counted: u64::from_be_bytes(*counted), phase })
    }
}
