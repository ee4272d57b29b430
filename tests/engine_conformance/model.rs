//! Random histories: RocksDB, with and without a cache around it, and the memory engine agree with each other at every
//! step, whatever upkeep runs in between.

use membervault::store::memory::MemoryEngine;
use membervault::store::rocks::RocksEngine;
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace, Reader};
use proptest::prelude::*;

use crate::support::{cached, fresh, reopen, rows};

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Write>, bool),
    Flush,
    Compact(usize, Vec<u8>, Vec<u8>),
    Sync,
    Reopen,
}

#[derive(Clone, Debug)]
enum Write {
    Put(usize, Vec<u8>, Vec<u8>),
    Delete(usize, Vec<u8>),
    DeleteRange(usize, Vec<u8>, Vec<u8>),
}

/// Where is written: a keyspace that lies in one piece on disk, and the ledger, which lies in two.
const WRITTEN: [Keyspace; 2] = [Keyspace::Control, Keyspace::Ledger];

/// What keys are made of: few distinct keys, so that they meet. Leaves of the ledger end before the third.
const PIECES: [u8; 4] = [0, b'L', b'M', 0xff];

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..4)
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        6 => (0..2usize, key(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(ks, k, v)| Write::Put(ks, k, v)),
        3 => (0..2usize, key()).prop_map(|(ks, key)| Write::Delete(ks, key)),
        1 => (0..2usize, key(), key()).prop_map(|(ks, start, end)| Write::DeleteRange(ks, start, end)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (prop::collection::vec(write(), 0..6), any::<bool>()).prop_map(|(writes, sync)| Step::Write(writes, sync)),
        2 => Just(Step::Flush),
        1 => (0..2usize, key(), key()).prop_map(|(ks, start, end)| Step::Compact(ks, start, end)),
        1 => Just(Step::Sync),
        1 => Just(Step::Reopen),
    ]
}

fn batch(writes: &[Write]) -> Batch {
    let mut batch = Batch::new();
    for write in writes {
        match write.clone() {
            Write::Put(ks, key, row) => batch.put(WRITTEN[ks], key, row),
            Write::Delete(ks, key) => batch.delete(WRITTEN[ks], key),
            Write::DeleteRange(ks, start, end) => batch.delete_range(WRITTEN[ks], start, end),
        };
    }
    batch
}

fn run<E: Engine>(steps: &[Step], around: impl Fn(RocksEngine) -> E) {
    let directory = tempfile::tempdir().unwrap();
    let model = MemoryEngine::new();
    let mut rocks = around(fresh(directory.path()));
    for step in steps {
        match step {
            Step::Write(writes, sync) => {
                let durability = if *sync { Durability::Synced } else { Durability::Buffered };
                model.write(batch(writes), durability).unwrap();
                rocks.write(batch(writes), durability).unwrap();
            }
            Step::Flush => rocks.flush().unwrap(),
            Step::Sync => rocks.sync().unwrap(),
            Step::Compact(ks, start, end) => {
                rocks.compact(WRITTEN[*ks], &KeyRange::new(start.clone(), end.clone())).unwrap();
            }
            Step::Reopen => {
                drop(rocks);
                rocks = around(reopen(&directory.path().join("db")).unwrap());
            }
        }
        agree(&model, &rocks);
    }
}

fn agree(model: &MemoryEngine, rocks: &dyn Engine) {
    for keyspace in WRITTEN {
        for range in [KeyRange::all(), KeyRange::prefix(*b"L"), KeyRange::prefix([0xff]), KeyRange::new(*b"\0L", *b"Z")]
        {
            assert_eq!(rows(model, keyspace, &range), rows(rocks, keyspace, &range), "{keyspace:?} {range:?}");
        }
        for first in PIECES {
            for key in PIECES.map(|second| vec![first, second]).into_iter().chain([vec![], vec![first]]) {
                assert_eq!(rocks.get(keyspace, &key).unwrap(), model.get(keyspace, &key).unwrap());
            }
        }
        for (key, row) in rows(model, keyspace, &KeyRange::all()) {
            assert_eq!(rocks.get(keyspace, &key).unwrap().as_deref(), Some(row.as_slice()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rocks_agrees_with_memory(steps in prop::collection::vec(step(), 1..30)) {
        run(&steps, |rocks| rocks);
    }

    #[test]
    fn a_cache_around_rocks_agrees_with_memory(steps in prop::collection::vec(step(), 1..30)) {
        run(&steps, cached);
    }
}
