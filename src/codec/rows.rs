//! Rows: what stands before an envelope, and the small rows that need none.
//!
//! Every row begins with a version byte. Rows that are one envelope are `1 | envelope`.

use super::CodecError;
use super::keys::{scope_number, scope_of};
use super::reader::Reader;
use crate::clock::Timestamp;
use crate::types::{BackupId, ErasureId, MemberId, RecordVersion, VaultId};

/// The version of every row layout so far.
pub const ROW_VERSION: u8 = 1;

/// What identifies the content of a row without showing it: its last 16 bytes. For a sealed row that is the tag under
/// a key used once, so it changes with every rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowStamp(pub [u8; 16]);

impl RowStamp {
    /// The stamp of a row; rows shorter than 16 bytes count as if zeroes stood before them.
    pub fn of(row: &[u8]) -> Self {
        let mut stamp = [0; 16];
        for (to, from) in stamp.iter_mut().rev().zip(row.iter().rev()) {
            *to = *from;
        }
        Self(stamp)
    }
}

/// The envelope of a row that is one envelope (node, member, page, hold, token, idempotency, access).
pub fn sealed(row: &[u8]) -> Result<&[u8], CodecError> {
    Reader::new("sealed row", row, ROW_VERSION).map(Reader::rest)
}

/// The version of an access row whose detail names a recipient: an erasure asks for those, and opens no other.
pub const ACCESS_OF_RECIPIENT: u8 = 2;

/// The envelope of an access row, and whether its detail names a recipient.
pub fn sealed_access(row: &[u8]) -> Result<(&[u8], bool), CodecError> {
    match row.split_first() {
        Some((&ACCESS_OF_RECIPIENT, envelope)) => Ok((envelope, true)),
        _ => sealed(row).map(|envelope| (envelope, false)),
    }
}

/// The beginning of a row that is one envelope, with room for an envelope of `envelope_len` bytes.
pub fn begin_sealed(envelope_len: usize) -> Vec<u8> {
    let mut row = Vec::with_capacity(envelope_len.saturating_add(1));
    row.push(ROW_VERSION);
    row
}

/// A record row: `1 | dek version u32 | record version u64 | envelope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRow<'a> {
    /// The version of the data key.
    pub dek_version: u32,
    /// The version of the record.
    pub version: RecordVersion,
    /// The envelope.
    pub envelope: &'a [u8],
}

impl<'a> RecordRow<'a> {
    /// Bytes before the envelope.
    pub const HEADER_LEN: usize = 13;

    /// Reads a row.
    pub fn parse(row: &'a [u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new("record row", row, ROW_VERSION)?;
        let dek_version = reader.u32()?;
        let version = RecordVersion(reader.u64()?);
        Ok(Self { dek_version, version, envelope: reader.rest() })
    }

    /// The beginning of a row, with room for an envelope of `envelope_len` bytes.
    pub fn begin(dek_version: u32, version: RecordVersion, envelope_len: usize) -> Vec<u8> {
        let mut row = Vec::with_capacity(envelope_len.saturating_add(Self::HEADER_LEN));
        row.push(ROW_VERSION);
        row.extend_from_slice(&dek_version.to_be_bytes());
        row.extend_from_slice(&version.0.to_be_bytes());
        row
    }
}

/// The vault's own description: `1 | vault 16 | suite u8 | depth u8 | 3 x buckets u32 | created ms u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultMeta {
    /// The vault.
    pub vault: VaultId,
    /// The number of the cipher suite, fixed when the vault is made.
    pub suite: u8,
    /// Levels of inner nodes in the member subtree.
    pub depth: u8,
    /// Buckets of the index, by the number of the identifier field.
    pub buckets: [u32; 3],
    /// When the vault was made.
    pub created: Timestamp,
}

impl VaultMeta {
    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut row = vec![ROW_VERSION];
        row.extend_from_slice(self.vault.as_bytes());
        row.extend_from_slice(&[self.suite, self.depth]);
        row.extend(self.buckets.iter().flat_map(|count| count.to_be_bytes()));
        row.extend_from_slice(&self.created.as_millis().to_be_bytes());
        row
    }

    /// Reads the row.
    pub fn parse(row: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new("vault meta row", row, ROW_VERSION)?;
        let meta = Self {
            vault: VaultId::from_bytes(*reader.array()?),
            suite: reader.u8()?,
            depth: reader.u8()?,
            buckets: [reader.u32()?, reader.u32()?, reader.u32()?],
            created: Timestamp::from_millis(reader.u64()?),
        };
        reader.finish().map(|()| meta)
    }
}

/// A restore that is under way: `1 | backup 16 | leaves u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The backup; zero for a whole image.
    pub backup: BackupId,
    /// Of a whole image: how many leaves its own log had. Else zero.
    pub leaves: u64,
}

impl Unfinished {
    /// The row.
    pub fn encode(&self) -> Vec<u8> {
        [&[ROW_VERSION], self.backup.as_bytes().as_slice(), &self.leaves.to_be_bytes()].concat()
    }

