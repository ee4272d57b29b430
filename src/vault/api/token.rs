//! API tokens, as they are asked for and shown.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::types::{MemberId, RecipientName, Role, TokenId};

/// A token to be created.
pub struct NewToken {
    /// What it may be.
    pub role: Role,
    /// A note for the operator, such as the name of the system that will use it.
    pub label: String,
    /// The only member it may speak of; required for role `member`, refused for others.
    pub member: Option<MemberId>,
    /// When it ends; `None` for [`crate::vault::tokens::TTL_DEFAULT_MS`].
    pub expires_at: Option<Timestamp>,
    /// Requests per second; `None` for no limit of its own.
    pub rate_per_s: Option<u32>,
    /// Members it may touch within an hour, where that is to be fewer than its role may.
    pub members_per_hour: Option<u32>,
    /// Members it may touch within a day, where that is to be fewer than its role may.
    pub members_per_day: Option<u32>,
    /// Whose people or machines use it, in words. Members are shown it when they ask who used their data.
    pub organisation: Option<String>,
    /// The recipient what is read goes to, where it leaves the house: its name in the register of recipients.
    pub recipient: Option<RecipientName>,
}

impl NewToken {
    /// A token of this role with the defaults in everything else.
    pub fn new(role: Role, label: &str) -> Self {
        Self {
            role,
            label: label.to_owned(),
            member: None,
            expires_at: None,
            rate_per_s: None,
            members_per_hour: None,
            members_per_day: None,
            organisation: None,
            recipient: None,
        }
    }
}

/// A short-lived token for one member.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewMemberToken {
    /// How long it lives; `None` for [`crate::vault::member_token::MINUTES_DEFAULT`].
    pub minutes: Option<u32>,
}

/// What is known of a token besides its secret.
#[derive(Clone, Debug, Serialize)]
pub struct TokenInfo {
    /// The public part.
    pub id: TokenId,
    /// What it may be.
    pub role: Role,
    /// The operator's note.
    pub label: String,
    /// The only member it may speak of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Requests per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<u32>,
    /// Members it may touch within an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_per_hour: Option<u32>,
    /// Members it may touch within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_per_day: Option<u32>,
    /// Whose people or machines use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The recipient what is read goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<RecipientName>,
}

/// A token was created. The secret is shown this once; only its hash is kept.
pub struct IssuedToken {
    /// The whole token, as the client presents it.
    pub secret: Zeroizing<String>,
    /// What is known of it.
    pub info: TokenInfo,
}
