//! Residues: by which bytes the files that still hold what was erased are known. Set with the fence, completed with the
//! seal that re-keys the pages of the index, removed with the purge.

use std::ops::ControlFlow;

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::{ResidueRow, keys};
use crate::store::{KeyRange, Keyspace, Reader, successor};
use crate::types::ErasureId;

/// Where residues lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The residue of one erasure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residue {
    /// The erasure.
    pub erasure: ErasureId,
    /// What all rows of it say together.
    pub row: ResidueRow,
    /// The keys of the rows.
    pub keys: Vec<Vec<u8>>,
}

/// The key of an erasure's residue.
pub fn key(erasure: &ErasureId) -> [u8; 17] {
    keys::residue(erasure)
}

/// The key of what a page of the index adds to an erasure's residue.
pub fn key_of_page(erasure: &ErasureId, page: &[u8; 6]) -> [u8; 23] {
    keys::residue_of_page(erasure, page)
}

/// The residues after `after`, in the order of the erasures' ids (which is no order in time).
pub fn list(reader: &dyn Reader, after: Option<&ErasureId>, limit: usize) -> Result<Chunk<Residue>, TablesError> {
    let mut range = KeyRange::prefix([keys::tag::RESIDUE]);
    if let Some(behind) = after.and_then(|erasure| successor(&key(erasure))) {
        range.start = behind;
    }
    let mut chunk: Chunk<Residue> = Chunk { items: Vec::new(), more: false };
    let mut outcome = Ok(());
    reader.scan(KEYSPACE, &range, &mut |key, row| {
        let (erasure, row) = match keys::parse_residue(key).and_then(|id| Ok((id, ResidueRow::parse(row)?))) {
            Ok(read) => read,
            Err(error) => {
                outcome = Err(error);
                return ControlFlow::Break(());
            }
        };
        let full = chunk.items.len() >= limit.min(scan::SCAN_ROWS_MAX);
        match chunk.items.last_mut() {
            Some(last) if last.erasure == erasure => {
                last.row.add(row);
                last.keys.push(key.to_vec());
            }
            _ if full => {
                chunk.more = true;
                return ControlFlow::Break(());
            }
            _ => chunk.items.push(Residue { erasure, row, keys: vec![key.to_vec()] }),
        }
        ControlFlow::Continue(())
    })?;
    outcome?;
    Ok(chunk)
}
