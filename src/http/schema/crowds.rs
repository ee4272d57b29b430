//! Schemas of what is shown of many members at once.

#![allow(dead_code, reason = "some of these types only describe")]

use serde::Deserialize;
use utoipa::ToSchema;

use super::{SMALL_BODY_BYTES_MAX, Withheld};
use crate::http::extract::{RequestBody, StrictObject, Word};
use crate::types::{Compartment, RecordName};

impl RequestBody for SegmentCounting {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
}

impl RequestBody for SegmentListing {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
}

/// A question to count by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"compartment": "core", "name": "profile", "where": {"field": "country", "in": ["DE", "AT"]}}))]
pub(in crate::http) struct SegmentCounting {
    /// The compartment of the record the question is about.
    #[schema(value_type = String, max_length = 32)]
    pub(in crate::http) compartment: Word<Compartment>,
    /// The record.
    #[schema(value_type = String, max_length = 64)]
    pub(in crate::http) name: Word<RecordName>,
    /// The question: see `docs/POLICY.md`.
    #[serde(rename = "where")]
    #[schema(value_type = Object)]
    pub(in crate::http) question: StrictObject,
    /// Where counting goes on.
    pub(in crate::http) cursor: Option<String>,
}

/// A question to list by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"compartment": "core", "name": "profile", "where": {"field": "loyalty_tier", "eq": "gold"}, "limit": 100}))]
pub(in crate::http) struct SegmentListing {
    /// The compartment of the record the question is about.
    #[schema(value_type = String, max_length = 32)]
    pub(in crate::http) compartment: Word<Compartment>,
    /// The record.
    #[schema(value_type = String, max_length = 64)]
    pub(in crate::http) name: Word<RecordName>,
    /// The question: see `docs/POLICY.md`.
    #[serde(rename = "where")]
    #[schema(value_type = Object)]
    pub(in crate::http) question: StrictObject,
    /// Where the listing goes on.
    pub(in crate::http) cursor: Option<String>,
    /// How many at most; 100 when absent.
    #[schema(minimum = 1, maximum = 500)]
    pub(in crate::http) limit: Option<usize>,
}

shapes! {
    /// Members who agree to the stated purpose.
    struct Audience {
        /// The members, in no meaningful order.
        items: Vec<AudienceMember>,
        /// The cursor of the next page; absent on the last. A page may be short, or empty, and not be the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// A member who agrees, with its record.
    struct AudienceMember {
        /// The member, where this token may know.
        #[schema(format = "uuid", nullable = false)]
        id: Option<String>,
        /// What stands for the member in its place.
        #[schema(nullable = false)]
        pseudonym: Option<String>,
        /// The version of the record.
        #[schema(minimum = 1)]
        version: u64,
        /// When it was last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// The record, as far as this token may see it.
        data: serde_json::Map<String, serde_json::Value>,
        /// Fields that are not shown as they are.
        #[schema(required = false)]
        withheld: Vec<Withheld>,
    }

    /// How many members fit.
    struct SegmentCount {
        /// How many at least, in steps of `step`.
        #[schema(nullable = false)]
        count: Option<u64>,
        /// Whether there are fewer than `floor`; then nobody is told how many.
        below_floor: bool,
        /// The floor.
        floor: u64,
        /// The step.
        step: u64,
        /// The vault is large and counting goes on: the cursor of the next request.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// Members who fit.
    struct SegmentPage {
        /// Their pseudonyms for this purpose and recipient.
        items: Vec<String>,
        /// Whether there are fewer than `floor`; then nobody is shown.
        below_floor: bool,
        /// The floor.
        floor: u64,
        /// The cursor of the next page; absent on the last. A page may be short, or empty, and not be the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }
}
