//! The frames of a mirror: what was written to the engine, each with its length, its number and a checksum.
//!
//! `length u32 | sequence u64 | kind u8 | body | CRC-32 u32`, big-endian; the checksum covers all before it.

use crate::store::{Batch, Keyspace, Op};

/// The first bytes of every file of a mirror; the last but one is the version.
pub(super) const MAGIC: &[u8; 8] = b"MVMIRR1\n";
/// Bytes before a body.
pub(super) const HEAD: usize = 13;
/// Bytes of a frame besides its body.
pub(super) const OVERHEAD: usize = HEAD + 4;
/// Bytes of one body: a group of the ledger is far below.
pub(super) const BODY_MAX: usize = 256 * 1024 * 1024;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One batch, as it was written to the engine. Its number follows that of the batch before.
    Batch = 1,
    /// Rows of a base.
    Rows = 2,
    /// The end of a base; its body is the number of rows, `u64`.
    End = 3,
    /// The batches up to this number are on the disk of the engine.
    OnDisk = 4,
}

impl Kind {
    const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Batch),
            2 => Some(Self::Rows),
            3 => Some(Self::End),
            4 => Some(Self::OnDisk),
            _ => None,
        }
    }
}

/// A frame that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) sequence: u64,
    pub(super) kind: Kind,
    pub(super) body: &'a [u8],
}

/// Whether a mirror keeps the rows of a keyspace: what cannot be had again from a backup.
pub(super) const fn is_kept(keyspace: Keyspace) -> bool {
    matches!(keyspace, Keyspace::Control | Keyspace::Index | Keyspace::Ledger)
}

/// The bytes of a frame. `None` if the body is too long for one.
pub(super) fn frame(sequence: u64, kind: Kind, body: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= BODY_MAX)?;
    let mut bytes = Vec::with_capacity(body.len() + OVERHEAD);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.push(kind as u8);
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    Some(bytes)
}

/// The length of the body and the number of the frame that begins here, if its head can be one.
pub(super) fn head(bytes: &[u8]) -> Option<(usize, u64, Kind)> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sequence, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= BODY_MAX)?;
    Some((length, u64::from_be_bytes(*sequence), Kind::of(*rest.first()?)?))
}

/// The frame that these bytes are.
pub(super) fn parse(bytes: &[u8]) -> Option<Frame<'_>> {
    let (length, sequence, kind) = head(bytes)?;
    let (covered, checksum) = bytes.split_last_chunk()?;
    let body = covered.get(HEAD..).filter(|body| body.len() == length)?;
    (crc32fast::hash(covered).to_be_bytes() == *checksum).then_some(Frame { sequence, kind, body })
}

/// The operations of a batch that a mirror keeps; `None` if there is none.
///
/// Each is `kind u8 (1 put, 2 delete, 3 delete range) | keyspace u8 | two lengths u32 | key or start | row or end`.
pub(super) fn encode(batch: &Batch) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for op in batch.ops.iter().filter(|op| is_kept(op.keyspace())) {
        let (kind, first, second): (u8, &[u8], &[u8]) = match op {
            Op::Put { key, value, .. } => (1, key, value),
            Op::Delete { key, .. } => (2, key, &[]),
            Op::DeleteRange { start, end, .. } => (3, start, end),
        };
        write_op(&mut bytes, kind, op.keyspace(), first, second);
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Adds one row, as a batch would put it.
pub(super) fn write_row(bytes: &mut Vec<u8>, keyspace: Keyspace, key: &[u8], row: &[u8]) {
    write_op(bytes, 1, keyspace, key, row);
}

fn write_op(bytes: &mut Vec<u8>, kind: u8, keyspace: Keyspace, first: &[u8], second: &[u8]) {
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes(); // rows are bounded far below
    bytes.extend_from_slice(&[kind, u8::try_from(keyspace.index()).unwrap_or(u8::MAX)]);
    bytes.extend_from_slice(&length(first));
    bytes.extend_from_slice(&length(second));
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(second);
}

/// The batch of a body.
pub(super) fn decode(mut body: &[u8]) -> Option<Batch> {
    let mut batch = Batch::new();
    while let Some(([kind, keyspace], rest)) = body.split_first_chunk() {
        let keyspace = Keyspace::ALL.get(usize::from(*keyspace)).copied().filter(|keyspace| is_kept(*keyspace))?;
        let (first, rest) = rest.split_first_chunk()?;
        let (second, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*first)).ok()?)?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*second)).ok()?)?;
        match kind {
            1 => batch.put(keyspace, key, value),
            2 if value.is_empty() => batch.delete(keyspace, key),
            3 => batch.delete_range(keyspace, key, value),
            _ => return None,
        };
        body = rest;
    }
    body.is_empty().then_some(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_survives_without_what_is_not_kept() {
        let mut batch = Batch::new();
        batch.put(Keyspace::Control, "a", "1").put(Keyspace::Records, "r", "2").delete(Keyspace::Index, "b");
        batch.delete_range(Keyspace::Ledger, "c", "d").delete(Keyspace::Access, "x").put(Keyspace::Control, "", "");
        let mut kept = batch.clone();
        kept.ops.retain(|op| is_kept(op.keyspace()));
        let body = encode(&batch).unwrap();
        assert_eq!(decode(&body), Some(kept));
        (1..body.len()).for_each(|cut| assert_ne!(decode(&body[..cut]), decode(&body), "{cut}"));
        let mut only_records = Batch::new();
        only_records.put(Keyspace::Records, "r", "2");
        assert_eq!(encode(&only_records), None);
    }

    #[test]
    fn no_changed_bit_passes() {
        let bytes = frame(7, Kind::Batch, b"body").unwrap();
        assert_eq!(parse(&bytes), Some(Frame { sequence: 7, kind: Kind::Batch, body: b"body" }));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&changed), None, "{bit}");
        }
    }
}
