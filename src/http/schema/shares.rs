//! Schemas of links.

#![allow(dead_code, reason = "some of these types only describe")]

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SMALL_BODY_BYTES_MAX, Withheld};
use crate::clock::Timestamp;
use crate::http::extract::{RequestBody, Word};
use crate::types::{FieldName, RecipientName};
use crate::vault::api;

impl RequestBody for NewShare {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
}

impl RequestBody for ShareOpening {
    const BYTES_MAX: usize = 1024;
}

/// A link to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"recipient": "parcel-service", "fields": ["name", "address"], "expires_at": "2026-01-08T00:00:00Z"}))]
pub(in crate::http) struct NewShare {
    /// To whom it shows: a name of the register of recipients.
    #[schema(value_type = String, max_length = 32)]
    pub(in crate::http) recipient: Word<RecipientName>,
    /// Which top-level fields of the record.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 64)]
    pub(in crate::http) fields: Vec<Word<FieldName>>,
    /// When it ends, within 30 days.
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::http) expires_at: Timestamp,
    /// How often it opens; without it until it ends.
    #[schema(minimum = 1, maximum = 10_000)]
    pub(in crate::http) opens_max: Option<u32>,
}

/// What a recipient presents. It is in the body because URLs are logged along the way.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ShareOpening {
    /// The link's secret.
    #[schema(value_type = String, pattern = "^mvs1_", max_length = 128)]
    pub(in crate::http) secret: String,
}

/// A link that was made, with its secret.
#[derive(Serialize)]
pub(in crate::http) struct IssuedLink<'a> {
    pub(in crate::http) secret: &'a str,
    pub(in crate::http) info: &'a api::ShareInfo,
}

shapes! {
    /// A link was made. The secret is shown this once.
    struct IssuedShare {
        /// What the recipient presents.
        secret: String,
        /// What is known of it.
        info: Share,
    }

    /// A link, without its secret.
    struct Share {
        /// The link.
        #[schema(format = "uuid")]
        id: String,
        /// To whom it shows.
        recipient: String,
        /// The compartment of the record it shows.
        compartment: String,
        /// The record.
        name: String,
        /// The fields.
        fields: Vec<String>,
        /// For which purpose.
        purpose: String,
        /// When it was made.
        #[schema(format = DateTime)]
        created_at: String,
        /// With which token.
        created_by: String,
        /// When it ends.
        #[schema(format = DateTime)]
        expires_at: String,
        /// How often it opens.
        #[schema(minimum = 1, nullable = false)]
        opens_max: Option<u32>,
        /// How often it was opened.
        opens: u32,
        /// When it was opened last.
        #[schema(format = DateTime, nullable = false)]
        opened_at: Option<String>,
    }

    /// The links of a member that have not ended.
    struct ShareList {
        /// The links, oldest first.
        items: Vec<Share>,
    }

    /// What a link shows.
    struct SharedRecord {
        /// The recipient it was made for.
        recipient: String,
        /// For which purpose.
        purpose: String,
        /// When the link ends.
        #[schema(format = DateTime)]
        expires_at: String,
        /// The compartment of the record.
        compartment: String,
        /// The record.
        name: String,
        /// Its version.
        #[schema(minimum = 1)]
        version: u64,
        /// When it was last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// The fields of the link.
        data: serde_json::Map<String, serde_json::Value>,
        /// Those that are not shown as they are.
        #[schema(required = false)]
        withheld: Vec<Withheld>,
    }
}
