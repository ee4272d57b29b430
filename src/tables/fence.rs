//! Fences: a member, or a compartment of one, that was erased. Never removed, and asked for before every "not found".

use super::TablesError;
use crate::codec::{keys, rows};
use crate::store::{Keyspace, Reader};
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

fn read(reader: &dyn Reader, member: &MemberId, compartment: Option<u16>) -> Result<Option<ErasureId>, TablesError> {
    let row = reader.get(KEYSPACE, &key(member, compartment))?;
    Ok(row.map(|row| rows::parse_fence(&row)).transpose()?)
}
