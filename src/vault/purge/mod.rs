//! The purge: a second line behind the seal. It makes the files of the database hold nothing of what was erased, looks
//! whether that is so, and only then says so.
//!
//! What a seal covers cannot be read any more, wherever its bytes lie; a purge takes the bytes out of the one directory
//! the vault works in. It cleans the ranges where rows were removed, makes the engine let go of old logs and notes, and
//! then reads every file for what the erasures left a description of ([`residue`]). An erasure none of whose pieces was
//! found becomes `purged`, with a leaf in the ledger; any other stays sealed and is tried again.
//!
//! What it never reaches: backups, mirrors, capsules, and the freed blocks of the disk.

pub mod residue;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use serde::Serialize;

use crate::codec::event::SEAL_TAGS_MAX;
use crate::codec::{ErasureRow, ErasureStage, Event, ResidueRow, RowStamp};
use crate::ledger::{Durability, LedgerError, Reliance};
use crate::policy::Action;
use crate::store::needles::{Needles, Round, Search};
use crate::store::{KeyRange, Keyspace};
use crate::tables;
use crate::tables::residue::Residue;
use crate::types::{Ctx, ErasureId};

use super::act::{Act, Prepared};
use super::pipeline::Case;
use super::{Error, Vault};

/// Needles of one purge, some 20 MiB: ten thousand erasures of usual members. What is above them waits for the next.
const NEEDLES_MAX: usize = 250_000;
/// With more places than this, a keyspace is cleaned as a whole.
const PLACES_MAX: usize = 64;
/// Rounds of a search before it is given up for this time: the engine merges files faster than they are read.
const ROUNDS_MAX: u32 = 32;
/// How often, and how long each time, to wait for files that the engine is done with and has not removed yet.
const WAITS_MAX: u32 = 6;
const WAIT: Duration = Duration::from_millis(500);
/// No single pause is longer than this, whatever the rate.
const PAUSE_MAX: Duration = Duration::from_secs(60);
const MIB: u64 = 1024 * 1024;
/// Names of files that a report gives.
const NAMES_MAX: usize = 16;

/// How purges work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeSettings {
    /// MiB a second that are read at most when the files are searched; 0 for no limit.
    pub rate_mib_s: u64,
}

/// What a purge did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// Sealed erasures that were looked for.
    pub erasures: u64,
    /// Those of which nothing was found: they are purged.
    pub purged: u64,
    /// Those of which something was found, or for which the search came to no end.
    pub found: u64,
    /// In which files, the first few.
    pub found_in: Vec<String>,
    /// Files read, each as often as it was.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Ranges that were cleaned.
    pub ranges: u64,
    /// Milliseconds of cleaning.
    pub cleaning_ms: u64,
    /// Milliseconds of searching.
    pub searching_ms: u64,
}

/// A purge as callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Purging {
    /// Whether one is under way.
    pub running: bool,
    /// What the last one of this life of the vault did, if it came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<PurgeReport>,
}

/// The purges of this life of the vault.
#[derive(Default)]
pub(super) struct Purges {
    settings: OnceLock<PurgeSettings>,
    /// Who has this purges; nobody else does.
    turn: Mutex<()>,
    last: Mutex<Option<PurgeReport>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    stopped: Mutex<bool>,
    bell: Condvar,
}

impl Purges {
    /// Ends a purge that is under way at its next file or range, and all later ones at once.
    fn stop(&self) {
        *self.stopped.lock() = true;
        self.bell.notify_all();
    }

    /// Waits, or until the purge is to end.
    fn pause(&self, time: Duration) -> ControlFlow<()> {
        let mut stopped = self.stopped.lock();
        if !*stopped && !time.is_zero() {
            let _timeout = self.bell.wait_for(&mut stopped, time.min(PAUSE_MAX));
        }
        if *stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// # Errors
    /// `shutting_down`, once what works by itself is to end.
    pub(super) fn check(&self) -> Result<(), Error> {
        if *self.stopped.lock() { Err(LedgerError::Closed.into()) } else { Ok(()) }
    }

    fn rate(&self, read: usize) -> ControlFlow<()> {
        let rate = self.settings.get().map_or(0, |settings| settings.rate_mib_s).saturating_mul(MIB);
        self.pause(Duration::from_micros((read as u64).saturating_mul(1_000_000).checked_div(rate).unwrap_or(0)))
    }

    /// Ends what is under way and waits for it.
    pub(super) fn close(&self) {
        self.stop();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _outcome = thread.join(); // it has reported by itself
        }
    }
}

