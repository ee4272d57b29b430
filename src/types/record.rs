//! Records: a JSON object under `(member, compartment, name)`, with its metadata.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Purpose;
use crate::clock::Timestamp;

/// The version of a record: 1 when created, one more with each write. The `ETag` of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordVersion(pub u64);

impl RecordVersion {
    /// The version of a record that was just created.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for RecordVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Limits of a record. Each is named so that an error can say which was passed.
pub mod limits {
    /// Bytes of JSON in one record.
    pub const RECORD_BYTES_MAX: usize = 1024 * 1024;
    /// Nesting of a record's JSON.
    pub const RECORD_DEPTH_MAX: usize = 32;
    /// Entries in each list of a record's metadata.
    pub const META_ENTRIES_MAX: usize = 32;
    /// Bytes of each text in a record's metadata.
    pub const META_TEXT_BYTES_MAX: usize = 128;
    /// Compartments of one member, over its whole life.
    pub const COMPARTMENTS_MAX: usize = 64;
}

/// What is known about a record besides its content. Stored encrypted with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordMeta {
    /// The purposes the record was collected for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Purpose>,
    /// Where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What kind of data it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Recipients it was disclosed to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<String>,
    /// Purposes the member objected to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<Purpose>,
    /// Whether it feeds a decision made without a person.
    #[serde(skip_serializing_if = "is_false")]
    pub automated_decision: bool,
    /// When it is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

impl RecordMeta {
    /// The first limit this metadata passes, in words; `None` if it passes none.
    pub fn passes_limit(&self) -> Option<&'static str> {
        let lists = [self.purposes.len(), self.shared_with.len(), self.objections.len()];
        if lists.iter().any(|len| *len > limits::META_ENTRIES_MAX) {
            return Some("a list in the metadata has more than 32 entries");
        }
        let texts = self.source.iter().chain(&self.category).chain(&self.shared_with);
        if texts.into_iter().any(|text| text.len() > limits::META_TEXT_BYTES_MAX) {
            return Some("a text in the metadata is longer than 128 bytes");
        }
        None
    }
}

/// A part of a record's metadata that records are found by. The numbers are part of the format of row keys and never
/// change; 0 is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MetaField {
    /// A purpose the record was collected for.
    Purpose = 1,
    /// Where it came from.
    Source = 2,
    /// What kind of data it is.
    Category = 3,
    /// A recipient it was disclosed to.
    SharedWith = 4,
    /// A purpose the member objected to.
    Objection = 5,
    /// That it feeds a decision made without a person.
    AutomatedDecision = 6,
    /// When it is to go.
    ExpiresAt = 7,
}

impl MetaField {
    /// Every field.
    pub const ALL: [Self; 7] = [
        Self::Purpose,
        Self::Source,
        Self::Category,
        Self::SharedWith,
        Self::Objection,
        Self::AutomatedDecision,
        Self::ExpiresAt,
    ];

    /// The number in row keys.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The field of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.number() == number)
    }
}
