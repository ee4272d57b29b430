//! What every engine is asked.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use membervault::code::{Code, Coded};
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace};

use crate::support::{keys, put, rows};

const KS: Keyspace = Keyspace::Records;

fn put_keys(engine: &dyn Engine, keys: &[&str]) {
    keys.iter().for_each(|key| put(engine, KS, key.as_bytes(), b"row"));
}

pub(crate) fn rows_come_back(engine: &dyn Engine) {
    assert_eq!(engine.get(KS, b"a").unwrap(), None);
    let large = crate::support::noise(1, 1 << 20);
    for row in [b"one".as_slice(), b"two", b"", &[0; 3], &large] {
        put(engine, KS, b"a", row);
        assert_eq!(engine.get(KS, b"a").unwrap().as_deref(), Some(row));
    }
    put(engine, KS, b"", b"under the empty key");
    put(engine, KS, &[0xff; 40], b"under the last");
    assert_eq!(engine.get(KS, b"").unwrap().as_deref(), Some(b"under the empty key".as_slice()));
    assert_eq!(rows(engine, KS, &KeyRange::all()).len(), 3);
    let mut batch = Batch::new();
    batch.delete(KS, b"a").delete(KS, b"never there");
    engine.write(batch, Durability::Synced).unwrap();
    assert_eq!(engine.get(KS, b"a").unwrap(), None);
    engine.write(Batch::new(), Durability::Synced).unwrap();
}

pub(crate) fn keyspaces_do_not_mix(engine: &dyn Engine) {
    for keyspace in Keyspace::ALL {
        put(engine, keyspace, b"key", keyspace.name().as_bytes());
    }
    for keyspace in Keyspace::ALL {
        assert_eq!(engine.get(keyspace, b"key").unwrap().as_deref(), Some(keyspace.name().as_bytes()));
        assert_eq!(Keyspace::ALL[keyspace.index()], keyspace);
    }
    let mut batch = Batch::new();
    batch.delete_range(Keyspace::Index, b"", b"z");
    engine.write(batch, Durability::Buffered).unwrap();
    let left = Keyspace::ALL.into_iter().filter(|keyspace| engine.get(*keyspace, b"key").unwrap().is_some());
    assert_eq!(left.count(), 4);
}

