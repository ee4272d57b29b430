//! An engine that forgets nothing: every row ever written can be looked at, as whoever kept every file could.
//!
//! It can be told to tear the batch of a seal: the bytes are recorded, as they are on a disk, and the database is as it
//! was, as it is after a crash in the middle of the batch.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::watched::{Watch, WatchedEngine};
use crate::codec::keys;
use crate::store::{Batch, Keyspace, Op, StoreError};

/// Every value that each key of a keyspace ever had.
pub type Written = BTreeMap<(Keyspace, Vec<u8>), BTreeSet<Vec<u8>>>;

/// Keeps everything that was ever put into an engine.
#[derive(Default)]
pub struct Recorder {
    written: Mutex<Written>,
    tear: AtomicBool,
}

/// A memory engine with everything that was ever put into it.
pub type RecordingEngine = WatchedEngine<Recorder>;

impl Recorder {
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

impl Watch for Recorder {
    fn before_write(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut written = self.written.lock();
        for op in &batch.ops {
            if let Op::Put { keyspace, key, value } = op {
                written.entry((*keyspace, key.clone())).or_default().insert(value.clone());
            }
        }
        drop(written);
        if turns_the_tree(batch) && self.tear.swap(false, Ordering::Relaxed) {
            return Err(StoreError::Io {
                doing: "writing a batch that is torn",
                source: Arc::new(io::Error::other("torn")),
            });
        }
        Ok(())
    }
}

fn turns_the_tree(batch: &Batch) -> bool {
    batch.ops.iter().any(|op| matches!(op, Op::Put { key, .. } if *key == keys::TREE_EPOCH))
}
