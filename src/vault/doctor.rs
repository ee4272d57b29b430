//! Look a vault over: does every key, row and index entry that is there open, and point where it should.
//!
//! Opens everything and shows nothing: findings are counted by kind, and no content, name or identifier leaves. The
//! ledger's root was verified when the vault was opened.

use serde::Serialize;

use crate::codec::RowStamp;
use crate::policy::{Action, MemberState};
use crate::tables;
use crate::types::{Ctx, IdentifierKind, MemberId};

use super::act::{Act, Prepared};
use super::pipeline::Case;
use super::records::Stored;
use super::{Error, Vault, consent};

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// Leaves of the key tree whose keys were reached.
    pub key_leaves: u64,
    /// Members whose keys were opened.
    pub members: u64,
    /// Records that were opened.
    pub records: u64,
    /// Index entries that lead to a member, or should.
    pub index_entries: u64,
    /// Index entries of erased members: void since the fence, and gone with the next seal.
    pub void_entries: u64,
    /// Erasures whose fence was found.
    pub erasures: u64,
    /// What is wrong, by kind; empty if nothing is.
    pub findings: Vec<Finding>,
}

/// One kind of thing that is wrong, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was found and what to do.
    pub problem: &'static str,
    /// How often.
    pub count: u64,
}

impl Examination {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn found(&mut self, problem: &'static str) {
        match self.findings.iter_mut().find(|finding| finding.problem == problem) {
            Some(finding) => finding.count += 1,
            None => self.findings.push(Finding { problem, count: 1 }),
        }
    }
}

const KEY_UNREACHABLE: &str = "a key of the key tree cannot be reached: restore the database from a backup";
const MEMBER_UNREADABLE: &str = "a member's keys do not open: restore the database from a backup";
const RECORD_UNREADABLE: &str = "a record does not open: restore the database from a backup";
const IMPORT_MISSING: &str =
    "the import that brought a member's consents cannot be read: restore the database from a backup";
const MEMBER_FENCED: &str = "an erased member still has its keys: erase it again";
const ENTRY_DANGLING: &str = "an index entry names a member that is not there: harmless to lookups, report it";
const PAGE_UNREADABLE: &str = "a page of the index does not open: restore the database from a backup";
const POSTING_MISSING: &str =
    "a record is not found by its metadata: clear its metadata and set it again, and report it";
const FENCE_MISSING: &str = "an erasure has no fence: report it";

impl Vault {
    /// Opens every key, member, record and index page. Takes time in proportion to the vault; the vault serves on
    /// meanwhile.
    ///
    /// # Errors
    /// A denial of the policy; `storage_failed`. What does not open is a finding, not an error.
    pub fn examine<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, Examination> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            case.decide_plain(Action::StatusRead)?;
            let mut seen = Examination::default();
            key_leaves(&case, &mut seen);
            members(&case, &mut seen)?;
            for kind in IdentifierKind::ALL {
                index(&case, kind, &mut seen)?;
            }
            erasures(&case, &mut seen)?;
            Ok(Prepared::unlogged(seen))
        })
    }
}

/// One leaf below each lowest node reaches every node of the tree.
fn key_leaves(case: &Case<'_>, seen: &mut Examination) {
    let (keyring, engine) = (case.vault.keyring(), case.vault.engine());
    let fan_out = crate::keyring::FAN_OUT as usize;
    let mut reached = |reached: bool| {
        seen.key_leaves += 1;
        if !reached {
            seen.found(KEY_UNREACHABLE);
        }
    };
    let shards = 1u32 << (8 * u32::from(keyring.shape().depth()));
    (0..shards).step_by(fan_out).for_each(|shard| reached(keyring.shard_key(engine, shard).is_ok()));
    for kind in IdentifierKind::ALL {
        let buckets = keyring.shape().buckets(kind);
        (0..buckets).step_by(fan_out).for_each(|bucket| reached(keyring.bucket_key(engine, kind, bucket).is_ok()));
    }
}

