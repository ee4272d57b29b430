//! Fences: a member, or a compartment of one, that was erased. Never removed, and asked for before every "not found".

use super::TablesError;
use super::scan;
use crate::codec::{keys, rows};
use crate::store::{KeyRange, Keyspace, Reader};
use crate::types::{ErasureId, MemberId};

/// Where fences lie.
pub const KEYSPACE: Keyspace = Keyspace::Control;

/// The key of the fence of a member, or of one compartment.
pub fn key(member: &MemberId, compartment: Option<u16>) -> [u8; 19] {
    keys::fence(member, compartment)
}

/// The row of a fence.
pub fn encode(erasure: &ErasureId) -> Vec<u8> {
    rows::encode_fence(erasure)
}

/// The erasure of the whole member, if it was erased.
pub fn member(reader: &dyn Reader, member: &MemberId) -> Result<Option<ErasureId>, TablesError> {
    read(reader, member, None)
}

/// The erasure of one compartment, if that was erased on its own.
pub fn compartment(reader: &dyn Reader, member: &MemberId, compartment: u16) -> Result<Option<ErasureId>, TablesError> {
    read(reader, member, Some(compartment))
}

/// Every erasure of a member, of the whole and of compartments. A member has at most 64 compartments in its life.
pub fn all_of(reader: &dyn Reader, member: &MemberId) -> Result<Vec<ErasureId>, TablesError> {
    let first = key(member, Some(0));
    let prefix = first.get(..1 + MemberId::LEN).unwrap_or(&first);
    scan::whole(reader, KEYSPACE, &KeyRange::prefix(prefix), |_, row| rows::parse_fence(row))
}

fn read(reader: &dyn Reader, member: &MemberId, compartment: Option<u16>) -> Result<Option<ErasureId>, TablesError> {
    let row = reader.get(KEYSPACE, &key(member, compartment))?;
    Ok(row.map(|row| rows::parse_fence(&row)).transpose()?)
}
