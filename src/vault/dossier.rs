//! The dossier of a member: what the vault itself keeps of it, as records in a compartment of their own.
//!
//! They are records as any other, so that reading, export, erasure, backup and restore hold for them without a word. What
//! is different: no caller writes, deletes or erases them by the verbs for records. Called by the verbs that keep
//! something of a member (consents, preferences, requests, disclosures); decides nothing and logs nothing by itself.
//!
//! A series (`consent-1`, `consent-2`, ...) has no gaps and is never rewritten, so that its length is found by a few
//! point reads, and of two that append at once one is decided anew.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::types::{Compartment, MemberId, RecordMeta, RecordName, RecordVersion};

use super::api::RecordAddress;
use super::pipeline::{Case, Opened};
use super::records::{NewRecord, Stored};
use super::{Error, Vault};

/// The address of a dossier record.
fn address(member: &MemberId, name: &RecordName) -> RecordAddress {
    RecordAddress { member: *member, compartment: Compartment::dossier(), name: name.clone() }
}

/// The name of entry `number` of a series: numbers begin with 1.
pub(crate) fn entry_name(series: &str, number: u32) -> Result<RecordName, Error> {
    format!("{series}-{number}").parse().map_err(|_| Error::Internal("a series and a number are a record name"))
}

/// One dossier record; `None` if there is none of this name.
pub(crate) fn read(
    case: &Case<'_>,
    opened: &Opened,
    member: &MemberId,
    name: &RecordName,
) -> Result<Option<Stored>, Error> {
    case.stored_record(opened, &address(member, name))
}

/// What a dossier record says.
pub(crate) fn content<T: DeserializeOwned>(stored: &Stored) -> Result<T, Error> {
    serde_json::from_slice(stored.record.expose_json())
        .map_err(|_| Error::Internal("a dossier record is what its name says"))
}

/// How many entries a series has, the first `without_row` of which have no row.
pub(crate) fn length(
    case: &Case<'_>,
    opened: &Opened,
    member: &MemberId,
    series: &str,
    without_row: u32,
) -> Result<u32, Error> {
    let Some(keys) = opened.compartment(&Compartment::dossier())? else { return Ok(without_row) };
    let there = |number: u32| -> Result<bool, Error> {
        let token = opened.body.mk.record_token(&keys.name, &entry_name(series, number)?);
        Ok(tables::record::row(case.vault.engine(), &tables::record::key(member, keys.number, &token))?.is_some())
    };
    last_of(without_row, there)
}

/// The last number of a series without gaps that goes on after `known`, by a few looks at what is there.
pub(crate) fn last_of(known: u32, there: impl Fn(u32) -> Result<bool, Error>) -> Result<u32, Error> {
    // Number `low` is there, or it is `known`; number `high` is not.
    let (mut low, mut high) = (known, known.saturating_add(1));
    while there(high)? {
        (low, high) = (high, high.saturating_mul(2));
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if there(middle)? { low = middle } else { high = middle }
    }
    Ok(low)
}

/// A dossier record to be stored.
pub(crate) struct Entry<'a, T> {
    /// Its name.
    pub(crate) name: RecordName,
    /// Its content: serialises to an object.
    pub(crate) content: &'a T,
    /// The record it replaces.
    pub(crate) replaces: Option<&'a Stored>,
}

/// Puts a record into the dossier. The first one of a member brings the dossier's data key, and with it a new member row;
/// whoever changed the standing in `opened` as well calls [`put_with_standing`].
pub(crate) fn put<T: Serialize>(
    case: &Case<'_>,
    change: &mut Change,
    opened: &mut Opened,
    member: &MemberId,
    entry: &Entry<'_, T>,
) -> Result<RecordVersion, Error> {
    let is_new = opened.compartment(&Compartment::dossier())?.is_none();
    store(case, change, opened, member, entry, is_new)
}

/// As [`put`], and writes the member row anew with the standing that `opened` has now.
pub(crate) fn put_with_standing<T: Serialize>(
    case: &Case<'_>,
    change: &mut Change,
    opened: &mut Opened,
    member: &MemberId,
    entry: &Entry<'_, T>,
) -> Result<RecordVersion, Error> {
    opened.compartment(&Compartment::dossier())?;
    store(case, change, opened, member, entry, true)
}

fn store<T: Serialize>(
    case: &Case<'_>,
    change: &mut Change,
    opened: &mut Opened,
    member: &MemberId,
    entry: &Entry<'_, T>,
    renews_member: bool,
) -> Result<RecordVersion, Error> {
    let vault: &Vault = case.vault;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    vault.keyring().add_compartment(&mut opened.body, &Compartment::dossier(), vault.entropy())?;
    if renews_member {
        vault.renew_member(change, member, opened)?;
    }
    let json = text(entry.content)?;
    let version = entry.replaces.map_or(RecordVersion::FIRST, |old| old.version.next());
    let created: Timestamp = entry.replaces.map_or(case.now, |old| old.record.created);
    let record = NewRecord {
        address: &address(member, &entry.name),
        version,
        created,
        updated: case.now,
        meta: &RecordMeta::default(),
        json: json.expose(),
    };
    vault.put_row(change, &opened.body, &record, entry.replaces)?;
    Ok(version)
}

/// The text of a dossier record.
pub(crate) fn text<T: Serialize>(content: &T) -> Result<crate::codec::Plaintext, Error> {
    let mut text = crate::codec::Plaintext::with_capacity(512);
    serde_json::to_writer(&mut text, content).map_err(|_| Error::Internal("a dossier record is serialisable"))?;
    Ok(text)
}
