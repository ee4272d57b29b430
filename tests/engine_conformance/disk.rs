//! What an engine on disk is asked: opening, locks, checkpoints, what deletes leave behind, a full disk.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use membervault::code::{Code, Coded};
use membervault::store::memory::MemoryEngine;
use membervault::store::rocks::{Found, Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace, Reader, StoreError};

use crate::support::{fresh, image, in_another_process, keys, logs, noise, open, put, reopen, rows, tables};

const KS: Keyspace = Keyspace::Control;

#[test]
fn rows_survive_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let engine = fresh(directory.path());
    put(&engine, KS, b"flushed", b"row");
    engine.flush().unwrap();
    put(&engine, Keyspace::Access, b"buffered", b"row");
    drop(engine);
    for _ in 0..3 {
        let engine = reopen(&path).unwrap();
        assert_eq!(engine.found(), Found::Whole);
        assert_eq!(keys(&engine, KS, &KeyRange::all()), ["flushed"]);
        assert_eq!(keys(&engine, Keyspace::Access, &KeyRange::all()), ["buffered"]);
    }
}

#[test]
fn a_crash_of_the_process_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = fresh(directory.path());
    (0..100u8).for_each(|key| put(&engine, KS, &[key], &noise(key.into(), 700)));
    let image = image(&directory.path().join("db"), &directory.path().join("image"));
    put(&engine, KS, b"later", b"row");
    let crashed = reopen(&image).unwrap();
    assert_eq!(crashed.found(), Found::Whole);
    assert_eq!(rows(&crashed, KS, &KeyRange::all()).len(), 100);
}

#[test]
fn a_synced_write_is_on_disk() {
    // What is on disk cannot be seen without cutting the power; the calls that put it there can be.
    let directory = tempfile::tempdir().unwrap();
    let engine = fresh(directory.path());
    put(&engine, KS, b"a", b"row");
    engine.sync().unwrap();
    let mut batch = Batch::new();
    batch.put(KS, b"b", b"row");
    engine.write(batch, Durability::Synced).unwrap();
    drop(engine);
    assert_eq!(keys(&reopen(&directory.path().join("db")).unwrap(), KS, &KeyRange::all()), ["a", "b"]);
}

#[test]
fn opening_wants_what_it_was_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let error = reopen(&path).err().unwrap();
    assert_eq!(error.code(), Code::NoVault);
    assert!(error.to_string().contains("membervault init"), "{error}");
    assert!(!path.exists(), "looking leaves nothing behind");
    drop(open(&path, Opening::Fresh).unwrap());
    let error = open(&path, Opening::Fresh).err().unwrap();
    assert_eq!(error.code(), Code::AlreadyExists);
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_database_is_opened_once() {
    let directory = tempfile::tempdir().unwrap();
    let engine = fresh(directory.path());
    put(&engine, KS, b"a", b"row");
    let error = reopen(&directory.path().join("db")).err().unwrap();
    assert_eq!(error.code(), Code::Locked);
    assert!(error.to_string().contains("stop that process"), "{error}");
    drop(engine);
    reopen(&directory.path().join("db")).unwrap();
}

#[test]
fn another_process_is_kept_out() {
    let directory = tempfile::tempdir().unwrap();
    let engine = fresh(directory.path());
    let other = in_another_process(&[], "disk::child_meets_a_lock", directory.path());
    assert!(other.status.success(), "{other:?}");
    drop(engine);
    fs::remove_file(directory.path().join("db/membervault.lock")).unwrap();
    let other = in_another_process(&[], "disk::child_opens", directory.path());
    assert!(other.status.success(), "{other:?}");
}

#[test]
#[ignore = "run by another_process_is_kept_out"]
fn child_meets_a_lock() {
    assert_eq!(reopen(Path::new("db")).err().unwrap().code(), Code::Locked);
    // And if only RocksDB's own lock is held, as by one of its tools:
    fs::remove_file("db/membervault.lock").unwrap();
    let error = reopen(Path::new("db")).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
}

#[test]
#[ignore = "run by another_process_is_kept_out"]
fn child_opens() {
    reopen(Path::new("db")).unwrap();
}

