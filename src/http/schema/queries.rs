//! Bodies about records found by their metadata. They are bodies because values of metadata must not reach a URL.

#![allow(dead_code, reason = "the shapes of replies only describe")]

use serde::Deserialize;
use utoipa::ToSchema;

use super::replies::Meta;
use crate::clock::Timestamp;
use crate::http::extract::{ObjectOf, RequestBody, Word};
use crate::types::{Compartment, MemberId, MetaField, Purpose};
use crate::vault::api;

/// Bytes of a body: a filter, and lists of metadata at their limits.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Which records are meant: those that every part that is given holds for. At least one of purpose, source, category,
/// shared_with, objection, automated_decision (true), expires_from, expires_before and member must be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"category": "order", "expires_before": "2027-01-01T00:00:00Z"}))]
pub(in crate::http) struct RecordFilter {
    /// Collected for this purpose, among others.
    #[schema(value_type = Option<String>)]
    purpose: Option<Purpose>,
    /// From this source.
    #[schema(max_length = 128)]
    source: Option<String>,
    /// Of this category.
    #[schema(max_length = 128)]
    category: Option<String>,
    /// Disclosed to this recipient, among others.
    #[schema(max_length = 128)]
    shared_with: Option<String>,
    /// With an objection to this purpose, among others.
    #[schema(value_type = Option<String>)]
    objection: Option<Purpose>,
    /// Feeding decisions made without a person, or not.
    automated_decision: Option<bool>,
    /// To go at this time or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_from: Option<Timestamp>,
    /// To go before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_before: Option<Timestamp>,
    /// Of this member.
    #[schema(value_type = Option<String>, format = "uuid")]
    member: Option<MemberId>,
    /// In this compartment.
    #[schema(value_type = Option<String>)]
    compartment: Option<Compartment>,
    /// With a name that begins like this.
    #[schema(max_length = 64)]
    name_prefix: Option<String>,
}

impl From<RecordFilter> for api::RecordFilter {
    fn from(filter: RecordFilter) -> Self {
        let RecordFilter { purpose, source, category, shared_with, objection, automated_decision, .. } = filter;
        let RecordFilter { expires_from, expires_before, member, compartment, name_prefix, .. } = filter;
        Self {
            purpose,
            source,
            category,
            shared_with,
            objection,
            automated_decision,
            expires_from,
            expires_before,
            member,
            compartment,
            name_prefix,
        }
    }
}

/// Records to be found, or deleted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"purpose": "newsletter"}}))]
pub(in crate::http) struct RecordSelection {
    /// Which records are meant.
    #[schema(value_type = RecordFilter)]
    pub(in crate::http) filter: ObjectOf<RecordFilter>,
}

/// Records whose metadata is to be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"shared_with": "print-shop"}, "change": {"remove": {"shared_with": ["print-shop"]}}}))]
pub(in crate::http) struct RecordsUpdate {
    /// Which records are meant.
    #[schema(value_type = RecordFilter)]
    pub(in crate::http) filter: ObjectOf<RecordFilter>,
    /// What to change of each.
    #[schema(value_type = MetaChange)]
    pub(in crate::http) change: ObjectOf<MetaChange>,
}

/// A change of metadata: what is to have no value, then new values, then entries of lists. What it does not speak of stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MetaChange {
    /// New values; lists are replaced as a whole.
    #[schema(value_type = Option<Meta>)]
    set: Option<ObjectOf<MetaSet>>,
    /// What is to have no value.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 7)]
    clear: Vec<Word<MetaName>>,
    /// Entries that lists are to have.
    #[schema(value_type = Option<MetaLists>)]
    add: Option<ObjectOf<MetaLists>>,
    /// Entries that lists are not to have.
    #[schema(value_type = Option<MetaLists>)]
    remove: Option<ObjectOf<MetaLists>>,
}

/// A part of the metadata by its name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MetaName {
    Purposes,
    Source,
    Category,
    SharedWith,
    Objections,
    AutomatedDecision,
    ExpiresAt,
}

/// New values. [`Meta`] documents it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetaSet {
    purposes: Option<Vec<Purpose>>,
    source: Option<String>,
    category: Option<String>,
    shared_with: Option<Vec<String>>,
    objections: Option<Vec<Purpose>>,
    automated_decision: Option<bool>,
    expires_at: Option<Timestamp>,
}

/// Entries of the lists of metadata.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::http) struct MetaLists {
    /// Purposes.
    #[schema(value_type = Vec<String>, required = false, max_items = 32)]
    purposes: Vec<Purpose>,
    /// Recipients.
    #[schema(required = false, max_items = 32)]
    shared_with: Vec<String>,
    /// Purposes objected to.
    #[schema(value_type = Vec<String>, required = false, max_items = 32)]
    objections: Vec<Purpose>,
}

impl From<MetaChange> for api::MetaEdit {
    fn from(change: MetaChange) -> Self {
        Self {
            set: change.set.map(|ObjectOf(set)| set.into()).unwrap_or_default(),
            clear: change.clear.into_iter().map(|Word(name)| name.into()).collect(),
            add: change.add.map(|ObjectOf(lists)| lists.into()).unwrap_or_default(),
            remove: change.remove.map(|ObjectOf(lists)| lists.into()).unwrap_or_default(),
        }
    }
}

impl From<MetaSet> for api::MetaSet {
    fn from(set: MetaSet) -> Self {
        let MetaSet { purposes, source, category, shared_with, objections, automated_decision, expires_at } = set;
        Self { purposes, source, category, shared_with, objections, automated_decision, expires_at }
    }
}

impl From<MetaLists> for api::MetaLists {
    fn from(MetaLists { purposes, shared_with, objections }: MetaLists) -> Self {
        Self { purposes, shared_with, objections }
    }
}

impl From<MetaName> for MetaField {
    fn from(name: MetaName) -> Self {
        match name {
            MetaName::Purposes => Self::Purpose,
            MetaName::Source => Self::Source,
            MetaName::Category => Self::Category,
            MetaName::SharedWith => Self::SharedWith,
            MetaName::Objections => Self::Objection,
            MetaName::AutomatedDecision => Self::AutomatedDecision,
            MetaName::ExpiresAt => Self::ExpiresAt,
        }
    }
}

impl RequestBody for RecordSelection {
    const BYTES_MAX: usize = BODY_BYTES_MAX;
}

impl RequestBody for RecordsUpdate {
    const BYTES_MAX: usize = BODY_BYTES_MAX;
}

shapes! {
    /// A record that was found.
    struct RecordFound {
        /// Whose.
        #[schema(format = "uuid")]
        member: String,
        /// The compartment.
        compartment: String,
        /// The name.
        name: String,
        /// The version.
        #[schema(minimum = 1)]
        version: u64,
        /// When it was first written.
        #[schema(format = DateTime)]
        created_at: String,
        /// When it was last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// The metadata.
        meta: Meta,
    }

    /// Records that were found.
    struct RecordsFound {
        /// The records.
        items: Vec<RecordFound>,
        /// The cursor of the next page; absent on the last. A page may be shorter than asked for, even empty, and not be
        /// the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// What became of the records of one page.
    struct BulkDone {
        /// Changed, or deleted.
        changed: u64,
        /// As they should be already, or changed by another meanwhile so that they are no longer meant.
        skipped: u64,
        /// Not deleted, because a legal hold lies on the member.
        held: u64,
        /// Not permitted to this caller, or at a limit.
        refused: u64,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }
}
