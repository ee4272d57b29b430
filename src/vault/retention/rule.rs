//! Since when a record is due: the rules, without a look at anything but what is handed in.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::codec::record::RecordBody;
use crate::schema::{DataMap, FieldEntry, LegalBasis, RecordType, Retention, Start};
use crate::types::{FieldName, Purpose, RecordMeta};

/// Why something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It was kept as long as the data map says.
    Retention,
    /// The record said itself when it is to go.
    ExpiresAt,
    /// The consents it lived by were withdrawn, or ended.
    ConsentEnded,
}

impl Rule {
    /// The rule as programs see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::ExpiresAt => "expires_at",
            Self::ConsentEnded => "consent_ended",
        }
    }
}

/// Why and since when something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) rule: Rule,
    pub(super) due_at: Timestamp,
}

impl Verdict {
    /// The time of what starts at the event of its type and is kept so long; `None` if it does not end by itself.
    fn of(retention: &Retention, start: Start, record: &RecordBody) -> Option<Self> {
        let from = match start {
            Start::Created => record.created,
            Start::Updated => record.updated,
        };
        Some(Self { rule: Rule::Retention, due_at: retention.period()?.after(from) })
    }
}

/// Since when none of some consents is in force any more.
type Ended<'e, E> = dyn FnMut(&[&Purpose]) -> Result<Option<Timestamp>, E> + 'e;

/// The earliest rule by which a record is due at `now`, if one is. `ended`: since when the consent to a purpose is over,
/// for what was agreed to once.
pub(super) fn of_record<E>(
    map: &DataMap,
    record: &RecordBody,
    now: Timestamp,
    ended: &mut Ended<'_, E>,
) -> Result<Option<Verdict>, E> {
    let kind = map.record_type(&record.compartment, &record.name);
    let own = record.meta.expires_at.map(|due_at| Verdict { rule: Rule::ExpiresAt, due_at });
    let kept = kind.and_then(|kind| Verdict::of(&kind.retention, kind.start, record));
    let consents = match kind.and_then(|kind| lives_by(map, kind, &record.meta)) {
        Some(purposes) => ended(&purposes)?.map(|due_at| Verdict { rule: Rule::ConsentEnded, due_at }),
        None => None,
    };
    let due = [own, kept, consents].into_iter().flatten().filter(|verdict| verdict.due_at <= now);
    Ok(due.min_by_key(|verdict| verdict.due_at))
}

/// The purposes a record lives by, if each of them rests on consent for every field; those its metadata names, if any.
fn lives_by<'m>(map: &'m DataMap, kind: &RecordType, meta: &RecordMeta) -> Option<Vec<&'m Purpose>> {
    let mut purposes = Vec::new();
    for entry in map.purposes().filter(|entry| kind.serves(&entry.name)) {
        if !meta.purposes.is_empty() && !meta.purposes.contains(&entry.name) {
            continue;
        }
        let served = kind.fields().filter(|field| field.serves(&entry.name));
        if served.into_iter().any(|field| field.basis_for(&entry.name, entry) != LegalBasis::Consent) {
            return None;
        }
        purposes.push(&entry.name);
    }
    (!purposes.is_empty()).then_some(purposes)
}

/// The fields of a record that go before it and are due, with the time of the first and its period.
pub(super) fn of_fields<'m>(
    kind: &'m RecordType,
    record: &RecordBody,
    object: &Map<String, Value>,
    now: Timestamp,
) -> Vec<(&'m FieldEntry, Timestamp)> {
    let due = |field: &'m FieldEntry| {
        let verdict = Verdict::of(field.retention.as_ref()?, kind.start, record)?;
        let there = object.contains_key(field.name.as_str());
        (there && verdict.due_at <= now).then_some((field, verdict.due_at))
    };
    kind.fields().filter_map(due).collect()
}

/// Whether a type has fields that go before their record.
pub(super) fn has_short_fields(kind: &RecordType) -> bool {
    kind.fields().any(|field| field.retention.is_some())
}

/// The names of fields.
pub(super) fn names(fields: &[(&FieldEntry, Timestamp)]) -> Vec<FieldName> {
    fields.iter().map(|(field, _)| field.name.clone()).collect()
}
