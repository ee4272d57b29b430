//! Disclosures: which data of a member was given to whom outside, and on what that rests (GDPR Art. 15(1)(c), 19).
//!
//! Two kinds are known: those that were recorded here because they were made elsewhere (a file, a call, a letter), kept
//! in the member's dossier and never rewritten; and reads with tokens that act for a recipient, which the history knows.

pub(crate) mod list;
pub(super) mod notice;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::tables;
use crate::types::{
    Compartment, Ctx, FieldName, MemberId, Purpose, RecipientName, RecordName, RecordVersion, Role, TokenId,
};

use super::act::{Act, Decision, Prepared};
use super::api::{Disclosure, DisclosureSource, NewDisclosure, RecordAddress};
use super::evidence::AccessDetail;
use super::pipeline::Case;
use super::{Error, Vault, dossier};

/// Fields one disclosure names.
pub const FIELDS_MAX: usize = 64;

/// What the records of the dossier are called, before their number.
const SERIES: &str = "disclosure";

/// A disclosure as the dossier has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    number: u32,
    recipient: RecipientName,
    organisation: String,
    compartment: Compartment,
    record: RecordName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldName>>,
    purpose: Purpose,
    at: Timestamp,
    agreement: String,
    recorded_at: Timestamp,
    role: Role,
    token: TokenId,
}

impl Vault {
    /// Records that data of a member was given to a recipient.
    ///
    /// # Errors
    /// `no_agreement` where the register has no agreement with the recipient that was in force then;
    /// `recipient_not_allowed` where it may not be given data for that purpose; `invalid_request`; `not_found`, `gone`; a
    /// denial of the policy.
    pub fn record_disclosure<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        new: &'v NewDisclosure,
    ) -> Act<'v, Disclosure> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, new))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, new: &NewDisclosure) -> Decision<Disclosure> {
    let mut opened = case.open_member(Action::DisclosureWrite, member, None)?;
    let at = new.at.unwrap_or(case.now);
    if at > case.now {
        return Err(Error::invalid("/at", "a disclosure is recorded when it was made, not before").into());
    }
    if new.fields.as_ref().is_some_and(|fields| fields.is_empty() || fields.len() > FIELDS_MAX) {
        return Err(Error::invalid("/fields", "name 1 to 64 fields, or leave them out for all").into());
    }
    let vault = case.vault;
    let (entry, stamp) = vault.registered(&new.recipient)?.ok_or(Error::NoAgreement)?;
    let agreement = entry.recipient.agreement_at(at).ok_or(Error::NoAgreement)?;
    let purposes = &entry.recipient.purposes;
    if !purposes.is_empty() && !purposes.contains(&new.purpose) {
        return Err(Error::RecipientPurpose.into());
    }
    let number = dossier::length(case, &opened, member, SERIES, 0)?.saturating_add(1);
    let recorded = Recorded {
        number,
        recipient: new.recipient.clone(),
        organisation: entry.recipient.organisation.clone(),
        compartment: new.compartment.clone(),
        record: new.record.clone(),
        fields: new.fields.clone(),
        purpose: new.purpose.clone(),
        at,
        agreement: agreement.reference.clone(),
        recorded_at: case.now,
        role: case.ctx.actor.role,
        token: case.ctx.actor.token,
    };
    let address = RecordAddress { member: *member, compartment: new.compartment.clone(), name: new.record.clone() };
    let fields = new.fields.as_ref().map(|fields| fields.iter().map(FieldName::as_str).collect());
    let detail = AccessDetail {
        recipient: Some(new.recipient.as_str()),
        version: None,
        fields,
        ..AccessDetail::of_record(case.ctx, case.now, &address, RecordVersion::FIRST)
    };
    let mut change = vault.access(case.ctx, Event::Disclosure, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    // An agreement that ends in the register meanwhile is a fact like any other.
    change.relies_on(Reliance::Row {
        keyspace: tables::recipient::KEYSPACE,
        key: tables::recipient::key(&new.recipient),
        stamp: Some(stamp),
    });
    let entry = dossier::Entry { name: dossier::entry_name(SERIES, number)?, content: &recorded, replaces: None };
    dossier::put(case, &mut change, &mut opened, member, &entry)?;
    Ok(Prepared::durable(shown(case, recorded), change))
}

/// A recorded disclosure as the caller may see it.
fn shown(case: &Case<'_>, recorded: Recorded) -> Disclosure {
    Disclosure {
        source: DisclosureSource::Recorded,
        recipient: recorded.recipient,
        organisation: Some(recorded.organisation),
        at: recorded.at,
        purpose: Some(recorded.purpose),
        compartment: Some(recorded.compartment),
        record: Some(recorded.record),
        fields: recorded.fields.map(|fields| fields.iter().map(ToString::to_string).collect()),
        masked: Vec::new(),
        agreement: Some(recorded.agreement),
        role: Some(recorded.role),
        token: (case.ctx.actor.role != Role::Member).then_some(recorded.token),
        number: Some(recorded.number),
        leaf: None,
    }
}
