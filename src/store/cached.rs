//! An engine that keeps rows it read lately in memory: stored rows, as they lie in the engine within, never opened.
//!
//! For the two keyspaces that each request looks rows up in, [`Keyspace::Control`] and [`Keyspace::Records`]. Only point
//! reads are answered from here. Scans and snapshots, and whatever else an engine does, go to the engine within, and a row
//! that is not there is not remembered. A row that is removed leaves the cache with the write that removes it. Built by
//! `app`; everything that writes to the engine within must come through here.
//!
//! **Why no read is stale.** A row that was read from the engine must not be kept once a write has replaced it, whatever
//! the order in which the reader and the writer come to it. Keys are spread over stripes. A write *shuts* the stripes of
//! its keys, takes those keys out of the cache, has the engine write, and *opens* the stripes again, which gives each
//! another number. A read that misses notes the number of the stripe, asks the engine, and keeps the row only if the
//! stripe then has the same number and is not shut; it checks and keeps under the lock that is needed to shut the stripe.
//! A write that was under way at any moment in between has either ended, then the number is another, or goes on, then
//! the stripe is shut. So what is kept is the engine's row at that moment, and whichever write comes next takes it out
//! before the engine learns of the write. Therefore a row in the cache is at every moment the engine's row, and what is
//! answered from here the engine could have answered. A write that removes a range shuts every stripe.
//!
//! After a failed write nobody knows what the engine holds, or will hold. Its stripes stay shut until the vault is opened
//! anew: what is in them is read from the engine.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, Op, Reader, Row, Snapshot, StoreError, Visit};

/// A longer row is not kept: few would push out many.
pub const ROW_BYTES_MAX: usize = 16 * 1024;
/// A row under a longer key is not kept. Those of members and records are shorter.
pub const KEY_BYTES_MAX: usize = 38;
/// Stripes of keys. A write of one key keeps reads of as many others as share its stripe from being kept meanwhile.
const STRIPES: usize = 1 << u8::BITS;
/// What a row takes besides its own bytes: its key, its place in the cache, the links there.
const ROW_OVERHEAD: usize = 128;
/// The allocator rounds up, by an eighth of a row on average.
const ROUNDED_UP: usize = 8;
/// A guess at a row's size, from which the cache guesses how many rows it will hold.
const ROW_BYTES_GUESSED: usize = 1024;

/// Rows of this keyspace are looked up one at a time, and again and again.
const fn is_cached(keyspace: Keyspace) -> bool {
    matches!(keyspace, Keyspace::Control | Keyspace::Records)
}

/// The engine.
pub struct CachedEngine {
    inner: Arc<dyn Engine>,
    rows: Cache<RowKey, Row, Bytes>,
    stripes: Box<[Mutex<Stripe>]>,
}

/// Where a row lies: keyspace, length of the key, and the key. In place, so that to compare it is to look at one line of
/// memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RowKey([u8; KEY_BYTES_MAX + 2]);

impl RowKey {
    /// `None` if rows like this are not kept.
    fn new(keyspace: Keyspace, key: &[u8]) -> Option<Self> {
        if !is_cached(keyspace) {
            return None;
        }
        let mut bytes = [0; KEY_BYTES_MAX + 2];
        let (head, place) = bytes.split_first_chunk_mut::<2>()?;
        place.get_mut(..key.len())?.copy_from_slice(key);
        *head = [u8::try_from(keyspace.index()).ok()?, u8::try_from(key.len()).ok()?];
        Some(Self(bytes))
    }

    /// Its stripe: keys have random bytes in them, so their sum is as good as a hash.
    fn stripe(&self) -> usize {
        usize::from(self.0.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)))
    }

    fn lies_in(&self, keyspace: Keyspace, range: &KeyRange) -> bool {
        let Some(([of, length], place)) = self.0.split_first_chunk::<2>() else { return true };
        usize::from(*of) == keyspace.index() && place.get(..usize::from(*length)).is_none_or(|key| range.contains(key))
    }
}