pub(crate) fn scans_are_ordered_and_bounded(engine: &dyn Engine) {
    put_keys(engine, &["b", "aa", "a", "c", "ab", "b2"]);
    let of = |range: KeyRange| keys(engine, KS, &range);
    assert_eq!(of(KeyRange::all()), ["a", "aa", "ab", "b", "b2", "c"]);
    assert_eq!(of(KeyRange::prefix(b"a")), ["a", "aa", "ab"]);
    assert_eq!(of(KeyRange::new(b"aa", b"b2")), ["aa", "ab", "b"]);
    assert_eq!(of(KeyRange::new(b"aa", b"b2").after(b"ab")), ["b"]);
    assert_eq!(of(KeyRange::new(b"aaa", b"aab")), [""; 0]);
    for nothing in [KeyRange::new(b"b", b"b"), KeyRange::new(b"c", b"a")] {
        assert!(nothing.is_empty() && of(nothing).is_empty());
    }
    let mut first = Vec::new();
    let taking_two = &mut |key: &[u8], _: &[u8]| {
        first.push(key.to_vec());
        if first.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    engine.scan(KS, &KeyRange::all(), taking_two).unwrap();
    assert_eq!(first, [b"a".to_vec(), b"aa".to_vec()]);
}

/// As access rows lie: many prefixes, few rows under each, some in memory and some on disk.
pub(crate) fn rows_that_share_a_prefix_are_scanned_in_order(engine: &dyn Engine) {
    let key = |prefix: u8, row: u64| [[prefix; 16].as_slice(), &row.to_be_bytes()].concat();
    let all: BTreeSet<Vec<u8>> = (0..=u8::MAX).flat_map(|prefix| (0..4).map(move |row| key(prefix, row))).collect();
    // In an order that is neither that of the keys nor that of their writing.
    let (first, second): (Vec<_>, Vec<_>) = all.iter().rev().partition(|key| (key[0] ^ key[23]) % 2 == 0);
    first.iter().for_each(|key| put(engine, Keyspace::Access, key, b"row"));
    engine.flush().unwrap();
    second.iter().for_each(|key| put(engine, Keyspace::Access, key, b"row"));
    put(engine, Keyspace::Access, b"short", b"row");
    let scanned = |range: KeyRange| -> Vec<Vec<u8>> {
        rows(engine, Keyspace::Access, &range).into_iter().map(|(key, _)| key).collect()
    };
    for prefix in 0..=u8::MAX {
        let of_it: Vec<_> = (0..4).map(|row| key(prefix, row)).collect();
        assert_eq!(scanned(KeyRange::prefix([prefix; 16])), of_it);
        assert_eq!(scanned(KeyRange::prefix([prefix; 16]).after(&of_it[1])), of_it[2..]);
        assert_eq!(scanned(KeyRange::new(of_it[1].clone(), of_it[3].clone())), of_it[1..3]);
    }
    let mut whole = all;
    whole.insert(b"short".to_vec());
    assert_eq!(scanned(KeyRange::all()), whole.iter().cloned().collect::<Vec<_>>());
    assert_eq!(scanned(KeyRange::new([3; 3], [5; 20])).len(), 2 * 4 + 4);
}

pub(crate) fn a_scan_sees_one_state(engine: &dyn Engine) {
    // Leaf, tile and head of the ledger lie apart on disk.
    for (keyspace, [one, two, three]) in [(KS, ["a", "b", "c"]), (Keyspace::Ledger, ["L", "T", "Z"])] {
        [one, two, three].iter().for_each(|key| put(engine, keyspace, key.as_bytes(), b"row"));
        let mut seen = 0;
        let meddling = &mut |key: &[u8], _: &[u8]| {
            seen += 1;
            let mut batch = Batch::new();
            batch.put(keyspace, [key, b"+"].concat(), b"new").delete(keyspace, three);
            engine.write(batch, Durability::Buffered).unwrap();
            ControlFlow::Continue(())
        };
        engine.scan(keyspace, &KeyRange::all(), meddling).unwrap();
        assert_eq!(seen, 3);
        let left = [one.to_owned(), format!("{one}+"), two.to_owned(), format!("{two}+"), format!("{three}+")];
        assert_eq!(keys(engine, keyspace, &KeyRange::all()), left);
    }
}

pub(crate) fn a_snapshot_stands_still(engine: &dyn Engine) {
    put_keys(engine, &["a", "b"]);
    let before = engine.snapshot().unwrap();
    let mut batch = Batch::new();
    batch.delete_range(KS, b"", b"z").put(KS, b"c", b"row");
    engine.write(batch, Durability::Buffered).unwrap();
    let between = engine.snapshot().unwrap();
    put(engine, KS, b"c", b"newer");
    engine.flush().unwrap();
    engine.compact(KS, &KeyRange::all()).unwrap();
    assert_eq!(keys(&*before, KS, &KeyRange::all()), ["a", "b"]);
    assert_eq!(before.get(KS, b"c").unwrap(), None);
    assert_eq!(keys(&*before, KS, &KeyRange::new(b"b", b"z")), ["b"]);
    assert_eq!(between.get(KS, b"c").unwrap().as_deref(), Some(b"row".as_slice()));
    assert_eq!(between.get(KS, b"a").unwrap(), None);
    assert_eq!(engine.get(KS, b"c").unwrap().as_deref(), Some(b"newer".as_slice()));
}

pub(crate) fn a_batch_applies_in_order(engine: &dyn Engine) {
    let mut batch = Batch::new();
    batch.put(KS, b"a", b"first").put(KS, b"a", b"second");
    batch.put(KS, b"b", b"row").delete(KS, b"b");
    batch.delete(KS, b"c").put(KS, b"c", b"row");
    batch.put(KS, b"d1", b"row").delete_range(KS, b"d", b"e").put(KS, b"d2", b"row");
    assert_eq!(batch.len(), 9);
    engine.write(batch, Durability::Buffered).unwrap();
    assert_eq!(keys(engine, KS, &KeyRange::all()), ["a", "c", "d2"]);
    assert_eq!(engine.get(KS, b"a").unwrap().as_deref(), Some(b"second".as_slice()));
}

pub(crate) fn a_batch_is_seen_whole_or_not_at_all(engine: &dyn Engine) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..300u32 {
                let mut batch = Batch::new();
                for keyspace in Keyspace::ALL {
                    batch.put(keyspace, b"round", round.to_be_bytes());
                }
                engine.write(batch, Durability::Buffered).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            let snapshot = engine.snapshot().unwrap();
            let seen: BTreeSet<_> = Keyspace::ALL.map(|ks| snapshot.get(ks, b"round").unwrap()).into();
            assert_eq!(seen.len(), 1, "a batch was seen in part");
        }
    });
}

