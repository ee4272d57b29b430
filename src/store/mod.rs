//! The storage engine behind a trait over bytes.
//!
//! Knows keyspaces, ordered rows, atomic batches, durability and snapshots. Never encrypts, never interprets a row, and
//! never puts key bytes into an error. Read by `tables` and `keyring`, written by `ledger` alone, opened by `app`.
//!
//! Two engines: [`rocks`] for real use, [`memory`] for tests; and [`cached`] and [`mirrored`], around either.
//! `tests/engine_conformance.rs` runs the same cases against each, so that what a test learns on the memory engine holds on
//! disk.

mod batch;
pub mod cached;
pub mod capsules;
mod error;
pub mod memory;
pub mod mirrored;
pub mod needles;
pub mod rocks;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use batch::{Batch, Op};
pub use error::{Cause, StoreError};

/// A family of rows with its own order and its own tuning; all share one write-ahead log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keyspace {
    /// Nodes of the key tree, member rows, fences, tokens, vault meta.
    Control,
    /// Pages of the sealed index.
    Index,
    /// Records.
    Records,
    /// Leaves, tiles and head of the ledger.
    Ledger,
    /// Details of accesses, per member.
    Access,
}

impl Keyspace {
    /// Every keyspace.
    pub const ALL: [Self; 5] = [Self::Control, Self::Index, Self::Records, Self::Ledger, Self::Access];

    /// The name on disk and in status reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Index => "index",
            Self::Records => "records",
            Self::Ledger => "ledger",
            Self::Access => "access",
        }
    }

    /// The position in [`Keyspace::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Control => 0,
            Self::Index => 1,
            Self::Records => 2,
            Self::Ledger => 3,
            Self::Access => 4,
        }
    }
}

/// What has happened when [`Engine::write`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The batch is in the write-ahead log, in the hands of the operating system: it survives a crash of the process,
    /// not one of the machine.
    Buffered,
    /// The batch, and all before it, are on disk.
    Synced,
}

/// Keys from `start` (included) to `end` (excluded), or to the last key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that may be visited.
    pub start: Vec<u8>,
    /// The first key after the range; `None` for no end.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> Self {
        Self::default()
    }

    /// Keys from `start` (included) to `end` (excluded).
    pub fn new(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self { start: start.into(), end: Some(end.into()) }
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let start = prefix.into();
        let end = successor(&start);
        Self { start, end }
    }

    /// This range without the keys up to and including `key`: where a listing goes on.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        if key >= self.start.as_slice() {
            self.start = key.to_vec();
            self.start.push(0);
        }
        self
    }

    /// Whether all keys of the range begin with the same `len` bytes.
    pub fn shares_prefix(&self, len: usize) -> bool {
        let (Some(prefix), Some(end)) = (self.start.get(..len), &self.end) else { return false };
        end.starts_with(prefix) || successor(prefix).as_ref() == Some(end)
    }

    /// Whether no key can lie in the range.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The first key that is greater than every key with this prefix; `None` if there is none.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    if let Some(byte) = end.last_mut() {
        *byte = byte.wrapping_add(1); // not 0xff, so it does not wrap
    }
    Some(end)
}

/// The bytes of a row. Whoever looked it up shares them with whoever else did, and with the cache of rows: they are copied
/// when they are read from the engine, and not again.
pub type Row = Arc<[u8]>;

/// Sees one row of a scan; breaks to end the scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Anything rows can be read from: an engine (each call sees the newest state) or a snapshot of one.
pub trait Reader: Send + Sync {
    /// The row under `key`.
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError>;

    /// Visits the rows of `range` in the order of their keys. One call sees one state, whatever is written meanwhile;
    /// the visitor may use the engine.
    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError>;
}

/// A frozen view. Holding one keeps deleted values from being removed, so hold it briefly.
pub type Snapshot<'a> = Box<dyn Reader + 'a>;

/// A storage engine. All methods may be called from any thread.
pub trait Engine: Reader + 'static {
    /// Applies the whole batch or nothing of it, over all keyspaces. Later operations of a batch win over earlier ones.
    ///
    /// After an error the caller does not know whether the batch will be there after reopening.
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError>;

    /// When this returns, everything written before the call is on disk. Writers are not held up meanwhile.
    fn sync(&self) -> Result<(), StoreError>;

    /// The present state, frozen.
    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError>;

    /// Rewrites the range down to the last level, so that no file of the database holds its deleted values.
    fn compact(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError>;

    /// Moves everything from the write-ahead log into table files, so that older log files can go.
    fn flush(&self) -> Result<(), StoreError>;

    /// The directory of all its files, for who looks what they still hold; `None` where nothing is on a disk.
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// Lets go of what it noted about files that are gone. Files that this makes superfluous may take a moment to go.
    fn tidy(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Writes a complete, openable copy of the present state into `directory`, which must not exist.
    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError>;

    /// Sizes, for status and metrics.
    fn stats(&self) -> Result<EngineStats, StoreError>;
}

/// Sizes of an engine, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Table files per keyspace, in the order of [`Keyspace::ALL`].
    pub keyspaces: [KeyspaceStats; Keyspace::ALL.len()],
    /// Write-ahead log files.
    pub wal_bytes: u64,
    /// The caches of blocks and of rows: what is in them now.
    pub cache_bytes: u64,
    /// Index and filter blocks held outside the block cache.
    pub table_reader_bytes: u64,
    /// The mirrors of what is written; none where there are none.
    pub mirrors: Vec<MirrorStats>,
}

impl EngineStats {
    /// The sizes of one keyspace.
    pub fn keyspace(&self, keyspace: Keyspace) -> KeyspaceStats {
        self.keyspaces.get(keyspace.index()).copied().unwrap_or_default()
    }

    /// Bytes in memtables over all keyspaces.
    pub fn memtable_bytes(&self) -> u64 {
        self.keyspaces.iter().map(|stats| stats.memtable_bytes).sum()
    }

    /// Bytes on disk: table files and log.
    pub fn disk_bytes(&self) -> u64 {
        self.keyspaces.iter().map(|stats| stats.table_bytes).sum::<u64>() + self.wal_bytes
    }
}

/// How a mirror stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorStats {
    /// The directory.
    pub directory: PathBuf,
    /// Whether all that was acknowledged is there too.
    pub whole: bool,
}

/// Sizes of one keyspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceStats {
    /// Live table files, in bytes.
    pub table_bytes: u64,
    /// Memtables, in bytes.
    pub memtable_bytes: u64,
    /// Rows, estimated.
    pub rows: u64,
}
