//! The end of a ledger whose engine failed.
//!
//! A failed `fsync` may have thrown away the very pages it was to write, and the kernel then counts them as clean: the
//! next `fsync` succeeds and proves nothing. A failed write leaves the log with an unknown end, while the tree in
//! memory has moved on. In both cases the only party who knows the truth is the disk, so the ledger takes nothing more
//! and the vault must be opened again, which reads what is really there.

use std::sync::OnceLock;

use super::error::LedgerError;
use crate::store::StoreError;

#[derive(Default)]
pub(super) struct Poison(OnceLock<StoreError>);

impl Poison {
    /// Refuses when something failed before.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.unfailed().map_err(LedgerError::Poisoned)
    }

    /// The first failure, for those whose write succeeded and whose sync must not be tried any more.
    pub(super) fn unfailed(&self) -> Result<(), StoreError> {
        self.0.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Nothing is taken after this. Gives the error of those whose own write or sync it was, so that their fate is
    /// unknown. Of several failures the first is kept.
    pub(super) fn fail(&self, error: StoreError) -> LedgerError {
        let _first = self.0.set(error.clone());
        LedgerError::Store(error)
    }
}
