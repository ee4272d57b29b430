//! Bodies about consents and preferences.

#![allow(dead_code, reason = "the replies only describe")]

use serde::Deserialize;
use utoipa::ToSchema;

use super::erasures::Erasure;
use crate::clock::Timestamp;
use crate::http::extract::{ObjectOf, RequestBody, StrictObject, Word};
use crate::types::Purpose;
use crate::vault::consent::{self, Method, NOTICE_TEXT_BYTES_MAX};

/// Bytes of a body that may carry the text of a notice, escaped.
const CONSENT_BODY_BYTES_MAX: usize = 2 * NOTICE_TEXT_BYTES_MAX + 16 * 1024;
/// Bytes of any other body.
const SMALL_BODY_BYTES_MAX: usize = 32 * 1024;

macro_rules! request_bodies {
    ($($name:ident up to $max:ident,)+) => {
        $(impl RequestBody for $name {
            const BYTES_MAX: usize = $max;
            const MEDIA_TYPES: &'static [&'static str] = &["application/json"];
        })+
    };
}

request_bodies! {
    NewConsent up to CONSENT_BODY_BYTES_MAX,
    Preferences up to SMALL_BODY_BYTES_MAX,
    Reason up to SMALL_BODY_BYTES_MAX,
}

/// The notice a member was shown: with its text, which is hashed and not kept, or with the SHA-256 of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ShownNotice {
    /// Its version.
    #[schema(min_length = 1, max_length = 64)]
    pub(in crate::http) version: String,
    /// SHA-256 of its text, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub(in crate::http) sha256: Option<String>,
    /// Its text.
    #[schema(min_length = 1, max_length = 65536)]
    pub(in crate::http) text: Option<String>,
    /// The language it was shown in.
    #[schema(max_length = 35)]
    pub(in crate::http) language: Option<String>,
}

/// A consent that is given. There is no field for a box that was ticked beforehand, and none is accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "notice": {"version": "2026-01", "text": "We send you our newsletter once a month.", "language": "en"},
    "method": "web_form", "place": "account settings"
}))]
pub(in crate::http) struct NewConsent {
    /// The notice the member was shown.
    #[schema(value_type = ShownNotice)]
    pub(in crate::http) notice: ObjectOf<ShownNotice>,
    /// How it was given.
    #[schema(value_type = String, pattern = "^(web_form|app|email|paper|phone|in_person|import)$")]
    pub(in crate::http) method: Word<Method>,
    /// Where it was given: a page, a shop.
    #[schema(min_length = 1, max_length = 128)]
    pub(in crate::http) place: Option<String>,
    /// Whether it was given explicitly, as special categories of data need.
    #[serde(default)]
    #[schema(required = false)]
    pub(in crate::http) explicit: bool,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::http) expires_at: Option<Timestamp>,
}

/// A consent that is given where a member is created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct FirstConsent {
    /// To which purpose.
    #[schema(value_type = String)]
    pub(in crate::http) purpose: Word<Purpose>,
    /// The notice the member was shown.
    #[schema(value_type = ShownNotice)]
    pub(in crate::http) notice: ObjectOf<ShownNotice>,
    /// How it was given.
    #[schema(value_type = String, pattern = "^(web_form|app|email|paper|phone|in_person|import)$")]
    pub(in crate::http) method: Word<Method>,
    /// Where it was given: a page, a shop.
    #[schema(min_length = 1, max_length = 128)]
    pub(in crate::http) place: Option<String>,
    /// Whether it was given explicitly, as special categories of data need.
    #[serde(default)]
    #[schema(required = false)]
    pub(in crate::http) explicit: bool,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::http) expires_at: Option<Timestamp>,
}

impl From<FirstConsent> for (Purpose, consent::NewConsent) {
    fn from(first: FirstConsent) -> Self {
        let FirstConsent { purpose, notice, method, place, explicit, expires_at } = first;
        (purpose.0, NewConsent { notice, method, place, explicit, expires_at }.into())
    }
}

impl From<NewConsent> for consent::NewConsent {
    fn from(body: NewConsent) -> Self {
        let notice = body.notice.0;
        Self {
            notice: consent::Notice { version: notice.version, sha256: notice.sha256, language: notice.language },
            notice_text: notice.text,
            method: body.method.0,
            place: body.place,
            explicit: body.explicit,
            expires_at: body.expires_at,
        }
    }
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "asked on the telephone"}))]
pub(in crate::http) struct Reason {
    /// In a few words; it is kept in the member's history.
    #[schema(min_length = 1, max_length = 256)]
    pub(in crate::http) reason: Option<String>,
}

