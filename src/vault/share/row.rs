//! A link as it is stored: JSON, sealed under the vault's control key.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::rows;
use crate::crypto;
use crate::ledger::Change;
use crate::tables;
use crate::types::place::ControlPlace;
use crate::types::{Compartment, FieldName, MemberId, Purpose, RecipientName, RecordName, Role, ShareId, TokenId};
use crate::vault::api::{RecordAddress, ShareInfo};
use crate::vault::{Error, Vault};

/// A link as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredShare {
    pub(super) member: MemberId,
    pub(super) compartment: Compartment,
    pub(super) record: RecordName,
    pub(super) fields: Vec<FieldName>,
    pub(super) recipient: RecipientName,
    pub(super) purpose: Purpose,
    /// The role of who made it, under which it is decided anew at each opening.
    pub(super) role: Role,
    pub(super) created_by: TokenId,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) opens_max: Option<u32>,
    pub(super) opens: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) opened_at: Option<Timestamp>,
    pub(super) secret_sha256: String,
}

impl StoredShare {
    /// The record it shows.
    pub(super) fn address(&self) -> RecordAddress {
        RecordAddress { member: self.member, compartment: self.compartment.clone(), name: self.record.clone() }
    }

    /// Whether it opens at `now`, as far as the link itself says.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.opens_max.is_none_or(|max| self.opens < max)
    }

    /// Whether `hash` is that of its secret.
    pub(super) fn is_secret(&self, hash: &[u8; 32]) -> bool {
        let text = data_encoding::HEXLOWER.encode(hash);
        crypto::equal_constant_time(text.as_bytes(), self.secret_sha256.as_bytes())
    }

    /// As callers see it.
    pub(super) fn info(&self, id: ShareId) -> ShareInfo {
        ShareInfo {
            id,
            recipient: self.recipient.clone(),
            compartment: self.compartment.clone(),
            name: self.record.clone(),
            fields: self.fields.clone(),
            purpose: self.purpose.clone(),
            created_at: self.created_at,
            created_by: self.created_by,
            expires_at: self.expires_at,
            opens_max: self.opens_max,
            opens: self.opens,
            opened_at: self.opened_at,
        }
    }
}

impl Vault {
    /// Opens the row of a link.
    pub(super) fn open_share_row(&self, id: &ShareId, row: &[u8]) -> Result<StoredShare, Error> {
        let key = tables::share::key(id);
        let place = ControlPlace { vault: self.id(), row_key: &key };
        let plain = crypto::open(self.keyring().control(), &place, rows::sealed(row)?)?;
        serde_json::from_slice(plain.expose()).map_err(|_| Error::Internal("an opened link is a link"))
    }

    /// Seals a link and puts its row into `change`.
    pub(super) fn put_share(&self, change: &mut Change, id: &ShareId, share: &StoredShare) -> Result<(), Error> {
        let plain = serde_json::to_vec(share).map_err(|_| Error::Internal("a link is serialisable"))?;
        let key = tables::share::key(id);
        let row = self.seal_row(self.keyring().control(), &ControlPlace { vault: self.id(), row_key: &key }, &plain)?;
        change.put(tables::share::KEYSPACE, key, row);
        Ok(())
    }
}
