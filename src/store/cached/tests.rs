//! Reads and writes in every order that matters, one inside the other, on one thread: what happens while an engine reads
//! or writes is done by the engine itself. Then the same on many threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::Cause;
use crate::store::memory::MemoryEngine;

const MIB: usize = 1024 * 1024;
/// How deep reads and writes lie within one another.
const DEPTH_MAX: usize = 4;

/// A small generator, so that a seed is a history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// Does something while the engine is in the middle of a call.
type Meanwhile = Box<dyn Fn() + Send + Sync>;

/// The rows of one key, each with the time from which it was there.
type Past = BTreeMap<u64, Option<Row>>;

/// A memory engine that lets things happen before and after it reads and writes, and remembers every row that each key
/// ever had, with the time from which it had it.
#[derive(Default)]
struct Stepped {
    inner: MemoryEngine,
    meanwhile: Mutex<Option<Arc<Meanwhile>>>,
    fail: Mutex<Failing>,
    /// Batches that failed, and may be applied yet.
    late: Mutex<Vec<Batch>>,
    time: AtomicU64,
    past: Mutex<BTreeMap<(Keyspace, Vec<u8>), Past>>,
    gets: AtomicU64,
}

/// What becomes of the next write.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Failing {
    #[default]
    Succeeds,
    Fails,
    FailsHavingTakenEffect,
    FailsAndTakesEffectLater,
}

fn broken() -> StoreError {
    let source: Cause = Arc::new(std::io::Error::other("the test pulled the plug"));
    StoreError::Io { doing: "doing what the test fails", source }
}

impl Stepped {
    fn step(&self) {
        let meanwhile = self.meanwhile.lock().clone();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
    }

    fn apply(&self, batch: Batch) {
        let time = self.time.fetch_add(1, Ordering::SeqCst) + 1;
        self.inner.write(batch, Durability::Buffered).unwrap();
        for ((keyspace, key), past) in &mut *self.past.lock() {
            past.insert(time, self.inner.get(*keyspace, key).unwrap());
        }
    }

    /// The rows that a key had at any time since.
    fn since(&self, keyspace: Keyspace, key: &[u8], time: u64) -> BTreeSet<Option<Row>> {
        let past = self.past.lock();
        let Some(past) = past.get(&(keyspace, key.to_vec())) else { return BTreeSet::from([None]) };
        let before = past.range(..=time).next_back().and_then(|(_, row)| row.clone());
        past.range(time + 1..).map(|(_, row)| row.clone()).chain([before]).collect()
    }
}

impl Reader for Stepped {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.step();
        let row = self.inner.get(keyspace, key)?;
        self.step();
        Ok(row)
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(keyspace, range, visit)
    }
}

impl Engine for Stepped {
    fn write(&self, batch: Batch, _: Durability) -> Result<(), StoreError> {
        let failing = std::mem::take(&mut *self.fail.lock());
        self.step();
        match failing {
            Failing::Succeeds | Failing::FailsHavingTakenEffect => self.apply(batch),
            Failing::FailsAndTakesEffectLater => self.late.lock().push(batch),
            Failing::Fails => {}
        }
        self.step();
        if failing == Failing::Succeeds { Ok(()) } else { Err(broken()) }
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        self.inner.snapshot()
    }

    fn compact(&self, _: Keyspace, _: &KeyRange) -> Result<(), StoreError> {
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        self.inner.checkpoint(directory)
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        self.inner.stats()
    }
}

fn over(bytes: usize) -> (Arc<Stepped>, Arc<CachedEngine>) {
    let within = Arc::new(Stepped::default());
    let cached = Arc::new(CachedEngine::new(Arc::clone(&within) as _, bytes));
    (within, cached)
}

fn put(engine: &dyn Engine, keyspace: Keyspace, key: &[u8], row: &[u8]) {
    let mut batch = Batch::new();
    batch.put(keyspace, key, row);
    engine.write(batch, Durability::Buffered).unwrap();
}

/// Does this once, at the next step of the engine.
fn once(within: &Stepped, what: impl FnOnce() + Send + 'static) {
    let what = Mutex::new(Some(what));
    let meanwhile: Meanwhile = Box::new(move || {
        let what = what.lock().take();
        if let Some(what) = what {
            what();
        }
    });
    *within.meanwhile.lock() = Some(Arc::new(meanwhile));
}

