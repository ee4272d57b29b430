//! Schemas of what members learn about the use of their data, and of the register of recipients.

#![allow(dead_code, reason = "some of these types only describe")]

use serde::Deserialize;
use utoipa::ToSchema;

use super::requests::SMALL_BODY_BYTES_MAX;
use crate::clock::Timestamp;
use crate::http::extract::{ObjectOf, RequestBody, Word};
use crate::types::{Compartment, FieldName, Purpose, RecipientName, RecordName};
use crate::vault::api::{self, RecipientKind};

impl RequestBody for RecipientPut {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
}

impl RequestBody for NewDisclosure {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
}

/// A recipient for the register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "processor", "organisation": "Mailer Ltd", "country": "IE", "contact": "privacy@mailer.example",
    "agreement": {"reference": "DPA-2026-7", "agreed_at": "2026-01-01T00:00:00Z", "expires_at": "2028-01-01T00:00:00Z"},
    "purposes": ["newsletter"]
}))]
pub(in crate::http) struct RecipientPut {
    /// What it is.
    #[schema(value_type = String, pattern = "^(processor|joint_controller|third_party|authority)$")]
    kind: Word<RecipientKind>,
    /// Its name in full, as members are told it.
    #[schema(min_length = 1, max_length = 256)]
    organisation: String,
    /// What giving it data rests on.
    #[schema(value_type = Option<NewAgreement>)]
    agreement: Option<ObjectOf<NewAgreement>>,
    /// Where it is: two letters of ISO 3166.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// What protects data that leaves for that country.
    #[schema(min_length = 1, max_length = 256)]
    safeguards: Option<String>,
    /// Whom to write to.
    #[schema(min_length = 1, max_length = 256)]
    contact: Option<String>,
    /// For which purposes it may be given data; any if none is named.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    purposes: Option<Vec<Purpose>>,
}

/// What giving data to a recipient rests on: a contract, a law, an order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewAgreement {
    /// By which it is found in the files.
    #[schema(min_length = 1, max_length = 256)]
    reference: String,
    /// Since when it is in force.
    #[schema(value_type = String, format = DateTime)]
    agreed_at: Timestamp,
    /// When it ends; without an end if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl From<RecipientPut> for api::Recipient {
    fn from(body: RecipientPut) -> Self {
        let agreement = body.agreement.map(|ObjectOf(NewAgreement { reference, agreed_at, expires_at })| {
            api::Agreement { reference, agreed_at, expires_at }
        });
        Self {
            kind: body.kind.0,
            organisation: body.organisation,
            agreement,
            country: body.country,
            safeguards: body.safeguards,
            contact: body.contact,
            purposes: body.purposes.unwrap_or_default(),
        }
    }
}

/// Data that was given to a recipient, to be recorded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "recipient": "carrier", "compartment": "core", "record": "profile", "fields": ["name", "address"],
    "purpose": "service"
}))]
pub(in crate::http) struct NewDisclosure {
    /// To whom, by its name in the register.
    #[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_-]{0,31}$")]
    pub(in crate::http) recipient: RecipientName,
    /// In which compartment it lay.
    #[schema(value_type = String)]
    pub(in crate::http) compartment: Compartment,
    /// In which record.
    #[schema(value_type = String)]
    pub(in crate::http) record: RecordName,
    /// Which fields; all if absent.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 64)]
    pub(in crate::http) fields: Option<Vec<FieldName>>,
    /// For which purpose.
    #[schema(value_type = String)]
    pub(in crate::http) purpose: Purpose,
    /// When; now if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::http) at: Option<Timestamp>,
}

