//! What is said to guard against misuse, and what is said of it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::{FreezeScope, TokenId};

/// A stop to be set.
pub struct NewFreeze {
    /// Whom it stops.
    pub scope: FreezeScope,
    /// Why, in a few words; no personal data.
    pub reason: String,
}

/// A stop of the use of member data that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Freeze {
    /// Whom it stops; by this name it is released.
    pub id: FreezeScope,
    /// Why.
    pub reason: String,
    /// Since when.
    pub set_at: Timestamp,
    /// By which token.
    pub set_by: TokenId,
}

/// A window for bulk reads to be opened.
pub struct NewWindow {
    /// The token that is to read in bulk.
    pub token: TokenId,
    /// Why, in a few words; no personal data.
    pub reason: String,
    /// For how long, 1 to [`crate::vault::guard::WINDOW_MINUTES_MAX`].
    pub minutes: u32,
}

/// The time in which a token may read in bulk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The token.
    pub token: TokenId,
    /// Why.
    pub reason: String,
    /// Since when.
    pub opened_at: Timestamp,
    /// By which token.
    pub opened_by: TokenId,
    /// When it closes by itself.
    pub closes_at: Timestamp,
}

impl Window {
    /// Whether it is open: also not before its beginning, should the clock go back.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.opened_at <= now && now < self.closes_at
    }
}

/// What is stored of a freeze or a window; the rest is in its key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noted {
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
    pub(crate) by: TokenId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
}
