//! Typed rows over engine bytes: where each kind of row lies, how it is read, how a range of them is listed.
//!
//! One file per noun, each with its `KEYSPACE`, its `key`, its point reads and its bounded scans. Knows no key and opens
//! nothing: what is sealed is handed on as the bytes it is. Never writes; what is to be written goes into a change of
//! the `ledger`. Called by `keyring`, `ledger` and `vault`.
//!
//! Everything takes a [`Reader`](crate::store::Reader), so the same lines read the present state and a snapshot.

pub mod access;
pub mod agreed;
pub mod cosigned;
pub mod dirty;
pub mod erasure;
pub mod fence;
pub mod freeze;
pub mod hold;
pub mod idempotency;
pub mod import;
pub mod member;
pub mod meta;
pub mod node;
pub mod notice;
pub mod page;
pub mod pending;
pub mod posting;
pub mod recipient;
pub mod record;
pub mod request;
pub mod residual;
pub mod residue;
pub mod rotation;
mod scan;
pub mod schema;
pub mod share;
pub mod token;
pub mod window;

pub use scan::{Chunk, SCAN_BYTES_MAX, SCAN_ROWS_MAX};

use crate::code::{Code, Coded};
use crate::codec::CodecError;
use crate::store::StoreError;

/// Why a row could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The row is not what its place says; restore it from a backup.
    #[error("a stored row cannot be read")]
    Row(#[from] CodecError),
}

impl Coded for TablesError {
    fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Row(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests;
