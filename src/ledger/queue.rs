//! Where changes wait for the next group: bounded in number and in bytes.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::change::Change;
use super::error::LedgerError;
use super::ticket::Completer;
use crate::store::Durability;

/// Changes that may wait. Far above the connections a server accepts, so only a runaway caller meets it.
pub const QUEUE_CHANGES_MAX: usize = 4096;
/// Bytes that may wait: some dozens of the largest records.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Changes in one group. What a group costs once (root, head, log record) is small beside 32 changes, and while a long
/// group is written everybody who is in it has nothing to do: with 64 tasks on two cores, groups of up to 8, 16 or 32
/// gave 75,000 to 80,000 reads a second, one group of all 55,000 to 65,000 (`benches/ledger.rs`).
pub const GROUP_CHANGES_MAX: usize = 32;
/// Bytes in one group, one change excepted: bounds the batch handed to the engine.
pub const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A change, and who waits for it.
pub(super) struct Pending {
    pub(super) change: Change,
    pub(super) durability: Durability,
    pub(super) completer: Completer,
}

pub(super) struct Queue(Mutex<Waiting>);

struct Waiting {
    changes: VecDeque<Pending>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        let changes = VecDeque::with_capacity(2 * GROUP_CHANGES_MAX);
        Self(Mutex::new(Waiting { changes, bytes: 0, closed: false }))
    }

    /// Appends a change, or says at once why not.
    ///
    /// A single change larger than all that may wait is taken by an empty queue, or it could never be committed.
    pub(super) fn push(&self, change: Change, durability: Durability, completer: Completer) -> Result<(), LedgerError> {
        let mut waiting = self.0.lock();
        if waiting.closed {
            return Err(LedgerError::Closed);
        }
        let bytes = waiting.bytes.saturating_add(change.bytes);
        let too_many = waiting.changes.len() >= QUEUE_CHANGES_MAX;
        if too_many || (bytes > QUEUE_BYTES_MAX && !waiting.changes.is_empty()) {
            return Err(LedgerError::Overloaded);
        }
        waiting.bytes = bytes;
        waiting.changes.push_back(Pending { change, durability, completer });
        Ok(())
    }

    /// The next group, in the order of submission; empty if nothing waits.
    pub(super) fn take(&self) -> Vec<Pending> {
        let mut waiting = self.0.lock();
        let mut bytes = 0;
        let fits = |pending: &&Pending| {
            bytes += pending.change.bytes;
            bytes <= GROUP_BYTES_MAX
        };
        let count = waiting.changes.iter().take(GROUP_CHANGES_MAX).take_while(fits).count();
        let count = count.max(1).min(waiting.changes.len()); // one that is larger than a group is a group
        let group: Vec<Pending> = waiting.changes.drain(..count).collect();
        waiting.bytes = waiting.bytes.saturating_sub(group.iter().map(|pending| pending.change.bytes).sum());
        group
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().changes.is_empty()
    }

    /// Takes no more; what waits stays to be committed.
    pub(super) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Takes no more and drops what waits, which answers each with `Broken`.
    pub(super) fn abandon(&self) {
        let mut waiting = self.0.lock();
        waiting.closed = true;
        waiting.bytes = 0;
        let unanswered = std::mem::take(&mut waiting.changes);
        drop(waiting);
        drop(unanswered);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().closed
    }
}
