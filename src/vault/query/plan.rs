//! How records are found by their metadata: along which rows to walk, so that little is walked in vain.
//!
//! Each part of a filter that names a value has its postings side by side. The shortest of these lists is walked, and
//! what is on it is looked up in the others; which one is the shortest is felt out by reading a little of each. A filter
//! that only names a member walks that member's records.

use crate::clock::Timestamp;
use crate::store::{KeyRange, Reader};
use crate::tables;
use crate::tables::posting::Value;
use crate::tables::record::RecordKey;
use crate::types::{MemberId, MetaField};
use crate::vault::api::RecordFilter;
use crate::vault::{Error, Vault};

/// Postings read of each list, at first, to find the shortest.
const PROBE: usize = 16;
/// With no list shorter than this, the first is taken.
const PROBE_MAX: usize = 4_096;

/// The rows to walk along, and what else must be posted of a record on the way.
pub(super) struct Plan {
    walk: Walk,
    others: Vec<(MetaField, Value)>,
}

enum Walk {
    Records(MemberId),
    Postings(KeyRange),
}

/// Some records on the way, in the order of the walk.
pub(super) struct Steps {
    /// The key to go on after, and the record.
    pub(super) items: Vec<(Vec<u8>, RecordKey)>,
    /// Whether there were more.
    pub(super) more: bool,
}

/// One list of postings.
struct List {
    range: KeyRange,
    /// What is looked up where another list is walked; `None` for a range of values.
    value: Option<(MetaField, Value)>,
}

impl Plan {
    /// The plan of a filter; on a later page, that of the page before, which ended `after` this key.
    pub(super) fn of(vault: &Vault, filter: &RecordFilter, after: Option<&[u8]>) -> Result<Self, Error> {
        let mut lists = lists(vault, filter);
        let chosen = match after {
            Some(key) => lists.iter().position(|list| list.range.contains(key)),
            None => shortest(vault.engine(), &lists)?,
        };
        let walk = match (chosen.map(|at| lists.swap_remove(at)), filter.member) {
            (Some(list), _) => Walk::Postings(list.range),
            (None, Some(member)) => Walk::Records(member),
            (None, None) => return Err(aimless()),
        };
        Ok(Self { walk, others: lists.into_iter().filter_map(|list| list.value).collect() })
    }

    /// The next records on the way, after the key `after`.
    pub(super) fn steps(&self, reader: &dyn Reader, after: Option<&[u8]>, limit: usize) -> Result<Steps, Error> {
        match &self.walk {
            Walk::Records(member) => {
                let after = after.and_then(|key| RecordKey::try_from(key).ok());
                let chunk = tables::record::keys_of(reader, member, None, after.as_ref(), limit)?;
                Ok(Steps { items: chunk.items.iter().map(|key| (key.to_vec(), *key)).collect(), more: chunk.more })
            }
            Walk::Postings(range) => {
                let range = after.map_or_else(|| range.clone(), |key| range.clone().after(key));
                let chunk = tables::posting::list(reader, &range, limit)?;
                let items = chunk.items.into_iter().map(|(key, record)| (key.to_vec(), record)).collect();
                Ok(Steps { items, more: chunk.more })
            }
        }
    }

    /// Whether a record on the way is on the other lists too, as far as that can be told without opening it.
    pub(super) fn is_elsewhere(&self, reader: &dyn Reader, record: &RecordKey) -> Result<bool, Error> {
        for (field, value) in &self.others {
            if !tables::posting::is_there(reader, &tables::posting::key(*field, value, record))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A filter that leads nowhere.
pub(super) const fn aimless() -> Error {
    Error::invalid(
        "/filter",
        "name at least one of: purpose, source, category, shared_with, objection, automated_decision (true), \
         expires_from, expires_before, member",
    )
}

/// The lists of a filter.
fn lists(vault: &Vault, filter: &RecordFilter) -> Vec<List> {
    let member = filter.member.as_ref();
    let text = |field, text: Option<&str>| text.map(|text| (field, vault.posted(field, text)));
    let values = [
        text(MetaField::Objection, filter.objection.as_ref().map(|purpose| purpose.as_str())),
        text(MetaField::SharedWith, filter.shared_with.as_deref()),
        text(MetaField::Category, filter.category.as_deref()),
        text(MetaField::Source, filter.source.as_deref()),
        text(MetaField::Purpose, filter.purpose.as_ref().map(|purpose| purpose.as_str())),
        (filter.automated_decision == Some(true)).then(|| (MetaField::AutomatedDecision, vault.posted_automated())),
    ];
    let lists = values.into_iter().flatten().map(|(field, value)| List {
        range: tables::posting::range_of(field, &value, member),
        value: Some((field, value)),
    });
    // Not side by side for one member: its records are.
    let expiry = if member.is_some() { None } else { expiry(filter) };
    lists.chain(expiry.map(|range| List { range, value: None })).collect()
}

fn expiry(filter: &RecordFilter) -> Option<KeyRange> {
    let (from, before) = (filter.expires_from, filter.expires_before);
    if from.is_none() && before.is_none() {
        return None;
    }
    let first = from.map_or([0; _], tables::posting::minute);
    // The last minute that a time before `before` can be in.
    let last = before
        .map(|before| tables::posting::minute_after(Timestamp::from_millis(before.as_millis().saturating_sub(1))));
    Some(tables::posting::range_between(MetaField::ExpiresAt, &first, last.as_ref()))
}

/// Which list is the shortest, or about. A little is read of each, then more, until one is at its end.
fn shortest(reader: &dyn Reader, lists: &[List]) -> Result<Option<usize>, Error> {
    if lists.len() < 2 {
        return Ok(lists.first().map(|_| 0));
    }
    let mut limit = PROBE;
    while limit <= PROBE_MAX {
        let mut ended: Option<(usize, usize)> = None;
        for (at, list) in lists.iter().enumerate() {
            let length = tables::posting::length(reader, &list.range, limit)?;
            let is_shorter = ended.is_none_or(|(shortest, _)| length < shortest);
            if length < limit && is_shorter {
                ended = Some((length, at));
            }
        }
        if let Some((_, at)) = ended {
            return Ok(Some(at));
        }
        limit *= 4;
    }
    Ok(Some(0))
}
