//! What was done to one member, and what was seen of it, added up from the details of its accesses.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::clock::Timestamp;
use crate::codec::LeafKind;
use crate::types::{Compartment, MemberId, RecordName};

use super::super::history::{Part, StoredDetail};
use super::usage::shows;

/// Stands for every field of a record, and for every record of a member.
pub(super) const ALL: &str = "*";

/// A member that was touched.
#[derive(Clone, Debug, Serialize)]
pub struct MemberTouched {
    /// The member.
    pub member: MemberId,
    /// How often.
    pub accesses: u64,
    /// First when.
    pub first_at: Timestamp,
    /// Last when.
    pub last_at: Timestamp,
    /// What was done, and how often.
    pub acts: BTreeMap<&'static str, u64>,
    /// For which purposes; `-` where none was stated.
    pub purposes: BTreeSet<String>,
    /// What was seen. Nothing, where it was only written, listed or changed.
    pub seen: Vec<Part>,
}

/// What was done to one member, as it is counted.
pub(super) struct Tally {
    touched: MemberTouched,
    seen: BTreeMap<(String, String), Seen>,
}

/// What was seen of one record.
#[derive(Default)]
struct Seen {
    all: bool,
    fields: BTreeSet<String>,
    masked: BTreeSet<String>,
}

impl Tally {
    pub(super) fn new(member: MemberId) -> Self {
        let never = Timestamp::from_millis(0);
        let touched = MemberTouched {
            member,
            accesses: 0,
            first_at: never,
            last_at: never,
            acts: BTreeMap::new(),
            purposes: BTreeSet::new(),
            seen: Vec::new(),
        };
        Self { touched, seen: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, (kind, minute): (LeafKind, u32), purpose: String, detail: StoredDetail) {
        let at = detail.at.unwrap_or(Timestamp::from_minutes(minute));
        if self.touched.accesses == 0 {
            self.touched.first_at = at;
        }
        self.touched.last_at = at;
        self.touched.accesses += 1;
        *self.touched.acts.entry(kind.as_str()).or_default() += 1;
        self.touched.purposes.insert(purpose);
        if !shows(kind) {
            return;
        }
        if kind == LeafKind::MemberLookup {
            // Who finds a member by an identifier knows that field of the profile.
            let profile = (Compartment::core().to_string(), RecordName::profile().to_string());
            self.see(profile.0, profile.1, Some(detail.fields.unwrap_or_default()), Vec::new());
            return;
        }
        if detail.records.is_empty() {
            let compartment = detail.compartment.map_or(ALL.to_owned(), |name| name.to_string());
            let record = detail.record.map_or(ALL.to_owned(), |name| name.to_string());
            self.see(compartment, record, detail.fields, detail.masked);
        }
        for part in detail.records {
            self.see(part.compartment, part.record, part.fields, part.masked);
        }
    }

    fn see(&mut self, compartment: String, record: String, fields: Option<Vec<String>>, masked: Vec<String>) {
        let seen = self.seen.entry((compartment, record)).or_default();
        seen.all |= fields.is_none();
        seen.fields.extend(fields.into_iter().flatten());
        seen.masked.extend(masked);
    }

    pub(super) fn finish(mut self) -> MemberTouched {
        let part = |((compartment, record), seen): ((String, String), Seen)| {
            let masked = seen.masked.iter().filter(|name| !seen.all && !seen.fields.contains(*name)).cloned().collect();
            let fields = (!seen.all).then(|| seen.fields.into_iter().collect());
            Part { compartment, record, fields, masked }
        };
        self.touched.seen = self.seen.into_iter().map(part).collect();
        self.touched
    }
}
