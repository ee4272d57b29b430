//! Records found by their metadata: what is asked, what is found, what is to be changed of it.

use serde::Serialize;

use super::RecordEntry;
use crate::clock::Timestamp;
use crate::types::{Compartment, MemberId, MetaField, Purpose, RecordMeta, RecordName};

/// Which records are meant: those that every part that is given holds for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordFilter {
    /// Collected for this purpose, among others.
    pub purpose: Option<Purpose>,
    /// From this source.
    pub source: Option<String>,
    /// Of this category.
    pub category: Option<String>,
    /// Disclosed to this recipient, among others.
    pub shared_with: Option<String>,
    /// With an objection to this purpose, among others.
    pub objection: Option<Purpose>,
    /// Feeding decisions made without a person, or not.
    pub automated_decision: Option<bool>,
    /// To go at this time or later.
    pub expires_from: Option<Timestamp>,
    /// To go before this time.
    pub expires_before: Option<Timestamp>,
    /// Of this member.
    pub member: Option<MemberId>,
    /// In this compartment.
    pub compartment: Option<Compartment>,
    /// With a name that begins like this.
    pub name_prefix: Option<String>,
}

impl RecordFilter {
    /// Whether a record is meant, given whose it is and what is known of it.
    pub fn matches(&self, member: &MemberId, compartment: &Compartment, name: &RecordName, meta: &RecordMeta) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let among = |wanted: &Option<Purpose>, found: &[Purpose]| wanted.as_ref().is_none_or(|one| found.contains(one));
        let expires = |holds: &dyn Fn(Timestamp) -> bool| meta.expires_at.is_some_and(holds);
        among(&self.purpose, &meta.purposes)
            && is(&self.source, &meta.source)
            && is(&self.category, &meta.category)
            && self.shared_with.as_ref().is_none_or(|one| meta.shared_with.contains(one))
            && among(&self.objection, &meta.objections)
            && self.automated_decision.is_none_or(|wanted| wanted == meta.automated_decision)
            && self.expires_from.is_none_or(|from| expires(&|at| at >= from))
            && self.expires_before.is_none_or(|until| expires(&|at| at < until))
            && self.member.is_none_or(|wanted| wanted == *member)
            && self.compartment.as_ref().is_none_or(|wanted| wanted == compartment)
            && self.name_prefix.as_ref().is_none_or(|prefix| name.as_str().starts_with(prefix.as_str()))
    }
}

/// A record that was found: everything but its content.
#[derive(Clone, Debug, Serialize)]
pub struct RecordFound {
    /// Whose.
    pub member: MemberId,
    /// The record.
    #[serde(flatten)]
    pub entry: RecordEntry,
}

/// A change of metadata. What it does not speak of stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaEdit {
    /// New values.
    pub set: MetaSet,
    /// What is to have no value, before `set` and `add`.
    pub clear: Vec<MetaField>,
    /// Entries that lists are to have.
    pub add: MetaLists,
    /// Entries that lists are not to have.
    pub remove: MetaLists,
}

/// New values of metadata; `None` sets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in RecordMeta")]
pub struct MetaSet {
    pub purposes: Option<Vec<Purpose>>,
    pub source: Option<String>,
    pub category: Option<String>,
    pub shared_with: Option<Vec<String>>,
    pub objections: Option<Vec<Purpose>>,
    pub automated_decision: Option<bool>,
    pub expires_at: Option<Timestamp>,
}

/// Entries of the lists of metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in RecordMeta")]
pub struct MetaLists {
    pub purposes: Vec<Purpose>,
    pub shared_with: Vec<String>,
    pub objections: Vec<Purpose>,
}

impl MetaEdit {
    /// Whether it changes nothing, whatever there is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Metadata after the change.
    #[must_use]
    pub fn applied(&self, meta: &RecordMeta) -> RecordMeta {
        let mut meta = meta.clone();
        for field in &self.clear {
            match field {
                MetaField::Purpose => meta.purposes.clear(),
                MetaField::Source => meta.source = None,
                MetaField::Category => meta.category = None,
                MetaField::SharedWith => meta.shared_with.clear(),
                MetaField::Objection => meta.objections.clear(),
                MetaField::AutomatedDecision => meta.automated_decision = false,
                MetaField::ExpiresAt => meta.expires_at = None,
            }
        }
        let MetaSet { purposes, source, category, shared_with, objections, automated_decision, expires_at } = &self.set;
        replace(&mut meta.purposes, purposes.as_ref());
        replace(&mut meta.shared_with, shared_with.as_ref());
        replace(&mut meta.objections, objections.as_ref());
        replace(&mut meta.automated_decision, automated_decision.as_ref());
        meta.source = source.clone().or(meta.source);
        meta.category = category.clone().or(meta.category);
        meta.expires_at = expires_at.or(meta.expires_at);
        merge(&mut meta.purposes, &self.add.purposes, &self.remove.purposes);
        merge(&mut meta.shared_with, &self.add.shared_with, &self.remove.shared_with);
        merge(&mut meta.objections, &self.add.objections, &self.remove.objections);
        meta
    }
}

fn replace<T: Clone>(value: &mut T, by: Option<&T>) {
    if let Some(by) = by {
        value.clone_from(by);
    }
}

fn merge<T: Clone + PartialEq>(list: &mut Vec<T>, add: &[T], remove: &[T]) {
    list.retain(|entry| !remove.contains(entry));
    for entry in add {
        if !list.contains(entry) {
            list.push(entry.clone());
        }
    }
}

/// What became of a page of records that were to be changed or deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BulkDone {
    /// Changed, or deleted.
    pub changed: u64,
    /// As they should be already, or changed by another meanwhile so that they are no longer meant.
    pub skipped: u64,
    /// Not deleted, because a legal hold lies on the member.
    pub held: u64,
    /// Not permitted to this caller, or at a limit.
    pub refused: u64,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_clears_then_sets_then_adds() {
        let purpose = |text: &str| text.parse::<Purpose>().unwrap();
        let meta = RecordMeta {
            purposes: vec![purpose("support"), purpose("service")],
            source: Some("web".to_owned()),
            objections: vec![purpose("analytics")],
            automated_decision: true,
            expires_at: Some(Timestamp::from_millis(1)),
            ..RecordMeta::default()
        };
        let edit = MetaEdit {
            set: MetaSet { category: Some("order".to_owned()), automated_decision: Some(false), ..MetaSet::default() },
            clear: vec![MetaField::ExpiresAt, MetaField::Objection],
            add: MetaLists { purposes: vec![purpose("newsletter"), purpose("service")], ..MetaLists::default() },
            remove: MetaLists { purposes: vec![purpose("support")], ..MetaLists::default() },
        };
        let expected = RecordMeta {
            purposes: vec![purpose("service"), purpose("newsletter")],
            source: Some("web".to_owned()),
            category: Some("order".to_owned()),
            ..RecordMeta::default()
        };
        assert_eq!(edit.applied(&meta), expected);
        assert_eq!(edit.applied(&expected), expected, "once is enough");
        assert!(MetaEdit::default().is_empty() && !edit.is_empty());
        assert_eq!(MetaEdit::default().applied(&meta), meta);
    }
}
