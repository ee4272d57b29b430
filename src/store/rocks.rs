//! RocksDB behind [`Engine`]. This file and those below it are the only ones that know RocksDB.
//!
//! Opening looks at the log first (`wal.rs`), under a lock of its own: RocksDB takes its lock only when it opens, and
//! two processes must not mend one log.

mod failure;
mod family;
mod framing;
mod place;
mod scan;
mod settings;
mod tidy;
mod wal;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BottommostLevelCompaction, Cache, ColumnFamily, CompactOptions, DB, FlushOptions, ReadOptions, WriteBatch,
    WriteOptions,
};

pub use settings::{Opening, RocksSettings};

use self::failure::{failed, failed_io, failed_to_open};
use self::family::Family;
use self::place::{holds_database, lock, make_directory};
use self::scan::{scan_options, walk};
use self::settings::Replay;
use self::wal::{Mark, Verdict};
use super::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, KeyspaceStats, Op, Reader, Row, Snapshot, StoreError,
    Visit,
};

/// RocksDB's pointer to its present MANIFEST.
const CURRENT_FILE: &str = "CURRENT";
/// Bytes of a log record besides keys and rows, for each operation: tag, keyspace and lengths.
const OP_OVERHEAD: usize = 12;

/// The engine.
pub struct RocksEngine {
    db: DB,
    cache: Cache,
    reads: ReadOptions,
    buffered: WriteOptions,
    synced: WriteOptions,
    /// Everything up to this sequence number is on disk. Goes into the log with each batch, see `wal.rs`.
    on_disk: AtomicU64,
    found: Found,
    _lock: File, // declared last, so released after RocksDB has closed
}

/// What opening found in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Everything that was written.
    Whole,
    /// The torn tail of a crash: writes that were never synced are gone.
    TornTail,
}

impl RocksEngine {
    /// Opens or makes a database.
    pub fn open(settings: &RocksSettings) -> Result<Self, StoreError> {
        let path = settings.path.as_path();
        match (settings.opening, holds_database(path)?) {
            (Opening::Existing, false) => return Err(StoreError::Missing { path: path.to_path_buf() }),
            (Opening::Fresh, true) => return Err(StoreError::Exists { path: path.to_path_buf() }),
            (Opening::Existing, true) => {}
            (Opening::Fresh, false) => make_directory(path).map_err(|e| failed_io("making the directory", e))?,
        }
        let lock = lock(path)?;
        let replay = match settings.opening {
            Opening::Fresh => Replay::Strict,
            Opening::Existing => examine(path)?,
        };
        Self::open_locked(settings, replay, lock)
    }

    fn open_locked(settings: &RocksSettings, replay: Replay, lock: File) -> Result<Self, StoreError> {
        // Without locks: a read looks six blocks up, and all requests share the cache. No estimate of the size of a block,
        // since memtables are charged here too.
        let cache = Cache::new_hyper_clock_cache(settings.block_cache_bytes, 0);
        let open = || {
            let options = settings::database(settings, replay, &cache)?;
            DB::open_cf_descriptors(&options, &settings.path, settings::families(settings, &cache)?)
        };
        let db = open().map_err(|error| failed_to_open(&settings.path, error))?;
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        // What was replayed has been flushed into table files, and those were synced.
        let on_disk = AtomicU64::new(db.latest_sequence_number());
        let found = if replay == Replay::Strict { Found::Whole } else { Found::TornTail };
        Ok(Self {
            db,
            cache,
            reads: ReadOptions::default(),
            buffered: WriteOptions::default(),
            synced,
            on_disk,
            found,
            _lock: lock,
        })
    }

    /// What opening found in the log.
    pub fn found(&self) -> Found {
        self.found
    }

    fn handle(&self, family: Family) -> Result<&ColumnFamily, StoreError> {
        let absent = || StoreError::Engine {
            doing: "finding a keyspace",
            source: Arc::new(io::Error::from(io::ErrorKind::NotFound)), // opening opened all of them
        };
        self.db.cf_handle(family.name()).ok_or_else(absent)
    }

    fn encode(&self, batch: &Batch) -> Result<WriteBatch, StoreError> {
        let mut rows = WriteBatch::with_capacity_bytes(batch.bytes() + OP_OVERHEAD * (batch.len() + 2));
        rows.put_log_data(Mark(self.on_disk.load(Ordering::Acquire)).bytes()); // must come first
        let mut handles = Handles { engine: self, known: [None; Family::ALL.len()] };
        for op in &batch.ops {
            match op {
                Op::Put { keyspace, key, value } => rows.put_cf(handles.of(Family::of(*keyspace, key))?, key, value),
                Op::Delete { keyspace, key } => rows.delete_cf(handles.of(Family::of(*keyspace, key))?, key),
                // No part is empty: RocksDB refuses a range that is.
                Op::DeleteRange { keyspace, start, end } => {
                    for (family, part) in Family::parts(*keyspace, &KeyRange::new(start.as_slice(), end.as_slice())) {
                        let end = part.end.as_deref().unwrap_or_default();
                        rows.delete_range_cf(handles.of(family)?, part.start.as_slice(), end);
                    }
                }
            }
        }
        Ok(rows)
    }

