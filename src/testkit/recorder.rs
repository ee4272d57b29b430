//! An engine that forgets nothing: every row ever written can be looked at, as whoever kept every file could.
//!
//! It can be told to tear the batch of a seal: the bytes are recorded, as they are on a disk, and the database is as it
//! was, as it is after a crash in the middle of the batch.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::codec::keys;
use crate::store::memory::MemoryEngine;
use crate::store::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, Op, Reader, Snapshot, StoreError, Visit,
};

/// Every value that each key of a keyspace ever had.
pub type Written = BTreeMap<(Keyspace, Vec<u8>), BTreeSet<Vec<u8>>>;

/// A memory engine with everything that was ever put into it.
#[derive(Default)]
pub struct RecordingEngine {
    inner: MemoryEngine,
    written: Mutex<Written>,
    tear: AtomicBool,
}

impl RecordingEngine {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next batch that gives the key tree another epoch is torn.
    pub fn tear_next_seal(&self) {
        self.tear.store(true, Ordering::Relaxed);
    }

    /// No batch is torn.
    pub fn heal(&self) {
        self.tear.store(false, Ordering::Relaxed);
    }

    /// Everything that was ever put, seen by `look`.
    pub fn written<T>(&self, look: impl FnOnce(&Written) -> T) -> T {
        look(&self.written.lock())
    }
}

impl Reader for RecordingEngine {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(keyspace, key)
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(keyspace, range, visit)
    }
}

impl Engine for RecordingEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut written = self.written.lock();
        for op in &batch.ops {
            if let Op::Put { keyspace, key, value } = op {
                written.entry((*keyspace, key.clone())).or_default().insert(value.clone());
            }
        }
        drop(written);
        if turns_the_tree(&batch) && self.tear.swap(false, Ordering::Relaxed) {
            return Err(StoreError::Io {
                doing: "writing a batch that is torn",
                source: Arc::new(io::Error::other("torn")),
            });
        }
        self.inner.write(batch, durability)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.inner.sync()
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        self.inner.snapshot()
    }

    fn compact(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        self.inner.compact(keyspace, range)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        self.inner.checkpoint(directory)
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        self.inner.stats()
    }
}

fn turns_the_tree(batch: &Batch) -> bool {
    batch.ops.iter().any(|op| matches!(op, Op::Put { key, .. } if *key == keys::TREE_EPOCH))
}
