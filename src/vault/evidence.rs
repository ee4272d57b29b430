//! The evidence of each act: the leaf that names nobody, and the details only the member's keys open.
//!
//! A change cannot be built without its leaf, so a verb cannot forget to record itself; this module only says what the
//! leaf of each kind of act carries.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::rows;
use crate::codec::{Event, Leaf};
use crate::crypto::{self, Key};
use crate::ledger::Change;
use crate::policy::{Action, Denial};
use crate::types::place::{AccessPlace, Member};
use crate::types::{Ctx, MemberId, RecordVersion, RequestId};

use super::api::RecordAddress;
use super::{Error, Vault};

/// Details are padded to a multiple of this, so that their length does not tell which fields were read.
const DETAIL_GRANULE: usize = 128;

/// What an access did, exactly. Stored encrypted under the member's own keys, beside the ledger.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct AccessDetail<'a> {
    /// When, to the millisecond; the leaf says only the minute.
    pub(crate) at: Timestamp,
    /// The request, as in the access log.
    pub(crate) request: RequestId,
    /// The compartment, where one is meant.
    #[serde(borrow = "'a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) compartment: Option<&'a str>,
    /// The record, where one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<&'a str>,
    /// The version read or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u64>,
    /// The fields asked for, where not all were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<&'a str>,
}

impl<'a> AccessDetail<'a> {
    /// The details of an act on the member as a whole.
    pub(crate) fn of_member(ctx: &Ctx, at: Timestamp) -> Self {
        Self { at, request: ctx.request, compartment: None, record: None, version: None, fields: Vec::new() }
    }

    /// The details of an act on one record.
    pub(crate) fn of_record(ctx: &Ctx, at: Timestamp, address: &'a RecordAddress, version: RecordVersion) -> Self {
        Self {
            compartment: Some(address.compartment.as_str()),
            record: Some(address.name.as_str()),
            version: Some(version.0),
            ..Self::of_member(ctx, at)
        }
    }
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
        let mut plain = Vec::with_capacity(2 * DETAIL_GRANULE);
        serde_json::to_writer(&mut plain, detail).map_err(|_| Error::Internal("an access detail is serialisable"))?;
        plain.resize(plain.len().next_multiple_of(DETAIL_GRANULE), b' ');
        let row = self.seal_row(&notes.note, &AccessPlace { vault: self.id(), member }, &plain)?;
        let commitment = crypto::sha256(&[rows::sealed(&row)?]);
        let reference = notes.note.leaf_ref(&commitment);
        let mut change = self.change(ctx, event(commitment), reference, detail.at);
        change.access_row(notes.access_prefix, row);
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