    /// Reads the row.
    pub fn parse(row: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new("restore row", row, ROW_VERSION)?;
        let unfinished = Self { backup: BackupId::from_bytes(*reader.array()?), leaves: reader.u64()? };
        reader.finish().map(|()| unfinished)
    }
}

/// The epoch of the key tree: `1 | epoch u64`.
pub fn encode_epoch(epoch: u64) -> Vec<u8> {
    [&[ROW_VERSION], epoch.to_be_bytes().as_slice()].concat()
}

/// Reads the epoch of the key tree.
pub fn parse_epoch(row: &[u8]) -> Result<u64, CodecError> {
    let mut reader = Reader::new("epoch row", row, ROW_VERSION)?;
    let epoch = reader.u64()?;
    reader.finish().map(|()| epoch)
}

/// Size and root of the ledger: `1 | size u64 | root 32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadRow {
    /// Leaves in the log.
    pub size: u64,
    /// The root hash over them.
    pub root: [u8; 32],
}

impl HeadRow {
    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        [&[ROW_VERSION], self.size.to_be_bytes().as_slice(), &self.root].concat()
    }

    /// Reads the row.
    pub fn parse(row: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new("head row", row, ROW_VERSION)?;
        let head = Self { size: reader.u64()?, root: *reader.array()? };
        reader.finish().map(|()| head)
    }
}

/// A fence: `1 | erasure 16`.
pub fn encode_fence(erasure: &ErasureId) -> Vec<u8> {
    [&[ROW_VERSION], erasure.as_bytes().as_slice()].concat()
}

/// The erasure a fence belongs to.
pub fn parse_fence(row: &[u8]) -> Result<ErasureId, CodecError> {
    let mut reader = Reader::new("fence row", row, ROW_VERSION)?;
    let erasure = ErasureId::from_bytes(*reader.array()?);
    reader.finish().map(|()| erasure)
}

/// An erasure of a whole member that waits for a seal: `1 | prefix of its accesses 16`, every byte complemented, so that a
/// purge does not take this row for what it looks for.
pub fn encode_pending(accesses: &[u8; 16]) -> Vec<u8> {
    [&[ROW_VERSION], accesses.map(|byte| !byte).as_slice()].concat()
}

/// The prefix of the accesses that go with the seal; none in an empty row, which is that of a compartment.
pub fn parse_pending(row: &[u8]) -> Result<Option<[u8; 16]>, CodecError> {
    if row.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new("pending row", row, ROW_VERSION)?;
    let complemented: &[u8; 16] = reader.array()?;
    reader.finish().map(|()| Some(complemented.map(|byte| !byte)))
}

/// A member that agrees to a purpose: empty where the consent has no end, as of most, else `1 | until minute u32`.
pub fn encode_agreed(until: Option<u32>) -> Vec<u8> {
    until.map_or_else(Vec::new, |until| [&[ROW_VERSION], until.to_be_bytes().as_slice()].concat())
}

/// When the consent of an agreed row ends.
pub fn parse_agreed(row: &[u8]) -> Result<Option<u32>, CodecError> {
    if row.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new("agreed row", row, ROW_VERSION)?;
    let until = reader.u32()?;
    reader.finish().map(|()| Some(until))
}

/// A checkpoint with the cosignatures of witnesses: `1 | signed note, UTF-8, the rest`.
pub fn encode_cosigned(note: &str) -> Vec<u8> {
    [&[ROW_VERSION], note.as_bytes()].concat()
}

/// Reads a checkpoint with its cosignatures.
pub fn parse_cosigned(row: &[u8]) -> Result<String, CodecError> {
    let reader = Reader::new("cosigned checkpoint row", row, ROW_VERSION)?;
    let invalid = reader.invalid("text");
    String::from_utf8(reader.rest().to_vec()).map_err(|_| invalid)
}

/// How far an erasure has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErasureStage {
    /// Durable: rows removed, the API answers "gone". Earlier copies of the files can still be read.
    Fenced = 1,
    /// The keys are gone: no copy of the database ever made can be read.
    Sealed = 2,
    /// The files were cleaned.
    Purged = 3,
}

/// An erasure: `1 | member 16 | compartment u16 | requested ms u64 | fenced ms u64 | stage u8 | tag 32 | leaf u64 |
/// seal leaf u64 | epoch u64 | sealed ms u64 | purged ms u64`. What has not happened yet is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasureRow {
    /// The member.
    pub member: MemberId,
    /// The compartment, or the whole member.
    pub compartment: Option<u16>,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When the fence was written.
    pub fenced: Timestamp,
    /// How far it has come.
    pub stage: ErasureStage,
    /// The tag in the ledger.
    pub tag: [u8; 32],
    /// The leaf of `erase.intent`. Known only when it is committed: the committer writes it into the finished row.
    pub leaf: u64,
    /// The leaf of the `seal`, likewise.
    pub seal_leaf: u64,
    /// The epoch it was sealed at: no root before it exists any more.
    pub epoch: u64,
    /// When it was sealed.
    pub sealed: Timestamp,
    /// When the files were found clean.
    pub purged: Timestamp,
}

