//! Every RocksDB setting the vault chooses, each with its reason. What is not named here is RocksDB's default.
//!
//! The budget: `serve` stays below 512 MiB under load. RocksDB gets one block cache that memtables, index and filter
//! blocks are charged to: 288 MiB however many rows there are, and 304 MiB while a bulk load outruns the disk. The rest
//! is for keys, connections and the runtime. (`serve` gives it 128 MiB, and as much to the rows kept beside it.)

use std::path::PathBuf;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompactionStyle, DBCompressionType, DBRecoveryMode,
    DataBlockIndexType, Error, LogLevel, MemtableFactory, Options, UniversalCompactOptions, WriteBufferManager,
};

use super::family::Family;

/// Buckets of the hashed memtable: about as many as the rows it holds.
const ACCESS_BUCKETS: usize = 1 << 16;

/// Runs of access rows, each ordered by itself, at which a merge of some begins; and at which writers are slowed, then
/// stopped. Reckoned, not measured at that size: 400 million rows of 213 bytes are 85 GB, which one thread merges at some
/// 650 MB/s in a little over two minutes; 20,000 accesses a second leave some 34 new runs of a memtable each meanwhile.
/// All that costs is that who reads a history looks into each; RocksDB's own bounds, 20 and 36, would hold every request
/// up instead. 200 leaves room for a disk and a load several times worse.
const ACCESS_RUNS_MERGED: i32 = 16;
const ACCESS_RUNS_SLOWED: i32 = 200;
const ACCESS_RUNS_STOPPED: i32 = 400;
/// Fewer runs are not merged for being alike. RocksDB's own is two: each row was then written again for each doubling.
const ACCESS_RUNS_MERGED_AT_ONCE_MIN: i32 = 8;
/// How many hundredths of the oldest run's size the newer runs may have before RocksDB merges all into it: a thousand times
/// it, so never. RocksDB multiplies this by that size in 64 bits, so a greatest number would overflow at 8 GiB.
const ACCESS_NEWER_PERCENT_MAX: i32 = 100_000;
const _: () = assert!(u64::MAX / ACCESS_NEWER_PERCENT_MAX as u64 > 1 << 47, "128 TiB of accesses in one run");

/// The part of an access row's key that all rows of one member share, as in the option beside its use.
pub(super) const ACCESS_PREFIX_LEN: usize = 16;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// How to open a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksSettings {
    /// The directory.
    pub path: PathBuf,
    /// What must be there.
    pub opening: Opening,
    /// Bytes of the block cache. Memtables, index and filter blocks are charged to it.
    pub block_cache_bytes: usize,
    /// Bytes of memtables over all families; part of `block_cache_bytes`.
    pub write_buffer_bytes: usize,
    /// Table files held open.
    pub open_files_max: i32,
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
    /// Bytes of the block cache if nothing else is said.
    pub const BLOCK_CACHE_BYTES: usize = 288 * MIB;
    /// Bytes of memtables if nothing else is said.
    pub const WRITE_BUFFER_BYTES: usize = 64 * MIB;
    /// Open table files if nothing else is said: below the usual soft limit of 1,024 descriptors, with room for
    /// connections.
    pub const OPEN_FILES_MAX: i32 = 512;

    /// The settings of `serve` for a database in `path`.
    pub fn new(path: impl Into<PathBuf>, opening: Opening) -> Self {
        Self {
            path: path.into(),
            opening,
            block_cache_bytes: Self::BLOCK_CACHE_BYTES,
            write_buffer_bytes: Self::WRITE_BUFFER_BYTES,
            open_files_max: Self::OPEN_FILES_MAX,
        }
    }
}

/// How RocksDB is to take damage in the write-ahead log. `wal.rs` has looked before, and says why neither suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// The log was found whole: any bad checksum is an error.
    Strict,
    /// A torn tail was cut off: log files that begin behind the cut hold writes whose predecessors are gone, so replay
    /// stops there. (RocksDB still refuses when table files hold newer rows than the cut log.)
    UntilCut,
}

