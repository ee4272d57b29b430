//! The redo capsule of a seal: its batch again, in a file of its own, for a disk that loses what it acknowledged.
//!
//! `"MVREDO1\n" 8 | vault 16 | epoch u64 | root commitment 32 | ledger root 32 | first leaf u64 | leaves u32 x (len u16 |
//! leaf) | clears u32 x (keyspace u8 | len u16 | start | len u16 | end) | rows u32 x (keyspace u8 | len u16 | key | len
//! u32 | row) | SHA-256 of all before 32`. Ciphertext and public leaves only: it may lie anywhere, for ever.
//!
//! The hash is computed by whoever writes and checked by whoever reads; this room has no hash function.

use super::CodecError;
use super::reader::Reader;
use crate::types::VaultId;

const WHAT: &str = "redo capsule";
/// The first bytes of every capsule. The last but one is its version.
pub const CAPSULE_MAGIC: &[u8; 8] = b"MVREDO1\n";
/// Bytes of the hash at the end.
pub const CAPSULE_HASH_LEN: usize = 32;

/// A row, and the keyspace it lies in, by its position among the keyspaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleRow {
    /// The keyspace.
    pub keyspace: u8,
    /// The key.
    pub key: Vec<u8>,
    /// The row.
    pub row: Vec<u8>,
}

/// A range of keys that is emptied before the rows are put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleClear {
    /// The keyspace.
    pub keyspace: u8,
    /// The first key.
    pub start: Vec<u8>,
    /// The first key that stays.
    pub end: Vec<u8>,
}

/// What a seal wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capsule {
    /// The vault.
    pub vault: VaultId,
    /// The epoch it leads to.
    pub epoch: u64,
    /// The commitment of that epoch's root.
    pub new_root: [u8; 32],
    /// The root of the ledger after the last leaf here.
    pub ledger_root: [u8; 32],
    /// The index of the first leaf here.
    pub first_leaf: u64,
    /// The end of the ledger.
    pub leaves: Vec<Vec<u8>>,
    /// Ranges that held what was re-keyed.
    pub clears: Vec<CapsuleClear>,
    /// Rows of the new tree.
    pub rows: Vec<CapsuleRow>,
}

impl Capsule {
    /// All but the hash at the end.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut out = CAPSULE_MAGIC.to_vec();
        out.extend_from_slice(self.vault.as_bytes());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.new_root);
        out.extend_from_slice(&self.ledger_root);
        out.extend_from_slice(&self.first_leaf.to_be_bytes());
        put_count(&mut out, self.leaves.len())?;
        for leaf in &self.leaves {
            put_short(&mut out, leaf)?;
        }
        put_count(&mut out, self.clears.len())?;
        for CapsuleClear { keyspace, start, end } in &self.clears {
            out.push(*keyspace);
            put_short(&mut out, start)?;
            put_short(&mut out, end)?;
        }
        put_count(&mut out, self.rows.len())?;
        for CapsuleRow { keyspace, key, row } in &self.rows {
            out.push(*keyspace);
            put_short(&mut out, key)?;
            put_count(&mut out, row.len())?;
            out.extend_from_slice(row);
        }
        Ok(out)
    }

    /// Splits a file into what the hash covers, and the hash.
    pub fn split(file: &[u8]) -> Result<(&[u8], &[u8; CAPSULE_HASH_LEN]), CodecError> {
        file.split_last_chunk().ok_or(CodecError::Truncated { what: WHAT })
    }

    /// Reads all but the hash.
    pub fn parse(covered: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::unversioned(WHAT, covered);
        match reader.array()? {
            CAPSULE_MAGIC => {}
            [b'M', b'V', b'R', b'E', b'D', b'O', found, b'\n'] => return Err(reader.unknown(*found)),
            _ => return Err(reader.invalid("magic")),
        }
        let mut capsule = Self {
            vault: VaultId::from_bytes(*reader.array()?),
            epoch: reader.u64()?,
            new_root: *reader.array()?,
            ledger_root: *reader.array()?,
            first_leaf: reader.u64()?,
            leaves: Vec::new(),
            clears: Vec::new(),
            rows: Vec::new(),
        };
        for _ in 0..reader.u32()? {
            capsule.leaves.push(short(&mut reader)?);
        }
        for _ in 0..reader.u32()? {
            let (keyspace, start, end) = (reader.u8()?, short(&mut reader)?, short(&mut reader)?);
            capsule.clears.push(CapsuleClear { keyspace, start, end });
        }
        for _ in 0..reader.u32()? {
            let (keyspace, key, len) = (reader.u8()?, short(&mut reader)?, reader.u32()?);
            let row = reader.take(usize::try_from(len).unwrap_or(usize::MAX))?.to_vec();
            capsule.rows.push(CapsuleRow { keyspace, key, row });
        }
        reader.finish().map(|()| capsule)
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) -> Result<(), CodecError> {
    let count = u32::try_from(count).map_err(|_| CodecError::TooLarge { what: WHAT, field: "a count" })?;
    out.extend_from_slice(&count.to_be_bytes());
    Ok(())
}

fn put_short(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), CodecError> {
    let len = u16::try_from(bytes.len()).map_err(|_| CodecError::TooLarge { what: WHAT, field: "a key or leaf" })?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

fn short(reader: &mut Reader<'_>) -> Result<Vec<u8>, CodecError> {
    let len = usize::from(reader.u16()?);
    reader.take(len).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capsule_survives_its_bytes_and_nothing_less_or_more_does() {
        let capsule = Capsule {
            vault: VaultId::from_bytes([1; 16]),
            epoch: 2,
            new_root: [3; 32],
            ledger_root: [4; 32],
            first_leaf: 5,
            leaves: vec![vec![6; 30], Vec::new()],
            clears: vec![CapsuleClear { keyspace: 0, start: vec![7], end: vec![8, 9] }],
            rows: vec![CapsuleRow { keyspace: 1, key: vec![10; 6], row: vec![11; 300] }],
        };
        let bytes = capsule.encode().unwrap();
        assert_eq!(Capsule::parse(&bytes), Ok(capsule));
        (0..bytes.len()).for_each(|cut| assert!(Capsule::parse(&bytes[..cut]).is_err(), "{cut}"));
        assert!(Capsule::parse(&[bytes.as_slice(), &[0]].concat()).is_err());
        let mut other = bytes;
        other[6] = b'2';
        assert_eq!(Capsule::parse(&other), Err(CodecError::Unknown { what: WHAT, found: b'2' }));
        assert!(Capsule::split(&[0; 31]).is_err());
    }
}