shapes! {
    /// The register of recipients.
    struct RecipientList {
        /// The recipients, by name.
        items: Vec<Recipient>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// A recipient in the register.
    struct Recipient {
        /// Its name.
        name: String,
        /// How often it was written.
        version: u64,
        /// When it was first written.
        #[schema(format = DateTime)]
        created_at: String,
        /// When it was last written.
        #[schema(format = DateTime)]
        updated_at: String,
        /// What it is.
        kind: String,
        /// Its name in full.
        organisation: String,
        /// What giving it data rests on.
        #[schema(nullable = false)]
        agreement: Option<Agreement>,
        /// Where it is.
        #[schema(nullable = false)]
        country: Option<String>,
        /// What protects data that leaves for that country.
        #[schema(nullable = false)]
        safeguards: Option<String>,
        /// Whom to write to.
        #[schema(nullable = false)]
        contact: Option<String>,
        /// For which purposes it may be given data; any where absent.
        #[schema(nullable = false)]
        purposes: Option<Vec<String>>,
    }

    /// What giving data to a recipient rests on.
    struct Agreement {
        /// By which it is found in the files.
        reference: String,
        /// Since when it is in force.
        #[schema(format = DateTime)]
        agreed_at: String,
        /// When it ends.
        #[schema(format = DateTime, nullable = false)]
        expires_at: Option<String>,
    }

    /// To whom data of a member was given.
    struct DisclosureList {
        /// First what was recorded, then what was read, each oldest first.
        items: Vec<Disclosure>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// Data of a member that was given to a recipient.
    struct Disclosure {
        /// How it is known: `recorded`, or `read` with a token that acts for the recipient.
        #[schema(pattern = "^(recorded|read)$")]
        source: String,
        /// To whom, by name in the register.
        recipient: String,
        /// To whom, in full.
        #[schema(nullable = false)]
        organisation: Option<String>,
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// For which purpose.
        #[schema(nullable = false)]
        purpose: Option<String>,
        /// In which compartment it lay.
        #[schema(nullable = false)]
        compartment: Option<String>,
        /// In which record.
        #[schema(nullable = false)]
        record: Option<String>,
        /// Which fields; all where absent.
        #[schema(nullable = false)]
        fields: Option<Vec<String>>,
        /// Of which fields a glimpse or a pseudonym.
        #[schema(nullable = false)]
        masked: Option<Vec<String>>,
        /// The agreement it rests on.
        #[schema(nullable = false)]
        agreement: Option<String>,
        /// In which role it was recorded or read.
        #[schema(nullable = false)]
        role: Option<String>,
        /// By which token. A member is not shown it.
        #[schema(nullable = false)]
        token: Option<String>,
        /// Its number among those that were recorded.
        #[schema(nullable = false)]
        number: Option<u32>,
        /// The leaf of the read in the ledger.
        #[schema(nullable = false)]
        leaf: Option<u64>,
    }

    /// What happened to a member's data.
    struct History {
        /// The acts, oldest first.
        items: Vec<HistoryEntry>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// One act on a member's data.
    struct HistoryEntry {
        /// Its leaf in the ledger, by which its evidence is found.
        leaf: u64,
        /// When.
        #[schema(format = DateTime)]
        at: String,
        /// What was done, such as `record.read`.
        what: String,
        /// In which role.
        #[schema(nullable = false)]
        role: Option<String>,
        /// By whose people or machines.
        #[schema(nullable = false)]
        organisation: Option<String>,
        /// By which token. A member is not shown those of others.
        #[schema(nullable = false)]
        token: Option<String>,
        /// For which purpose.
        #[schema(nullable = false)]
        purpose: Option<String>,
        /// To which recipient outside it went.
        #[schema(nullable = false)]
        recipient: Option<String>,
        /// In which compartment.
        #[schema(nullable = false)]
        compartment: Option<String>,
        /// On which record.
        #[schema(nullable = false)]
        record: Option<String>,
        /// The version that was read or written.
        #[schema(nullable = false)]
        version: Option<u64>,
        /// The fields that were shown as they are; absent where all there were.
        #[schema(nullable = false)]
        fields: Option<Vec<String>>,
        /// The fields of which a glimpse or a pseudonym was shown.
        #[schema(nullable = false)]
        masked: Option<Vec<String>>,
        /// Record by record, where several were shown and not all of each.
        #[schema(nullable = false)]
        records: Option<Vec<ShownPart>>,
    }

    /// What was shown of one record of several.
    struct ShownPart {
        /// The compartment.
        compartment: String,
        /// The record.
        record: String,
        /// The fields shown as they are; absent where all there were.
        #[schema(nullable = false)]
        fields: Option<Vec<String>>,
        /// The fields of which a glimpse or a pseudonym was shown.
        #[schema(nullable = false)]
        masked: Option<Vec<String>>,
    }
}