/// Options of the database as a whole.
pub(super) fn database(settings: &RocksSettings, replay: Replay, cache: &Cache) -> Result<Options, Error> {
    let mut options = unexposed()?;
    let fresh = settings.opening == Opening::Fresh;
    options.create_if_missing(fresh);
    options.create_missing_column_families(fresh); // an existing database lacks none, or is not ours

    // Refuse to go on after any sign of damage, rather than serve what is left.
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(match replay {
        Replay::Strict => DBRecoveryMode::TolerateCorruptedTailRecords,
        Replay::UntilCut => DBRecoveryMode::PointInTime,
    });
    // A closed log file that was synced and is missing or short at the next opening is an error in every mode.
    options.set_track_and_verify_wals_in_manifest(true);

    // Old log files hold old rows. None is kept for reuse, none for a time, and one held back by an idle keyspace goes
    // when the log has grown to twice the memtables, which also bounds the replay at opening.
    options.set_recycle_log_file_num(0);
    options.set_wal_ttl_seconds(0);
    options.set_wal_size_limit_mb(0);
    options.set_max_total_wal_size(2 * settings.write_buffer_bytes as u64);
    // A batch is handed to the operating system before `write` returns: a crash of the process loses nothing.
    options.set_manual_wal_flush(false);

    // One bound for the memtables of all families, charged to the cache. It does not stall writers (`false`): a stall
    // would hold up everybody for a whole flush. The brake is each family's own bound, see `memtable_bytes`.
    let memtables =
        WriteBufferManager::new_write_buffer_manager_with_cache(settings.write_buffer_bytes, false, cache.clone());
    options.set_write_buffer_manager(&memtables);

    // One thread writes (the ledger's committer), so nothing is gained by writing memtables concurrently, by pipelining
    // log and memtable, or by spinning for a write group to form; and unordered writes would let a reader see a batch
    // before an earlier one.
    options.set_allow_concurrent_memtable_write(false);
    options.set_enable_pipelined_write(false);
    options.set_unordered_write(false);
    options.set_enable_write_thread_adaptive_yield(false);

    // Two cores: one flush and one compaction at a time, neither split.
    options.set_max_background_jobs(2);
    options.set_max_subcompactions(1);
    // Write table files back as they grow, so that a sync of the log does not wait behind a burst of theirs.
    options.set_bytes_per_sync(MIB as u64);
    options.set_max_open_files(settings.open_files_max);

    // The MANIFEST names the first and last key of every table file, also of files long gone: so each write begins a new
    // one (with `max_manifest_space_amp_pct=0`), of the files there are. That is some 150 bytes for each of them, at every
    // flush and compaction, which write megabytes; and opening reads no more than that.
    options.set_max_manifest_file_size(0);
    options.set_manifest_preallocation_size(64 * KIB);
    // LOG: at information level RocksDB prints the key range of a manual compaction. Warnings suffice.
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(4 * MIB);
    options.set_keep_log_file_num(4);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    Ok(options)
}

/// Settings the crate has no method for, through RocksDB's own parser. An unknown name is an error, so a newer RocksDB
/// cannot drop one silently. Must come first: the options made here know nothing of caches set before.
fn unexposed() -> Result<Options, Error> {
    Options::default().get_options_from_string(
        // Each log file records the number, the size and the last sequence of the one before it, so a missing or short
        // file in the middle is noticed; the MANIFEST knows this only of synced files.
        "track_and_verify_wals=true;\
         max_manifest_space_amp_pct=0;\
         allow_data_in_errors=false",
    )
}

/// The families of rows, and RocksDB's own `default`, which holds no row of the vault.
pub(super) fn families(settings: &RocksSettings, cache: &Cache) -> Result<Vec<ColumnFamilyDescriptor>, Error> {
    let mut families = vec![ColumnFamilyDescriptor::new("default", Options::default())];
    for family in Family::ALL {
        families.push(ColumnFamilyDescriptor::new(family.name(), options(family, settings, cache)?));
    }
    Ok(families)
}