    /// A property of a keyspace, summed over its families.
    fn number(&self, keyspace: Keyspace, property: &str) -> Result<u64, StoreError> {
        let mut sum = 0;
        for family in Family::all_of(keyspace) {
            let number = self.db.property_int_value_cf(self.handle(*family)?, property);
            sum += number.map_err(|e| failed("measuring", e))?.unwrap_or_default();
        }
        Ok(sum)
    }

    /// Background failures so far: RocksDB's C interface does not report the outcome of a compaction.
    fn background_errors(&self) -> Result<u64, StoreError> {
        let number = self.db.property_int_value("rocksdb.background-errors");
        number.map(Option::unwrap_or_default).map_err(|e| failed("compacting", e))
    }
}

impl Reader for RocksEngine {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        // Pinned: the row is copied once, from the block it lies in.
        let row = self
            .db
            .get_pinned_cf_opt(self.handle(Family::of(keyspace, key))?, key, &self.reads)
            .map_err(|e| failed("reading a row", e))?;
        Ok(row.map(|row| Row::from(&*row)))
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut parts = Family::parts(keyspace, range);
        let Some((family, part)) = parts.next() else { return Ok(()) };
        if parts.next().is_some() {
            return self.snapshot()?.scan(keyspace, range, visit); // of all families at one moment
        }
        let rows = self.db.raw_iterator_cf_opt(self.handle(family)?, scan_options(family, &part));
        walk(rows, &part, visit).map(drop)
    }
}

impl Engine for RocksEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let rows = self.encode(&batch)?;
        let options = if durability == Durability::Synced { &self.synced } else { &self.buffered };
        let count = rows.len() as u64;
        let before = self.db.latest_sequence_number();
        self.db.write_opt(rows, options).map_err(|e| failed("writing rows", e))?;
        if durability == Durability::Synced {
            self.on_disk.fetch_max(before + count, Ordering::AcqRel); // or later; at least up to this batch
        }
        Ok(())
    }

    /// Does not hold up writers. `FlushWAL(true)` is `SyncWAL`, and that (`db_impl.cc`, `SyncWalImpl`) takes the log's
    /// mutex only to pick the files and to note the outcome; the `fdatasync` in between holds no lock, and a write
    /// without sync does not wait for it (`PreprocessWrite` waits only when the write itself is to be synced).
    fn sync(&self) -> Result<(), StoreError> {
        let written = self.db.latest_sequence_number();
        self.db.flush_wal(true).map_err(|e| failed("syncing the log", e))?;
        self.on_disk.fetch_max(written, Ordering::AcqRel);
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        Ok(Box::new(RocksSnapshot { engine: self, snapshot: self.db.snapshot() }))
    }

    /// Flushes what lies in memory, then rewrites every level: also the last, where compaction would leave a file that
    /// nothing above touches.
    fn compact(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        let failures = self.background_errors()?;
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        for (family, part) in Family::parts(keyspace, range) {
            let start = Some(&part.start).filter(|start| !start.is_empty());
            self.db.compact_range_cf_opt(self.handle(family)?, start, part.end.as_ref(), &options);
        }
        if self.background_errors()? == failures {
            return Ok(());
        }
        let source = Arc::new(io::Error::other("a background job failed; RocksDB's LOG says which"));
        Err(StoreError::Io { doing: "compacting", source })
    }

    fn flush(&self) -> Result<(), StoreError> {
        let families = Family::ALL.into_iter().map(|family| self.handle(family)).collect::<Result<Vec<_>, _>>()?;
        self.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(|e| failed("flushing", e))
    }

    fn directory(&self) -> Option<&Path> {
        Some(self.db.path())
    }

    fn tidy(&self) -> Result<(), StoreError> {
        tidy::begin_manifest(&self.db, self.encode(&Batch::new())?, &self.buffered)
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        if directory.exists() {
            return Err(StoreError::Exists { path: directory.to_path_buf() });
        }
        Checkpoint::new(&self.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(directory))
            .map_err(|e| failed("writing a checkpoint", e))
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        let mut stats = EngineStats {
            wal_bytes: log_bytes(self.db.path()).map_err(|e| failed_io("measuring", e))?,
            cache_bytes: self.cache.get_usage() as u64,
            ..EngineStats::default()
        };
        for (keyspace, into) in Keyspace::ALL.into_iter().zip(&mut stats.keyspaces) {
            *into = KeyspaceStats {
                table_bytes: self.number(keyspace, "rocksdb.live-sst-files-size")?,
                memtable_bytes: self.number(keyspace, "rocksdb.cur-size-all-mem-tables")?,
                rows: self.number(keyspace, "rocksdb.estimate-num-keys")?,
            };
            stats.table_reader_bytes += self.number(keyspace, "rocksdb.estimate-table-readers-mem")?;
        }
        Ok(stats)
    }
}