/// What a row takes in memory.
#[derive(Clone)]
struct Bytes;

impl Weighter<RowKey, Row> for Bytes {
    fn weight(&self, _: &RowKey, row: &Row) -> u64 {
        (row.len() + row.len() / ROUNDED_UP + ROW_OVERHEAD) as u64
    }
}

/// Some of the keys, as far as writes are concerned.
#[derive(Default)]
struct Stripe {
    /// Writes under way, and those that failed.
    writes: usize,
    /// Another after each write.
    number: u64,
}

impl CachedEngine {
    /// Keeps up to so many bytes of rows of an engine.
    pub fn new(inner: Arc<dyn Engine>, bytes: usize) -> Self {
        let rows = Cache::with_weighter(bytes / ROW_BYTES_GUESSED, bytes as u64, Bytes);
        Self { inner, rows, stripes: (0..STRIPES).map(|_| Mutex::default()).collect() }
    }

    /// Rows kept now.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Reads a row from the engine, and keeps it if it is the engine's row still.
    #[cold]
    fn fetch(&self, keyspace: Keyspace, key: &[u8], as_kept: RowKey) -> Result<Option<Row>, StoreError> {
        let Some(stripe) = self.stripes.get(as_kept.stripe()) else { return self.inner.get(keyspace, key) };
        let before = stripe.lock().number;
        let row = self.inner.get(keyspace, key)?;
        if let Some(row) = row.as_ref().filter(|row| row.len() <= ROW_BYTES_MAX) {
            let now = stripe.lock();
            if now.writes == 0 && now.number == before {
                self.rows.insert(as_kept, Row::clone(row)); // still under the lock of the stripe
            }
        }
        Ok(row)
    }

    /// Shuts the stripes of what a batch writes to, and takes its keys out of the cache. Says which, one as often as it
    /// was shut.
    fn shut(&self, batch: &Batch) -> Vec<usize> {
        let mut shut = Vec::new();
        let mut shut_one = |stripe: usize| {
            self.stripes.get(stripe).into_iter().for_each(|stripe| stripe.lock().writes += 1);
            shut.push(stripe);
        };
        for op in &batch.ops {
            match op {
                Op::Put { keyspace, key, .. } | Op::Delete { keyspace, key } => {
                    let Some(key) = RowKey::new(*keyspace, key) else { continue };
                    shut_one(key.stripe());
                    self.rows.remove(&key);
                }
                Op::DeleteRange { keyspace, start, end } if is_cached(*keyspace) => {
                    (0..self.stripes.len()).for_each(&mut shut_one);
                    let range = KeyRange::new(start.as_slice(), end.as_slice());
                    self.rows.retain(|key, _| !key.lies_in(*keyspace, &range));
                }
                Op::DeleteRange { .. } => {}
            }
        }
        shut
    }

    /// Opens what a write has shut.
    fn open(&self, shut: &[usize]) {
        for stripe in shut.iter().filter_map(|stripe| self.stripes.get(*stripe)) {
            let mut stripe = stripe.lock();
            stripe.writes -= 1;
            stripe.number += 1;
        }
    }
}

impl Reader for CachedEngine {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        let Some(as_kept) = RowKey::new(keyspace, key) else { return self.inner.get(keyspace, key) };
        match self.rows.get(&as_kept) {
            Some(row) => Ok(Some(row)),
            None => self.fetch(keyspace, key, as_kept),
        }
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(keyspace, range, visit)
    }
}

impl Engine for CachedEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let shut = self.shut(&batch);
        self.inner.write(batch, durability)?; // on failure they stay shut
        self.open(&shut);
        Ok(())
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
        let mut stats = self.inner.stats()?;
        stats.cache_bytes += self.rows.weight();
        Ok(stats)
    }
}

#[cfg(test)]
mod tests;
