//! What a member agreed to, objected to, restricted or refused, and how it wants to be spoken to.
//!
//! How it stands is in the member row, beside the keys, so that it counts on the next read anywhere; how it came to that
//! is a history in the member's dossier to which entries are added and none is ever changed. Both are written in one
//! change that relies on the member row, so of two that meet the one is decided anew: the last to be committed wins, and
//! the history has both, in their order. The order is that of the entries' numbers; no clock is asked.

mod doubt;
mod first;
mod give;
mod history;
mod import;
mod posting;
mod preferences;
mod read;
pub mod receipt;
mod shred;
mod standing;
mod withdraw;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::{Purpose, Role, TokenId};

use super::Error;

pub(super) use doubt::Doubt;
#[cfg(test)]
pub(super) use doubt::IN_DOUBT;
pub(super) use first::{entries as first_entries, put as put_first};
pub(super) use history::read as read_history;
pub use import::ImportedConsents;
pub(super) use import::{
    common as imported_in_common, first as imported_first, put_common, put_imported, record as imported_record,
};
pub(super) use posting::remove_postings;
pub(crate) use preferences::kept as kept_preferences;
pub use preferences::{CHANNELS_MAX, Preferences, PreferencesView, SETTINGS_BYTES_MAX, TOPICS_MAX, WORD_BYTES_MAX};
pub(crate) use read::gathered as gathered_consents;
pub use read::{ConsentState, ConsentView, Consents, NumberedEntry};
pub use shred::{Kept, Withdrawal};
pub use standing::{ConsentInForce, MemberStanding, Stance};
pub(crate) use standing::{as_requested, declared};

/// Entries of one member's history from which on nothing more can be given or lifted. To withdraw, object, restrict and
/// refuse stays possible: each of them ends something, so they are bounded by themselves.
pub const HISTORY_MAX: u32 = 1_000;
/// Bytes of a reason.
pub const REASON_BYTES_MAX: usize = 256;
/// Bytes of the version of a notice.
pub const NOTICE_VERSION_BYTES_MAX: usize = 64;
/// Bytes of the text of a notice that is hashed here.
pub const NOTICE_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the place a consent was given at.
pub const PLACE_BYTES_MAX: usize = 128;
/// Bytes of the name of a language.
pub const LANGUAGE_BYTES_MAX: usize = 35;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// A consent was given.
    Given,
    /// A consent was withdrawn.
    Withdrawn,
    /// The member objected to a purpose (GDPR Art. 21).
    Objected,
    /// The objection was taken back.
    ObjectionLifted,
    /// The member restricted the use of its data (GDPR Art. 18).
    Restricted,
    /// The restriction was lifted.
    RestrictionLifted,
    /// The member refused decisions made without a person (GDPR Art. 22).
    AutomationRefused,
    /// The refusal was taken back.
    AutomationAccepted,
}

impl Happening {
    /// Whether it only ever takes back what was allowed: never refused for the length of the history.
    const fn protects(self) -> bool {
        matches!(self, Self::Withdrawn | Self::Objected | Self::Restricted | Self::AutomationRefused)
    }
}

/// How a consent was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// In a form on a web page.
    WebForm,
    /// In an application.
    App,
    /// By e-mail.
    Email,
    /// On paper.
    Paper,
    /// On the telephone.
    Phone,
    /// To a person who was there.
    InPerson,
    /// Taken over from another system.
    Import,
}

impl Method {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebForm => "web_form",
            Self::App => "app",
            Self::Email => "email",
            Self::Paper => "paper",
            Self::Phone => "phone",
            Self::InPerson => "in_person",
            Self::Import => "import",
        }
    }
}

/// The notice a member was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Its version.
    pub version: String,
    /// SHA-256 of its text, hexadecimal; absent only for what came from another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The language it was shown in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A consent that is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewConsent {
    /// The notice the member was shown.
    pub notice: Notice,
    /// The text of the notice, in place of its hash: it is hashed and not kept.
    pub notice_text: Option<String>,
    /// How it was given.
    pub method: Method,
    /// Where it was given: a page, a shop.
    pub place: Option<String>,
    /// Whether it was given explicitly, as special categories of data need.
    pub explicit: bool,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// An entry of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryEntry {
    /// What happened.
    pub event: Happening,
    /// When, by the clock of the vault.
    pub at: Timestamp,
    /// The token that recorded it.
    pub by: TokenId,
    /// The role of that token.
    pub role: Role,
    /// The purposes it is about; none for what is about all use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Purpose>,
    /// The notice the member was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// How it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether it was given explicitly.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub explicit: bool,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Why, in the member's or a clerk's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A reason, within its bound.
fn checked_reason(reason: Option<&str>) -> Result<(), Error> {
    if reason.is_some_and(|reason| !is_line(reason, REASON_BYTES_MAX)) {
        return Err(Error::invalid("/reason", "state the reason on one line of 1 to 256 bytes, or leave it out"));
    }
    Ok(())
}

/// Whether a text is one line within a bound: what is signed one day holds no control characters.
fn is_line(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}
