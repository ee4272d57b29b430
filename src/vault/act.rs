//! One act: decide, commit, and only then answer.
//!
//! A verb's `prepare` step looks at the facts, decides, and hands back a `Prepared`: the reply, and the change that
//! must be committed before the reply may leave. Nothing but this module takes the reply out, so a read is in the log
//! before its plaintext leaves, and a write is durable before it is acknowledged. When the facts moved while the
//! change waited, `prepare` runs again, a bounded number of times. When something was frozen meanwhile, a read is decided
//! once more before its reply leaves; a write that is committed is acknowledged, since it shows nothing.
//!
//! An act is driven by [`Act::wait`] (command line, jobs, tests) or [`Act::settled`] (inside an async task: the
//! decision runs in the caller's task, the wait for the commit does not block it).

use crate::ledger::{Change, Durability, LedgerError, Receipt, Ticket};
use crate::policy::Denial;

use super::{Error, Vault};

/// How often a command is decided anew when other commands change its facts, before it is refused with `conflict`.
///
/// Each round at least one of the competing commands wins, so this bounds the number of writers of one row that can be
/// in flight together before one of them is sent back to its caller.
pub const DECISIONS_MAX: usize = 64;

/// A reply that waits for its evidence.
pub(crate) struct Prepared<T> {
    reply: T,
    change: Option<(Change, Durability)>,
    done: Option<Done<T>>,
    /// Whether the reply shows data, and so must not leave once its caller is frozen.
    shows: bool,
}

/// What is still to be filled in or remembered once the change is committed.
type Done<T> = Box<dyn FnOnce(&mut T, &Receipt) + Send>;

impl<T> Prepared<T> {
    /// A reply whose change is fsynced before it leaves.
    pub(crate) fn durable(reply: T, change: Change) -> Self {
        Self { reply, change: Some((change, Durability::Synced)), done: None, shows: false }
    }

    /// A reply whose evidence is in the write-ahead log before it leaves.
    pub(crate) fn logged(reply: T, change: Change) -> Self {
        Self { reply, change: Some((change, Durability::Buffered)), done: None, shows: true }
    }

    /// A reply that says nothing about a member and needs no evidence.
    pub(crate) fn unlogged(reply: T) -> Self {
        Self { reply, change: None, done: None, shows: false }
    }

    /// A change whose reply shows data too.
    pub(crate) fn that_shows_data(self) -> Self {
        Self { shows: true, ..self }
    }

    /// Runs `done` once the change is committed, before the reply leaves.
    pub(crate) fn then(mut self, done: impl FnOnce(&mut T, &Receipt) + Send + 'static) -> Self {
        self.done = Some(Box::new(done));
        self
    }
}

/// A refusal, with the evidence of it where it is one that the log must show.
pub(crate) struct Refusal {
    error: Error,
    /// Boxed, so that what is rare does not widen every result on the way of what is common.
    evidence: Option<Box<Change>>,
}

impl Refusal {
    /// A refusal that leaves a leaf in the ledger.
    pub(crate) fn logged(error: Error, evidence: Change) -> Self {
        Self { error, evidence: Some(Box::new(evidence)) }
    }
}

impl Refusal {
    /// Whether a legal hold is what stands against it.
    pub(crate) const fn is_hold(&self) -> bool {
        matches!(self.error, Error::Denied(Denial::LegalHold))
    }

    /// The same refusal, which also writes down `more` where its own evidence goes.
    pub(crate) fn noting(self, more: Change) -> Self {
        let Self { error, evidence } = self;
        let evidence = match evidence {
            Some(mut change) => {
                change.absorb(more);
                change
            }
            None => Box::new(more),
        };
        Self { error, evidence: Some(evidence) }
    }

    /// Why, without the evidence: for what asks again what was allowed a moment before.
    pub(crate) fn into_error(self) -> Error {
        self.error
    }
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { error: error.into(), evidence: None }
    }
}

/// The decision step of a verb.
pub(crate) type Decision<T> = Result<Prepared<T>, Refusal>;

/// A verb about to happen. Nothing happens until it is driven by [`Act::wait`] or [`Act::settled`].
#[must_use = "an act does nothing until it is waited for"]
pub struct Act<'v, T> {
    vault: &'v Vault,
    prepare: Box<dyn FnMut() -> Decision<T> + Send + 'v>,
}

/// What a decision leads to: an answer at once, a commit to wait for, or another decision.
enum Step<T> {
    Answer(Result<T, Error>),
    Commit(Ticket, Reply<T>),
    Refuse(Ticket, Error),
    Again,
}

/// A reply whose change is under way.
struct Reply<T> {
    reply: T,
    done: Option<Done<T>>,
    /// How often something had been frozen before a read was decided; `None` for a write.
    seen: Option<u64>,
}

impl<'v, T> Act<'v, T> {
    pub(crate) fn new(vault: &'v Vault, prepare: impl FnMut() -> Decision<T> + Send + 'v) -> Self {
        Self { vault, prepare: Box::new(prepare) }
    }

