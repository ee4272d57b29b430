//! Residues: by which bytes the files that still hold what was erased are known. Set with the fence, removed with the
//! purge.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::{ResidueRow, keys};
use crate::store::{Keyspace, Reader};
use crate::types::ErasureId;

/// Where residues lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of an erasure's residue.
pub fn key(erasure: &ErasureId) -> [u8; 17] {
    keys::residue(erasure)
}

/// The residues after `after`, in the order of the erasures' ids (which is no order in time).
pub fn list(
    reader: &dyn Reader,
    after: Option<&ErasureId>,
    limit: usize,
) -> Result<Chunk<(ErasureId, ResidueRow)>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::RESIDUE], last.as_ref().map(<[u8; 17]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, row| Ok((keys::parse_residue(key)?, ResidueRow::parse(row)?)))
}
