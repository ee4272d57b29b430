//! Rows about the roots of the key tree: how one followed another, and who may still keep an old one.

use super::CodecError;
use super::reader::Reader;
use super::rows::ROW_VERSION;
use crate::clock::Timestamp;
use crate::types::place::Subtree;

const ROTATION: &str = "rotation row";

/// How the key tree came to an epoch: `1 | old root commitment 32 | new root commitment 32 | at ms u64 | leaf u64 |
/// leaves u16 x (subtree u8 | leaf u32)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRow {
    /// The commitment of the root before.
    pub old_root: [u8; 32],
    /// The commitment of the new root.
    pub new_root: [u8; 32],
    /// When.
    pub at: Timestamp,
    /// The leaf of the ledger; the committer writes it into the finished row.
    pub leaf: u64,
    /// The leaves of the key tree that got new keys, ascending.
    pub leaves: Vec<(Subtree, u32)>,
}

impl RotationRow {
    /// Where the leaf index stands in the row, for the committer.
    pub const LEAF_AT: usize = 73;
    /// Leaves one rotation may re-key.
    pub const LEAVES_MAX: usize = 4_096;

    /// Writes the row.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let count = u16::try_from(self.leaves.len()).ok().filter(|_| self.leaves.len() <= Self::LEAVES_MAX);
        let count = count.ok_or(CodecError::TooLarge { what: ROTATION, field: "the number of leaves" })?;
        let mut row = vec![ROW_VERSION];
        row.extend_from_slice(&self.old_root);
        row.extend_from_slice(&self.new_root);
        row.extend_from_slice(&self.at.as_millis().to_be_bytes());
        row.extend_from_slice(&self.leaf.to_be_bytes());
        row.extend_from_slice(&count.to_be_bytes());
        for (subtree, leaf) in &self.leaves {
            row.push(subtree.0);
            row.extend_from_slice(&leaf.to_be_bytes());
        }
        Ok(row)
    }

    /// Reads the row.
    pub fn parse(row: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(ROTATION, row, ROW_VERSION)?;
        let (old_root, new_root) = (*reader.array()?, *reader.array()?);
        let (at, leaf, count) = (Timestamp::from_millis(reader.u64()?), reader.u64()?, usize::from(reader.u16()?));
        let mut leaves = Vec::with_capacity(count.min(Self::LEAVES_MAX));
        for _ in 0..count {
            leaves.push((Subtree(reader.u8()?), reader.u32()?));
        }
        if count > Self::LEAVES_MAX || leaves.iter().zip(leaves.iter().skip(1)).any(|(one, next)| one >= next) {
            return Err(reader.invalid("leaves"));
        }
        reader.finish().map(|()| Self { old_root, new_root, at, leaf, leaves })
    }
}

/// A holder of the keyring that was given up while it was away: `1 | epoch u64 | revoked ms u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResidualRow {
    /// The epoch of the tree when it was given up: its copy leads to trees up to this one.
    pub epoch: u64,
    /// When.
    pub revoked: Timestamp,
}

impl ResidualRow {
    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        [&[ROW_VERSION], self.epoch.to_be_bytes().as_slice(), &self.revoked.as_millis().to_be_bytes()].concat()
    }

    /// Reads the row.
    pub fn parse(row: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new("residual holder row", row, ROW_VERSION)?;
        let residual = Self { epoch: reader.u64()?, revoked: Timestamp::from_millis(reader.u64()?) };
        reader.finish().map(|()| residual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_names_its_leaves_once_and_in_order() {
        let leaves = vec![(Subtree(0), 7), (Subtree(0), 9), (Subtree(3), 1)];
        let at = Timestamp::from_millis(5);
        let mut rotation = RotationRow { old_root: [1; 32], new_root: [2; 32], at, leaf: 0, leaves };
        let mut row = rotation.encode().unwrap();
        row[RotationRow::LEAF_AT..][..8].copy_from_slice(&6u64.to_be_bytes());
        rotation.leaf = 6;
        assert_eq!(RotationRow::parse(&row), Ok(rotation.clone()));
        (0..row.len()).for_each(|cut| assert!(RotationRow::parse(&row[..cut]).is_err(), "{cut}"));
        rotation.leaves.swap(0, 1);
        assert!(RotationRow::parse(&rotation.encode().unwrap()).is_err());
        rotation.leaves = vec![(Subtree(0), 7); 2];
        assert!(RotationRow::parse(&rotation.encode().unwrap()).is_err());
        rotation.leaves =
            (0..=RotationRow::LEAVES_MAX).map(|leaf| (Subtree(0), u32::try_from(leaf).unwrap())).collect();
        assert!(rotation.encode().is_err());
    }

    #[test]
    fn a_residual_holder_survives_its_bytes() {
        let residual = ResidualRow { epoch: 4, revoked: Timestamp::from_millis(5) };
        let row = residual.encode();
        assert_eq!(ResidualRow::parse(&row), Ok(residual));
        (0..row.len()).for_each(|cut| assert!(ResidualRow::parse(&row[..cut]).is_err()));
    }
}