#[test]
fn a_checkpoint_is_a_database() {
    let directory = tempfile::tempdir().unwrap();
    let memory = MemoryEngine::new();
    let rocks = fresh(directory.path());
    for engine in [&memory as &dyn Engine, &rocks] {
        for keyspace in Keyspace::ALL {
            (0..20u8).for_each(|key| put(engine, keyspace, &[key], &noise(key.into(), 300)));
        }
    }
    memory.checkpoint(&directory.path().join("memory")).unwrap();
    rocks.checkpoint(&directory.path().join("rocks")).unwrap();
    put(&rocks, KS, b"later", b"row");
    put(&memory, KS, b"later", b"row");
    let copies = || (MemoryEngine::open(&directory.path().join("memory")), reopen(&directory.path().join("rocks")));
    for _ in 0..2 {
        let (memory, rocks) = copies();
        let (memory, rocks) = (memory.unwrap(), rocks.unwrap());
        for keyspace in Keyspace::ALL {
            let found = rows(&rocks, keyspace, &KeyRange::all());
            assert_eq!(found.len(), 20);
            assert_eq!(found, rows(&memory, keyspace, &KeyRange::all()));
        }
    }
    let again = rocks.checkpoint(&directory.path().join("rocks")).unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
}

#[test]
fn a_checkpoint_under_load_is_one_moment() {
    let directory = tempfile::tempdir().unwrap();
    let engine = fresh(directory.path());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..100_000u64 {
                let mut batch = Batch::new();
                batch.put(Keyspace::Ledger, number.to_be_bytes(), noise(number, 900));
                batch.put(KS, b"head", number.to_be_bytes());
                engine.write(batch, Durability::Buffered).unwrap();
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        for round in 0..4 {
            let copy = directory.path().join(format!("copy {round}"));
            engine.checkpoint(&copy).unwrap();
            let copy = reopen(&copy).unwrap();
            let leaves = rows(&copy, Keyspace::Ledger, &KeyRange::all());
            let head = copy.get(KS, b"head").unwrap();
            assert_eq!(
                head.as_deref(),
                leaves.last().map(|(number, _)| number.as_slice()),
                "the head is the last leaf"
            );
            let expected = (0..leaves.len() as u64).map(u64::to_be_bytes);
            assert!(leaves.iter().map(|(number, _)| number.clone()).eq(expected.map(Vec::from)), "a leaf is missing");
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn purging_leaves_no_deleted_row_in_any_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let engine = fresh(directory.path());
    let canary = noise(77, 64);
    let found = |canary: &[u8]| {
        let holds = |bytes: &[u8]| bytes.windows(canary.len()).any(|window| window == canary);
        let files = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| holds(&fs::read(path).unwrap_or_default())).count()
    };
    (0..50u8).for_each(|key| put(&engine, KS, &[key], &noise(key.into(), 500)));
    put(&engine, KS, &[25, 1], &canary);
    engine.flush().unwrap();
    engine.compact(KS, &KeyRange::all()).unwrap();
    let mut batch = Batch::new();
    batch.delete(KS, [25, 1]);
    engine.write(batch, Durability::Synced).unwrap();
    assert_eq!(found(&canary), 1, "deleting alone removes nothing");
    engine.compact(KS, &KeyRange::prefix([25])).unwrap();
    engine.flush().unwrap();
    assert_eq!(found(&canary), 0);
    assert_eq!(rows(&engine, KS, &KeyRange::all()).len(), 50);
}

#[test]
fn flushing_drops_old_logs() {
    let directory = tempfile::tempdir().unwrap();
    let engine = fresh(directory.path());
    (0..100u8).for_each(|key| put(&engine, Keyspace::Records, &[key], &noise(key.into(), 1000)));
    assert!(engine.stats().unwrap().wal_bytes > 100_000);
    engine.flush().unwrap();
    let stats = engine.stats().unwrap();
    assert!(stats.wal_bytes < 1000, "{stats:?}");
    assert!(stats.keyspace(Keyspace::Records).table_bytes > 100_000, "{stats:?}");
    assert!(stats.disk_bytes() > 100_000 && stats.cache_bytes > 0, "{stats:?}");
    assert_eq!(logs(&directory.path().join("db")).len(), 1);
    assert!(!tables(&directory.path().join("db")).is_empty());
}

#[test]
fn memory_is_bounded_over_all_keyspaces() {
    let directory = tempfile::tempdir().unwrap();
    let settings = RocksSettings {
        block_cache_bytes: 12 << 20,
        write_buffer_bytes: 8 << 20,
        ..RocksSettings::new(directory.path().join("db"), Opening::Fresh)
    };
    let engine = RocksEngine::open(&settings).unwrap();
    let mut most = 0;
    for round in 0..250u64 {
        let mut batch = Batch::new();
        for keyspace in Keyspace::ALL {
            batch.put(keyspace, round.to_be_bytes(), noise(round, 20_000));
        }
        engine.write(batch, Durability::Buffered).unwrap();
        let stats = engine.stats().unwrap();
        most = most.max(stats.memtable_bytes());
        assert!(stats.memtable_bytes() < (3 * 8) << 20, "{stats:?}");
        assert!(stats.wal_bytes < (5 * 8) << 20, "{stats:?}");
    }
    assert!(most > 4 << 20, "the bound was never near: {most}");
}

/// A directory of 16 MiB, in a mount namespace of its own that ends with the child.
const SMALL_DISK: &str = "mount -t tmpfs -o size=16m tmpfs small && cd small && exec \"$@\"";

#[test]
fn a_full_disk_is_told() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("small")).unwrap();
    // As root, or as root of a user namespace: one of the two can mount.
    let ways = [["unshare", "-m", "sh", "-c", SMALL_DISK, "sh"], ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh"]];
    let outputs = ways.map(|way| in_another_process(&way, "disk::child_fills_the_disk", directory.path()));
    if outputs.iter().any(|output| output.status.success()) {
        return;
    }
    let mounted = outputs.iter().any(|output| String::from_utf8_lossy(&output.stdout).contains("running 1 test"));
    assert!(!mounted, "{outputs:?}");
    // The next test needs no mount.
    eprintln!("NOT RUN: a_full_disk_is_told: this machine lets nobody mount a small disk: {outputs:?}");
}

