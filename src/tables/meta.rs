//! The vault's own description, and the epoch of its key tree.

use super::TablesError;
use crate::codec::keys;
use crate::codec::rows::{self, VaultMeta};
use crate::store::{Keyspace, Reader};

pub use rows::Unfinished;

/// Where both lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;
/// The key of the description.
pub const VAULT_KEY: [u8; 1] = keys::VAULT_META;
/// The key of the epoch.
pub const EPOCH_KEY: [u8; 1] = keys::TREE_EPOCH;

/// The key of the mark of a restore that is under way.
pub const UNFINISHED_KEY: [u8; 1] = keys::UNFINISHED;

/// The restore that was begun here and never finished.
pub fn unfinished(reader: &dyn Reader) -> Result<Option<Unfinished>, TablesError> {
    let row = reader.get(KEYSPACE, &UNFINISHED_KEY)?;
    Ok(row.map(|row| Unfinished::parse(&row)).transpose()?)
}

/// The vault's description. `None` in a database that holds no vault.
pub fn vault(reader: &dyn Reader) -> Result<Option<VaultMeta>, TablesError> {
    let row = reader.get(KEYSPACE, &VAULT_KEY)?;
    Ok(row.map(|row| VaultMeta::parse(&row)).transpose()?)
}

/// The epoch of the key tree.
pub fn epoch(reader: &dyn Reader) -> Result<Option<u64>, TablesError> {
    let row = reader.get(KEYSPACE, &EPOCH_KEY)?;
    Ok(row.map(|row| rows::parse_epoch(&row)).transpose()?)
}
