//! Certificates of erasures: what was erased, when its keys were destroyed, what would defeat that, and the proof that
//! the ledger says so too. One signed file that is checked without the vault.
//!
//! [`Vault::certificate`](super::Vault::certificate) writes it from the rows and the ledger, [`verify`] checks it with
//! nothing but the log's public key, [`page`] prints it. It names the member by its random id and holds no personal data.

mod issue;
mod leaves;
mod page;
mod verify;
mod words;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::types::slot::{HolderStatement, SlotLevel};
use crate::types::{ErasureId, MemberId, VaultId};

use super::api::{Scope, Stage};

pub use super::check::{Check, Outcome};
pub use page::page;
pub use verify::{Verdict, verify};

/// What the first field of a certificate says.
pub const FORMAT: &str = "membervault/erasure-certificate/v1";

/// A certificate: the JSON text of the signed note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`FORMAT`].
    pub certificate: String,
    /// The vault.
    pub vault: VaultId,
    /// The origin of its log.
    pub log: String,
    /// When the certificate was written.
    pub issued_at: Timestamp,
    /// What was erased.
    pub erasure: Subject,
    /// In a sentence or two.
    pub statement: String,
    /// How far it has come: `sealed` or `purged`.
    pub stage: Stage,
    /// When it came how far.
    pub stages: Stages,
    /// The root keys, by their commitments.
    pub keys: RootKeys,
    /// Where the root key was kept.
    pub slot: Slot,
    /// What each holder of the root key said.
    pub holders: Vec<HolderStatement>,
    /// What may still lie where.
    pub residual_paths: Vec<String>,
    /// What no seal reaches.
    pub not_covered: Vec<String>,
    /// The program that wrote this.
    pub software: String,
    /// The entries of the ledger that say so.
    pub evidence: Evidence,
}

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The erasure.
    pub id: ErasureId,
    /// The member's random id.
    pub member: MemberId,
    /// The whole member, or one compartment.
    pub scope: Scope,
    /// How the ledger calls it: a value that only the destroyed keys could compute.
    #[serde(with = "hex32")]
    pub tag: [u8; 32],
}

/// When the erasure came how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stages {
    /// Asked for.
    pub requested_at: Timestamp,
    /// Denied to everyone, durably.
    pub fenced_at: Timestamp,
    /// Its keys destroyed.
    pub sealed_at: Timestamp,
    /// The files of the vault found clean of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_at: Option<Timestamp>,
}

/// The roots of the key tree around the seal. A key that turns up one day can be held against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootKeys {
    /// The epoch of the only root that was left.
    pub epoch: u64,
    /// The commitment of the last root that was destroyed.
    #[serde(with = "hex32")]
    pub destroyed_root: [u8; 32],
    /// The commitment of the root that was left.
    #[serde(with = "hex32")]
    pub remaining_root: [u8; 32],
}

/// How far the place of the root key can be trusted to forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The level.
    pub level: SlotLevel,
    /// What that means.
    pub meaning: String,
    /// What would defeat the erasure.
    pub defeated_by: String,
}

/// Entries of the ledger, each with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// `erase.intent`: the erasure was decided, under its tag.
    pub intent: Entry,
    /// `tree.rotate`: the key tree got a new root, after that.
    pub rotation: Entry,
    /// `seal`: the old root is gone everywhere, for this tag among others.
    pub seal: Entry,
    /// `purge`, once there is one: the files were searched for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge: Option<Entry>,
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The bytes of the leaf, as the Merkle tree hashes them.
    #[serde(with = "base64")]
    pub leaf: Vec<u8>,
    /// A `tlog-proof` file: index, hashes, signed checkpoint.
    pub proof: String,
}

impl Certificate {
    /// The name of the file.
    pub fn file_name(id: &ErasureId) -> String {
        format!("erasure-{id}.certificate")
    }
}

mod hex32 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::HEXLOWER.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| de::Error::custom("expected 64 hexadecimal digits"))
    }
}

mod base64 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        data_encoding::BASE64.decode(text.as_bytes()).map_err(|_| de::Error::custom("expected base64"))
    }
}
