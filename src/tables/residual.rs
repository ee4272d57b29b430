//! Residual holders: directories that were given up while they were away, and may keep a keyring of an old epoch.

use super::TablesError;
use super::scan;
use crate::codec::{ResidualRow, keys};
use crate::store::{KeyRange, Keyspace, Reader};
use crate::types::HolderName;

/// Where residual holders lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of a residual holder.
pub fn key(name: &HolderName) -> Vec<u8> {
    keys::residual(name)
}

/// Every residual holder. There are as many as were ever given up: few.
pub fn all(reader: &dyn Reader) -> Result<Vec<(HolderName, ResidualRow)>, TablesError> {
    let range = KeyRange::prefix([keys::tag::RESIDUAL]);
    scan::whole(reader, KEYSPACE, &range, |key, row| Ok((keys::parse_residual(key)?, ResidualRow::parse(row)?)))
}