impl ErasureRow {
    /// Where the index of the `erase.intent` stands in the row, for the committer.
    pub const LEAF_AT: usize = 68;
    /// Where the index of the `seal` stands in the row, for the committer.
    pub const SEAL_LEAF_AT: usize = 76;

    /// An erasure as it begins: fenced at this moment, and nothing more.
    pub const fn fenced(member: MemberId, compartment: Option<u16>, now: Timestamp, tag: [u8; 32]) -> Self {
        let never = Timestamp::from_millis(0);
        Self {
            member,
            compartment,
            requested: now,
            fenced: now,
            stage: ErasureStage::Fenced,
            tag,
            leaf: 0,
            seal_leaf: 0,
            epoch: 0,
            sealed: never,
            purged: never,
        }
    }

    /// Writes the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut row = vec![ROW_VERSION];
        row.extend_from_slice(self.member.as_bytes());
        row.extend_from_slice(&scope_number(self.compartment).to_be_bytes());
        row.extend_from_slice(&self.requested.as_millis().to_be_bytes());
        row.extend_from_slice(&self.fenced.as_millis().to_be_bytes());
        row.push(self.stage as u8);
        row.extend_from_slice(&self.tag);
        let numbers = [self.leaf, self.seal_leaf, self.epoch, self.sealed.as_millis(), self.purged.as_millis()];
        row.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        row
    }

    /// Reads the row.
    pub fn parse(row: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new("erasure row", row, ROW_VERSION)?;
        let erasure = Self {
            member: MemberId::from_bytes(*reader.array()?),
            compartment: scope_of(reader.u16()?),
            requested: Timestamp::from_millis(reader.u64()?),
            fenced: Timestamp::from_millis(reader.u64()?),
            stage: match reader.u8()? {
                1 => ErasureStage::Fenced,
                2 => ErasureStage::Sealed,
                3 => ErasureStage::Purged,
                found => return Err(reader.unknown(found)),
            },
            tag: *reader.array()?,
            leaf: reader.u64()?,
            seal_leaf: reader.u64()?,
            epoch: reader.u64()?,
            sealed: Timestamp::from_millis(reader.u64()?),
            purged: Timestamp::from_millis(reader.u64()?),
        };
        reader.finish().map(|()| erasure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_is_the_end_of_the_row() {
        let row: Vec<u8> = (0..20).collect();
        assert_eq!(RowStamp::of(&row).0.as_slice(), &row[4..]);
        assert_eq!(RowStamp::of(&[1, 2]).0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn the_leaf_index_stands_where_the_committer_writes_it() {
        let mut erasure = ErasureRow::fenced(MemberId::from_bytes([1; 16]), None, Timestamp::from_millis(2), [4; 32]);
        let mut row = erasure.encode();
        row[ErasureRow::LEAF_AT..][..8].copy_from_slice(&77u64.to_be_bytes());
        row[ErasureRow::SEAL_LEAF_AT..][..8].copy_from_slice(&78u64.to_be_bytes());
        (erasure.leaf, erasure.seal_leaf) = (77, 78);
        assert_eq!(ErasureRow::parse(&row), Ok(erasure));
        row[ErasureRow::LEAF_AT - 33] = 4;
        assert_eq!(ErasureRow::parse(&row), Err(CodecError::Unknown { what: "erasure row", found: 4 }));
    }

    #[test]
    fn small_rows_refuse_other_versions_and_leftovers() {
        let head = HeadRow { size: 5, root: [6; 32] };
        let row = head.encode();
        assert_eq!(HeadRow::parse(&row), Ok(head));
        for cut in 0..row.len() {
            assert_eq!(HeadRow::parse(&row[..cut]), Err(CodecError::Truncated { what: "head row" }));
        }
        assert_eq!(HeadRow::parse(&[row.as_slice(), &[0]].concat()), Err(CodecError::Leftover { what: "head row" }));
        assert_eq!(parse_epoch(&encode_epoch(9)), Ok(9));
        assert_eq!(parse_epoch(&[2, 0]), Err(CodecError::Unknown { what: "epoch row", found: 2 }));
        let erasure = ErasureId::from_bytes([3; 16]);
        assert_eq!(parse_fence(&encode_fence(&erasure)), Ok(erasure));
        assert_eq!(parse_pending(&encode_pending(&[5; 16])), Ok(Some([5; 16])));
        assert_eq!(parse_pending(&[]), Ok(None));
        assert!(!encode_pending(&[5; 16]).contains(&5));
        for until in [None, Some(7)] {
            assert_eq!(parse_agreed(&encode_agreed(until)), Ok(until));
        }
    }
}
