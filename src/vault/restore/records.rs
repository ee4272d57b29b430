//! The records of a backup, as far as somebody has their keys; and what the profiles among them say of identifiers.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::control::Writing;
use super::index::Expected;
use super::tags::Erasures;
use super::{Error, Restored};
use crate::codec::keys;
use crate::codec::rows::RecordRow;
use crate::keyring::MemberBody;
use crate::store::{KeyRange, Keyspace, Reader};
use crate::tables;
use crate::types::{Compartment, MemberId, RecordName};
use crate::vault::{Vault, input};

/// Copies records and details of accesses. Gives the index entries that the profiles call for.
pub(super) fn copy(
    vault: &Vault,
    data: &dyn Reader,
    erasures: &Erasures,
    done: &mut Restored,
) -> Result<Expected, Error> {
    let prefixes = living(vault, erasures, done)?;
    let expected = records(vault, data, done)?;
    done.members_without_profile = done.members.saturating_sub(expected.profiles());
    accesses(vault, data, &prefixes, done)?;
    Ok(expected)
}

/// Opens every member: the prefixes of their access rows, and whether the log says they were erased.
fn living(vault: &Vault, erasures: &Erasures, done: &mut Restored) -> Result<HashSet<[u8; 16]>, Error> {
    let mut prefixes = HashSet::from([*vault.keyring().events_prefix()]);
    each_member(vault, &mut |member, body| {
        done.members += 1;
        prefixes.insert(body.mk.notes().access_prefix);
        erasures.examine(member, body);
        Ok(())
    })?;
    Ok(prefixes)
}

/// Every member with its keys, which live as long as the call.
pub(super) fn each_member(
    vault: &Vault,
    each: &mut dyn FnMut(&MemberId, &MemberBody) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let chunk = tables::member::ids(vault.engine(), after.as_ref(), tables::SCAN_ROWS_MAX)?;
        for member in &chunk.items {
            let row =
                tables::member::row(vault.engine(), member)?.ok_or(Error::Internal("a listed member has its row"))?;
            each(member, &vault.keyring().open_member(vault.engine(), member, &row)?)?;
        }
        after = chunk.items.last().copied().filter(|_| chunk.more);
        if after.is_none() {
            return Ok(());
        }
    }
}

fn records(vault: &Vault, data: &dyn Reader, done: &mut Restored) -> Result<Expected, Error> {
    let mut expected = Expected::default();
    let mut present: Option<(MemberId, Option<MemberBody>)> = None;
    let mut writing = Writing::into(vault.engine());
    let mut failed = None;
    data.scan(Keyspace::Records, &KeyRange::all(), &mut |key, row| match keep(
        vault,
        &mut present,
        key,
        row,
        &mut expected,
    ) {
        Ok(Kept::Living(postings)) => {
            done.records += 1;
            postings.iter().try_for_each(|key| writing.put(tables::posting::KEYSPACE, key, &[]))?;
            writing.put(Keyspace::Records, key, row)
        }
        Ok(Kept::Erased) => {
            done.records_left_out += 1;
            ControlFlow::Continue(())
        }
        Ok(Kept::UnderOldKey) => {
            done.records_under_old_keys += 1;
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    writing.end()?;
    failed.map_or(Ok(expected), Err)
}

/// What becomes of a record row of the backup.
enum Kept {
    /// Somebody has its key. The keys of its postings.
    Living(Vec<Vec<u8>>),
    /// Its member or compartment was erased.
    Erased,
    /// Its compartment is there, under another data key.
    UnderOldKey,
}

/// Whether somebody has the key of this record. Learns the identifiers of a profile.
fn keep(
    vault: &Vault,
    present: &mut Option<(MemberId, Option<MemberBody>)>,
    key: &[u8],
    row: &[u8],
    expected: &mut Expected,
) -> Result<Kept, Error> {
    let (member, compartment, token) = keys::parse_record(key)?;
    if present.as_ref().is_none_or(|(of, _)| *of != member) {
        let row = tables::member::row(vault.engine(), &member)?;
        let body = row.map(|row| vault.keyring().open_member(vault.engine(), &member, &row)).transpose()?;
        *present = Some((member, body));
    }
    let Some((_, Some(body))) = present else { return Ok(Kept::Erased) };
    let keys = body.compartment_numbered(compartment).filter(|keys| !keys.is_erased());
    let Some(keys) = keys else { return Ok(Kept::Erased) };
    if keys.dek(RecordRow::parse(row)?.dek_version).is_none() {
        return Ok(Kept::UnderOldKey);
    }
    let stored = vault.open_record(&member, keys, &token, row)?;
    let core = Compartment::core();
    if keys.name == core && token == body.mk.record_token(&core, &RecordName::profile()) {
        let profile = stored.object()?;
        // What does not normalise is in no index; it could be stored by an earlier version.
        let identifiers = input::identifiers(&profile).unwrap_or_default();
        expected.learn(vault, &member, &identifiers);
    }
    vault.posting_keys(&stored).map(Kept::Living)
}

fn accesses(vault: &Vault, data: &dyn Reader, prefixes: &HashSet<[u8; 16]>, done: &mut Restored) -> Result<(), Error> {
    let mut writing = Writing::into(vault.engine());
    data.scan(Keyspace::Access, &KeyRange::all(), &mut |key, row| {
        if keys::parse_access(key).is_ok_and(|(prefix, _)| prefixes.contains(&prefix)) {
            done.accesses += 1;
            writing.put(Keyspace::Access, key, row)
        } else {
            done.accesses_left_out += 1;
            ControlFlow::Continue(())
        }
    })?;
    Ok(writing.end()?)
}