fn options(family: Family, settings: &RocksSettings, cache: &Cache) -> Result<Options, Error> {
    let mut options = match family {
        // The key tree, member rows and index pages are few and precious: what a flush or compaction wrote is read back
        // before its inputs are dropped.
        Family::Control | Family::Index => Options::default().get_options_from_string("paranoid_file_checks=true")?,
        // A key shorter than the prefix is its own.
        Family::Access => Options::default().get_options_from_string("prefix_extractor=rocksdb.CappedPrefix.16")?,
        Family::Records | Family::Leaves | Family::Tree => Options::default(),
    };
    // Rows are ciphertext or hashes: compression would cost time and save nothing. (And no library is linked.)
    options.set_compression_type(DBCompressionType::None);
    options.set_bottommost_compression_type(DBCompressionType::None);
    // In-place updates would break snapshots.
    options.set_inplace_update_support(false);
    options.set_write_buffer_size(memtable_bytes(family, settings.write_buffer_bytes));
    // One memtable filling, one being flushed: the bound on memory, and the brake on a writer faster than the disk.
    options.set_max_write_buffer_number(2);
    options.set_block_based_table_factory(&tables(family, cache));
    if family == Family::Access {
        // A row for each read of anybody, under random prefixes, read again hardly ever: merge late and seldom, since
        // levels would rewrite each row many times on the cores that answer requests.
        options.set_compaction_style(DBCompactionStyle::Universal);
        options.set_universal_compaction_options(&many_at_once());
        options.set_level_zero_file_num_compaction_trigger(ACCESS_RUNS_MERGED);
        options.set_level_zero_slowdown_writes_trigger(ACCESS_RUNS_SLOWED);
        options.set_level_zero_stop_writes_trigger(ACCESS_RUNS_STOPPED);
        // And hash them by prefix rather than look for their place in a sorted memtable, which costs a dozen cache misses
        // a row. A scan beyond one prefix sorts what lies in memory first, which nothing does while it serves.
        options.set_memtable_factory(MemtableFactory::HashLinkList { bucket_count: ACCESS_BUCKETS });
    }
    if family == Family::Control {
        // An erased key leaves the disk when its table file is rewritten: small files make that cheap.
        options.set_target_file_size_base(4 * MIB as u64);
        options.set_max_bytes_for_level_base(32 * MIB as u64);
    }
    Ok(options)
}

/// How runs of access rows are chosen for a merge.
fn many_at_once() -> UniversalCompactOptions {
    let mut merging = UniversalCompactOptions::default();
    merging.set_min_merge_width(ACCESS_RUNS_MERGED_AT_ONCE_MIN);
    // Merging all into the oldest run wins space where newer ones hide its rows. Here only those are hidden that a seal
    // removes, and a purge merges them away when it is asked for.
    merging.set_max_size_amplification_percent(ACCESS_NEWER_PERCENT_MAX);
    merging
}

/// How much of the memtable budget one family may fill before it is flushed. The shares add up to 11/8 of the budget:
/// the families are rarely busy all at once, and the budget is kept over all of them by flushing the oldest early. A
/// writer that outruns the disk is stopped at two memtables each, so at 11/4 of the budget.
const fn memtable_bytes(family: Family, budget: usize) -> usize {
    match family {
        Family::Tree => budget / 16,
        Family::Index => budget / 8,
        Family::Leaves => budget * 3 / 16,
        Family::Control | Family::Access => budget / 4,
        Family::Records => budget / 2,
    }
}

fn tables(family: Family, cache: &Cache) -> BlockBasedOptions {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(cache);
    // Index and filter blocks live in the cache, so that memory stays bounded when rows grow to hundreds of millions;
    // at high priority, so that a scan does not push them out, and pinned for the youngest files, which every read
    // consults.
    tables.set_cache_index_and_filter_blocks(true);
    tables.set_cache_index_and_filter_blocks_with_high_priority(true);
    tables.set_pin_l0_filter_and_index_blocks_in_cache(true);
    match family {
        // Read one row at a time, by its whole key, often for a row that is not there (fences, holds, uniqueness): a
        // filter answers that without touching a block. A hot row shares a small block with few cold ones. Control rows
        // are small, so a block holds dozens of them: a hash index finds the row without a search. Keys are
        // random and share no prefix worth saving, so each is stored whole and found without reading its neighbours.
        Family::Control => {
            filter(&mut tables);
            tables.set_block_size(4 * KIB);
            tables.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
            tables.set_block_restart_interval(1);
        }
        // The same, but a block holds two or three rows: nothing to search.
        Family::Index | Family::Records => {
            filter(&mut tables);
            tables.set_block_size(4 * KIB);
            tables.set_block_restart_interval(1);
        }
        // Appended, and read in ranges: larger blocks mean a smaller index, and a filter over whole keys never helps.
        Family::Leaves | Family::Tree | Family::Access => tables.set_block_size(16 * KIB),
    }
    tables
}

/// Ten bits a key: one read in a hundred looks in vain.
fn filter(tables: &mut BlockBasedOptions) {
    tables.set_bloom_filter(10.0, false);
    tables.set_whole_key_filtering(true);
}
