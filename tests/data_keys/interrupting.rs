//! An engine that lets something happen just before somebody looks at a record.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use membervault::store::memory::MemoryEngine;
use membervault::store::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, Reader, Snapshot, StoreError, Visit,
};

type Interruption = Box<dyn FnOnce() + Send>;

/// A memory engine that is interrupted when it is told to.
#[derive(Default)]
pub struct InterruptingEngine {
    inner: MemoryEngine,
    next: Mutex<Option<Interruption>>,
    interruptions: AtomicUsize,
}

impl InterruptingEngine {
    /// Before the next look at records, this happens, once.
    pub fn before_the_next_record(&self, happens: impl FnOnce() + Send + 'static) {
        *self.next.lock().unwrap() = Some(Box::new(happens));
    }

    /// How often something happened.
    pub fn interruptions(&self) -> usize {
        self.interruptions.load(Ordering::Relaxed)
    }

    fn interrupt(&self, keyspace: Keyspace) {
        let next = if keyspace == Keyspace::Records { self.next.lock().unwrap().take() } else { None };
        if let Some(happens) = next {
            happens();
            self.interruptions.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Reader for InterruptingEngine {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.interrupt(keyspace);
        self.inner.get(keyspace, key)
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.interrupt(keyspace);
        self.inner.scan(keyspace, range, visit)
    }
}

impl Engine for InterruptingEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
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
