//! What goes into the verbs and what comes out: plain values, parsed at the edge.
//!
//! The edges build the inputs and serialise the outputs; nothing here knows HTTP, rows or keys.

use crate::clock::Timestamp;
use crate::codec::Plaintext;
use crate::types::{Compartment, FieldName, MemberId, RecordMeta, RecordName, RecordVersion, TokenId, VaultId};
use serde::Serialize;
use serde_json::{Map, Value};

mod erasure;
pub mod guard;
mod query;

pub use erasure::{Erasure, Scope, Sealed, Stage};
pub use query::{BulkDone, MetaEdit, MetaLists, MetaSet, RecordFilter, RecordFound};

use super::Error;
use super::evidence::Shown;

mod rotation;

pub use rotation::KeyRotation;

mod backup;
mod crowd;
mod recipient;
mod request;
mod share;
mod token;

pub use backup::{Backup, BackupState, Mirror, MirrorState};
pub use crowd::{AudienceEntry, SegmentCount, SegmentPage};
pub use recipient::{Agreement, Disclosure, DisclosureSource, NewDisclosure, Recipient, RecipientEntry, RecipientKind};
pub use request::{
    By, Corrected, MemberOutcome, NewBulkRequest, NewRequest, OutcomeKind, QueueQuery, Request, RequestApproval,
    RequestExtension, RequestIdentity, RequestRefusal, RequestStep,
};
pub use share::{IssuedShare, NewShare, ShareInfo, SharedView, Shares};
pub use token::{IssuedToken, NewMemberToken, NewToken, TokenInfo};

/// A member to be created.
pub struct NewMember {
    /// The profile: an object whose top-level `email`, `phone` and `external_id`, if present, become identifiers.
    pub profile: Map<String, Value>,
    /// Metadata of the profile.
    pub meta: RecordMeta,
    /// A key chosen by the caller: the same request with the same key creates one member, however often it is sent.
    pub idempotency_key: Option<String>,
}

/// A member was created.
#[derive(Clone, Debug, Serialize)]
pub struct Created {
    /// The new member.
    pub id: MemberId,
    /// The version of the profile.
    pub version: RecordVersion,
    /// When.
    pub created_at: Timestamp,
}

/// The address of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordAddress {
    /// Whose.
    pub member: MemberId,
    /// In which compartment.
    pub compartment: Compartment,
    /// Under which name.
    pub name: RecordName,
}

impl RecordAddress {
    /// The address of a member's profile.
    pub fn profile(member: MemberId) -> Self {
        Self { member, compartment: Compartment::core(), name: RecordName::profile() }
    }
}

/// The text of a JSON object. Personal data: wiped when dropped, no `Debug`.
pub struct JsonObject(Plaintext);

impl JsonObject {
    /// The text as it was stored.
    pub(crate) fn stored(text: Plaintext) -> Self {
        Self(text)
    }

    /// The text of an object made for this reply.
    pub(crate) fn made(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut text = Plaintext::with_capacity(1024);
        serde_json::to_writer(&mut text, object).map_err(|_| Error::Internal("a JSON object is serialisable"))?;
        Ok(Self(text))
    }

    /// The text, UTF-8 JSON.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose()
    }
}

impl Serialize for JsonObject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &serde_json::value::RawValue =
            serde_json::from_slice(self.as_bytes()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

pub use crate::policy::{Withheld, WithheldReason};
pub use crate::tlog::TilePath;

/// A record as this caller may see it.
#[derive(Serialize)]
pub struct RecordView {
    /// The compartment.
    pub compartment: Compartment,
    /// The name.
    pub name: RecordName,
    /// The version: the `ETag` of HTTP.
    pub version: RecordVersion,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// The object, after the policy's treatment of each field.
    pub data: JsonObject,
    /// The metadata.
    pub meta: RecordMeta,
    /// What was masked, replaced or left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
    /// Which fields `data` has, for the evidence of the read.
    #[serde(skip)]
    pub(crate) shown: Shown,
}

/// What must be true of the record for a write to happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the last write wins.
    #[default]
    Any,
    /// The record does not exist (`If-None-Match: *`).
    Absent,
    /// The record exists (`If-Match: *`).
    Present,
    /// The record is at this version (`If-Match: "7"`).
    Version(RecordVersion),
}