/// How a member wants to be spoken to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"channels": ["email"], "topics": ["books"], "language": "en"}))]
pub(in crate::http) struct Preferences {
    /// By which channels, the best first.
    #[serde(default)]
    #[schema(required = false, max_items = 16)]
    pub(in crate::http) channels: Vec<String>,
    /// About which topics.
    #[serde(default)]
    #[schema(required = false, max_items = 128)]
    pub(in crate::http) topics: Vec<String>,
    /// In which language.
    #[schema(max_length = 35)]
    pub(in crate::http) language: Option<String>,
    /// What the application keeps besides, up to 8,192 bytes.
    #[schema(value_type = Option<Object>)]
    pub(in crate::http) settings: Option<StrictObject>,
}

shapes! {
    /// The preferences of a member.
    struct PreferencesView {
        /// The version, as in `ETag`.
        #[schema(minimum = 1)]
        version: u64,
        /// When they were last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// By which channels, the best first.
        channels: Vec<String>,
        /// About which topics.
        topics: Vec<String>,
        /// In which language.
        #[schema(nullable = false)]
        language: Option<String>,
        /// What the application keeps besides.
        #[schema(required = false)]
        settings: serde_json::Map<String, serde_json::Value>,
    }

    /// A consent in force.
    struct ConsentInForce {
        /// To which purpose.
        purpose: String,
        /// Whether it was given explicitly.
        explicit: bool,
        /// When it ends by itself.
        #[schema(format = DateTime, nullable = false)]
        until: Option<String>,
    }

    /// How a member stands to the use of its data, now.
    struct Standing {
        /// What it agreed to.
        consents: Vec<ConsentInForce>,
        /// The purposes it objected to.
        objections: Vec<String>,
        /// Whether it restricted the use of its data.
        restricted: bool,
        /// Whether it refuses decisions made without a person.
        refuses_automated_decisions: bool,
    }

    /// A compartment that lived by a consent and was kept.
    struct Kept {
        /// Which.
        compartment: String,
        /// The code of the refusal, or `undeclared` for a record in it that the data map does not know.
        reason: String,
    }

    /// A consent was withdrawn.
    struct Withdrawal {
        /// What the member agrees to still.
        consents: Vec<ConsentInForce>,
        /// The purposes it objected to.
        objections: Vec<String>,
        /// Whether it restricted the use of its data.
        restricted: bool,
        /// Whether it refuses decisions made without a person.
        refuses_automated_decisions: bool,
        /// What was erased with the consent.
        #[schema(required = false)]
        erasures: Vec<Erasure>,
        /// What lived by it and was kept.
        #[schema(required = false)]
        kept: Vec<Kept>,
    }

    /// The notice a member was shown.
    struct Notice {
        /// Its version.
        version: String,
        /// SHA-256 of its text, hexadecimal; absent only for what came from another system.
        #[schema(nullable = false)]
        sha256: Option<String>,
        /// The language it was shown in.
        #[schema(nullable = false)]
        language: Option<String>,
    }

    /// How it stands with one consent.
    struct Consent {
        /// To which purpose.
        purpose: String,
        /// `given` and counts, `expired`, or `withdrawn`.
        #[schema(pattern = "^(given|expired|withdrawn)$")]
        state: String,
        /// Whether it was given explicitly.
        explicit: bool,
        /// When it ends, or ended, by itself.
        #[schema(format = DateTime, nullable = false)]
        until: Option<String>,
        /// The number of the newest entry about it.
        #[schema(minimum = 1, nullable = false)]
        entry: Option<u32>,
        /// When that was.
        #[schema(format = DateTime, nullable = false)]
        since: Option<String>,
        /// The notice it was given under.
        #[schema(nullable = false)]
        notice: Option<Notice>,
        /// How it was given.
        #[schema(nullable = false)]
        method: Option<String>,
    }

    /// An entry of the history. Entries are added; none is ever changed.
    struct ConsentHistoryEntry {
        /// 1, 2, 3, ...
        #[schema(minimum = 1)]
        number: u32,
        /// `given`, `withdrawn`, `objected`, `objection_lifted`, `restricted`, `restriction_lifted`,
        /// `automation_refused` or `automation_accepted`.
        event: String,
        /// When, by the clock of the vault.
        #[schema(format = DateTime)]
        at: String,
        /// The token that recorded it.
        by: String,
        /// The role of that token.
        role: String,
        /// The purposes it is about; absent for what is about all use.
        #[schema(required = false)]
        purposes: Vec<String>,
        /// The notice the member was shown.
        #[schema(nullable = false)]
        notice: Option<Notice>,
        /// How it was given.
        #[schema(nullable = false)]
        method: Option<String>,
        /// Where it was given.
        #[schema(nullable = false)]
        place: Option<String>,
        /// Whether it was given explicitly.
        #[schema(required = false)]
        explicit: bool,
        /// When it ends by itself.
        #[schema(format = DateTime, nullable = false)]
        expires_at: Option<String>,
        /// Why.
        #[schema(nullable = false)]
        reason: Option<String>,
    }

    /// The consents of a member.
    struct Consents {
        /// One for each purpose the member ever agreed to.
        consents: Vec<Consent>,
        /// How the member stands now.
        standing: Standing,
        /// Oldest first.
        history: Vec<ConsentHistoryEntry>,
    }
}
