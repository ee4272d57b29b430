//! What data map and member say, after the policy has said yes: weighed at the moment of decryption, on the member's own
//! recorded consent, objections and restrictions, never on what a caller asserts.
//!
//! Two steps. [`Scales::admit`] weighs the stated purpose for the member as a whole and may refuse the act.
//! [`Scales::screen`] weighs it for each field of one record: a field passes if it serves the purpose and the legal basis
//! of that holds. Where no purpose is stated (a role of whom the policy asks none) only a restriction is weighed.
//!
//! A member's own token is not weighed: it is about what others do with the member's data.

use super::{Action, Denial, Permit, WithheldReason};
use crate::clock::Timestamp;
use crate::schema::{DataMap, FieldEntry, LegalBasis, PurposeEntry, RecordType, Sensitivity};
use crate::types::{Compartment, Purpose, RecipientName, RecordMeta, RecordName, Role, Standing};

/// What is put on the scales, besides the permit.
#[derive(Clone, Copy)]
pub struct Scales<'a> {
    /// The data map in force.
    pub map: &'a DataMap,
    /// How the member stands.
    pub standing: &'a Standing,
    /// The purpose the caller states.
    pub purpose: Option<&'a Purpose>,
    /// The recipient the caller acts for.
    pub recipient: Option<&'a RecipientName>,
    /// When.
    pub now: Timestamp,
}

impl<'a> Scales<'a> {
    /// Whether the member's data may be shown for the stated purpose at all.
    pub fn admit(&self, permit: &Permit) -> Result<(), Denial> {
        if permit.role() == Role::Member || !permit.action().shows_fields() {
            return Ok(());
        }
        let Some(purpose) = self.purpose else { return self.admit_unstated(permit.action()) };
        let entry = self.map.purpose(purpose).ok_or(Denial::PurposeUnknown)?;
        if self.recipient.is_some_and(|recipient| !entry.recipients.contains(recipient)) {
            return Err(Denial::RecipientNotAllowed);
        }
        if self.standing.restricted && !entry.despite_restriction {
            return Err(Denial::Restricted);
        }
        if self.is_objected(purpose, entry.basis) {
            return Err(Denial::Objected);
        }
        if entry.automated && self.standing.refuses_automation {
            return Err(Denial::AutomatedDecision);
        }
        if entry.basis == LegalBasis::Consent && self.standing.consent(purpose, self.now).is_none() {
            return Err(Denial::ConsentMissing);
        }
        Ok(())
    }

    /// What of one record may be shown, as far as data map and member are concerned.
    pub fn screen(
        &self,
        permit: &Permit,
        compartment: &Compartment,
        name: &RecordName,
        meta: &RecordMeta,
    ) -> Screen<'a> {
        // The dossier is what the vault itself notes of the member's rights: no data map speaks of it.
        if permit.role() == Role::Member || compartment.is_reserved() {
            return Screen(Kind::Open);
        }
        let record = self.map.record_type(compartment, name);
        let undeclared = if self.map.is_strict() { Kind::Closed(WithheldReason::Undeclared) } else { Kind::Open };
        let Some(purpose) = self.purpose else {
            let declared = |record| if self.map.is_strict() { Kind::Declared(record) } else { Kind::Open };
            return Screen(record.map_or(undeclared, declared));
        };
        let entry = self.map.purpose(purpose);
        Screen(match (entry, record) {
            _ if meta.objections.contains(purpose) => Kind::Closed(WithheldReason::Objected),
            (None, _) => Kind::Closed(WithheldReason::NotForPurpose),
            _ if !meta.purposes.is_empty() && !meta.purposes.contains(purpose) => {
                Kind::Closed(WithheldReason::NotForPurpose)
            }
            (Some(entry), _) if meta.automated_decision && entry.automated && self.standing.refuses_automation => {
                Kind::Closed(WithheldReason::AutomatedDecision)
            }
            (Some(_), None) => undeclared,
            (Some(entry), Some(record)) => Kind::Weighed { scales: *self, purpose, entry, record },
        })
    }

    /// To take data out for the member, or for its move to another controller, is what a restriction leaves free.
    fn admit_unstated(&self, action: Action) -> Result<(), Denial> {
        if self.recipient.is_some() {
            return Err(Denial::PurposeRequired);
        }
        let refused = self.standing.restricted && action != Action::MemberExport;
        if refused { Err(Denial::Restricted) } else { Ok(()) }
    }

    /// An objection counts where the law gives one: not against a contract, a legal duty or a life.
    fn is_objected(&self, purpose: &Purpose, basis: LegalBasis) -> bool {
        let stands = matches!(basis, LegalBasis::Consent | LegalBasis::LegitimateInterest | LegalBasis::PublicTask);
        stands && self.standing.objects(purpose)
    }

    fn weigh(&self, field: &FieldEntry, purpose: &Purpose, entry: &PurposeEntry) -> Option<WithheldReason> {
        if !field.serves(purpose) {
            return Some(WithheldReason::NotForPurpose);
        }
        let basis = field.basis_for(purpose, entry);
        if self.is_objected(purpose, basis) {
            return Some(WithheldReason::Objected);
        }
        let consent = self.standing.consent(purpose, self.now);
        match (field.sensitivity, basis, consent) {
            (Sensitivity::Special, _, consent) if !consent.is_some_and(|given| given.explicit) => {
                Some(WithheldReason::NoExplicitConsent)
            }
            (_, LegalBasis::Consent, None) => Some(WithheldReason::NoConsent),
            _ => None,
        }
    }
}

/// What data map and member let through of one record. Made by [`Scales::screen`] alone.
pub struct Screen<'a>(Kind<'a>);

enum Kind<'a> {
    /// Everything passes.
    Open,
    /// Nothing passes.
    Closed(WithheldReason),
    /// What the data map declares passes.
    Declared(&'a RecordType),
    /// Each field is weighed.
    Weighed { scales: Scales<'a>, purpose: &'a Purpose, entry: &'a PurposeEntry, record: &'a RecordType },
}

impl Screen<'_> {
    /// Lets everything through.
    #[cfg(test)]
    pub(super) const fn open() -> Self {
        Self(Kind::Open)
    }

    /// Why a field does not pass; `None` where it does.
    pub fn withholds(&self, field: &str) -> Option<WithheldReason> {
        match &self.0 {
            Kind::Open => None,
            Kind::Closed(reason) => Some(*reason),
            Kind::Declared(record) => record.field(field).is_none().then_some(WithheldReason::Undeclared),
            Kind::Weighed { scales, purpose, entry, record } => match record.field(field) {
                // What nobody declared serves no purpose that is stated, also where it may be stored.
                None => Some(WithheldReason::Undeclared),
                Some(field) => scales.weigh(field, purpose, entry),
            },
        }
    }

    /// Why nothing of the record passes; `None` where it depends on the field.
    pub const fn withholds_all(&self) -> Option<WithheldReason> {
        match self.0 {
            Kind::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether everything passes, so that stored bytes may be answered without parsing them.
    pub const fn is_open(&self) -> bool {
        match &self.0 {
            Kind::Open => true,
            // The record may have fields that are not declared.
            Kind::Closed(_) | Kind::Declared(_) | Kind::Weighed { .. } => false,
        }
    }
}
