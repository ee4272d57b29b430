//! A crash of the machine: unsynced writes may go, always from the end; synced ones never go unnoticed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use membervault::code::{Code, Coded};
use membervault::store::rocks::{Found, Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace, Reader, StoreError};

use crate::support::{fresh, image, logs, noise, other_process, put, reopen, rows};

const SECTOR: usize = 512;
const KS: Keyspace = Keyspace::Records;

/// A log of batches, of which the first `synced` are on disk for certain.
struct Log {
    directory: tempfile::TempDir,
    /// The end of each batch in the log file.
    ends: Vec<usize>,
    synced: usize,
}

impl Log {
    fn new(synced: usize, unsynced: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let engine = fresh(directory.path());
        let path = directory.path().join("db");
        let mut ends = Vec::new();
        for number in 0..synced + unsynced {
            // Every seventh spans blocks of the log.
            let length = if number % 7 == 6 { 70_000 } else { 100 + number * 37 };
            put(&engine, KS, &[number as u8], &noise(number as u64, length));
            if number < synced {
                engine.sync().unwrap();
            }
            ends.push(fs::metadata(&logs(&path)[0]).unwrap().len() as usize);
        }
        image(&path, &directory.path().join("whole"));
        Self { directory, ends, synced }
    }

    fn length(&self) -> usize {
        *self.ends.last().unwrap()
    }

    fn synced_end(&self) -> usize {
        self.ends[self.synced - 1]
    }

    /// How many batches lie wholly before this byte.
    fn whole_before(&self, at: usize) -> usize {
        self.ends.iter().filter(|end| **end <= at).count()
    }

    /// Opens a copy whose log file was changed, and counts the batches found: always a prefix.
    fn after(&self, change: impl FnOnce(&mut Vec<u8>)) -> Result<(usize, Found), Code> {
        let copy = image(&self.directory.path().join("whole"), &self.directory.path().join("copy"));
        let mut bytes = fs::read(&logs(&copy)[0]).unwrap();
        change(&mut bytes);
        fs::write(&logs(&copy)[0], bytes).unwrap();
        let outcome = count(&copy);
        if outcome.is_ok() {
            assert_eq!(outcome.map(|(count, _)| count), count(&copy).map(|(count, _)| count), "opening again");
        }
        fs::remove_dir_all(copy).unwrap();
        outcome
    }
}

fn count(path: &Path) -> Result<(usize, Found), Code> {
    let engine = reopen(path).map_err(|error| error.code())?;
    let found = rows(&engine, KS, &KeyRange::all());
    for (number, (key, _)) in found.iter().enumerate() {
        assert_eq!(key, &[number as u8], "not a prefix");
    }
    Ok((found.len(), engine.found()))
}

#[test]
fn a_torn_tail_opens_and_keeps_everything_synced() {
    let log = Log::new(10, 12);
    assert_eq!(log.after(|_| ()), Ok((22, Found::Whole)));
    for cut in (log.synced_end()..log.length()).step_by(4801) {
        let (count, _) = log.after(|bytes| bytes.truncate(cut)).unwrap();
        assert_eq!(count, log.whole_before(cut), "cut at {cut}");
    }
    let (count, found) = log.after(|bytes| bytes.truncate(log.length() - 1)).unwrap();
    assert_eq!((count, found), (21, Found::TornTail));
}

#[test]
fn pages_that_never_reached_the_disk_open_and_keep_everything_synced() {
    let log = Log::new(10, 12);
    let first = log.synced_end().next_multiple_of(SECTOR);
    for (index, at) in (first..log.length() - SECTOR).step_by(SECTOR * 13).enumerate() {
        let end = (at + SECTOR * (1 + index % 9)).min(log.length());
        let outcome = log.after(|bytes| bytes[at..end].fill(0)).unwrap();
        assert_eq!(outcome, (log.whole_before(at), Found::TornTail), "zeros from {at} to {end}");
    }
    // The length of the file reached the disk, the bytes did not.
    for at in [log.synced_end(), log.ends[12], log.ends[12] + 3, log.ends[13] + 1000, log.length()] {
        let outcome = log.after(|bytes| {
            bytes.resize(log.length() + 5000, 0);
            bytes[at..].fill(0);
        });
        assert_eq!(outcome, Ok((log.whole_before(at), Found::TornTail)), "zeros from {at}");
    }
}

#[test]
fn a_lost_synced_write_is_noticed() {
    let log = Log::new(16, 8);
    for at in (0..log.synced_end() - SECTOR).step_by(SECTOR * 11) {
        let at = at.next_multiple_of(SECTOR);
        let outcome = log.after(|bytes| bytes[at..at + SECTOR].fill(0));
        assert_eq!(outcome, Err(Code::Corrupt), "zeros at {at}");
    }
    for number in 1..log.synced {
        // A whole batch zeroed, from its first byte to its last.
        let outcome = log.after(|bytes| bytes[log.ends[number - 1]..log.ends[number]].fill(0));
        assert_eq!(outcome, Err(Code::Corrupt), "batch {number} zeroed");
    }
    for number in [1, 4, 9] {
        // A length field that points far behind.
        let outcome = log.after(|bytes| bytes[log.ends[number] + 5] = 0xff);
        assert_eq!(outcome, Err(Code::Corrupt), "length of batch {number}");
    }
}

