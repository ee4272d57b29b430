//! The data map as it is used: sorted, so that a look-up is a binary search and allocates nothing.

use std::fmt;
use std::sync::Arc;

use super::{FieldKind, LegalBasis, Retention, Sensitivity, Start};
use crate::types::{Compartment, FieldName, IdentifierKind, Purpose, RecipientName, RecordName};

/// A data map in force. Cheap to clone.
#[derive(Clone)]
pub struct DataMap {
    inner: Arc<MapInner>,
}

pub(super) struct MapInner {
    pub(super) text: String,
    pub(super) digest: [u8; 32],
    pub(super) version: u32,
    pub(super) strict: bool,
    pub(super) controller: Controller,
    /// By name.
    pub(super) purposes: Vec<PurposeEntry>,
    /// By compartment and pattern, see [`RecordPattern`].
    pub(super) records: Vec<RecordType>,
}

/// Who answers for the data (GDPR Art. 30(1)(a)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its name and address.
    pub name: String,
    /// How it is reached.
    pub contact: String,
    /// The data-protection officer, where there is one.
    pub officer: Option<String>,
}

/// Why data is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurposeEntry {
    /// Its name, as requests state it.
    pub name: Purpose,
    /// The line of the file.
    pub line: usize,
    /// What it is for, in a sentence for members.
    pub about: String,
    /// The legal basis where a field says no other.
    pub basis: LegalBasis,
    /// The term of the Data Privacy Vocabulary, with its prefix.
    pub dpv: String,
    /// Whether it decides about members without a person (GDPR Art. 22).
    pub automated: bool,
    /// Whether what lived by consent to it alone is erased when the consent is withdrawn.
    pub shred_on_withdrawal: bool,
    /// Whether it may go on while a member has restricted the use of its data (GDPR Art. 18(2)).
    pub despite_restriction: bool,
    /// Who outside may receive data for it.
    pub recipients: Vec<RecipientName>,
    /// How long it needs data, where the record says nothing.
    pub retention: Option<Retention>,
    /// Why it needs nearly every field, where it does.
    pub broad: Option<String>,
}

/// Which names of records a type is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordPattern {
    /// This one.
    Exact(RecordName),
    /// Every one that begins so; empty for all of the compartment.
    Prefix(String),
}

impl fmt::Display for RecordPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name.as_str()),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// A kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordType {
    /// Where its records lie.
    pub compartment: Compartment,
    /// How they are named.
    pub pattern: RecordPattern,
    /// The line of the file.
    pub line: usize,
    /// What it is, in a sentence.
    pub about: String,
    /// From when on its retention counts.
    pub start: Start,
    /// How long a record is kept.
    pub retention: Retention,
    /// By name.
    pub(super) fields: Vec<FieldEntry>,
}

/// A top-level field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldEntry {
    /// Its name.
    pub name: FieldName,
    /// The line of the file.
    pub line: usize,
    /// What its value is.
    pub kind: FieldKind,
    /// How much harm it could do.
    pub sensitivity: Sensitivity,
    /// What it serves, sorted; at least one.
    pub purposes: Vec<Purpose>,
    /// Where the legal basis is not the purpose's, sorted by purpose.
    pub basis: Vec<(Purpose, LegalBasis)>,
    /// How long it is kept, where it goes before its record.
    pub retention: Option<Retention>,
    /// The mask it is shown under, by its name in the policy.
    pub mask: Option<String>,
    /// The identifier by which members are found through it.
    pub index: Option<IdentifierKind>,
    /// Where its values come from (GDPR Art. 14(2)(f)).
    pub source: String,
    /// Whether the member itself may correct it.
    pub correctable: bool,
    /// What it is, in a sentence.
    pub about: String,
}

impl DataMap {
    pub(super) fn new(inner: MapInner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The file as it was read.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// SHA-256 of the file.
    pub fn digest(&self) -> [u8; 32] {
        self.inner.digest
    }

    /// The version of the file's language.
    pub fn version(&self) -> u32 {
        self.inner.version
    }

    /// Whether writes may only name what is declared.
    pub fn is_strict(&self) -> bool {
        self.inner.strict
    }

    /// Who answers for the data.
    pub fn controller(&self) -> &Controller {
        &self.inner.controller
    }

    /// The purposes, by name.
    pub fn purposes(&self) -> impl ExactSizeIterator<Item = &PurposeEntry> {
        self.inner.purposes.iter()
    }

    /// The purpose of this name.
    pub fn purpose(&self, name: &Purpose) -> Option<&PurposeEntry> {
        let at = self.inner.purposes.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
        self.inner.purposes.get(at)
    }

    /// The record types, by compartment and pattern.
    pub fn record_types(&self) -> impl ExactSizeIterator<Item = &RecordType> {
        self.inner.records.iter()
    }

    /// The type of the records of this name: one that names it, or else the longest beginning that fits.
    pub fn record_type(&self, compartment: &Compartment, name: &RecordName) -> Option<&RecordType> {
        let records = &self.inner.records;
        let from = records.partition_point(|record| record.compartment < *compartment);
        let here = records.get(from..).unwrap_or_default();
        let here = here.get(..here.partition_point(|record| record.compartment == *compartment))?;
        // Exact names come before beginnings.
        let exact = here.partition_point(|record| matches!(record.pattern, RecordPattern::Exact(_)));
        let (exact, beginnings) = here.split_at_checked(exact)?;
        if let Ok(at) = exact.binary_search_by(|record| record.exact().cmp(name.as_str())) {
            return exact.get(at);
        }
        // A beginning of the name does not sort behind it, and of two beginnings the longer sorts behind.
        let until = beginnings.partition_point(|record| record.beginning() <= name.as_str());
        beginnings.get(..until)?.iter().rev().find(|record| name.as_str().starts_with(record.beginning()))
    }
}

impl fmt::Debug for DataMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataMap")
    }
}

impl RecordType {
    fn exact(&self) -> &str {
        match &self.pattern {
            RecordPattern::Exact(name) => name.as_str(),
            RecordPattern::Prefix(_) => "",
        }
    }

    fn beginning(&self) -> &str {
        match &self.pattern {
            RecordPattern::Prefix(prefix) => prefix,
            RecordPattern::Exact(_) => "",
        }
    }

    /// The fields, by name.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &FieldEntry> {
        self.fields.iter()
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&FieldEntry> {
        let at = self.fields.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()?;
        self.fields.get(at)
    }

    /// Whether any of its fields serves this purpose.
    pub fn serves(&self, purpose: &Purpose) -> bool {
        self.fields.iter().any(|field| field.serves(purpose))
    }

    /// `compartment/pattern`, as people write it.
    pub fn label(&self) -> String {
        format!("{}/{}", self.compartment, self.pattern)
    }
}

impl FieldEntry {
    /// Whether it may be used for this purpose.
    pub fn serves(&self, purpose: &Purpose) -> bool {
        self.purposes.binary_search(purpose).is_ok()
    }

    /// On which ground it is used for this purpose: its own, or else the purpose's.
    pub fn basis_for(&self, purpose: &Purpose, entry: &PurposeEntry) -> LegalBasis {
        let own = self.basis.binary_search_by(|(known, _)| known.cmp(purpose)).ok().and_then(|at| self.basis.get(at));
        own.map_or(entry.basis, |(_, basis)| *basis)
    }
}
