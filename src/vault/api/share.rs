//! Links by which a recipient reads, as they are asked for and shown.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::policy::Withheld;
use crate::types::{Compartment, FieldName, Purpose, RecipientName, RecordName, RecordVersion, ShareId, TokenId};

use super::{JsonObject, RecordAddress};

/// A link to be made.
pub struct NewShare {
    /// The record it shows.
    pub address: RecordAddress,
    /// To whom.
    pub recipient: RecipientName,
    /// Which top-level fields.
    pub fields: Vec<FieldName>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How often it opens; `None`: until it ends.
    pub opens_max: Option<u32>,
}

/// What is known of a link besides its secret.
#[derive(Clone, Debug, Serialize)]
pub struct ShareInfo {
    /// The link.
    pub id: ShareId,
    /// To whom it shows.
    pub recipient: RecipientName,
    /// The compartment of the record it shows.
    pub compartment: Compartment,
    /// The record.
    pub name: RecordName,
    /// The fields.
    pub fields: Vec<FieldName>,
    /// For which purpose.
    pub purpose: Purpose,
    /// When it was made.
    pub created_at: Timestamp,
    /// With which token.
    pub created_by: TokenId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How often it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_max: Option<u32>,
    /// How often it was opened.
    pub opens: u32,
    /// When it was opened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
}

/// A link was made. Its secret is shown this once; only its hash is kept.
pub struct IssuedShare {
    /// What the recipient presents.
    pub secret: Zeroizing<String>,
    /// What is known of it.
    pub info: ShareInfo,
}

/// The links of a member.
#[derive(Clone, Debug, Serialize)]
pub struct Shares {
    /// Those that have not ended, oldest first.
    pub items: Vec<ShareInfo>,
}

/// What a link shows. It does not say of whom: the recipient knows, or need not.
#[derive(Serialize)]
pub struct SharedView {
    /// The recipient it was made for.
    pub recipient: RecipientName,
    /// For which purpose.
    pub purpose: Purpose,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// The compartment of the record.
    pub compartment: Compartment,
    /// The record.
    pub name: RecordName,
    /// Its version.
    pub version: RecordVersion,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// The fields.
    pub data: JsonObject,
    /// What was masked, replaced or left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
}
