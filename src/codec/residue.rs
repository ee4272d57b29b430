//! The residue row of an erasure: by which bytes a file is known that still holds what was erased.
//!
//! Pieces of envelopes (the beginning of the salt, the tag) and ends of keys, which are random and stand in the files as
//! they are. In the row every byte of them is complemented, so that the row itself, and what a log or a table file holds
//! of it, is not taken for what it describes.

use super::CodecError;
use super::reader::Reader;
use super::rows::{ROW_VERSION, RowStamp};

const WHAT: &str = "residue row";
/// Bytes before the salt of an envelope: magic and suite.
const SALT_AT: usize = 4;

/// By which bytes an envelope is known: the first half of its salt, and its tag.
pub type Pieces = [[u8; 16]; 2];

/// What a purge looks for, and where: `1 | places u8 x (keyspace u8 | first bytes of the keys 2) | pieces u16 x 16 |
/// ends u16 x 12`, pieces and ends complemented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResidueRow {
    /// Where rows were removed: the number of the keyspace, and the first two bytes of their keys. No more of a key is
    /// kept, because a storage engine may print the bounds of what it cleans.
    pub places: Vec<(u8, [u8; 2])>,
    /// Salts, their first half, and tags of envelopes as they were.
    pub pieces: Vec<[u8; 16]>,
    /// Ends of keys that nothing else shares. The beginnings are left out of table files where the key before has them.
    pub ends: Vec<[u8; 12]>,
}

impl ResidueRow {
    /// Places one row names at most.
    pub const PLACES_MAX: usize = u8::MAX as usize;
    /// Pieces one row names at most; who has more envelopes is looked for by some of them.
    pub const PIECES_MAX: usize = 1_024;
    /// Ends one row names at most.
    pub const ENDS_MAX: usize = 512;

    /// Rows whose keys begin like this one were removed or replaced.
    pub fn place(&mut self, keyspace: u8, key: &[u8]) {
        let Some(first) = key.first_chunk() else { return };
        let place = (keyspace, *first);
        if self.places.len() < Self::PLACES_MAX && !self.places.contains(&place) {
            self.places.push(place);
        }
    }

    /// An envelope as it was.
    pub fn envelope(&mut self, envelope: &[u8]) {
        self.known_by(Self::pieces_of(envelope));
    }

    /// By which bytes an envelope is known; `None` for what is too short to be one.
    pub fn pieces_of(envelope: &[u8]) -> Option<Pieces> {
        let salt = envelope.get(SALT_AT..).and_then(<[u8]>::first_chunk)?;
        Some([*salt, RowStamp::of(envelope).0])
    }

    /// An envelope as it was, by the pieces that it is known by.
    pub fn known_by(&mut self, pieces: Option<Pieces>) {
        if let Some(pieces) = pieces.filter(|_| self.pieces.len() + 2 <= Self::PIECES_MAX) {
            self.pieces.extend(pieces);
        }
    }

    /// What another row says of the same erasure.
    pub fn add(&mut self, other: Self) {
        self.places.extend(other.places);
        self.pieces.extend(other.pieces);
        self.ends.extend(other.ends);
    }

    /// A key, or the prefix of keys, by its end.
    pub fn key(&mut self, key: &[u8]) {
        if let Some(end) = key.last_chunk().filter(|_| self.ends.len() < Self::ENDS_MAX) {
            self.ends.push(*end);
        }
    }

    /// Writes the row. What is above the limits is left out.
    pub fn encode(&self) -> Vec<u8> {
        let places = self.places.get(..Self::PLACES_MAX).unwrap_or(&self.places);
        let pieces = self.pieces.get(..Self::PIECES_MAX).unwrap_or(&self.pieces);
        let ends = self.ends.get(..Self::ENDS_MAX).unwrap_or(&self.ends);
        let mut row = vec![ROW_VERSION, u8::try_from(places.len()).unwrap_or(u8::MAX)];
        for (keyspace, first) in places {
            row.push(*keyspace);
            row.extend_from_slice(first);
        }
        complemented(&mut row, pieces);
        complemented(&mut row, ends);
        row
    }

    /// Reads the row.
    pub fn parse(row: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, row, ROW_VERSION)?;
        let mut residue = Self::default();
        for _ in 0..reader.u8()? {
            residue.places.push((reader.u8()?, *reader.array()?));
        }
        residue.pieces = plain(&mut reader, Self::PIECES_MAX)?;
        residue.ends = plain(&mut reader, Self::ENDS_MAX)?;
        reader.finish().map(|()| residue)
    }
}

fn complemented<const N: usize>(row: &mut Vec<u8>, items: &[[u8; N]]) {
    row.extend_from_slice(&u16::try_from(items.len()).unwrap_or(u16::MAX).to_be_bytes());
    row.extend(items.as_flattened().iter().map(|byte| !byte));
}

fn plain<const N: usize>(reader: &mut Reader<'_>, max: usize) -> Result<Vec<[u8; N]>, CodecError> {
    let count = usize::from(reader.u16()?);
    if count > max {
        return Err(reader.invalid("count"));
    }
    (0..count).map(|_| reader.array::<N>().map(|item| item.map(|byte| !byte))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Vec<u8> {
        [b"MV1\x01".as_slice(), &[5; 16], &[6; 16], &[7; 32], b"ciphertext", &[8; 16]].concat()
    }

    #[test]
    fn a_residue_survives_its_bytes_and_does_not_hold_what_it_describes() {
        let mut residue = ResidueRow::default();
        residue.place(2, b"abc");
        residue.place(2, b"abd");
        residue.place(0, b"M");
        residue.envelope(&envelope());
        residue.envelope(b"too short");
        residue.key(&[9; 34]);
        residue.key(&[9; 11]);
        assert_eq!(
            (residue.places.as_slice(), residue.ends.as_slice()),
            ([(2, *b"ab")].as_slice(), [[9; 12]].as_slice())
        );
        assert_eq!(residue.pieces, [[5; 16], [8; 16]]);
        let row = residue.encode();
        assert_eq!(ResidueRow::parse(&row).as_ref(), Ok(&residue));
        for byte in [5, 8, 9] {
            assert!(!row.windows(12).any(|window| window == [byte; 12]), "{byte}");
        }
        (0..row.len()).for_each(|cut| assert!(ResidueRow::parse(&row[..cut]).is_err(), "{cut}"));
        assert!(ResidueRow::parse(&[row.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn a_residue_is_bounded() {
        let mut residue = ResidueRow::default();
        for number in 0..3_000u16 {
            residue.place(1, &number.to_be_bytes());
            residue.envelope(&envelope());
            residue.key(&[9; 12]);
        }
        let counts = (residue.places.len(), residue.pieces.len(), residue.ends.len());
        assert_eq!(counts, (ResidueRow::PLACES_MAX, ResidueRow::PIECES_MAX, ResidueRow::ENDS_MAX));
        assert_eq!(ResidueRow::parse(&residue.encode()), Ok(residue.clone()));
        residue.pieces.push([0; 16]);
        assert_eq!(ResidueRow::parse(&residue.encode()).map(|row| row.pieces.len()), Ok(ResidueRow::PIECES_MAX));
    }
}