/// An erasure that waits for a purge.
struct Due {
    id: ErasureId,
    row: ErasureRow,
    residue: ResidueRow,
    /// The keys of the rows that say it.
    keys: Vec<Vec<u8>>,
}

impl Vault {
    /// Sets how purges work; once.
    pub fn set_purges(&self, settings: PurgeSettings) {
        let _first = self.0.purges.settings.set(settings);
    }

    /// Ends a purge that is under way, soon; there is none after it. For who ends the process.
    pub fn stop_purges(&self) {
        self.0.purges.stop();
    }

    /// Purges what is sealed. Blocks, for as long as it takes to rewrite and to read the database; reads and writes go
    /// on meanwhile.
    ///
    /// # Errors
    /// A denial of the policy; `shutting_down`; whatever the engine answers. What was not purged stays sealed.
    pub fn purge(&self, ctx: &Ctx) -> Result<PurgeReport, Error> {
        self.may(ctx, Action::PurgeRun)?;
        let _turn = self.0.purges.turn.lock();
        self.run_purge()
    }

    /// Purges if anything sealed waits for it; for the scheduler. Blocks like [`Vault::purge`].
    ///
    /// # Errors
    /// `shutting_down`; whatever the engine answers.
    pub fn purge_due(&self) -> Result<Option<PurgeReport>, Error> {
        let _turn = self.0.purges.turn.lock();
        let report = self.run_purge()?;
        Ok(Some(report).filter(|report| report.erasures > 0))
    }

