//! Schemas of what guards against misuse.

#![allow(dead_code, reason = "some of these types only describe")]

use serde::Deserialize;
use utoipa::ToSchema;

use super::SMALL_BODY_BYTES_MAX;
use crate::http::extract::{RequestBody, Word};
use crate::types::{FreezeScope, TokenId};

impl RequestBody for NewFreeze {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
    const MEDIA_TYPES: &'static [&'static str] = &["application/json"];
}

impl RequestBody for NewWindow {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
    const MEDIA_TYPES: &'static [&'static str] = &["application/json"];
}

/// A stop of the use of member data, to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scope": "token:3f0c5a8e91d2b764", "reason": "the token was found in a repository"}))]
pub(in crate::http) struct NewFreeze {
    /// Whom it stops: `all`, `role:` and a role, `token:` and the id of a token.
    #[schema(value_type = String, pattern = "^(all|role:[a-z]+|token:[0-9a-f]{16})$")]
    pub(in crate::http) scope: Word<FreezeScope>,
    /// Why, in a few words; no personal data.
    #[schema(min_length = 1, max_length = 256)]
    pub(in crate::http) reason: String,
}

/// A window for bulk reads, to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "3f0c5a8e91d2b764", "reason": "the newsletter of June", "minutes": 60}))]
pub(in crate::http) struct NewWindow {
    /// The token that is to read in bulk.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
    pub(in crate::http) token: TokenId,
    /// Why, in a few words; no personal data.
    #[schema(min_length = 1, max_length = 256)]
    pub(in crate::http) reason: String,
    /// For how many minutes.
    #[schema(minimum = 1, maximum = 480)]
    pub(in crate::http) minutes: u32,
}

shapes! {
    /// A stop of the use of member data that stands.
    struct Freeze {
        /// Whom it stops; by this name it is released.
        #[schema(pattern = "^(all|role:[a-z]+|token:[0-9a-f]{16})$")]
        id: String,
        /// Why.
        reason: String,
        /// Since when.
        #[schema(format = DateTime)]
        set_at: String,
        /// By which token.
        set_by: String,
    }

    /// The stops that stand.
    struct FreezeList {
        /// The stops, by scope.
        items: Vec<Freeze>,
    }

    /// The time in which a token may read in bulk.
    struct Window {
        /// The token.
        #[schema(pattern = "^[0-9a-f]{16}$")]
        token: String,
        /// Why.
        reason: String,
        /// Since when.
        #[schema(format = DateTime)]
        opened_at: String,
        /// By which token.
        opened_by: String,
        /// When it closes by itself.
        #[schema(format = DateTime)]
        closes_at: String,
    }

    /// The windows that are open.
    struct WindowList {
        /// The windows, by token.
        items: Vec<Window>,
    }
}
