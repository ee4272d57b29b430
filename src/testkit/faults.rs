//! An engine that fails on command, and a machine crash that loses what was not synced.
//!
//! [`FaultEngine`] wraps any engine. A [`Fault`] names a verb, which call of it, whether the call takes effect before it
//! reports failure, and the error. Over any inner engine it also remembers what was written since the last successful
//! sync, so that [`FaultEngine::crash`] can hand back the state a machine would find after losing power.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;

use parking_lot::{Condvar, Mutex};

use crate::store::memory::MemoryEngine;
use crate::store::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, Reader, Row, Snapshot, StoreError, Visit,
};

/// The calls that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `get`, on the engine or a snapshot of it.
    Get,
    /// `scan`, on the engine or a snapshot of it.
    Scan,
    /// `write` with either durability.
    Write,
    /// `sync`.
    Sync,
    /// `snapshot`.
    Snapshot,
    /// `compact`.
    Compact,
    /// `flush`.
    Flush,
    /// `checkpoint`.
    Checkpoint,
    /// `stats`.
    Stats,
}

/// A failure to come.
#[derive(Clone, Debug)]
pub struct Fault {
    verb: Option<Verb>,
    after: u64,
    lasting: bool,
    takes_effect: bool,
    error: StoreError,
}

impl Fault {
    /// The next call of `verb` fails.
    pub fn next(verb: Verb, error: StoreError) -> Self {
        Self { verb: Some(verb), after: 0, lasting: false, takes_effect: false, error }
    }

    /// The next call of any verb fails.
    pub fn next_of_any(error: StoreError) -> Self {
        Self { verb: None, after: 0, lasting: false, takes_effect: false, error }
    }

    /// That many matching calls succeed first.
    #[must_use]
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    /// All matching calls fail from then on, until [`FaultEngine::heal`].
    #[must_use]
    pub fn and_all_later(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// The call does its work, and reports failure nevertheless: the unknown outcome.
    #[must_use]
    pub fn having_taken_effect(mut self) -> Self {
        self.takes_effect = true;
        self
    }
}

/// An engine around `E` that fails when told to.
pub struct FaultEngine<E> {
    inner: E,
    plan: Mutex<Plan>,
    resumed: Condvar,
    journal: Mutex<Journal>,
}

#[derive(Default)]
struct Plan {
    faults: Vec<Fault>,
    calls: HashMap<Verb, u64>,
    paused: HashSet<Verb>,
}

/// What a crash would find, and what it may lose.
#[derive(Default)]
struct Journal {
    durable: MemoryEngine,
    unsynced: VecDeque<Batch>,
    /// Batches that went into `durable` so far; with `unsynced` it numbers every batch.
    settled: usize,
}

impl Journal {
    fn written(&self) -> usize {
        self.settled + self.unsynced.len()
    }

    /// The first `written` batches are on disk now.
    fn settle(&mut self, written: usize) -> Result<(), StoreError> {
        while self.settled < written {
            let Some(batch) = self.unsynced.pop_front() else { break };
            self.durable.write(batch, Durability::Synced)?;
            self.settled += 1;
        }
        Ok(())
    }
}

impl<E: Engine> FaultEngine<E> {
    /// Wraps an engine, which must be empty if crashes are to be simulated.
    pub fn new(inner: E) -> Self {
        Self { inner, plan: Mutex::default(), resumed: Condvar::new(), journal: Mutex::default() }
    }

    /// Wraps what [`FaultEngine::crash`] found, all of which is on disk.
    pub fn after_crash(found: MemoryEngine) -> FaultEngine<MemoryEngine> {
        let journal = Journal { durable: found.fork(), ..Journal::default() };
        FaultEngine { inner: found, plan: Mutex::default(), resumed: Condvar::new(), journal: Mutex::new(journal) }
    }

    /// The engine inside.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    /// Plans a failure. Several may be planned; each counts the calls from now on.
    pub fn inject(&self, fault: Fault) {
        self.plan.lock().faults.push(fault);
    }

    /// Forgets every planned failure.
    pub fn heal(&self) {
        self.plan.lock().faults.clear();
    }

