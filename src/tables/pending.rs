//! Pending marks: erasures that are fenced and wait for a seal. Set with the fence, removed with the certificate.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::{keys, rows};
use crate::store::{Keyspace, Reader};
use crate::types::ErasureId;

/// Where pending marks lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of an erasure's mark.
pub fn key(erasure: &ErasureId) -> [u8; 17] {
    keys::pending(erasure)
}

/// The row of the mark of a member that was erased: what goes with the seal are the accesses under this prefix. That of a
/// compartment is empty.
pub fn encode(accesses: &[u8; 16]) -> Vec<u8> {
    rows::encode_pending(accesses)
}

/// Whether this erasure waits.
pub fn waits(reader: &dyn Reader, erasure: &ErasureId) -> Result<bool, TablesError> {
    Ok(reader.get(KEYSPACE, &key(erasure))?.is_some())
}

/// The prefix of the accesses that go when this erasure is sealed.
pub fn accesses(reader: &dyn Reader, erasure: &ErasureId) -> Result<Option<[u8; 16]>, TablesError> {
    let row = reader.get(KEYSPACE, &key(erasure))?;
    Ok(row.map(|row| rows::parse_pending(&row)).transpose()?.flatten())
}

/// The erasures after `after` that wait, in the order of their ids (which is no order in time).
pub fn list(reader: &dyn Reader, after: Option<&ErasureId>, limit: usize) -> Result<Chunk<ErasureId>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::PENDING], last.as_ref().map(<[u8; 17]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, _| keys::parse_pending(key))
}