#[test]
fn a_row_read_again_comes_from_the_cache_and_one_written_from_the_engine() {
    let (within, cached) = over(MIB);
    for keyspace in [Keyspace::Control, Keyspace::Records] {
        let reads = |expected: &[u8], from_engine: u64| {
            let before = within.gets.load(Ordering::SeqCst);
            assert_eq!(cached.get(keyspace, b"key").unwrap().as_deref(), Some(expected));
            assert_eq!(within.gets.load(Ordering::SeqCst) - before, from_engine);
        };
        put(&*cached, keyspace, b"key", b"one");
        reads(b"one", 1);
        reads(b"one", 0);
        put(&*cached, keyspace, b"key", b"another");
        reads(b"another", 1);
        reads(b"another", 0);
        put(&*cached, keyspace, b"key2", b"beside it");
        reads(b"another", 0);
    }
    assert_eq!(cached.rows(), 2);
    let mut batch = Batch::new();
    batch.delete(Keyspace::Control, b"key".as_slice()).delete_range(
        Keyspace::Records,
        b"a".as_slice(),
        b"key2".as_slice(),
    );
    cached.write(batch, Durability::Synced).unwrap();
    assert_eq!(cached.rows(), 0, "what is removed leaves memory with the write");
    assert_eq!(cached.get(Keyspace::Control, b"key").unwrap(), None);
    assert_eq!(cached.get(Keyspace::Records, b"key").unwrap(), None);
}

#[test]
fn what_is_long_or_lies_elsewhere_or_is_not_there_is_not_kept() {
    let (_, cached) = over(MIB);
    put(&*cached, Keyspace::Records, b"long", &vec![7; ROW_BYTES_MAX + 1]);
    put(&*cached, Keyspace::Records, &[7; KEY_BYTES_MAX + 1], b"row");
    put(&*cached, Keyspace::Index, b"key", b"row");
    for _ in 0..2 {
        assert_eq!(cached.get(Keyspace::Records, b"long").unwrap().unwrap().len(), ROW_BYTES_MAX + 1);
        assert!(cached.get(Keyspace::Records, &[7; KEY_BYTES_MAX + 1]).unwrap().is_some());
        assert!(cached.get(Keyspace::Index, b"key").unwrap().is_some());
        assert!(cached.get(Keyspace::Control, b"absent").unwrap().is_none());
        assert_eq!(cached.rows(), 0);
    }
    // Keys that differ only in zeros at their end, or in their keyspace, are different keys.
    for (number, key) in [b"key".as_slice(), b"key\0", b"key\0\0", b"", &[7; KEY_BYTES_MAX]].into_iter().enumerate() {
        put(&*cached, Keyspace::Control, key, &[number as u8, 0]);
        put(&*cached, Keyspace::Records, key, &[number as u8, 1]);
    }
    for _ in 0..2 {
        for (number, key) in [b"key".as_slice(), b"key\0", b"key\0\0", b"", &[7; KEY_BYTES_MAX]].into_iter().enumerate()
        {
            assert_eq!(cached.get(Keyspace::Control, key).unwrap(), Some(Row::from([number as u8, 0])));
            assert_eq!(cached.get(Keyspace::Records, key).unwrap(), Some(Row::from([number as u8, 1])));
        }
        assert_eq!(cached.rows(), 10);
    }
}

#[test]
fn memory_is_bounded() {
    let (_, cached) = over(MIB);
    for number in 0..4_000u16 {
        put(&*cached, Keyspace::Records, &number.to_be_bytes(), &[7; 1000]);
        assert!(cached.get(Keyspace::Records, &number.to_be_bytes()).unwrap().is_some());
    }
    let bytes = cached.stats().unwrap().cache_bytes;
    assert!(bytes <= MIB as u64 && bytes > MIB as u64 / 2, "{bytes}");
    let (_, none) = over(0);
    put(&*none, Keyspace::Records, b"key", b"row");
    assert!(none.get(Keyspace::Records, b"key").unwrap().is_some());
    assert_eq!(none.rows(), 0);
}

