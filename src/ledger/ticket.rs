//! The caller's end of a change under way: waits for the receipt.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use parking_lot::Mutex;

use super::drive::Core;
use super::error::LedgerError;

/// Where a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The index of the change's first leaf.
    pub index: u64,
    /// The size of the log after the group this change was committed in: a size whose root was stored.
    pub size: u64,
}

/// What became of a change.
pub(super) type Outcome = Result<Receipt, LedgerError>;

/// A change under way.
///
/// Like every future it does nothing of its own accord: the change is committed when this, or any other ticket, is
/// polled or waited for. A ticket that is dropped before does *not* take its change back; the committer thread then
/// commits it soon.
#[must_use = "nothing is committed before a ticket is awaited or waited for"]
pub struct Ticket(State);

enum State {
    /// The outcome was known when the change was submitted; taken when it is `None`.
    Settled(Option<Outcome>),
    Queued {
        slot: Arc<Slot>,
        core: Arc<Core>,
        /// Whether other tasks had their turn to submit since.
        yielded: bool,
    },
}

impl Ticket {
    pub(super) fn settled(outcome: Outcome) -> Self {
        Self(State::Settled(Some(outcome)))
    }

    pub(super) fn queued(slot: Arc<Slot>, core: Arc<Core>) -> Self {
        Self(State::Queued { slot, core, yielded: false })
    }

    /// Blocks the calling thread until the outcome is known. Not for async tasks: they await the ticket.
    pub fn wait(mut self) -> Outcome {
        if let State::Queued { yielded, .. } = &mut self.0 {
            *yielded = true; // a thread has no other task to run first
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Future for Ticket {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = match &mut self.0 {
            // A future that is polled after its end may answer anything; this one says that there is nothing more.
            State::Settled(outcome) => outcome.take().unwrap_or(Err(LedgerError::Closed)),
            State::Queued { slot, core, yielded } => match poll_queued(slot, core, yielded, context.waker()) {
                Some(outcome) => outcome,
                None => return Poll::Pending,
            },
        };
        self.0 = State::Settled(None);
        Poll::Ready(outcome)
    }
}

/// Lets other tasks submit first, then commits everything that waits, then looks for the outcome.
///
/// The first poll only yields: the tasks that are ready now run up to their own submits, and whoever comes back first
/// commits for all of them, in one batch, without a wake-up between threads.
fn poll_queued(slot: &Slot, core: &Core, yielded: &mut bool, waker: &Waker) -> Option<Outcome> {
    if !*yielded {
        *yielded = true;
        let early = slot.take();
        if early.is_none() {
            waker.wake_by_ref();
        }
        return early;
    }
    if let Some(outcome) = slot.take() {
        return Some(outcome);
    }
    core.drive();
    slot.take_or_register(waker)
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let State::Queued { core, .. } = &self.0 {
            core.nudge();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Where the outcome is put down for the ticket.
#[derive(Default)]
pub(super) struct Slot(Mutex<SlotState>);

#[derive(Default)]
enum SlotState {
    #[default]
    Waiting,
    Watched(Waker),
    Done(Outcome),
    Taken,
}

impl Slot {
    fn take(&self) -> Option<Outcome> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, SlotState::Taken) {
            SlotState::Done(outcome) => Some(outcome),
            other => {
                *state = other;
                None
            }
        }
    }

    fn take_or_register(&self, waker: &Waker) -> Option<Outcome> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, SlotState::Taken) {
            SlotState::Done(outcome) => Some(outcome),
            SlotState::Watched(old) if old.will_wake(waker) => {
                *state = SlotState::Watched(old);
                None
            }
            _ => {
                *state = SlotState::Watched(waker.clone());
                None
            }
        }
    }
}

/// The committer's end: completes the ticket exactly once, even if it is dropped on the way.
pub(super) struct Completer(Option<Arc<Slot>>);

impl Completer {
    pub(super) fn new(slot: Arc<Slot>) -> Self {
        Self(Some(slot))
    }

    pub(super) fn complete(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        let Some(slot) = self.0.take() else { return };
        let before = std::mem::replace(&mut *slot.0.lock(), SlotState::Done(outcome));
        if let SlotState::Watched(waker) = before {
            waker.wake();
        }
    }
}

impl Drop for Completer {
    fn drop(&mut self) {
        self.settle(Err(LedgerError::Broken));
    }
}
