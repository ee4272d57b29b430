//! The hashes of the log as proofs and tiles need them, with the roots of full tiles remembered.
//!
//! At the right edge of a large log a proof takes the roots of some hundred tiles, which are the same for the next one:
//! at a million leaves the first takes a hundred times as long as the second. They never change, and whoever asks must
//! not make the vault compute them again each time.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::ledger::{LedgerError, StoredLog};
use crate::tlog::{Hash, HashSource};

/// Roots that are remembered: those of the right edge of any log, many times over. Two megabytes.
const ROOTS_MAX: usize = 16 * 1024;

/// Roots of full tiles, by level and index.
#[derive(Default)]
pub(super) struct TileRoots(Mutex<HashMap<(u8, u64), Hash>>);

/// The stored log, and what is remembered of it.
pub(super) struct LogTiles<'a> {
    pub(super) stored: StoredLog<'a>,
    pub(super) roots: &'a TileRoots,
}

impl HashSource for LogTiles<'_> {
    type Error = LedgerError;

    fn leaf(&mut self, index: u64) -> Result<Hash, LedgerError> {
        self.stored.leaf(index)
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<Vec<Hash>, LedgerError> {
        self.stored.tile(level, index)
    }

    fn tile_root(&mut self, level: u8, index: u64) -> Result<Hash, LedgerError> {
        if let Some(root) = self.roots.0.lock().get(&(level, index)) {
            return Ok(*root);
        }
        let root = self.stored.tile_root(level, index)?;
        let mut roots = self.roots.0.lock();
        if roots.len() >= ROOTS_MAX {
            roots.clear();
        }
        roots.insert((level, index), root);
        Ok(root)
    }
}