#[test]
fn a_row_replaced_while_it_is_read_is_not_kept() {
    for removed in [Some(false), Some(true), None] {
        let (within, cached) = over(MIB);
        put(&*cached, Keyspace::Records, b"key", b"old");
        let writer = Arc::clone(&cached);
        // The first step is before the read, the second after it.
        let steps = AtomicU64::new(0);
        let meanwhile: Meanwhile = Box::new(move || {
            if steps.fetch_add(1, Ordering::SeqCst) == 1 {
                let mut batch = Batch::new();
                match removed {
                    Some(false) => batch.put(Keyspace::Records, b"key".as_slice(), b"new".as_slice()),
                    Some(true) => batch.delete(Keyspace::Records, b"key".as_slice()),
                    None => batch.delete_range(Keyspace::Records, b"a".as_slice(), b"z".as_slice()),
                };
                writer.write(batch, Durability::Buffered).unwrap();
            }
        });
        *within.meanwhile.lock() = Some(Arc::new(meanwhile));
        assert_eq!(cached.get(Keyspace::Records, b"key").unwrap().as_deref(), Some(b"old".as_slice()), "read before");
        *within.meanwhile.lock() = None;
        let now = (removed == Some(false)).then_some(b"new".as_slice());
        assert_eq!(cached.get(Keyspace::Records, b"key").unwrap().as_deref(), now);
        assert_eq!(cached.get(Keyspace::Records, b"key").unwrap().as_deref(), now);
    }
}

#[test]
fn a_row_read_while_it_is_written_is_not_kept() {
    let (within, cached) = over(MIB);
    put(&*cached, Keyspace::Control, b"key", b"old");
    assert!(cached.get(Keyspace::Control, b"key").unwrap().is_some());
    let reader = Arc::clone(&cached);
    once(&within, move || {
        let row = reader.get(Keyspace::Control, b"key").unwrap();
        assert_eq!(row.as_deref(), Some(b"old".as_slice()), "not written yet");
    });
    put(&*cached, Keyspace::Control, b"key", b"new");
    assert_eq!(cached.get(Keyspace::Control, b"key").unwrap().as_deref(), Some(b"new".as_slice()));
}

#[test]
fn rows_of_a_failed_write_are_read_from_the_engine_ever_after() {
    for failing in [Failing::Fails, Failing::FailsHavingTakenEffect, Failing::FailsAndTakesEffectLater] {
        let (within, cached) = over(MIB);
        put(&*cached, Keyspace::Control, b"key", b"old");
        assert!(cached.get(Keyspace::Control, b"key").unwrap().is_some());
        *within.fail.lock() = failing;
        let mut batch = Batch::new();
        batch.put(Keyspace::Control, b"key".as_slice(), b"new".as_slice());
        assert!(cached.write(batch, Durability::Buffered).is_err());
        for _ in 0..2 {
            let row = cached.get(Keyspace::Control, b"key").unwrap();
            assert_eq!(row, within.inner.get(Keyspace::Control, b"key").unwrap());
        }
        let late = std::mem::take(&mut *within.late.lock());
        late.into_iter().for_each(|batch| within.apply(batch));
        assert_eq!(
            cached.get(Keyspace::Control, b"key").unwrap(),
            within.inner.get(Keyspace::Control, b"key").unwrap()
        );
    }
}

#[test]
fn a_snapshot_is_not_answered_from_the_cache() {
    let (_, cached) = over(MIB);
    put(&*cached, Keyspace::Records, b"key", b"old");
    let before = cached.snapshot().unwrap();
    put(&*cached, Keyspace::Records, b"key", b"new");
    assert_eq!(cached.get(Keyspace::Records, b"key").unwrap().as_deref(), Some(b"new".as_slice()));
    assert_eq!(before.get(Keyspace::Records, b"key").unwrap().as_deref(), Some(b"old".as_slice()));
}

/// One history: reads, writes, failures, and at each step of the engine more of them.
struct History {
    within: Arc<Stepped>,
    cached: Arc<CachedEngine>,
    dice: Mutex<Dice>,
    depth: AtomicU64,
    hits: AtomicU64,
}

impl History {
    const KEYSPACES: [Keyspace; 3] = [Keyspace::Control, Keyspace::Records, Keyspace::Ledger];

    fn begin(seed: u64, bytes: usize) -> Arc<Self> {
        let (within, cached) = over(bytes);
        let keys = Self::KEYSPACES.iter().flat_map(|keyspace| (0..6u8).map(move |key| (*keyspace, vec![key; 3])));
        *within.past.lock() = keys.map(|key| (key, BTreeMap::new())).collect();
        let (dice, depth, hits) = (Mutex::new(Dice(seed)), AtomicU64::new(0), AtomicU64::new(0));
        let history = Arc::new(Self { within, cached, dice, depth, hits });
        let weak: Weak<Self> = Arc::downgrade(&history);
        let meanwhile: Meanwhile = Box::new(move || {
            let Some(history) = weak.upgrade() else { return };
            let deep = history.depth.load(Ordering::SeqCst) as usize >= DEPTH_MAX;
            for _ in 0..if deep { 0 } else { history.roll(3) } {
                history.act();
            }
        });
        *history.within.meanwhile.lock() = Some(Arc::new(meanwhile));
        history
    }