    /// Calls of `verb` wait from now on, until [`FaultEngine::resume`].
    pub fn pause(&self, verb: Verb) {
        self.plan.lock().paused.insert(verb);
    }

    /// Calls of `verb` go on.
    pub fn resume(&self, verb: Verb) {
        self.plan.lock().paused.remove(&verb);
        self.resumed.notify_all();
    }

    /// Calls of `verb` so far, failed and waiting ones included.
    pub fn calls(&self, verb: Verb) -> u64 {
        self.plan.lock().calls.get(&verb).copied().unwrap_or_default()
    }

    /// Batches a crash of the machine could lose now.
    pub fn unsynced(&self) -> usize {
        self.journal.lock().unsynced.len()
    }

    /// What a machine finds after losing power now: everything synced, and the first `kept` batches after that (a log
    /// loses its tail, never its middle). This engine goes on as if nothing had happened; drop it.
    pub fn crash(&self, kept: usize) -> Result<MemoryEngine, StoreError> {
        let journal = self.journal.lock();
        let found = journal.durable.fork();
        for batch in journal.unsynced.iter().take(kept) {
            found.write(batch.clone(), Durability::Synced)?;
        }
        Ok(found)
    }

    /// Counts the call, waits while the verb is paused, and says whether a fault strikes.
    fn arrive(&self, verb: Verb) -> Option<Fault> {
        let mut plan = self.plan.lock();
        *plan.calls.entry(verb).or_default() += 1;
        while plan.paused.contains(&verb) {
            self.resumed.wait(&mut plan);
        }
        plan.due(verb)
    }

    /// Runs a call unless a fault forbids it; fails if a fault says so.
    fn call<T>(&self, verb: Verb, run: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.arrive(verb) {
            None => run(),
            Some(fault) if fault.takes_effect => run().and(Err(fault.error)),
            Some(fault) => Err(fault.error),
        }
    }

    /// A call that, when it succeeds, puts everything written before it on disk.
    fn syncing(&self, verb: Verb, run: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut written = 0;
        self.call(verb, || {
            written = self.journal.lock().written();
            run()
        })?;
        self.journal.lock().settle(written)
    }
}

impl Plan {
    /// The fault that strikes this call, if any. Every fault that waits for this verb counts the call.
    fn due(&mut self, verb: Verb) -> Option<Fault> {
        let mut struck = None;
        self.faults.retain_mut(|fault| {
            if fault.verb.is_some_and(|wanted| wanted != verb) {
                return true;
            }
            if fault.after > 0 {
                fault.after -= 1;
                return true;
            }
            let strikes = struck.is_none();
            if strikes {
                struck = Some(fault.clone());
            }
            fault.lasting || !strikes
        });
        struck
    }
}

impl<E: Engine> Reader for FaultEngine<E> {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        self.call(Verb::Get, || self.inner.get(keyspace, key))
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.call(Verb::Scan, || self.inner.scan(keyspace, range, visit))
    }
}

impl<E: Engine> Engine for FaultEngine<E> {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let written = self.call(Verb::Write, || {
            let mut journal = self.journal.lock(); // held over the write, so that both see one order
            self.inner.write(batch.clone(), durability)?;
            journal.unsynced.push_back(batch);
            Ok(journal.written())
        })?; // a write that fails having taken effect stays among those a crash may lose
        if durability == Durability::Synced { self.journal.lock().settle(written) } else { Ok(()) }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.syncing(Verb::Sync, || self.inner.sync())
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let inner = self.call(Verb::Snapshot, || self.inner.snapshot())?;
        Ok(Box::new(FaultSnapshot { engine: self, inner }))
    }

    fn compact(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        self.call(Verb::Compact, || self.inner.compact(keyspace, range))
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.syncing(Verb::Flush, || self.inner.flush())
    }

    fn directory(&self) -> Option<&Path> {
        self.inner.directory()
    }

    fn tidy(&self) -> Result<(), StoreError> {
        self.inner.tidy()
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        self.call(Verb::Checkpoint, || self.inner.checkpoint(directory))
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        self.call(Verb::Stats, || self.inner.stats())
    }
}

