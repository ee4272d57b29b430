//! Consents taken over from another system. All members of one import gave them at the same time, under the same notice
//! and through the same token: that is kept once, under the number of the import. A member's own row names the import and
//! the purposes. The two together are the first entry of its history, the record `consent-1` of its dossier, which every
//! reader gets as if it were stored; what comes after it is stored as ever, from `consent-2` on. The member row is never
//! older than today, so no restore takes that entry away.

use crate::codec::record::{RecordBody, RecordParts};
use crate::codec::{RowStamp, keys, rows};
use crate::crypto;
use crate::keyring::MemberBody;
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::types::place::ControlPlace;
use crate::types::{Compartment, MemberId, Purpose, RecordMeta, RecordName, RecordVersion, Standing};

use super::super::Error;
use super::super::api::RecordAddress;
use super::super::dossier;
use super::super::pipeline::{Case, Opened};
use super::super::records::Stored;
use super::standing::too_many_purposes;
use super::{Happening, HistoryEntry, Method, Notice, history, posting};

/// What a batch of members agreed to elsewhere.
#[derive(Clone, Copy)]
pub struct ImportedConsents<'a> {
    /// The notice they were shown, as far as that is known.
    pub notice: &'a Notice,
    /// The purposes of each member of the batch, by its position; none for members beyond the end.
    pub purposes: &'a [Vec<Purpose>],
}

impl<'a> ImportedConsents<'a> {
    /// No consents.
    pub const NONE: Self =
        ImportedConsents { notice: &Notice { version: String::new(), sha256: None, language: None }, purposes: &[] };

    /// What the member at this position agreed to.
    pub(in crate::vault) fn of(&self, position: usize) -> &'a [Purpose] {
        self.purposes.get(position).map_or(&[], Vec::as_slice)
    }
}

/// Puts what the members of an import have in common into the change that creates them, and hands out its number.
pub(in crate::vault) fn put_common(case: &Case<'_>, change: &mut Change, notice: &Notice) -> Result<u32, Error> {
    let vault = case.vault;
    let there = |number| Ok(tables::import::row(vault.engine(), number)?.is_some());
    let number = dossier::last_of(0, there)?.saturating_add(1);
    let key = tables::import::key(number);
    let common = HistoryEntry {
        notice: Some(notice.clone()),
        method: Some(Method::Import),
        ..HistoryEntry::of(case, Happening::Given, &[])
    };
    let place = ControlPlace { vault: vault.id(), row_key: &key };
    let row = vault.seal_row(vault.keyring().control(), &place, dossier::text(&common)?.expose())?;
    // Of two imports at once the later is decided anew, with the next number.
    change.relies_on(Reliance::Row { keyspace: tables::import::KEYSPACE, key: key.to_vec(), stamp: None });
    change.put(tables::import::KEYSPACE, key, row);
    Ok(number)
}

/// Puts what a new member agreed to elsewhere into the change that creates it, and into `body`, whose row is written after
/// this.
pub(in crate::vault) fn put_imported(
    change: &mut Change,
    member: &MemberId,
    body: &mut MemberBody,
    import: u32,
    purposes: &[Purpose],
) -> Result<(), Error> {
    if purposes.is_empty() {
        return Ok(());
    }
    body.standing = Standing::imported(import, purposes).ok_or_else(too_many_purposes)?;
    posting::follow(change, member, &Standing::default(), &body.standing);
    Ok(())
}

/// What the members of an import have in common; `None` where there is no import of this number.
pub(in crate::vault) fn common(case: &Case<'_>, number: u32) -> Result<Option<HistoryEntry>, Error> {
    let vault = case.vault;
    let Some(row) = tables::import::row(vault.engine(), number)? else { return Ok(None) };
    let key = tables::import::key(number);
    let place = ControlPlace { vault: vault.id(), row_key: &key };
    let plain = crypto::open(vault.keyring().control(), &place, rows::sealed(&row)?)?;
    let entry = serde_json::from_slice(plain.expose());
    entry.map(Some).map_err(|_| Error::Internal("an opened import is an entry of a history"))
}

/// The record of an import at this address, put together; `None` where the address or the member has none.
pub(in crate::vault) fn record(
    case: &Case<'_>,
    opened: &Opened,
    address: &RecordAddress,
) -> Result<Option<Stored>, Error> {
    if !address.compartment.is_reserved() || address.name != name()? {
        return Ok(None);
    }
    first(case, opened, &address.member)
}

/// The record of the import that brought consents with the member, if one did.
pub(in crate::vault) fn first(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Option<Stored>, Error> {
    let Some((number, purposes)) = opened.body.standing.import() else { return Ok(None) };
    let common = common(case, number)?.ok_or(Error::Internal("an import that a member names is there"))?;
    let entry = HistoryEntry { purposes, ..common };
    let (compartment, name, json) = (Compartment::dossier(), name()?, dossier::text(&entry)?);
    let parts = RecordParts {
        created: entry.at,
        updated: entry.at,
        compartment: &compartment,
        name: &name,
        meta: &RecordMeta::default(),
        json: json.expose(),
    };
    // There is no row, so there is nothing to be replaced under this key.
    let token = opened.body.mk.record_token(&compartment, &name);
    let key = tables::record::key(member, keys::WHOLE_MEMBER, &token);
    let record = RecordBody::parse(parts.encode()?)?;
    Ok(Some(Stored { key, version: RecordVersion::FIRST, stamp: RowStamp::of(&[]), record }))
}

fn name() -> Result<RecordName, Error> {
    dossier::entry_name(history::SERIES, 1)
}
