//! Bodies that are read. Unknown fields are refused: a misspelt field that is dropped in silence is data lost.

use serde::Deserialize;
use utoipa::ToSchema;

use super::consents::FirstConsent;
use super::replies::Meta;
use crate::clock::Timestamp;
use crate::http::extract::{ObjectOf, RequestBody, StrictObject, Word};
use crate::types::record::limits::RECORD_BYTES_MAX;
use crate::types::{IdentifierKind, MemberId, RecipientName, RecordMeta, Role};

/// Bytes of a body that carries a record: the record, its metadata and the envelope around them.
pub(super) const RECORD_BODY_BYTES_MAX: usize = RECORD_BYTES_MAX + 64 * 1024;
/// Bytes of any other body.
pub(in crate::http) const SMALL_BODY_BYTES_MAX: usize = 16 * 1024;

/// What a merge patch may be declared as.
pub(super) const PATCH_TYPES: &[&str] = &["application/merge-patch+json", "application/json"];

request_bodies! {
    NewMember up to RECORD_BODY_BYTES_MAX as &["application/json"],
    MemberPatch up to RECORD_BODY_BYTES_MAX as PATCH_TYPES,
    RecordPut up to RECORD_BODY_BYTES_MAX as &["application/json"],
    RecordPatch up to RECORD_BODY_BYTES_MAX as PATCH_TYPES,
    Lookup up to SMALL_BODY_BYTES_MAX as &["application/json"],
    NewHold up to SMALL_BODY_BYTES_MAX as &["application/json"],
    NewToken up to SMALL_BODY_BYTES_MAX as &["application/json"],
}

/// A member to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"profile": {"email": "ada@example.org", "name": "Ada Lovelace", "language": "en"}}))]
pub(in crate::http) struct NewMember {
    /// The profile. `email`, `phone` and `external_id`, if present, become identifiers.
    #[schema(value_type = Object)]
    pub(in crate::http) profile: StrictObject,
    /// Metadata of the profile.
    #[schema(value_type = Option<Meta>)]
    pub(in crate::http) meta: Option<ObjectOf<RecordMeta>>,
    /// Consents the member gives at the same time.
    #[serde(default)]
    #[schema(value_type = Vec<FirstConsent>, required = false, max_items = 64)]
    pub(in crate::http) consents: Vec<ObjectOf<FirstConsent>>,
}

/// A change of a profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"profile": {"phone": "+49 30 901820", "nickname": null}}))]
pub(in crate::http) struct MemberPatch {
    /// The merge patch of the profile: a null removes a field.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(in crate::http) profile: StrictObject,
    /// New metadata, which replaces the old as a whole; without it the old stays.
    #[schema(value_type = Option<Meta>)]
    pub(in crate::http) meta: Option<ObjectOf<RecordMeta>>,
}

/// A whole record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"data": {"total": 42}, "meta": {"purposes": ["support"], "source": "shop"}}))]
pub(in crate::http) struct RecordPut {
    /// The record.
    #[schema(value_type = Object)]
    pub(in crate::http) data: StrictObject,
    /// Its metadata; without it the metadata that is there stays.
    #[schema(value_type = Option<Meta>)]
    pub(in crate::http) meta: Option<ObjectOf<RecordMeta>>,
}

/// A change of a record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"data": {"total": 43}}))]
pub(in crate::http) struct RecordPatch {
    /// The merge patch of the record: a null removes a field.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(in crate::http) data: StrictObject,
    /// New metadata, which replaces the old as a whole; without it the old stays.
    #[schema(value_type = Option<Meta>)]
    pub(in crate::http) meta: Option<ObjectOf<RecordMeta>>,
}

/// An identifier to look up. It is in the body because URLs are logged along the way.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "email", "value": "ada@example.org"}))]
pub(in crate::http) struct Lookup {
    /// The kind of identifier.
    #[schema(value_type = String, pattern = "^(email|phone|external_id)$")]
    pub(in crate::http) kind: Word<IdentifierKind>,
    /// The identifier, in any form that normalises to it.
    pub(in crate::http) value: String,
}

/// A legal hold to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "litigation", "reference": "case-2026-17"}))]
pub(in crate::http) struct NewHold {
    /// Why, in a few words.
    #[schema(min_length = 1, max_length = 256)]
    pub(in crate::http) reason: String,
    /// The matter it belongs to.
    #[schema(max_length = 64)]
    pub(in crate::http) reference: Option<String>,
}

/// A token to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "crm", "label": "CRM backend"}))]
pub(in crate::http) struct NewToken {
    /// What it may be.
    #[schema(value_type = String, pattern = "^(crm|support|marketing|analyst|ops|compliance|member|admin)$")]
    pub(in crate::http) role: Word<Role>,
    /// A note for the operator, such as the name of the system that will use it.
    #[schema(max_length = 64)]
    pub(in crate::http) label: String,
    /// The only member it may speak of; required for role `member`, refused for others.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(in crate::http) member: Option<MemberId>,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::http) expires_at: Option<Timestamp>,
    /// Requests per second; without it no limit of its own.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub(in crate::http) rate_per_s: Option<u32>,
    /// Members it may touch within an hour; without it, or where it is higher, as many as its role may.
    #[schema(minimum = 1)]
    pub(in crate::http) members_per_hour: Option<u32>,
    /// Members it may touch within a day; without it, or where it is higher, as many as its role may.
    #[schema(minimum = 1)]
    pub(in crate::http) members_per_day: Option<u32>,
    /// Whose people or machines use it. Members are shown it when they ask who used their data.
    #[schema(min_length = 1, max_length = 64)]
    pub(in crate::http) organisation: Option<String>,
    /// The recipient outside the house that what is read goes to: its name in the register of recipients.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9][a-z0-9_-]{0,31}$")]
    pub(in crate::http) recipient: Option<RecipientName>,
}
