//! The log as it is stored: leaves and full tiles, and whatever a tree or a proof needs of them.

use super::error::LedgerError;
use crate::codec::keys;
use crate::codec::rows::HeadRow;
use crate::store::{Keyspace, Reader, Row};
use crate::tlog::{Hash, HashSource, TILE_WIDTH, Tree, leaf_hash, root_at as root_of};

/// Reads the hashes of the log from its rows.
pub struct StoredLog<'a>(pub &'a dyn Reader);

impl StoredLog<'_> {
    /// Size and root as they were last committed.
    pub fn head(&self) -> Result<HeadRow, LedgerError> {
        match self.0.get(Keyspace::Ledger, &keys::LEDGER_HEAD)? {
            Some(row) => Ok(HeadRow::parse(&row)?),
            None => Ok(HeadRow { size: 0, root: Tree::new().root() }),
        }
    }

    /// The bytes of a leaf; `None` behind the end of the log.
    pub fn leaf_bytes(&self, index: u64) -> Result<Option<Row>, LedgerError> {
        Ok(self.0.get(Keyspace::Ledger, &keys::leaf(index))?)
    }
}

impl HashSource for StoredLog<'_> {
    type Error = LedgerError;

    fn leaf(&mut self, index: u64) -> Result<Hash, LedgerError> {
        let leaf = self.leaf_bytes(index)?;
        leaf.map(|leaf| leaf_hash(&leaf)).ok_or(LedgerError::Corrupt { what: "a leaf is missing" })
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<Vec<Hash>, LedgerError> {
        let row = self.0.get(Keyspace::Ledger, &keys::tile(level, index))?;
        let row = row.ok_or(LedgerError::Corrupt { what: "a tile of hashes is missing" })?;
        let (hashes, rest) = row.as_chunks::<{ size_of::<Hash>() }>();
        if hashes.len() == TILE_WIDTH && rest.is_empty() {
            Ok(hashes.to_vec())
        } else {
            Err(LedgerError::Corrupt { what: "a tile of hashes is not full" })
        }
    }
}

/// The root the log had when it was `size` leaves long, from the rows that are there now; `None` if it is not that long.
///
/// Compared with a root that was kept elsewhere, this tells whether the log in the database is the one that was seen
/// then, or a longer one that grew out of it.
pub fn root_at(reader: &dyn Reader, size: u64) -> Result<Option<Hash>, LedgerError> {
    let mut log = StoredLog(reader);
    if size > log.head()?.size { Ok(None) } else { root_of(size, &mut log).map(Some) }
}