/// A whole record to be stored.
pub struct RecordWrite {
    /// Where.
    pub address: RecordAddress,
    /// The object.
    pub data: Map<String, Value>,
    /// The metadata; `None` keeps what is there.
    pub meta: Option<RecordMeta>,
    /// What must be true.
    pub expect: Expect,
}

/// A merge-patch (RFC 7396) of a record.
pub struct RecordPatch {
    /// Where.
    pub address: RecordAddress,
    /// The patch of the object.
    pub patch: Map<String, Value>,
    /// New metadata; `None` keeps what is there.
    pub meta: Option<RecordMeta>,
    /// What must be true.
    pub expect: Expect,
}

/// A record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The new version.
    pub version: RecordVersion,
    /// Whether it is new.
    pub created: bool,
    /// When.
    pub updated_at: Timestamp,
}

/// What to read of a record.
pub struct RecordQuery {
    /// Where.
    pub address: RecordAddress,
    /// Only these top-level fields; `None` for all.
    pub fields: Option<Vec<FieldName>>,
}

/// Which page of a listing.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where the previous page ended; `None` for the first.
    pub cursor: Option<String>,
    /// How many entries at most, 1 to [`Page::LIMIT_MAX`].
    pub limit: usize,
}

impl Page {
    /// The most entries of one page.
    pub const LIMIT_MAX: usize = 500;
    /// The entries of a page when the caller does not say.
    pub const LIMIT_DEFAULT: usize = 100;
}

/// One page of a listing.
#[derive(Clone, Debug, Serialize)]
pub struct Listing<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A record in a listing: everything but its content.
#[derive(Clone, Debug, Serialize)]
pub struct RecordEntry {
    /// The compartment.
    pub compartment: Compartment,
    /// The name.
    pub name: RecordName,
    /// The version.
    pub version: RecordVersion,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// The metadata.
    pub meta: RecordMeta,
}

/// Everything held of one member, as the caller may see it.
#[derive(Serialize)]
pub struct Export {
    /// The member.
    pub id: MemberId,
    /// When the member was created, to the minute.
    pub created_at: Timestamp,
    /// When the export was made.
    pub exported_at: Timestamp,
    /// Every record.
    pub records: Vec<RecordView>,
}

/// A legal hold to be set: while it stands, the member cannot be erased.
pub struct NewHold {
    /// Why, in a few words.
    pub reason: String,
    /// The matter it belongs to.
    pub reference: Option<String>,
}

/// A legal hold.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// The matter it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Since when.
    pub set_at: Timestamp,
    /// By which token.
    pub set_by: TokenId,
}

/// Cosignatures were taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cosigned {
    /// Leaves of the checkpoint.
    pub size: u64,
    /// The names of the witnesses whose cosignatures are new.
    pub added: Vec<String>,
}

/// How the vault is.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The version of the program.
    pub version: &'static str,
    /// The vault.
    pub vault: VaultId,
    /// When it was created.
    pub created_at: Timestamp,
    /// The epoch of the key tree.
    pub epoch: u64,
    /// The depth of the member key tree.
    pub tree_depth: u8,
    /// Leaves in the ledger.
    pub ledger_size: u64,
    /// The root of the ledger, hexadecimal.
    pub ledger_root: String,
    /// SHA-256 of the policy in force, hexadecimal.
    pub policy_sha256: String,
    /// Bytes on disk by keyspace.
    pub disk_bytes: std::collections::BTreeMap<&'static str, u64>,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
    /// The mirrors of keys, index and ledger.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Mirror>,
}

/// The policy in force.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyText {
    /// SHA-256 of the text, hexadecimal.
    pub sha256: String,
    /// The text.
    pub toml: String,
}

/// What became of one member of an import.
#[derive(Debug)]
pub enum Imported {
    /// A new member.
    Created(MemberId),
    /// A member with this identifier is there already, in the vault or earlier in the batch.
    Exists {
        /// Which identifier.
        kind: crate::types::IdentifierKind,
        /// Whose it is; `None` if it is of a member earlier in the same batch.
        member: Option<MemberId>,
    },
    /// The member cannot be stored as it is.
    Rejected(Error),
}
