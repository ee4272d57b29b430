//! Who commits, and when: queue in front, committer behind one lock, syncer thread after it.
//!
//! Nobody waits for the committer's lock: who drives a ticket tries it once. Whoever gets it commits for everybody in
//! the queue and looks again after letting go, so a change is never left behind; who does not get it has its change
//! committed by the one who did. The committer thread is for what nobody drives: dropped tickets, closing, and the
//! rest of a crowd.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::thread;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::change::Change;
use super::committer::{Committed, Committer};
use super::error::LedgerError;
use super::poison::Poison;
use super::queue::{Pending, Queue};
use super::syncer::Syncer;
use super::ticket::{Completer, Outcome, Receipt};
use crate::codec::HeadRow;
use crate::store::Durability;

/// Groups one caller commits in a row for others before it hands over to the committer thread, so that no task is
/// held for long by the work of others: about two milliseconds of reads.
const GROUPS_IN_A_ROW_MAX: usize = 8;

/// What tickets and threads share.
pub(super) struct Core {
    pub(super) queue: Queue,
    pub(super) committer: Mutex<Committer>,
    pub(super) syncer: Syncer,
    pub(super) poison: Poison,
    pub(super) bell: Bell,
    /// The state after the last group, for readers.
    pub(super) head: Mutex<HeadRow>,
    pub(super) mark: AtomicU64,
    pub(super) generation: AtomicU64,
}

impl Core {
    pub(super) fn new(committer: Committer) -> Self {
        Self {
            queue: Queue::new(),
            head: Mutex::new(committer.committed().head),
            committer: Mutex::new(committer),
            syncer: Syncer::new(),
            poison: Poison::default(),
            bell: Bell::default(),
            mark: AtomicU64::new(0),
            generation: AtomicU64::new(0),
        }
    }

    pub(super) fn enqueue(
        &self,
        change: Change,
        durability: Durability,
        completer: Completer,
    ) -> Result<(), LedgerError> {
        self.poison.check()?;
        if durability == Durability::Synced && self.syncer.is_full() {
            return Err(LedgerError::Overloaded);
        }
        self.queue.push(change, durability, completer)
    }

    /// Commits what waits, unless somebody else is at it, who then does.
    pub(super) fn drive(&self) {
        for _ in 0..GROUPS_IN_A_ROW_MAX {
            // Pairs with the fence below: either this attempt finds the lock free, or its holder, after letting it go,
            // finds our change in the queue.
            fence(Ordering::SeqCst);
            let Some(committer) = self.committer.try_lock() else { return };
            self.commit_group(committer);
            fence(Ordering::SeqCst);
            if self.queue.is_empty() {
                return;
            }
        }
        self.bell.ring();
    }

    /// Leaves what waits, if anything does, to the committer thread.
    pub(super) fn nudge(&self) {
        if !self.queue.is_empty() {
            self.bell.ring();
        }
    }

    /// Takes one group from the queue, writes it, lets the lock go and tells who waited. `false` if nothing waited.
    fn commit_group(&self, mut committer: MutexGuard<'_, Committer>) -> bool {
        let _abandon = AbandonOnPanic(self);
        let mut group = self.queue.take();
        if group.is_empty() {
            return false;
        }
        let mut outcomes = Vec::with_capacity(group.len());
        let changes = group.iter_mut().map(|pending| &mut pending.change);
        let written = self.write(&mut committer, changes, &mut outcomes);
        let done = self.hand_on(group, written, outcomes);
        drop(committer);
        // Waking takes time, so it is done when the next group can already be under way.
        for (completer, outcome) in done {
            completer.complete(outcome);
        }
        true
    }

    /// Writes changes and publishes the state after them.
    pub(super) fn write<'c>(
        &self,
        committer: &mut Committer,
        changes: impl ExactSizeIterator<Item = &'c mut Change>,
        outcomes: &mut Vec<Result<u64, LedgerError>>,
    ) -> Result<u64, LedgerError> {
        self.poison.check()?;
        if committer.is_torn() {
            return Err(LedgerError::Broken);
        }
        committer.commit(changes, outcomes).map_err(|error| self.poison.fail(error))?;
        let Committed { head, mark, generation } = committer.committed();
        *self.head.lock() = head;
        self.generation.store(generation, Ordering::Release);
        self.mark.store(mark.0, Ordering::Release);
        Ok(head.size)
    }

    /// Gives to the syncer what waits for a sync, and back what is done. Called with the committer locked: who has the
    /// lock and finds the queue empty knows that nothing is on its way to the syncer.
    fn hand_on(
        &self,
        group: Vec<Pending>,
        written: Result<u64, LedgerError>,
        outcomes: Vec<Result<u64, LedgerError>>,
    ) -> Vec<(Completer, Outcome)> {
        let size = match written {
            Ok(size) => size,
            Err(failed) => return group.into_iter().map(|pending| (pending.completer, Err(failed.clone()))).collect(),
        };
        let dirty = outcomes.iter().any(Result::is_ok);
        let mut done = Vec::with_capacity(group.len());
        let mut durable = Vec::new();
        for (Pending { durability, completer, .. }, outcome) in group.into_iter().zip(outcomes) {
            match outcome.map(|index| Receipt { index, size }) {
                Ok(receipt) if durability == Durability::Synced => durable.push((completer, receipt)),
                outcome => done.push((completer, outcome)),
            }
        }
        if dirty {
            self.syncer.written(&mut durable);
        }
        done
    }

    /// The body of the committer thread: commits what nobody else does.
    pub(super) fn run_committer(&self) {
        loop {
            let stopping = self.bell.wait();
            self.commit_all();
            if stopping {
                return;
            }
        }
    }

    /// Ends when a look into the queue with the lock held found nothing, so that nothing is under way, and so did one
    /// after letting it go, so that nobody who found it taken is forgotten.
    fn commit_all(&self) {
        loop {
            let committed = self.commit_group(self.committer.lock());
            fence(Ordering::SeqCst);
            if !committed && self.queue.is_empty() {
                return;
            }
        }
    }
}

/// If the engine panics, nobody may be left waiting in the queue.
struct AbandonOnPanic<'a>(&'a Core);

impl Drop for AbandonOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.queue.abandon();
        }
    }
}

/// Wakes the committer thread.
#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<Rung>,
    wake: Condvar,
}

#[derive(Default)]
struct Rung {
    rung: bool,
    stopping: bool,
}

impl Bell {
    fn ring(&self) {
        self.state.lock().rung = true;
        self.wake.notify_one();
    }

    pub(super) fn stop(&self) {
        self.state.lock().stopping = true;
        self.wake.notify_one();
    }

    /// Sleeps until somebody rings; `true` when it was the last time.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while !state.rung && !state.stopping {
            self.wake.wait(&mut state);
        }
        state.rung = false;
        state.stopping
    }
}
