//! What can become of a change besides a receipt.

use std::io;
use std::sync::Arc;

use crate::code::{Code, Coded};
use crate::codec::CodecError;
use crate::store::StoreError;

/// A change was not committed, or the ledger cannot be opened. Cloned to everybody of a group that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Something the change relied on is no longer so. Nothing of it was written; decide anew.
    #[error("what the change relied on has changed meanwhile")]
    Conflict,
    /// The member was erased while the change was under way. Nothing of it was written.
    #[error("the member was erased meanwhile")]
    Fenced,
    /// As much waits as may wait. Nothing of the change was written.
    #[error("the ledger has as many changes waiting as it accepts; try again in a moment")]
    Overloaded,
    /// The ledger is closed or closing. Nothing of the change was written.
    #[error("the ledger is closed")]
    Closed,
    /// The write or sync that carried this change failed. Whether the change is there shows after reopening.
    #[error("the change could not be made durable; restart the vault and see whether it is there")]
    Store(#[source] StoreError),
    /// An earlier write or sync failed, and the ledger takes nothing more. Nothing of the change was written.
    #[error("the ledger stopped when a write failed; restart the vault once the cause is removed")]
    Poisoned(#[source] StoreError),
    /// A commit was begun and never ended, which is a defect of the program. Whether the change is there shows after
    /// reopening.
    #[error("the ledger stopped in the middle of a commit; restart the vault, and report it")]
    Broken,
    /// The storage engine could not be read.
    #[error("the ledger cannot be read")]
    Read(#[from] StoreError),
    /// A stored row is not what it should be.
    #[error("a row of the ledger cannot be read")]
    Row(#[from] CodecError),
    /// The stored rows contradict each other.
    #[error("the ledger in the database is damaged: {what}; restore the newest backup")]
    Corrupt {
        /// What was found.
        what: &'static str,
    },
    /// The operating system gave no thread.
    #[error("the ledger could not start its threads")]
    Threads(#[source] Arc<io::Error>),
}

impl Coded for LedgerError {
    fn code(&self) -> Code {
        match self {
            Self::Conflict => Code::Conflict,
            Self::Fenced => Code::Gone,
            Self::Overloaded => Code::Overloaded,
            Self::Closed => Code::ShuttingDown,
            Self::Store(source) | Self::Poisoned(source) | Self::Read(source) => source.code(),
            Self::Row(source) => source.code(),
            Self::Corrupt { .. } => Code::Corrupt,
            Self::Threads(_) => Code::Io,
            Self::Broken => Code::Internal,
        }
    }
}
