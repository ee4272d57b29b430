//! An engine that passes everything on to another, and tells somebody before: who counts, records, panics or makes
//! something happen at that moment watches, and writes no engine for it.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::store::memory::MemoryEngine;
use crate::store::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, Reader, Row, Snapshot, StoreError, Visit,
};

/// What is told. Snapshots are not watched.
pub trait Watch: Send + Sync + 'static {
    /// A row is about to be looked for.
    fn before_get(&self, _keyspace: Keyspace, _key: &[u8]) {}

    /// A range is about to be looked through.
    fn before_scan(&self, _keyspace: Keyspace) {}

    /// A row of such a range is about to be shown.
    fn before_row(&self, _keyspace: Keyspace, _key: &[u8]) {}

    /// A batch is about to be written; an error is the answer, and nothing is.
    fn before_write(&self, _batch: &Batch) -> Result<(), StoreError> {
        Ok(())
    }

    /// What was written is about to be synced.
    fn before_sync(&self) {}
}

/// An engine, and who watches it. What the watcher can do, the engine can.
#[derive(Default)]
pub struct WatchedEngine<W, E = MemoryEngine> {
    inner: E,
    watch: W,
}

impl<W: Watch, E: Engine> WatchedEngine<W, E> {
    /// This engine, watched.
    pub fn over(inner: E, watch: W) -> Self {
        Self { inner, watch }
    }
}

impl<W, E> Deref for WatchedEngine<W, E> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.watch
    }
}

impl<W: Watch, E: Engine> Reader for WatchedEngine<W, E> {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        self.watch.before_get(keyspace, key);
        self.inner.get(keyspace, key)
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.watch.before_scan(keyspace);
        self.inner.scan(keyspace, range, &mut |key, row| {
            self.watch.before_row(keyspace, key);
            visit(key, row)
        })
    }
}

impl<W: Watch, E: Engine> Engine for WatchedEngine<W, E> {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        self.watch.before_write(&batch)?;
        self.inner.write(batch, durability)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.watch.before_sync();
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

    fn directory(&self) -> Option<&Path> {
        self.inner.directory()
    }

    fn tidy(&self) -> Result<(), StoreError> {
        self.inner.tidy()
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        self.inner.checkpoint(directory)
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        self.inner.stats()
    }
}

/// What happens at a moment that a test chose.
type Deed = Box<dyn FnOnce() + Send>;

/// Somebody else who does something when a record is looked at.
#[derive(Default)]
pub struct Interrupting {
    /// How many looks at records from now on, and what happens then.
    next: Mutex<Option<(u32, Deed)>>,
    happened: AtomicUsize,
}

/// A memory engine that is interrupted when it is told to.
pub type InterruptingEngine = WatchedEngine<Interrupting>;

impl Interrupting {
    /// Before the next look at records, this happens, once.
    pub fn before_the_next_record(&self, deed: impl FnOnce() + Send + 'static) {
        self.before_record(1, deed);
    }

    /// Before that look at records from now on, this happens, once. The next look is number 1.
    pub fn before_record(&self, number: u32, deed: impl FnOnce() + Send + 'static) {
        *self.next.lock() = Some((number, Box::new(deed)));
    }

    /// How often something happened.
    pub fn interruptions(&self) -> usize {
        self.happened.load(Ordering::Relaxed)
    }

    fn look(&self, keyspace: Keyspace) {
        // The lock is not held while it happens: that looks at records too.
        if let Some(deed) = self.due(keyspace) {
            deed();
            self.happened.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn due(&self, keyspace: Keyspace) -> Option<Deed> {
        let mut next = self.next.lock();
        let (left, _) = next.as_mut().filter(|_| keyspace == Keyspace::Records)?;
        *left = left.saturating_sub(1);
        if *left == 0 { next.take().map(|(_, deed)| deed) } else { None }
    }
}

impl Watch for Interrupting {
    fn before_get(&self, keyspace: Keyspace, _key: &[u8]) {
        self.look(keyspace);
    }

    fn before_scan(&self, keyspace: Keyspace) {
        self.look(keyspace);
    }
}
