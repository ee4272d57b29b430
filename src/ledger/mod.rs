//! The one door to disk: rows and their evidence in one commit.
//!
//! A [`Change`] (rows, the leaf that testifies to them, and what they relied on) goes in; a [`Receipt`] comes out when
//! change and leaf are in the write-ahead log, or on disk. Changes that wait are committed as one group: one batch, one
//! head; those that must be durable share one sync, while the next groups are written. There is one writer at a time
//! and so there are no locks on rows: a change whose facts moved is refused with [`LedgerError::Conflict`], nothing of
//! it is written, and its maker decides anew.
//!
//! The order of leaves is the order of commits; their indexes are dense from 0; leaf, tiles of hashes, head and rows are
//! in the same batch. Nothing here opens, seals or decides, and nothing else writes to the engine. Called by `vault`;
//! opened by `app`.
//!
//! ```
//! use membervault::ledger::{Change, Durability, Event, Ledger, LedgerSettings, Leaf};
//! use membervault::store::{Keyspace, memory::MemoryEngine};
//! use membervault::types::TokenId;
//!
//! let ledger = Ledger::open(std::sync::Arc::new(MemoryEngine::new()), LedgerSettings::default())?;
//! let actor = TokenId::LOCAL_OPERATOR;
//! let leaf = Leaf { minute: 0, actor, purpose: None, reference: [0; 16], event: Event::VaultInit };
//! let mut change = Change::new(leaf);
//! change.put(Keyspace::Control, "key", "row");
//! let receipt = ledger.submit(change, Durability::Synced).wait()?; // or `.await`
//! assert_eq!((receipt.index, receipt.size), (0, 1));
//! # Ok::<(), membervault::ledger::LedgerError>(())
//! ```
//!
//! # Who commits
//!
//! There is a committer thread, but the usual case does not need it: the caller that drives its [`Ticket`] while nobody
//! commits takes the committer's lock and writes for everybody in the queue ("flat combining"). An async caller yields
//! once before, so that all tasks that are ready get their change into the same group.
//!
//! Measured with `benches/ledger.rs` over RocksDB (two cores of an AMD EPYC, busy with other work; three ways
//! interleaved, medians of five runs; a request includes about 10 us of other work): 64 tasks that read cost 22 us of
//! CPU a request this way and 28 us with a thread that is woken for each change; 64 tasks that write, 35 and 37 us;
//! reads a second 48,000 and 42,000, and 43,000 when callers commit without yielding first. Which way it is done is
//! known to `ticket` and `drive` only.

mod change;
mod committer;
mod drive;
mod erasures;
mod error;
#[allow(clippy::module_inception, reason = "the ledger as a whole, among its parts")]
mod ledger;
mod open;
mod overlay;
mod poison;
mod queue;
mod recent;
mod regrow;
mod stored;
mod syncer;
mod ticket;

pub use change::{Change, LateRow, Mark, Reliance};
pub use error::LedgerError;
pub use ledger::{Exclusive, Ledger, LedgerSettings, READ_SYNC_INTERVAL_MS, ReadDurability};
pub use queue::{GROUP_BYTES_MAX, GROUP_CHANGES_MAX, QUEUE_BYTES_MAX, QUEUE_CHANGES_MAX};
pub use regrow::{leaves, regrow};
pub use stored::{StoredLog, root_at};
pub use ticket::{Receipt, Ticket};

pub use crate::codec::{Event, Leaf, LeafKind};
pub use crate::store::Durability;

#[cfg(test)]
mod tests;
