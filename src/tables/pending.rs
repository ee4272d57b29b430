//! Pending marks: erasures that are fenced and wait for a seal. Set with the fence, removed with the certificate.

use super::TablesError;
use super::scan::{self, Chunk};
use crate::codec::keys;
use crate::store::{Keyspace, Reader};
use crate::types::ErasureId;

/// Where pending marks lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of an erasure's mark. The row is empty.
pub fn key(erasure: &ErasureId) -> [u8; 17] {
    keys::pending(erasure)
}

/// The erasures after `after` that wait, in the order of their ids (which is no order in time).
pub fn list(reader: &dyn Reader, after: Option<&ErasureId>, limit: usize) -> Result<Chunk<ErasureId>, TablesError> {
    let last = after.map(key);
    let range = scan::following(&[keys::tag::PENDING], last.as_ref().map(<[u8; 17]>::as_slice));
    scan::rows(reader, KEYSPACE, &range, limit, |key, _| keys::parse_pending(key))
}
