//! RocksDB behind [`Engine`]. The only file that names `rocksdb`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BottommostLevelCompaction, Cache, ColumnFamily, ColumnFamilyDescriptor, CompactOptions, DB, DBRawIterator,
    ErrorKind, FlushOptions, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, KeyspaceStats, Op, Reader, Snapshot, StoreError, Visit,
};

/// How to open a database.
#[derive(Clone, Debug)]
pub struct RocksSettings {
    /// The directory.
    pub path: PathBuf,
    /// What must be there.
    pub opening: Opening,
    /// Bytes of the block cache, shared by all keyspaces.
    pub block_cache_bytes: usize,
    /// Bytes of memtables, over all keyspaces.
    pub write_buffer_bytes: usize,
}

/// What must be in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A database.
    Existing,
    /// No database; one is made.
    Fresh,
}

impl RocksSettings {
    /// The settings of `serve` for a database in `path`.
    pub fn new(path: impl Into<PathBuf>, opening: Opening) -> Self {
        Self { path: path.into(), opening, block_cache_bytes: 128 * 1024 * 1024, write_buffer_bytes: 64 * 1024 * 1024 }
    }
}

/// The engine.
pub struct RocksEngine {
    db: DB,
    cache: Cache,
}

impl RocksEngine {
    /// Opens or makes a database.
    pub fn open(settings: &RocksSettings) -> Result<Self, StoreError> {
        let exists = settings.path.join("CURRENT").exists();
        match settings.opening {
            Opening::Existing if !exists => return Err(StoreError::Missing { path: settings.path.clone() }),
            Opening::Fresh if exists => return Err(StoreError::Exists { path: settings.path.clone() }),
            _ => {}
        }
        let cache = Cache::new_lru_cache(settings.block_cache_bytes);
        let mut options = Options::default();
        options.create_if_missing(settings.opening == Opening::Fresh);
        options.create_missing_column_families(true);
        options.set_db_write_buffer_size(settings.write_buffer_bytes);
        let families = Keyspace::ALL.map(|ks| ColumnFamilyDescriptor::new(ks.name(), Options::default()));
        let db = DB::open_cf_descriptors(&options, &settings.path, families)
            .map_err(|error| opening_error(error, &settings.path))?;
        Ok(Self { db, cache })
    }

    fn family(&self, keyspace: Keyspace) -> Result<&ColumnFamily, StoreError> {
        self.db.cf_handle(keyspace.name()).ok_or_else(|| StoreError::Engine {
            doing: "finding a keyspace",
            source: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("the column family is not open")),
        })
    }
}

impl Reader for RocksEngine {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.db.get_pinned_cf(self.family(keyspace)?, key).map_err(|e| failure(e, "reading a row"))?;
        Ok(row.map(|row| row.to_vec()))
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let rows = self.db.raw_iterator_cf_opt(self.family(keyspace)?, scan_options(range));
        walk(rows, range, visit)
    }
}

impl Engine for RocksEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut rows = WriteBatch::default();
        for op in &batch.ops {
            let family = self.family(op.keyspace())?;
            match op {
                Op::Put { key, value, .. } => rows.put_cf(family, key, value),
                Op::Delete { key, .. } => rows.delete_cf(family, key),
                Op::DeleteRange { start, end, .. } if start < end => rows.delete_range_cf(family, start, end),
                Op::DeleteRange { .. } => {}
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        self.db.write_opt(rows, &options).map_err(|e| failure(e, "writing rows"))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush_wal(true).map_err(|e| failure(e, "syncing the log"))
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        Ok(Box::new(RocksSnapshot { engine: self, snapshot: self.db.snapshot() }))
    }

    fn compact(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.db.compact_range_cf_opt(self.family(keyspace)?, Some(&range.start), range.end.as_deref(), &options);
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        let families = Keyspace::ALL.iter().map(|ks| self.family(*ks)).collect::<Result<Vec<_>, _>>()?;
        self.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(|e| failure(e, "flushing"))
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        if directory.exists() {
            return Err(StoreError::Exists { path: directory.to_path_buf() });
        }
        Checkpoint::new(&self.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(directory))
            .map_err(|e| failure(e, "writing a checkpoint"))
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        let mut stats = EngineStats { cache_bytes: self.cache.get_usage() as u64, ..EngineStats::default() };
        for (keyspace, into) in Keyspace::ALL.into_iter().zip(&mut stats.keyspaces) {
            let family = self.family(keyspace)?;
            let number = |name: &str| {
                self.db
                    .property_int_value_cf(family, name)
                    .map_err(|e| failure(e, "measuring"))
                    .map(Option::unwrap_or_default)
            };
            *into = KeyspaceStats {
                table_bytes: number("rocksdb.live-sst-files-size")?,
                memtable_bytes: number("rocksdb.cur-size-all-mem-tables")?,
                rows: number("rocksdb.estimate-num-keys")?,
            };
            stats.table_reader_bytes += number("rocksdb.estimate-table-readers-mem")?;
        }
        Ok(stats)
    }
}

struct RocksSnapshot<'a> {
    engine: &'a RocksEngine,
    snapshot: rocksdb::Snapshot<'a>,
}

impl Reader for RocksSnapshot<'_> {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let family = self.engine.family(keyspace)?;
        let row = self.snapshot.get_pinned_cf(family, key).map_err(|e| failure(e, "reading a row"))?;
        Ok(row.map(|row| row.to_vec()))
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let family = self.engine.family(keyspace)?;
        walk(self.snapshot.raw_iterator_cf_opt(family, scan_options(range)), range, visit)
    }
}

fn scan_options(range: &KeyRange) -> ReadOptions {
    let mut options = ReadOptions::default();
    if let Some(end) = &range.end {
        options.set_iterate_upper_bound(end.as_slice());
    }
    options
}

fn walk(mut rows: DBRawIterator<'_>, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
    rows.seek(&range.start);
    while let Some((key, row)) = rows.item() {
        if let ControlFlow::Break(()) = visit(key, row) {
            return Ok(());
        }
        rows.next();
    }
    rows.status().map_err(|e| failure(e, "scanning rows"))
}

fn opening_error(error: rocksdb::Error, path: &Path) -> StoreError {
    let path = path.to_path_buf();
    let words: &str = error.as_ref();
    if words.contains("/LOCK: ") {
        return StoreError::Locked { path, source: Arc::new(error) };
    }
    failure(error, "opening the database")
}

fn failure(error: rocksdb::Error, doing: &'static str) -> StoreError {
    let full = error.as_ref().contains("No space left on device");
    let kind = error.kind();
    let source = Arc::new(error);
    match kind {
        ErrorKind::IOError if full => StoreError::DiskFull { doing, source },
        ErrorKind::Corruption => StoreError::Corrupt { doing, source },
        ErrorKind::IOError => StoreError::Io { doing, source },
        _ => StoreError::Engine { doing, source },
    }
}