fn members(case: &Case<'_>, seen: &mut Examination) -> Result<(), Error> {
    let engine = case.vault.engine();
    let mut after = None;
    loop {
        let chunk = tables::member::ids(engine, after.as_ref(), tables::SCAN_ROWS_MAX)?;
        for member in &chunk.items {
            examine_member(case, member, seen)?;
        }
        after = chunk.items.last().copied().filter(|_| chunk.more);
        if after.is_none() {
            return Ok(());
        }
    }
}

fn examine_member(case: &Case<'_>, member: &MemberId, seen: &mut Examination) -> Result<(), Error> {
    let (vault, engine) = (case.vault, case.vault.engine());
    // Absent: erased since it was listed.
    let Some(row) = tables::member::row(engine, member)? else { return Ok(()) };
    seen.members += 1;
    if tables::fence::member(engine, member)?.is_some() {
        seen.found(MEMBER_FENCED);
    }
    let Ok(body) = vault.keyring().open_member(engine, member, &row) else {
        seen.found(MEMBER_UNREADABLE);
        return Ok(());
    };
    if let Some(import) = body.standing.import_number()
        && !matches!(consent::imported_in_common(case, import), Ok(Some(_)))
    {
        seen.found(IMPORT_MISSING);
    }
    let mut after = None;
    loop {
        let chunk = tables::record::of_member(engine, member, after.as_ref(), tables::SCAN_ROWS_MAX)?;
        for record in &chunk.items {
            let keys = body.compartment_numbered(record.compartment);
            let opened = keys.and_then(|keys| vault.open_record(member, keys, &record.token, &record.row).ok());
            seen.records += 1;
            match opened {
                // A data key that was rotated meanwhile is no damage.
                None if tables::member::row(engine, member)?.as_ref() != Some(&row) => {}
                None => seen.found(RECORD_UNREADABLE),
                Some(stored) if is_unposted(vault, &stored)? => seen.found(POSTING_MISSING),
                Some(_) => {}
            }
        }
        after = chunk.items.last().map(|record| record.key(member)).filter(|_| chunk.more);
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Whether a query by metadata would miss the record; not if the record was changed since it was read.
fn is_unposted(vault: &Vault, stored: &Stored) -> Result<bool, Error> {
    let engine = vault.engine();
    for key in vault.posting_keys(stored)? {
        if engine.get(tables::posting::KEYSPACE, &key)?.is_none() {
            let row = tables::record::row(engine, &stored.key)?;
            return Ok(row.is_some_and(|row| RowStamp::of(&row) == stored.stamp));
        }
    }
    Ok(false)
}

fn index(case: &Case<'_>, kind: IdentifierKind, seen: &mut Examination) -> Result<(), Error> {
    let (keyring, engine) = (case.vault.keyring(), case.vault.engine());
    for bucket in 0..keyring.shape().buckets(kind) {
        let Ok(named) = keyring.members_in(engine, kind, bucket) else {
            seen.found(PAGE_UNREADABLE);
            continue;
        };
        for member in named {
            if case.find(&member)?.state == MemberState::Live {
                seen.index_entries += 1;
                continue;
            }
            if case.vault.departs(&member)? {
                seen.void_entries += 1;
                continue;
            }
            // A seal may have come between, and taken the entry away.
            if keyring.members_in(engine, kind, bucket).is_ok_and(|named| named.contains(&member)) {
                seen.index_entries += 1;
                seen.found(ENTRY_DANGLING);
            }
        }
    }
    Ok(())
}

fn erasures(case: &Case<'_>, seen: &mut Examination) -> Result<(), Error> {
    let engine = case.vault.engine();
    let mut after = None;
    loop {
        let chunk = tables::erasure::list(engine, after.as_ref(), tables::SCAN_ROWS_MAX)?;
        for (_, erasure) in &chunk.items {
            let fence = match erasure.compartment {
                None => tables::fence::member(engine, &erasure.member)?,
                Some(number) => tables::fence::compartment(engine, &erasure.member, number)?,
            };
            seen.erasures += 1;
            if fence.is_none() {
                seen.found(FENCE_MISSING);
            }
        }
        after = chunk.items.last().map(|(id, _)| *id).filter(|_| chunk.more);
        if after.is_none() {
            return Ok(());
        }
    }
}