#[test]
#[ignore = "run by a_full_disk_is_told"]
fn child_fills_the_disk() {
    let path = Path::new("db");
    let engine = open(path, Opening::Fresh).unwrap();
    put(&engine, KS, b"before", b"row");
    engine.sync().unwrap();
    let fill = |number: u64| {
        let mut batch = Batch::new();
        batch.put(Keyspace::Records, number.to_be_bytes(), noise(number, 100_000));
        engine.write(batch, Durability::Buffered)
    };
    let (number, error) = (0..1000).find_map(|number| fill(number).err().map(|error| (number, error))).unwrap();
    assert_eq!(error.code(), Code::DiskFull, "{error:?}");
    assert!(error.to_string().contains("free space"), "{error}");
    assert!(number > 20, "{number}");
    assert!(engine.get(KS, b"before").unwrap().is_some(), "reading goes on");
    let before = rows(&engine, Keyspace::Records, &KeyRange::all()).len() as u64;
    assert_eq!(before, number, "what failed is not there");
    drop(engine);
    // Full, it may not open; with space it does, and has every row that was written.
    let _ = reopen(path).map_err(|error| assert_eq!(error.code(), Code::DiskFull, "{error:?}"));
    assert!(std::process::Command::new("mount").args(["-o", "remount,size=64m", "."]).status().unwrap().success());
    let engine = reopen(path).unwrap();
    assert_eq!(rows(&engine, Keyspace::Records, &KeyRange::all()).len() as u64, number);
    put(&engine, KS, b"after", b"row");
    engine.sync().unwrap();
}

/// Wherever the log file is `/dev/full`, the disk is full.
#[test]
fn a_log_that_cannot_grow_means_a_full_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let engine = fresh(directory.path());
    put(&engine, KS, b"before", b"row");
    let present = logs(&path)[0].file_stem().unwrap().to_str().unwrap().parse::<u32>().unwrap();
    for number in present + 1..present + 40 {
        let _ = std::os::unix::fs::symlink("/dev/full", path.join(format!("{number:06}.log")));
    }
    let mut batch = Batch::new();
    batch.put(KS, b"after", b"row");
    // Flushing begins a new log file; if it does not notice, writing does.
    let error = engine.flush().and_then(|()| engine.write(batch, Durability::Synced)).unwrap_err();
    assert_eq!(error.code(), Code::DiskFull, "{error:?}");
    assert!(engine.get(KS, b"before").unwrap().is_some());
}

#[test]
fn keys_stay_out_of_errors_and_out_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let engine = fresh(directory.path());
    let key = b"a-key-nobody-should-read";
    (0..200u8).for_each(|last| put(&engine, KS, &[key.as_slice(), &[last]].concat(), &noise(last.into(), 900)));
    engine.flush().unwrap();
    engine.compact(KS, &KeyRange::prefix(key.as_slice())).unwrap();
    drop(engine);
    drop(reopen(&path).unwrap());
    let log = fs::read(path.join("LOG")).unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02X}")).collect();
    for needle in [key.as_slice(), hex.as_bytes(), hex.to_lowercase().as_bytes()] {
        assert!(!log.windows(needle.len()).any(|window| window == needle), "a key is in LOG");
    }
}
