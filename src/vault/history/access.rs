//! What the access rows of one member say: each opened under the member's own keys and joined with its leaf.
//!
//! Reads only. Called by the history, by reports over many members, and by an erasure that asks who was given data.

use std::str::FromStr;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::codec::{AccessDetail, Leaf, PartDetail, rows};
use crate::crypto::{self, Key};
use crate::ledger::StoredLog;
use crate::tables;
use crate::tables::access::AccessAt;
use crate::types::place::{AccessPlace, Member, Note};
use crate::types::{Compartment, MemberId, RecipientName, RecordName, RecordVersion, Role};

use super::super::{Error, Vault};

/// The detail of an access as it was stored. Rows of an import have none: their leaf says all.
#[derive(Debug, Default)]
pub(crate) struct StoredDetail {
    pub(crate) at: Option<Timestamp>,
    pub(crate) role: Option<Role>,
    pub(crate) organisation: Option<String>,
    pub(crate) recipient: Option<RecipientName>,
    pub(crate) compartment: Option<Compartment>,
    pub(crate) record: Option<RecordName>,
    pub(crate) version: Option<RecordVersion>,
    pub(crate) fields: Option<Vec<String>>,
    pub(crate) masked: Vec<String>,
    pub(crate) records: Vec<Part>,
}

/// What was shown of one record of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The compartment; in reports `*` for any.
    pub compartment: String,
    /// The record; in reports `*` for any.
    pub record: String,
    /// The fields shown as they are; absent where all there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// The fields of which a glimpse or a pseudonym was shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
}

/// The accesses of one opened member.
pub(crate) struct Accesses<'v> {
    vault: &'v Vault,
    member: MemberId,
    prefix: [u8; 16],
    note: Key<Note>,
}

impl<'v> Accesses<'v> {
    /// Those of the member with this key.
    pub(crate) fn of(vault: &'v Vault, member: &MemberId, mk: &Key<Member>) -> Self {
        let notes = mk.notes();
        Self { vault, member: *member, prefix: notes.access_prefix, note: notes.note }
    }

    /// Under what they lie.
    pub(crate) const fn prefix(&self) -> &[u8; 16] {
        &self.prefix
    }

    /// Calls `each` for every access row after the leaf `after`, oldest first, until it answers false.
    pub(crate) fn each(
        &self,
        mut after: Option<u64>,
        each: &mut dyn FnMut(&AccessAt) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        loop {
            let chunk = tables::access::list(self.vault.engine(), &self.prefix, after, tables::SCAN_ROWS_MAX)?;
            for access in &chunk.items {
                if !each(access)? {
                    return Ok(());
                }
            }
            after = chunk.items.last().map(|access| access.leaf).filter(|_| chunk.more);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Shows the details of the accesses that name a recipient, as far as they open. Whether there were any to look for.
    pub(crate) fn each_disclosed(&self, show: &mut dyn FnMut(StoredDetail)) -> Result<bool, Error> {
        let marked = tables::access::is_marked(self.vault.engine(), &self.prefix)?;
        if marked {
            tables::access::each_of(self.vault.engine(), &self.prefix, &mut |_, row| {
                let names_one = rows::sealed_access(row).is_ok_and(|(_, names_one)| names_one);
                if let Some(detail) = names_one.then(|| self.detail_of(row).ok()).flatten() {
                    show(detail);
                }
            })?;
        }
        Ok(marked)
    }

    /// What the row says.
    pub(crate) fn detail(&self, access: &AccessAt) -> Result<StoredDetail, Error> {
        self.detail_of(&access.row)
    }

    fn detail_of(&self, row: &[u8]) -> Result<StoredDetail, Error> {
        if row.is_empty() {
            return Ok(StoredDetail::default());
        }
        let place = AccessPlace { vault: self.vault.id(), member: &self.member };
        let plain = crypto::open(&self.note, &place, rows::sealed_access(row)?.0)?;
        StoredDetail::of(&AccessDetail::parse(plain.expose())?)
    }
}

impl StoredDetail {
    fn of(detail: &AccessDetail<'_>) -> Result<Self, Error> {
        Ok(Self {
            at: Some(detail.at),
            role: Some(detail.role),
            organisation: detail.organisation.map(str::to_owned),
            recipient: name(detail.recipient)?,
            compartment: name(detail.compartment)?,
            record: name(detail.record)?,
            version: detail.version,
            fields: detail.fields.as_deref().map(owned),
            masked: owned(&detail.masked),
            records: detail.records.iter().map(Part::of).collect(),
        })
    }
}

impl Part {
    fn of(part: &PartDetail<'_>) -> Self {
        Self {
            compartment: part.compartment.to_owned(),
            record: part.record.to_owned(),
            fields: part.fields.as_deref().map(owned),
            masked: owned(&part.masked),
        }
    }
}

fn name<T: FromStr>(text: Option<&str>) -> Result<Option<T>, Error> {
    text.map(str::parse).transpose().map_err(|_| Error::Internal("the names of an access detail are names"))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Vault {
    /// The leaf of an access.
    pub(crate) fn leaf(&self, index: u64) -> Result<Leaf, Error> {
        let bytes = StoredLog(self.engine()).leaf_bytes(index)?;
        Ok(Leaf::parse(&bytes.ok_or(Error::Internal("an access row has its leaf"))?)?)
    }
}
