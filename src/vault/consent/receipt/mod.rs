//! Receipts of consents: what a member agreed to or withdrew, for the member to keep. One signed file that is checked
//! without the vault.
//!
//! The structure is that of ISO/IEC TS 27560:2023 as the guide of the W3C Data Privacy Vocabulary writes it in JSON-LD: a
//! receipt around one consent record, with its header, processing, parties and events. `issue` writes it from the history
//! and the data map, [`verify`] checks it with nothing but the log's public key. The member is named by a pseudonym that is
//! good for this consent alone; no identifier and no value of the member's is in it.

mod issue;
mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::{Purpose, VaultId};

pub use verify::{ReceiptVerdict, verify};

/// The schema a receipt is written by.
pub const RECEIPT_SCHEMA: &str = "https://w3id.org/dpv/schema/dpv-27560#receipt";
/// The schema of the consent record within it.
pub const RECORD_SCHEMA: &str = "https://w3id.org/dpv/schema/dpv-27560#record";

/// The prefixes, and what they stand for.
const CONTEXT: [(&str, &str); 5] = [
    ("dct", "http://purl.org/dc/terms/"),
    ("dpv", "https://w3id.org/dpv#"),
    ("eu-gdpr", "https://w3id.org/dpv/legal/eu/gdpr#"),
    ("membervault", "urn:membervault:"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
];

/// A receipt: the JSON text of the signed note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The prefixes.
    #[serde(rename = "@context")]
    pub context: BTreeMap<String, String>,
    /// The receipt.
    #[serde(rename = "@id")]
    pub id: String,
    /// `dpv:ConsentReceipt`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// [`RECEIPT_SCHEMA`].
    #[serde(rename = "dct:conformsTo")]
    pub schema: String,
    /// When the receipt was written.
    #[serde(rename = "dct:created")]
    pub created: Timestamp,
    /// The vault that wrote it.
    #[serde(rename = "membervault:vault")]
    pub vault: VaultId,
    /// The origin of its log, whose key signs.
    #[serde(rename = "membervault:log")]
    pub log: String,
    /// The program that wrote it.
    #[serde(rename = "membervault:software")]
    pub software: String,
    /// The consent.
    #[serde(rename = "dpv:hasRecordOfActivity")]
    pub record: ConsentRecord,
}

/// The consent record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRecord {
    /// The record: the same in every receipt of this consent.
    #[serde(rename = "@id")]
    pub id: String,
    /// `dpv:ConsentRecord`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// [`RECORD_SCHEMA`].
    #[serde(rename = "dct:conformsTo")]
    pub schema: String,
    /// Whose: a pseudonym for this consent.
    #[serde(rename = "dpv:hasDataSubject")]
    pub subject: String,
    /// Who answers for the data.
    #[serde(rename = "dpv:hasDataController")]
    pub controller: Party,
    /// What is done with which data.
    #[serde(rename = "dpv:hasProcess")]
    pub process: Process,
    /// The notice the member was shown.
    #[serde(rename = "dpv:hasNotice")]
    pub notice: ShownNotice,
    /// Given, and withdrawn where it was.
    #[serde(rename = "dpv:hasConsentStatus")]
    pub events: Vec<ConsentEvent>,
    /// The right to withdraw.
    #[serde(rename = "dpv:hasRight")]
    pub rights: Vec<String>,
}

/// A party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// `dpv:DataController`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// Its name.
    #[serde(rename = "dct:title")]
    pub name: String,
    /// How it is reached.
    #[serde(rename = "dpv:hasContact")]
    pub contact: String,
}

/// What is done, as the data map says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// `dpv:Process`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// What for.
    #[serde(rename = "dpv:hasPurpose")]
    pub purpose: PurposeTerm,
    /// On which ground.
    #[serde(rename = "dpv:hasLegalBasis")]
    pub basis: Vec<String>,
    /// With which data.
    #[serde(rename = "dpv:hasPersonalData")]
    pub data: Vec<Term>,
    /// Who receives it.
    #[serde(rename = "dpv:hasRecipient", default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// How long it is kept.
    #[serde(rename = "dpv:hasStorageCondition")]
    pub storage: Vec<Duration>,
}

/// A purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeTerm {
    /// Its term in the Data Privacy Vocabulary.
    #[serde(rename = "@type")]
    pub kind: String,
    /// Its name here.
    #[serde(rename = "dct:title")]
    pub name: Purpose,
    /// In a sentence.
    #[serde(rename = "dct:description")]
    pub about: String,
}

/// Something with a name and a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// `dpv:PersonalData`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// Its name.
    #[serde(rename = "dct:title")]
    pub name: String,
    /// In a sentence.
    #[serde(rename = "dct:description")]
    pub about: String,
}

/// How long something is, or is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duration {
    /// Its term in the Data Privacy Vocabulary.
    #[serde(rename = "@type")]
    pub kind: String,
    /// Of what.
    #[serde(rename = "dct:title", default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// A period, a time, or an event.
    #[serde(rename = "rdf:value")]
    pub value: String,
}

/// The notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownNotice {
    /// `dpv:ConsentNotice`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// Its version.
    #[serde(rename = "dct:hasVersion")]
    pub version: String,
    /// The language it was shown in.
    #[serde(rename = "dct:language", default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// SHA-256 of its text, hexadecimal.
    #[serde(rename = "membervault:sha256", default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentEvent {
    /// The state it led to, and the type of the consent.
    #[serde(rename = "@type")]
    pub kinds: Vec<String>,
    /// The number of its entry in the member's history.
    #[serde(rename = "membervault:entry")]
    pub entry: u32,
    /// When.
    #[serde(rename = "dpv:isIndicatedAtTime")]
    pub at: Timestamp,
    /// How long it counts.
    #[serde(rename = "dpv:hasDuration")]
    pub duration: Duration,
    /// By whom.
    #[serde(rename = "dpv:isIndicatedBy")]
    pub by: String,
    /// How.
    #[serde(rename = "dpv:hasIndicationMethod", default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where.
    #[serde(rename = "dct:spatial", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// The name of the file of a receipt. It names no purpose: that may tell too much.
pub const RECEIPT_FILE: &str = "consent.receipt";
