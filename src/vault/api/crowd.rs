//! What is shown of many members at once.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::policy::Withheld;
use crate::types::{MemberId, RecordVersion};

use super::JsonObject;

/// One member who agrees, with its record.
#[derive(Serialize)]
pub struct AudienceEntry {
    /// The member, where the caller may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MemberId>,
    /// What stands for the member in its place, for this purpose and recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
    /// The version of the record.
    pub version: RecordVersion,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// The fields.
    pub data: JsonObject,
    /// What was masked, replaced or left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
}

/// How many members a segment has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SegmentCount {
    /// How many at least, in steps of `step`; absent below the floor, and while counting goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Whether there are fewer than `floor`; then nobody is told how many.
    pub below_floor: bool,
    /// The floor.
    pub floor: u64,
    /// The step.
    pub step: u64,
    /// The vault is large and counting goes on: the cursor of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A page of the members of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SegmentPage {
    /// Their pseudonyms for the purpose and recipient.
    pub items: Vec<String>,
    /// Whether there are fewer than `floor`; then nobody is shown.
    pub below_floor: bool,
    /// The floor.
    pub floor: u64,
    /// The cursor of the next page; absent on the last. A page may be empty and not be the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
