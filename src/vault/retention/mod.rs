//! Retention: what has been kept as long as the data map says goes, and nothing goes earlier.
//!
//! A record is due by the first of three rules: the retention of its type, counted from the type's start event; its own
//! `expires_at`; or the end of the consents it lived by, where its type rests on nothing but consent. When the profile is
//! due the member is erased; when all records of a compartment are due the compartment is; any other record that is due
//! is deleted, and so is a field that goes before its record. Where something was only deleted, the compartment gets a new
//! data key, so that after the next seal no old copy of it opens either.
//!
//! A plan says what would go and changes nothing. A run decides anew for each thing it takes, on the facts and the time of
//! that moment, so it may be cut short and begun again, and a clock that went back makes it wait. A legal hold stands
//! against all of it. Both walk over all members, some at a time: the cost is that of opening every member and record once.

mod plan;
mod rule;
mod run;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::types::{Compartment, ErasureId, FieldName, MemberId, RecordName};

pub use rule::Rule;

/// Members looked at in one call; where fewer things are due than were asked for, the call ends here.
pub const MEMBERS_EACH_MAX: usize = 1_000;

/// What is taken away at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// The whole member: erased.
    Member,
    /// One compartment, whole: erased.
    Compartment,
    /// One record: deleted.
    Record,
    /// Some fields of a record: taken out of it.
    Fields,
}

/// Something whose time is over. Names no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// Whose it is.
    pub member: MemberId,
    /// What is to go.
    pub what: Reach,
    /// Where it lies; absent where all of the member is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compartment: Option<Compartment>,
    /// The record, where one is to go, or fields of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordName>,
    /// The fields, where only they are to go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldName>,
    /// By which rule.
    pub rule: Rule,
    /// The record type whose rule it is; absent where no type is declared and the record says itself when it is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// How long it was to be kept, where that is the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// Whether a legal hold keeps it.
    pub held: bool,
}

/// What would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetentionPlan {
    /// The time it was made for.
    pub at: Timestamp,
    /// What is due, member by member.
    pub items: Vec<Due>,
    /// Members that were looked at.
    pub examined: u64,
    /// Members of which something could not be opened; the log says why.
    pub unreadable: u64,
    /// Where to go on; absent when all members were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Something that went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// What, and why.
    #[serde(flatten)]
    pub due: Due,
    /// The erasure, where it was one: its certificate can be had once it is sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureId>,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetentionReport {
    /// When it began.
    pub at: Timestamp,
    /// What went.
    pub removed: Vec<Removal>,
    /// What is due and is kept by a legal hold.
    pub held: Vec<Due>,
    /// Compartments that got a new data key, because something in them was deleted.
    pub keys_rotated: u64,
    /// Members that were looked at.
    pub examined: u64,
    /// Members of which something could not be opened or removed; the log says why, and the next run tries again.
    pub unreadable: u64,
    /// Where to go on; absent when all members were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
