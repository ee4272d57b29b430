//! Recipients and disclosures, as they are asked for and shown.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::name::InvalidName;
use crate::types::{Compartment, FieldName, Purpose, RecipientName, RecordName, RecordVersion, Role, TokenId};

/// What a recipient is to the one who runs the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientKind {
    /// Works on instruction (GDPR Art. 28).
    Processor,
    /// Decides with us (Art. 26).
    JointController,
    /// Decides for itself.
    ThirdParty,
    /// A public authority.
    Authority,
}

impl std::str::FromStr for RecipientKind {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text {
            "processor" => Ok(Self::Processor),
            "joint_controller" => Ok(Self::JointController),
            "third_party" => Ok(Self::ThirdParty),
            "authority" => Ok(Self::Authority),
            _ => Err(InvalidName {
                kind: "kind of recipient",
                form: "one of processor, joint_controller, third_party, authority",
            }),
        }
    }
}

/// What giving data to a recipient rests on: a contract, a law, an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// By which it is found in the files.
    pub reference: String,
    /// Since when it is in force.
    pub agreed_at: Timestamp,
    /// When it ends; without an end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A recipient of members' data, as the register has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// What it is.
    pub kind: RecipientKind,
    /// Its name in full, as members are told it.
    pub organisation: String,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Where it is: two letters of ISO 3166.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What protects data that leaves for that country (GDPR Art. 46), in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safeguards: Option<String>,
    /// Whom to write to, such as when a member was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// For which purposes it may be given data; any if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Purpose>,
}

impl Recipient {
    /// The agreement, if it is in force at that time.
    pub fn agreement_at(&self, at: Timestamp) -> Option<&Agreement> {
        self.agreement
            .as_ref()
            .filter(|agreement| agreement.agreed_at <= at && agreement.expires_at.is_none_or(|end| at < end))
    }
}

/// An entry of the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecipientEntry {
    /// Its name.
    pub name: RecipientName,
    /// How often it was written: the `ETag` of HTTP.
    pub version: RecordVersion,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// What it says.
    #[serde(flatten)]
    pub recipient: Recipient,
}

/// Data that was given to a recipient, to be recorded.
#[derive(Clone, Debug)]
pub struct NewDisclosure {
    /// To whom.
    pub recipient: RecipientName,
    /// In which compartment it lay.
    pub compartment: Compartment,
    /// In which record.
    pub record: RecordName,
    /// Which fields; all if `None`.
    pub fields: Option<Vec<FieldName>>,
    /// For which purpose.
    pub purpose: Purpose,
    /// When; now if `None`.
    pub at: Option<Timestamp>,
}

/// How it is known that data was given to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DisclosureSource {
    /// It was recorded.
    Recorded,
    /// It was read with a token that acts for the recipient.
    Read,
}

/// Data of a member that was given to a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disclosure {
    /// How it is known.
    pub source: DisclosureSource,
    /// To whom, by name in the register.
    pub recipient: RecipientName,
    /// To whom, in full, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// When.
    pub at: Timestamp,
    /// For which purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// In which compartment it lay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compartment: Option<Compartment>,
    /// In which record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordName>,
    /// Which fields; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// Of which fields a glimpse or a pseudonym.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// The agreement it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// In which role it was recorded or read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// By which token. A member is not shown it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// Its number among those that were recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// The leaf of the read in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
}
