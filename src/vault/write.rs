//! Write one record: whole, by merge-patch, or not at all.
//!
//! A write relies on the record row it replaces, on the member row where it adds a compartment, on every index page it
//! changes, and on the member not having been erased; so of two writers that met, one is decided anew.

use serde_json::{Map, Value};

use crate::codec::Event;
use crate::ledger::{Change, Reliance};
use crate::policy::Action;
use crate::tables;
use crate::types::{Ctx, RecordMeta, RecordVersion};

use super::act::{Act, Decision, Prepared};
use super::api::{Expect, RecordAddress, RecordPatch, RecordWrite, Written};
use super::evidence::AccessDetail;
use super::input;
use super::pipeline::{Case, Opened};
use super::records::{NewRecord, Stored};
use super::schema::declared;
use super::{Error, Vault};

impl Vault {
    /// Stores a whole record, new or in place of the one there.
    ///
    /// # Errors
    /// `invalid_name` for the compartment that is the vault's own; `version_mismatch` where `expect` does not hold;
    /// `identifier_taken` where a profile brings an identifier of
    /// another member; `invalid_identifier`, `too_large`, `invalid_request` for what is not acceptable.
    pub fn put_record<'v>(&'v self, ctx: &'v Ctx, write: &'v RecordWrite) -> Act<'v, Written> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            let opened = open(&case, &write.address)?;
            let old = case.stored_record(&opened, &write.address)?;
            check(old.as_ref(), write.expect)?;
            declared::record(case.map(), &write.address, &write.data)?;
            store(&case, opened, &write.address, old, &write.data, write.meta.as_ref())
        })
    }

    /// Changes a record by a JSON merge-patch (RFC 7396).
    ///
    /// # Errors
    /// As [`Vault::put_record`], and `not_found` where there is no record to patch.
    pub fn patch_record<'v>(&'v self, ctx: &'v Ctx, patch: &'v RecordPatch) -> Act<'v, Written> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            let opened = open(&case, &patch.address)?;
            let old = case.stored_record(&opened, &patch.address)?.ok_or_else(Error::not_found)?;
            check(Some(&old), patch.expect)?;
            let data = merged(&old, &patch.patch)?;
            declared::patched(case.map(), &patch.address, &patch.patch, &data)?;
            store(&case, opened, &patch.address, Some(old), &data, patch.meta.as_ref())
        })
    }

    /// Deletes a record. Its compartment's key stays: this is tidying up, not an erasure.
    ///
    /// # Errors
    /// `invalid_name` for the compartment that is the vault's own; `not_found`, `gone`, `version_mismatch`,
    /// `legal_hold`.
    pub fn delete_record<'v>(&'v self, ctx: &'v Ctx, address: &'v RecordAddress, expect: Expect) -> Act<'v, ()> {
        Act::new(self, move || prepare_delete(&Case::open(self, ctx), address, expect))
    }
}

fn open(case: &Case<'_>, address: &RecordAddress) -> Result<Opened, super::act::Refusal> {
    input::open_to_callers(&address.compartment)?;
    case.open_member(Action::RecordWrite, &address.member, Some(&address.compartment))
}

pub(super) fn check(old: Option<&Stored>, expect: Expect) -> Result<(), Error> {
    let holds = match (expect, old) {
        (Expect::Any, _) | (Expect::Absent, None) | (Expect::Present, Some(_)) => true,
        (Expect::Version(version), Some(stored)) => stored.version == version,
        (Expect::Absent, Some(_)) | (Expect::Present | Expect::Version(_), None) => false,
    };
    if holds { Ok(()) } else { Err(Error::VersionMismatch) }
}

pub(super) fn merged(old: &Stored, patch: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
    let mut document = Value::Object(old.object()?);
    json_patch::merge(&mut document, &Value::Object(patch.clone()));
    match document {
        Value::Object(object) => Ok(object),
        _ => Err(Error::Internal("a merge-patch that is an object yields an object")),
    }
}

pub(super) fn store(
    case: &Case<'_>,
    mut opened: Opened,
    address: &RecordAddress,
    old: Option<Stored>,
    data: &Map<String, Value>,
    meta: Option<&RecordMeta>,
) -> Decision<Written> {
    let vault = case.vault;
    let version = old.as_ref().map_or(RecordVersion::FIRST, |old| old.version.next());
    let detail = AccessDetail::of_record(case.ctx, case.now, address, version);
    let mut change = vault.access(case.ctx, Event::RecordWrite, &address.member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: address.member });
    if opened.body.compartment(&address.compartment).is_none() {
        add_compartment(case, &mut change, &mut opened, address)?;
    }
    if *address == RecordAddress::profile(address.member) {
        let before = old.as_ref().map(Stored::object).transpose()?;
        vault.reindex(&mut change, &address.member, before.as_ref(), Some(data))?;
    }
    let json = input::record_text(data)?;
    let none = RecordMeta::default();
    let meta = meta.or(old.as_ref().map(|old| &old.record.meta)).unwrap_or(&none);
    input::metadata(meta)?;
    let record = NewRecord {
        address,
        version,
        created: old.as_ref().map_or(case.now, |old| old.record.created),
        updated: case.now,
        meta,
        json: json.expose(),
    };
    vault.put_row(&mut change, &opened.body, &record, old.as_ref())?;
    let written = Written { version, created: old.is_none(), updated_at: case.now };
    Ok(Prepared::durable(written, change))
}

/// A compartment's first record brings its data key, and with it a new member row.
fn add_compartment(
    case: &Case<'_>,
    change: &mut Change,
    opened: &mut Opened,
    address: &RecordAddress,
) -> Result<(), Error> {
    let vault = case.vault;
    vault.keyring().add_compartment(&mut opened.body, &address.compartment, vault.entropy())?;
    vault.renew_member(change, &address.member, opened)
}

fn prepare_delete(case: &Case<'_>, address: &RecordAddress, expect: Expect) -> Decision<()> {
    input::open_to_callers(&address.compartment)?;
    let opened = case.open_member(Action::RecordDelete, &address.member, Some(&address.compartment))?;
    let old = case.stored_record(&opened, address)?.ok_or_else(Error::not_found)?;
    check(Some(&old), expect)?;
    Ok(Prepared::durable((), removal(case, &opened, address, &old)?))
}

/// The change that deletes a record.
pub(super) fn removal(
    case: &Case<'_>,
    opened: &Opened,
    address: &RecordAddress,
    old: &Stored,
) -> Result<Change, Error> {
    let vault = case.vault;
    let detail = AccessDetail::of_record(case.ctx, case.now, address, old.version);
    let mut change = vault.access(case.ctx, Event::RecordDelete, &address.member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: address.member });
    if *address == RecordAddress::profile(address.member) {
        vault.reindex(&mut change, &address.member, Some(&old.object()?), None)?;
    }
    // Decided on there being no hold.
    change.relies_on(Reliance::Row {
        keyspace: tables::hold::KEYSPACE,
        key: tables::hold::key(&address.member).to_vec(),
        stamp: None,
    });
    vault.remove_row(&mut change, old)?;
    Ok(change)
}