    /// Decides, commits and answers, blocking the calling thread.
    pub fn wait(mut self) -> Result<T, Error> {
        for _ in 0..DECISIONS_MAX {
            match self.step() {
                Step::Answer(answer) => return answer,
                Step::Refuse(ticket, error) => return refused(ticket.wait(), error),
                Step::Again => {}
                Step::Commit(ticket, reply) => {
                    let seen = reply.seen;
                    let Ok(answer) = reply.committed(ticket.wait()) else { continue };
                    return match self.stopped_since(seen) {
                        None => answer,
                        Some((ticket, error)) => refused(ticket.wait(), error),
                    };
                }
            }
        }
        Err(Error::Conflict)
    }

    /// Decides in the calling task, then waits for the commit without blocking its thread.
    pub async fn settled(mut self) -> Result<T, Error> {
        for _ in 0..DECISIONS_MAX {
            match self.step() {
                Step::Answer(answer) => return answer,
                Step::Refuse(ticket, error) => return refused(ticket.await, error),
                Step::Again => {}
                Step::Commit(ticket, reply) => {
                    let seen = reply.seen;
                    let Ok(answer) = reply.committed(ticket.await) else { continue };
                    return match self.stopped_since(seen) {
                        None => answer,
                        Some((ticket, error)) => refused(ticket.await, error),
                    };
                }
            }
        }
        Err(Error::Conflict)
    }

    /// Whether a read that is in the log may not be answered any more, because its caller was frozen after the decision.
    fn stopped_since(&mut self, seen: Option<u64>) -> Option<(Ticket, Error)> {
        seen.filter(|seen| *seen != self.vault.guards().frozen_times())?;
        match (self.prepare)() {
            Err(Refusal { error: error @ Error::Denied(Denial::Frozen), evidence: Some(change) }) => {
                Some((self.vault.ledger().submit(*change, Durability::Buffered), error))
            }
            _ => None,
        }
    }

    fn step(&mut self) -> Step<T> {
        let frozen_times = self.vault.guards().frozen_times();
        match (self.prepare)() {
            Ok(Prepared { reply, change: None, .. }) => Step::Answer(Ok(reply)),
            Ok(Prepared { reply, change: Some((change, durability)), done, shows }) => {
                let seen = shows.then_some(frozen_times);
                Step::Commit(self.vault.ledger().submit(change, durability), Reply { reply, done, seen })
            }
            // The facts moved between one look and the next.
            Err(Refusal { error: Error::Conflict, evidence: None }) => Step::Again,
            Err(Refusal { error, evidence: None }) => Step::Answer(Err(error)),
            Err(Refusal { error, evidence: Some(change) }) => {
                Step::Refuse(self.vault.ledger().submit(*change, Durability::Buffered), error)
            }
        }
    }
}

/// Drives acts side by side, blocking the calling thread: all decide before any is waited for, so that they share what
/// the disk takes. The answers come as they come.
pub(crate) fn wait_for_all<T>(mut acts: Vec<Act<'_, T>>) -> Vec<Result<T, Error>> {
    let mut answers = Vec::with_capacity(acts.len());
    for _ in 0..DECISIONS_MAX {
        let steps: Vec<_> = acts.iter_mut().map(Act::step).collect();
        let mut again = Vec::new();
        for (mut act, step) in acts.into_iter().zip(steps) {
            match step {
                Step::Answer(answer) => answers.push(answer),
                Step::Refuse(ticket, error) => answers.push(refused(ticket.wait(), error)),
                Step::Again => again.push(act),
                Step::Commit(ticket, reply) => {
                    let seen = reply.seen;
                    match (reply.committed(ticket.wait()), act.stopped_since(seen)) {
                        (Err(Moved), _) => again.push(act),
                        (Ok(answer), None) => answers.push(answer),
                        (Ok(_), Some((ticket, error))) => answers.push(refused(ticket.wait(), error)),
                    }
                }
            }
        }
        acts = again;
        if acts.is_empty() {
            return answers;
        }
    }
    answers.extend(acts.iter().map(|_| Err(Error::Conflict)));
    answers
}

/// The facts moved; decide anew.
struct Moved;

impl<T> Reply<T> {
    fn committed(mut self, outcome: Result<Receipt, LedgerError>) -> Result<Result<T, Error>, Moved> {
        match outcome {
            Ok(receipt) => {
                if let Some(done) = self.done {
                    done(&mut self.reply, &receipt);
                }
                Ok(Ok(self.reply))
            }
            // A fence set meanwhile is a fact like any other: the next decision sees it and answers `gone`.
            Err(LedgerError::Conflict | LedgerError::Fenced) => Err(Moved),
            Err(error) => Ok(Err(error.into())),
        }
    }
}

/// A refusal is not answered before it is in the log; if it cannot be logged, that is the answer.
fn refused<T>(outcome: Result<Receipt, LedgerError>, error: Error) -> Result<T, Error> {
    match outcome {
        Ok(_) => Err(error),
        Err(failed) => Err(failed.into()),
    }
}
