//! The thread that makes groups durable: one `sync` for everybody who waits, while the next groups are written.
//!
//! Buffered leaves are synced with the others, or within the interval. While nothing is written the thread sleeps
//! without a timeout.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::poison::Poison;
use super::ticket::{Completer, Receipt};
use crate::store::Engine;

/// Changes that may wait for a sync. They are small by now; the bound is for a disk that stands still.
pub(super) const SYNC_WAITING_MAX: usize = 16 * 1024;

pub(super) struct Syncer {
    state: Mutex<Unsynced>,
    wake: Condvar,
    /// Length of the waiting list, readable without the lock.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Unsynced {
    /// Written, and acknowledged after the next sync.
    waiting: Vec<(Completer, Receipt)>,
    /// Something written was not synced yet.
    dirty: bool,
    stopping: bool,
    /// The thread is gone: nobody would ever answer.
    ended: bool,
}

impl Syncer {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), wake: Condvar::new(), waiting: AtomicUsize::new(0) }
    }

    /// Whether as much waits as may wait.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= SYNC_WAITING_MAX
    }

    /// A group was written; `durable` are its changes that must be synced before they are acknowledged.
    pub(super) fn written(&self, durable: &mut Vec<(Completer, Receipt)>) {
        let mut state = self.state.lock();
        if state.ended {
            return durable.clear(); // answers each with `Broken`
        }
        let wake = !state.dirty || (state.waiting.is_empty() && !durable.is_empty());
        state.dirty = true;
        state.waiting.append(durable);
        self.waiting.store(state.waiting.len(), Ordering::Relaxed);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// After what waits is synced, the thread ends.
    pub(super) fn stop(&self) {
        self.state.lock().stopping = true;
        self.wake.notify_one();
    }

    /// The body of the thread.
    pub(super) fn run(&self, engine: &dyn Engine, poison: &Poison, interval: Duration) {
        let _end = End(self);
        let mut batch = Vec::new();
        while self.next(&mut batch, interval) {
            let synced = poison.unfailed().and_then(|()| engine.sync()).map_err(|error| poison.fail(error));
            for (completer, receipt) in batch.drain(..) {
                completer.complete(synced.clone().map(|()| receipt));
            }
        }
    }

    /// Sleeps until there is something to sync, and takes it; `false` when all is done.
    fn next(&self, batch: &mut Vec<(Completer, Receipt)>, interval: Duration) -> bool {
        let mut state = self.state.lock();
        while state.waiting.is_empty() && !state.stopping {
            if !state.dirty {
                self.wake.wait(&mut state);
            } else if self.wake.wait_for(&mut state, interval).timed_out() {
                break;
            }
        }
        if state.stopping && !state.dirty {
            return false;
        }
        state.dirty = false;
        std::mem::swap(&mut state.waiting, batch);
        self.waiting.store(0, Ordering::Relaxed);
        true
    }
}

/// However the thread ends, even by a panic of the engine: nobody waits for it any longer.
struct End<'a>(&'a Syncer);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.ended = true;
        let unanswered = std::mem::take(&mut state.waiting);
        drop(state);
        drop(unanswered);
    }
}