    fn roll(&self, sides: u64) -> u64 {
        self.dice.lock().roll(sides)
    }

    fn key(&self) -> Vec<u8> {
        vec![self.roll(6) as u8; 3]
    }

    fn keyspace(&self) -> Keyspace {
        Self::KEYSPACES[self.roll(3) as usize]
    }

    fn act(&self) {
        self.depth.fetch_add(1, Ordering::SeqCst);
        match self.roll(12) {
            0..=7 => self.read(),
            8..=10 => self.write(),
            _ => {
                let late = std::mem::take(&mut *self.within.late.lock());
                late.into_iter().for_each(|batch| self.within.apply(batch));
            }
        }
        self.depth.fetch_sub(1, Ordering::SeqCst);
    }

    /// What is read is what the engine had at some moment between the beginning of the read and its end.
    fn read(&self) {
        let (keyspace, key) = (self.keyspace(), self.key());
        let (begun, gets) = (self.within.time.load(Ordering::SeqCst), self.within.gets.load(Ordering::SeqCst));
        let row = self.cached.get(keyspace, &key).unwrap();
        let possible = self.within.since(keyspace, &key, begun);
        assert!(possible.contains(&row), "{keyspace:?} {key:?}: {row:?}, not of {possible:?}");
        if self.within.gets.load(Ordering::SeqCst) == gets {
            self.hits.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn write(&self) {
        let mut batch = Batch::new();
        for _ in 0..=self.roll(3) {
            let (keyspace, key) = (self.keyspace(), self.key());
            match self.roll(6) {
                0..=3 => {
                    let row = self.roll(u64::MAX).to_be_bytes();
                    batch.put(keyspace, key, row)
                }
                4 => batch.delete(keyspace, key),
                _ => batch.delete_range(keyspace, key, self.key()),
            };
        }
        // Failures are seldom, since their stripes stay shut.
        let failing = match self.roll(120) {
            0 => Failing::Fails,
            1 => Failing::FailsHavingTakenEffect,
            2 => Failing::FailsAndTakesEffectLater,
            _ => Failing::Succeeds,
        };
        *self.within.fail.lock() = failing;
        let _outcome = self.cached.write(batch, Durability::Buffered);
    }
}

#[test]
fn whatever_happens_in_the_middle_every_read_is_of_its_time() {
    let mut hits = 0;
    for seed in 0..150 {
        let bytes = if seed % 4 == 0 { 600 } else { MIB };
        let history = History::begin(seed, bytes);
        for _ in 0..60 {
            history.act();
        }
        hits += history.hits.load(Ordering::SeqCst);
    }
    assert!(hits > 500, "{hits} reads were answered from the cache");
}

/// Each key has one writer, which counts up; nobody reads less than what was written before he began.
#[test]
fn no_reader_sees_less_than_was_written_before_he_began() {
    const KEYS: usize = 8;
    const WRITES: u64 = 4_000;
    let cached = Arc::new(CachedEngine::new(Arc::new(MemoryEngine::new()), MIB));
    let written: Arc<Vec<AtomicU64>> = Arc::new((0..KEYS).map(|_| AtomicU64::new(0)).collect());
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (cached, written) = (Arc::clone(&cached), Arc::clone(&written));
            scope.spawn(move || {
                for number in 1..=WRITES {
                    let key = (number as usize * 2 + writer) % KEYS;
                    put(&*cached, Keyspace::Records, &[key as u8], &number.to_be_bytes());
                    written[key].store(number, Ordering::SeqCst);
                }
            });
        }
        for reader in 0..2 {
            let (cached, written) = (Arc::clone(&cached), Arc::clone(&written));
            scope.spawn(move || {
                let mut dice = Dice(reader);
                while written.iter().any(|number| number.load(Ordering::SeqCst) + KEYS as u64 <= WRITES) {
                    let key = dice.roll(KEYS as u64) as usize;
                    let before = written[key].load(Ordering::SeqCst);
                    let row = cached.get(Keyspace::Records, &[key as u8]).unwrap();
                    let read = row.map_or(0, |row| u64::from_be_bytes(row[..].try_into().unwrap()));
                    assert!(read >= before, "read {read} after {before} was written");
                }
            });
        }
    });
}