/// The families a batch writes to, each looked up once: RocksDB's crate finds them by name.
struct Handles<'a> {
    engine: &'a RocksEngine,
    known: [Option<&'a ColumnFamily>; Family::ALL.len()],
}

impl<'a> Handles<'a> {
    fn of(&mut self, family: Family) -> Result<&'a ColumnFamily, StoreError> {
        let known = self.known.get_mut(family.position());
        match known {
            Some(Some(handle)) => Ok(handle),
            Some(unknown) => Ok(unknown.insert(self.engine.handle(family)?)),
            None => self.engine.handle(family),
        }
    }
}

struct RocksSnapshot<'a> {
    engine: &'a RocksEngine,
    snapshot: rocksdb::Snapshot<'a>,
}

impl Reader for RocksSnapshot<'_> {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        let family = self.engine.handle(Family::of(keyspace, key))?;
        let row = self.snapshot.get_pinned_cf(family, key).map_err(|e| failed("reading a row", e))?;
        Ok(row.map(|row| Row::from(&*row)))
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        for (family, part) in Family::parts(keyspace, range) {
            let rows = self.snapshot.raw_iterator_cf_opt(self.engine.handle(family)?, scan_options(family, &part));
            if walk(rows, &part, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Looks at the MANIFEST and the log, and cuts a torn tail off.
fn examine(path: &Path) -> Result<Replay, StoreError> {
    const DOING: &str = "examining the write-ahead log";
    let lost = |damaged| StoreError::Corrupt { doing: DOING, source: Arc::new(damaged) };
    let failed = |error| failed_io(DOING, error);
    if let Some(manifest) = present_manifest(path).map_err(failed)? {
        wal::inspect_manifest(&manifest).map_err(failed)?.map_err(lost)?;
    }
    match wal::inspect(path).map_err(failed)? {
        Verdict::Whole => Ok(Replay::Strict),
        Verdict::Lost(damaged) => Err(lost(damaged)),
        Verdict::Torn(cut) => {
            tracing::warn!(%cut, "the write-ahead log ends in a torn write, as after a power cut; nothing synced is lost");
            cut.apply().map(|()| Replay::UntilCut).map_err(failed)
        }
    }
}

/// The MANIFEST that CURRENT names. `None` if it names none: RocksDB finds the words for that.
fn present_manifest(path: &Path) -> io::Result<Option<std::path::PathBuf>> {
    match std::fs::read_to_string(path.join(CURRENT_FILE)) {
        Ok(name) => Ok(Some(path.join(name.trim_end())).filter(|manifest| manifest.is_file())),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(None),
        Err(error) => Err(error),
    }
}

fn log_bytes(path: &Path) -> io::Result<u64> {
    // A file that goes while we look counts nothing.
    let sizes = wal::log_files(path)?.into_iter().filter_map(|(_, path)| path.metadata().ok());
    Ok(sizes.map(|metadata| metadata.len()).sum())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::ops::ControlFlow;

    use super::*;

    fn put(engine: &RocksEngine, number: u8) {
        let mut batch = Batch::new();
        batch.put(Keyspace::Index, [number], vec![number; 64 << 10]);
        engine.write(batch, Durability::Buffered).unwrap();
    }

    /// Two log files, neither ever synced: background work is off, so nothing flushes the older.
    fn two_unsynced_logs(path: &Path) -> u8 {
        let settings = RocksSettings { write_buffer_bytes: 4 << 20, ..RocksSettings::new(path, Opening::Fresh) };
        let (engine, mut written) = (RocksEngine::open(&settings).unwrap(), 0);
        engine.db.cancel_all_background_work(true);
        while wal::log_files(path).unwrap().len() < 2 {
            put(&engine, written);
            written += 1;
        }
        put(&engine, written);
        written + 1
    }

    #[test]
    fn what_follows_a_torn_file_goes_with_its_tail() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let written = two_unsynced_logs(&path);
        let (_, older) = wal::log_files(&path).unwrap().remove(0);
        let file = OpenOptions::new().write(true).open(older).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1000).unwrap();
        for found in [Found::TornTail, Found::Whole] {
            let engine = RocksEngine::open(&RocksSettings::new(&path, Opening::Existing)).unwrap();
            assert_eq!(engine.found(), found);
            let mut count = 0;
            let all = &mut |key: &[u8], _: &[u8]| {
                assert_eq!(key, [count]);
                count += 1;
                ControlFlow::Continue(())
            };
            engine.scan(Keyspace::Index, &KeyRange::all(), all).unwrap();
            assert!(count > 0 && count < written - 1, "{count} of {written}");
        }
    }
}