pub(crate) fn ranges_are_deleted(engine: &dyn Engine) {
    let delete = |start: &[u8], end: &[u8]| {
        let mut batch = Batch::new();
        batch.delete_range(KS, start, end);
        engine.write(batch, Durability::Buffered).unwrap();
        keys(engine, KS, &KeyRange::all())
    };
    put_keys(engine, &["a", "b", "c", "d"]);
    assert_eq!(delete(b"x", b"z"), ["a", "b", "c", "d"]);
    assert_eq!(delete(b"c", b"b"), ["a", "b", "c", "d"], "backwards is empty");
    assert_eq!(delete(b"c", b"c"), ["a", "b", "c", "d"]);
    assert_eq!(delete(b"b", b"d"), ["a", "d"], "the end stays");
    put_keys(engine, &["b"]);
    engine.flush().unwrap();
    assert_eq!(keys(engine, KS, &KeyRange::all()), ["a", "b", "d"], "a later row is not covered");
    assert_eq!(delete(b"", b"z"), [""; 0]);
}

pub(crate) fn upkeep_changes_no_row(engine: &dyn Engine) {
    for keyspace in Keyspace::ALL {
        (0..50u8).for_each(|key| put(engine, keyspace, &[key], &[key; 100]));
        let mut batch = Batch::new();
        batch.delete_range(keyspace, [10], [20]);
        engine.write(batch, Durability::Buffered).unwrap();
    }
    let before = Keyspace::ALL.map(|ks| rows(engine, ks, &KeyRange::all()));
    engine.sync().unwrap();
    engine.flush().unwrap();
    engine.flush().unwrap();
    for keyspace in Keyspace::ALL {
        engine.compact(keyspace, &KeyRange::new([5], [15])).unwrap();
        engine.compact(keyspace, &KeyRange::all()).unwrap();
        engine.compact(keyspace, &KeyRange::new(b"x", b"x")).unwrap();
    }
    engine.sync().unwrap();
    assert_eq!(Keyspace::ALL.map(|ks| rows(engine, ks, &KeyRange::all())), before);
    assert!(before.iter().all(|rows| rows.len() == 40));
}

pub(crate) fn writers_and_syncs_run_together(engine: &dyn Engine) {
    thread::scope(|scope| {
        for writer in 0..3u8 {
            scope.spawn(move || {
                for round in 0..40u8 {
                    let durability = if round % 8 == 0 { Durability::Synced } else { Durability::Buffered };
                    let mut batch = Batch::new();
                    batch.put(KS, [writer, round], [round; 64]);
                    engine.write(batch, durability).unwrap();
                }
            });
        }
        scope.spawn(|| (0..20).for_each(|_| engine.sync().unwrap()));
    });
    assert_eq!(rows(engine, KS, &KeyRange::all()).len(), 120);
}

pub(crate) fn a_checkpoint_takes_a_new_directory(engine: &dyn Engine) {
    let place = tempfile::tempdir().unwrap();
    put_keys(engine, &["a"]);
    assert_eq!(engine.checkpoint(place.path()).unwrap_err().code(), Code::AlreadyExists);
    engine.checkpoint(&place.path().join("copy")).unwrap();
    assert!(place.path().join("copy").is_dir());
    assert!(engine.checkpoint(&place.path().join("no/such/parent")).is_err());
    assert_eq!(keys(engine, KS, &KeyRange::all()), ["a"]);
}

pub(crate) fn sizes_are_told(engine: &dyn Engine) {
    assert_eq!(engine.stats().unwrap().keyspace(KS).rows, 0);
    (0..100u8).for_each(|key| put(engine, KS, &[key], &[key; 1000]));
    let stats = engine.stats().unwrap();
    assert_eq!(stats.keyspace(KS).rows, 100);
    assert_eq!(stats.keyspace(Keyspace::Ledger).rows, 0);
    assert!(stats.memtable_bytes() >= 100_000, "{stats:?}");
}
