//! The evidence of each act: the leaf that names nobody, and the details only the member's keys open.
//!
//! A change cannot be built without its leaf, so a verb cannot forget to record itself; this module only says what the
//! leaf of each kind of act carries.

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::codec::rows;
use crate::codec::{Event, Leaf, PartDetail};
use crate::crypto::{self, Key};
use crate::ledger::Change;
use crate::policy::{Action, Denial, Withheld};
use crate::tables;
use crate::types::place::{AccessPlace, Member};
use crate::types::{Ctx, FieldName, MemberId, RecipientName, RecordVersion};

use super::api::{RecordAddress, RecordView};
use super::{Error, Vault};

pub(crate) use crate::codec::AccessDetail;

/// Field names one detail lists of a record.
pub(crate) const FIELDS_LISTED_MAX: usize = 64;
/// Stands for the fields beyond those.
pub(crate) const MORE_FIELDS: &str = "*";

impl<'a> AccessDetail<'a> {
    /// The details of an act on the member as a whole.
    pub(crate) fn of_member(ctx: &'a Ctx, at: Timestamp) -> Self {
        Self {
            at,
            request: ctx.request,
            role: ctx.actor.role,
            organisation: ctx.actor.organisation.as_deref(),
            recipient: ctx.actor.recipient.as_ref().map(RecipientName::as_str),
            compartment: None,
            record: None,
            version: None,
            fields: None,
            masked: Vec::new(),
            records: Vec::new(),
        }
    }

    /// The details of an act on one record.
    pub(crate) fn of_record(ctx: &'a Ctx, at: Timestamp, address: &'a RecordAddress, version: RecordVersion) -> Self {
        Self {
            compartment: Some(address.compartment.as_str()),
            record: Some(address.name.as_str()),
            version: Some(version),
            ..Self::of_member(ctx, at)
        }
    }

    /// Says which fields of the record were shown.
    pub(crate) fn showing(self, shown: &'a Shown) -> Self {
        Self { fields: shown.clear(), masked: shown.masked(), ..self }
    }

    /// Says which fields of several records were shown, unless all of all were.
    pub(crate) fn showing_all_of(self, views: &'a [RecordView]) -> Self {
        if views.iter().all(|view| view.shown == Shown::All) {
            return self;
        }
        let part = |view: &'a RecordView| PartDetail {
            compartment: view.compartment.as_str(),
            record: view.name.as_str(),
            fields: view.shown.clear(),
            masked: view.shown.masked(),
        };
        Self { records: views.iter().map(part).collect(), ..self }
    }
}

/// Which top-level fields of a record were shown, after policy, data map and consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All that there were, as they are.
    All,
    /// These.
    Some {
        /// As they are.
        clear: Vec<String>,
        /// As a glimpse or a pseudonym.
        masked: Vec<String>,
    },
}

impl Shown {
    /// What a projection shows.
    pub(crate) fn of(object: &Map<String, Value>, withheld: &[Withheld], chosen: Option<&[FieldName]>) -> Self {
        if withheld.is_empty() && chosen.is_none() {
            return Self::All;
        }
        let is_masked = |name: &&String| withheld.iter().any(|entry| entry.field == **name);
        let (masked, clear) = object.keys().partition::<Vec<_>, _>(is_masked);
        Self::Some { clear: listed(&clear), masked: listed(&masked) }
    }

    fn clear(&self) -> Option<Vec<&str>> {
        match self {
            Self::All => None,
            Self::Some { clear, .. } => Some(clear.iter().map(String::as_str).collect()),
        }
    }

    fn masked(&self) -> Vec<&str> {
        match self {
            Self::All => Vec::new(),
            Self::Some { masked, .. } => masked.iter().map(String::as_str).collect(),
        }
    }
}

/// The names, or the first of very many: a read must not write more than it reads.
fn listed(names: &[&String]) -> Vec<String> {
    let more = (names.len() > FIELDS_LISTED_MAX).then(|| MORE_FIELDS.to_owned());
    names.iter().take(FIELDS_LISTED_MAX).map(|name| (*name).clone()).chain(more).collect()
}

impl Vault {
    /// The change of an act on a member: its leaf, and its details under the member's keys.
    pub(crate) fn access(
        &self,
        ctx: &Ctx,
        event: impl FnOnce([u8; 32]) -> Event,
        member: &MemberId,
        mk: &Key<Member>,
        detail: &AccessDetail<'_>,
    ) -> Result<Change, Error> {
        let notes = mk.notes();
        let place = AccessPlace { vault: self.id(), member };
        let mut row = self.seal_row(&notes.note, &place, &detail.encode()?)?;
        let commitment = crypto::sha256(&[rows::sealed(&row)?]);
        if let Some(version) = row.first_mut().filter(|_| detail.recipient.is_some()) {
            *version = rows::ACCESS_OF_RECIPIENT;
        }
        let reference = notes.note.leaf_ref(&commitment);
        let mut change = self.change(ctx, event(commitment), reference, detail.at);
        change.access_row(notes.access_prefix, row);
        if detail.recipient.is_some() {
            // An erasure looks for recipients only where there is one.
            change.put(tables::access::MARKS, tables::access::mark(&notes.access_prefix), Vec::new());
        }
        Ok(change)
    }

    /// The change of an act that is about no member, or about one that is not there.
    pub(crate) fn event(&self, ctx: &Ctx, event: Event, at: Timestamp) -> Change {
        self.change(ctx, event, [0; 16], at)
    }

    /// The change that records a denial.
    pub(crate) fn denial(&self, ctx: &Ctx, action: Action, denial: Denial, at: Timestamp) -> Change {
        self.event(ctx, Event::Denial { action: action.number(), reason: denial.number() }, at)
    }

    /// A change with the leaf of this event.
    pub(crate) fn change(&self, ctx: &Ctx, event: Event, reference: [u8; 16], at: Timestamp) -> Change {
        Change::new(Leaf {
            minute: at.as_minutes(),
            actor: ctx.actor.token,
            purpose: ctx.purpose.clone(),
            reference,
            event,
        })
    }
}