#[test]
fn a_batch_that_was_taken_out_is_noticed() {
    let log = Log::new(4, 2);
    for number in 1..5 {
        // Every checksum fits, and RocksDB does not count.
        let outcome = log.after(|bytes| drop(bytes.drain(log.ends[number - 1]..log.ends[number])));
        assert_eq!(outcome, Err(Code::Corrupt), "batch {number}");
    }
}

#[test]
fn a_length_that_points_behind_the_file_is_no_torn_tail() {
    let log = Log::new(4, 2);
    for number in 1..6 {
        let outcome = log.after(|bytes| bytes[log.ends[number - 1] + 5] = 0xff);
        // Batches 4 and 5 were never synced: to lose them is what a torn tail is.
        let expected = if number < 4 { Err(Code::Corrupt) } else { Ok((number, Found::TornTail)) };
        assert_eq!(outcome, expected, "batch {number}");
    }
}

/// Three log files: the oldest is needed for a row of one keyspace, the second for one of another.
fn several_logs(directory: &Path) -> PathBuf {
    let path = directory.join("db");
    let engine = RocksEngine::open(&RocksSettings::new(&path, Opening::Fresh)).unwrap();
    for (round, keyspace) in [Keyspace::Control, Keyspace::Records, Keyspace::Ledger].into_iter().enumerate() {
        put(&engine, keyspace, b"held", b"row");
        let files = logs(&path).len();
        // The memtable of `index` fills up; when it is flushed, a new log file begins.
        for number in 0.. {
            put(&engine, Keyspace::Index, &[round as u8, number], &noise(number.into(), 1 << 20));
            if round == 2 || logs(&path).len() > files {
                break;
            }
        }
        engine.sync().unwrap();
    }
    drop(engine);
    assert_eq!(logs(&path).len(), 3);
    path
}

#[test]
fn a_missing_or_short_older_log_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let whole = several_logs(directory.path());
    for victim in &logs(&whole)[..2] {
        for cut in [None, Some(7), Some(300), Some(1 << 20)] {
            let copy = image(&whole, &directory.path().join("copy"));
            let victim = copy.join(victim.file_name().unwrap());
            match cut {
                None => fs::remove_file(&victim).unwrap(),
                Some(cut) => {
                    let bytes = fs::read(&victim).unwrap();
                    fs::write(&victim, &bytes[..bytes.len() - cut]).unwrap();
                }
            }
            assert_eq!(reopen(&copy).err().map(|error| error.code()), Some(Code::Corrupt), "{victim:?} {cut:?}");
            fs::remove_dir_all(copy).unwrap();
        }
    }
    let engine = reopen(&whole).unwrap();
    for keyspace in [Keyspace::Control, Keyspace::Records, Keyspace::Ledger] {
        assert!(engine.get(keyspace, b"held").unwrap().is_some());
    }
}

/// Small memtables, so that flushes and compactions run all the time.
fn busy(opening: Opening) -> Result<RocksEngine, StoreError> {
    let bounds = RocksSettings::new("db", opening);
    RocksEngine::open(&RocksSettings { block_cache_bytes: 4 << 20, write_buffer_bytes: 256 << 10, ..bounds })
}

/// A writer is killed again and again, at any moment of its flushes, compactions and openings.
#[test]
fn a_killed_writer_loses_nothing_it_was_told_is_written() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let mut writer = other_process("power_loss::child_writes_until_killed", directory.path());
        let mut told = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.strip_prefix("written ").and_then(|number| number.parse::<u64>().ok());
        let last = told.by_ref().filter_map(number).nth(200 + 77 * round).unwrap();
        writer.kill().unwrap();
        let last = told.filter_map(number).last().unwrap_or(last);
        writer.wait().unwrap();
        check_killed(&directory.path().join("db"), last);
    }
}

fn check_killed(path: &Path, told: u64) {
    let engine = reopen(path).unwrap();
    let head = engine.get(KS, b"head").unwrap().unwrap();
    let head = u64::from_be_bytes(head[..].try_into().unwrap());
    assert!(head >= told, "told {told}, found {head}");
    for number in 0..=head {
        let keyspace = Keyspace::ALL[number as usize % 5];
        assert!(engine.get(keyspace, &number.to_be_bytes()).unwrap().is_some(), "{number} of {head}");
    }
    assert_eq!(total(&engine) as u64, head + 2);
}

#[test]
#[ignore = "run by a_killed_writer_loses_nothing_it_was_told_is_written"]
fn child_writes_until_killed() {
    let opening = if Path::new("db/CURRENT").exists() { Opening::Existing } else { Opening::Fresh };
    let engine = busy(opening).unwrap();
    let head = engine.get(KS, b"head").unwrap().map(|head| u64::from_be_bytes(head[..].try_into().unwrap()));
    for number in head.map_or(0, |head| head + 1).. {
        let mut batch = Batch::new();
        batch.put(Keyspace::ALL[number as usize % 5], number.to_be_bytes(), noise(number, 3000));
        batch.put(KS, b"head", number.to_be_bytes());
        engine.write(batch, Durability::Buffered).unwrap();
        println!("written {number}");
        if number % 50 == 0 {
            engine.compact(KS, &KeyRange::all()).unwrap();
        }
    }
}

fn total(engine: &dyn Engine) -> usize {
    Keyspace::ALL.map(|ks| rows(engine, ks, &KeyRange::all()).len()).iter().sum()
}