    /// Begins a purge, unless one is under way, and says how the last one ended.
    ///
    /// # Errors
    /// A denial of the policy.
    pub fn start_purge<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, Purging> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::PurgeRun)?;
            let purges = &self.0.purges;
            let last = purges.last.lock().clone();
            let mut present = purges.thread.lock();
            if present.as_ref().is_none_or(JoinHandle::is_finished) {
                let vault = self.clone();
                let work = move || {
                    if let Err(error) = vault.purge_due() {
                        tracing::error!(%error, "a purge failed; what is sealed stays so, and is tried again");
                    }
                };
                let thread = thread::Builder::new().name("purge".to_owned()).spawn(work);
                *present = Some(thread.map_err(|_| Error::Internal("a thread for the purge could not be started"))?);
            }
            Ok(Prepared::unlogged(Purging { running: true, last }))
        })
    }

    fn run_purge(&self) -> Result<PurgeReport, Error> {
        let mut report = PurgeReport::default();
        let Some(directory) = self.engine().directory() else { return Ok(report) };
        let due = self.due()?;
        if due.is_empty() {
            return Ok(report);
        }
        report.erasures = due.len() as u64;
        let began = self.now();
        self.clean(&due, &mut report)?;
        let cleaned = self.now();
        report.cleaning_ms = cleaned.millis_since(began);
        let clean = self.search(directory, &due, &mut report)?;
        self.certify_purged(clean)?;
        report.searching_ms = self.now().millis_since(cleaned);
        tracing::info!(
            erasures = report.erasures,
            purged = report.purged,
            found_in = ?report.found_in,
            bytes = report.bytes,
            "purged"
        );
        *self.0.purges.last.lock() = Some(report.clone());
        Ok(report)
    }

    /// The sealed erasures of which the files may still hold something.
    fn due(&self) -> Result<Vec<Due>, Error> {
        let (mut due, mut after, mut needles) = (Vec::new(), None, 0);
        loop {
            let chunk = tables::residue::list(self.engine(), after.as_ref(), tables::SCAN_ROWS_MAX)?;
            after = chunk.items.last().map(|residue| residue.erasure);
            for Residue { erasure: id, row: residue, keys } in chunk.items {
                let row = tables::erasure::read(self.engine(), &id)?;
                let Some(row) = row.filter(|row| row.stage == ErasureStage::Sealed) else { continue };
                needles += residue.pieces.len() + residue.ends.len();
                if needles > NEEDLES_MAX {
                    return Ok(due);
                }
                due.push(Due { id, row, residue, keys });
            }
            if !chunk.more {
                return Ok(due);
            }
        }
    }

    /// Flushes, which lets old logs go; rewrites where rows were removed; and lets go of the notes about what was there.
    fn clean(&self, due: &[Due], report: &mut PurgeReport) -> Result<(), Error> {
        self.engine().flush()?;
        for (keyspace, range) in ranges(due) {
            self.0.purges.check()?;
            self.engine().compact(keyspace, &range)?;
            report.ranges += 1;
        }
        Ok(self.engine().tidy()?)
    }

    /// Reads every file. The erasures of which nothing was found.
    fn search<'d>(&self, directory: &Path, due: &'d [Due], report: &mut PurgeReport) -> Result<Vec<&'d Due>, Error> {
        let needles = Needles::new((0..).zip(due).flat_map(|(owner, due)| {
            let pieces = due.residue.pieces.iter().map(<[u8; 16]>::as_slice);
            pieces.chain(due.residue.ends.iter().map(<[u8; 12]>::as_slice)).map(move |needle| (owner, needle))
        }));
        let needles = needles.ok_or(Error::Internal("pieces and ends are long enough to be looked for"))?;
        let mut search = Search::new(directory, &needles);
        let whole = self.search_rounds(&mut search)?;
        let found = search.found();
        report.files += search.files;
        report.bytes += search.bytes;
        report.found_in.extend(search.found_in());
        report.found_in.sort();
        report.found_in.dedup();
        report.found_in.truncate(NAMES_MAX);
        let clean = (0..).zip(due).filter(|(owner, _)| whole && !found.contains(owner));
        let clean: Vec<_> = clean.map(|(_, due)| due).collect();
        report.purged += clean.len() as u64;
        report.found += (due.len() - clean.len()) as u64;
        Ok(clean)
    }

    /// Whether every file was read, none going before it could be.
    fn search_rounds(&self, search: &mut Search<'_>) -> Result<bool, Error> {
        let purges = &self.0.purges;
        let mut waits = 0;
        for _ in 0..ROUNDS_MAX {
            match search.round(&mut |read| purges.rate(read))? {
                Round::Moved => {}
                Round::Stopped => return Err(LedgerError::Closed.into()),
                Round::Whole if waits == WAITS_MAX || search.found().is_empty() => return Ok(true),
                Round::Whole => {
                    waits += 1;
                    let _stopped = purges.pause(WAIT); // seen at the next chunk
                }
            }
        }
        Ok(false)
    }

    /// Sets erasures to `purged`, with the leaves that say so.
    fn certify_purged(&self, mut clean: Vec<&Due>) -> Result<(), Error> {
        clean.sort_by_key(|due| due.row.tag);
        for part in clean.chunks(SEAL_TAGS_MAX) {
            let now = self.now();
            let tags: BTreeSet<_> = part.iter().map(|due| due.row.tag).collect();
            let mut change = self.event(&self.own_ctx()?, Event::Purge(tags.into_iter().collect()), now);
            for Due { id, row, keys, .. } in part {
                let key = tables::erasure::key(id);
                let stamp = Some(RowStamp::of(&row.encode()));
                change.relies_on(Reliance::Row { keyspace: tables::erasure::KEYSPACE, key: key.to_vec(), stamp });
                let row = ErasureRow { stage: ErasureStage::Purged, purged: now, ..*row };
                change.put(tables::erasure::KEYSPACE, key, row.encode());
                for key in keys {
                    change.delete(tables::residue::KEYSPACE, key.clone());
                }
            }
            self.ledger().submit(change, Durability::Synced).wait()?;
        }
        Ok(())
    }
}

/// What to rewrite. Never a narrow range: an engine may print the bounds.
fn ranges(due: &[Due]) -> Vec<(Keyspace, KeyRange)> {
    let mut places: BTreeMap<u8, BTreeSet<[u8; 2]>> = BTreeMap::new();
    for (keyspace, first) in due.iter().flat_map(|due| &due.residue.places) {
        places.entry(*keyspace).or_default().insert(*first);
    }
    let keyspace = |number: u8| Keyspace::ALL.into_iter().find(|keyspace| keyspace.index() == usize::from(number));
    let known = places.into_iter().filter_map(|(number, places)| Some((keyspace(number)?, places)));
    known
        .flat_map(|(keyspace, places)| {
            let ranges: Vec<_> = match places.len() {
                0..=PLACES_MAX => places.into_iter().map(KeyRange::prefix).collect(),
                _ => vec![KeyRange::all()],
            };
            ranges.into_iter().map(move |range| (keyspace, range))
        })
        .collect()
}