struct FaultSnapshot<'a, E> {
    engine: &'a FaultEngine<E>,
    inner: Snapshot<'a>,
}

impl<E: Engine> Reader for FaultSnapshot<'_, E> {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        self.engine.call(Verb::Get, || self.inner.get(keyspace, key))
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.engine.call(Verb::Scan, || self.inner.scan(keyspace, range, visit))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;

    fn full() -> StoreError {
        StoreError::DiskFull { doing: "testing", source: Arc::new(io::Error::from(io::ErrorKind::StorageFull)) }
    }

    fn engine() -> FaultEngine<MemoryEngine> {
        FaultEngine::new(MemoryEngine::new())
    }

    fn put(engine: &dyn Engine, key: u8, durability: Durability) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.put(Keyspace::Control, [key], [key]);
        engine.write(batch, durability)
    }

    fn has(reader: &dyn Reader, key: u8) -> bool {
        reader.get(Keyspace::Control, &[key]).unwrap().is_some()
    }

    #[test]
    fn the_nth_call_fails_once() {
        let engine = engine();
        engine.inject(Fault::next(Verb::Write, full()).after(1));
        let outcomes = [1, 2, 3].map(|key| put(&engine, key, Durability::Buffered).is_ok());
        assert_eq!(outcomes, [true, false, true]);
        assert_eq!([1, 2, 3].map(|key| has(&engine, key)), [true, false, true]);
        assert_eq!(engine.calls(Verb::Write), 3);
    }

    #[test]
    fn a_lasting_fault_of_any_verb_lasts_until_healed() {
        let engine = engine();
        engine.inject(Fault::next_of_any(full()).after(1).and_all_later());
        assert!(put(&engine, 1, Durability::Buffered).is_ok());
        assert!(put(&engine, 2, Durability::Buffered).is_err());
        assert!(engine.sync().is_err() && engine.get(Keyspace::Control, &[1]).is_err());
        engine.heal();
        assert!(has(&engine, 1));
    }

    #[test]
    fn an_effect_with_a_failure_is_an_unknown_outcome() {
        let engine = engine();
        engine.inject(Fault::next(Verb::Write, full()).having_taken_effect());
        assert!(put(&engine, 1, Durability::Synced).is_err());
        assert!(has(&engine, 1));
        assert!(!has(&engine.crash(0).unwrap(), 1) && has(&engine.crash(1).unwrap(), 1));
    }

    #[test]
    fn a_crash_loses_the_unsynced_tail_only() {
        let engine = engine();
        put(&engine, 1, Durability::Synced).unwrap();
        put(&engine, 2, Durability::Buffered).unwrap();
        engine.sync().unwrap();
        put(&engine, 3, Durability::Buffered).unwrap();
        put(&engine, 4, Durability::Buffered).unwrap();
        assert_eq!(engine.unsynced(), 2);
        for (kept, found) in [(0, [true, true, false, false]), (1, [true, true, true, false]), (9, [true; 4])] {
            let after = engine.crash(kept).unwrap();
            assert_eq!([1, 2, 3, 4].map(|key| has(&after, key)), found, "kept {kept}");
        }
        put(&engine, 5, Durability::Synced).unwrap();
        assert_eq!(engine.unsynced(), 0, "a synced write takes everything before it along");
    }

    #[test]
    fn a_failed_sync_makes_nothing_durable() {
        let engine = engine();
        put(&engine, 1, Durability::Buffered).unwrap();
        engine.inject(Fault::next(Verb::Sync, full()));
        assert!(engine.sync().is_err());
        assert_eq!(engine.unsynced(), 1);
    }

    #[test]
    fn a_paused_sync_does_not_hold_up_writers() {
        let engine = engine();
        engine.pause(Verb::Sync);
        std::thread::scope(|scope| {
            let syncing = scope.spawn(|| engine.sync());
            while engine.calls(Verb::Sync) == 0 {
                std::thread::yield_now();
            }
            put(&engine, 1, Durability::Buffered).unwrap();
            engine.resume(Verb::Sync);
            syncing.join().unwrap().unwrap();
        });
        assert!(has(&engine, 1));
    }
}
