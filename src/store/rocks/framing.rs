//! The framing RocksDB gives its log files (write-ahead log and MANIFEST): blocks of 32 KiB, in them physical records of
//! `masked CRC-32C u32 | length u16 | kind u8 | payload`, all little-endian. A record never spans a block; a batch may.
//!
//! RocksDB's own reader skips some damage without a word (a zeroed header drops the rest of its block, a length that
//! points behind the end of the file counts as a torn tail), so the vault looks before it lets RocksDB open.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes of one block.
const BLOCK: usize = 32 * 1024;
/// Bytes before a payload.
const HEADER: usize = 7;
/// Kinds of the records that hold batches, or parts of them. Others are not looked for behind damage, which spares the
/// checksums of most places.
const BATCH_KINDS: std::ops::RangeInclusive<u8> = 1..=4;
/// What a disk writes or loses at once. New space reads as zeros until it is written.
const SECTOR: usize = 512;

/// A piece of the file, in order.
pub(super) enum Piece<'a> {
    /// A physical record whose checksum fits.
    Record {
        /// Whole, first, middle, last, or something else.
        kind: u8,
        /// Where it begins.
        start: u64,
        /// Where it ends.
        end: u64,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// Bytes that are no record. At most one a block; records found behind it in the block follow.
    Damage {
        /// Where it begins.
        start: u64,
        /// Whether bytes are missing here (zero sectors, or the end of the file) rather than changed.
        unwritten: bool,
    },
}

/// Visits the pieces of a log file, and returns its length.
pub(super) fn walk(path: &Path, visit: &mut dyn FnMut(Piece<'_>)) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut block = Vec::with_capacity(BLOCK);
    let mut base = 0;
    loop {
        block.clear();
        let count = file.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        walk_block(base, &block, visit);
        base += count as u64;
        if count < BLOCK {
            return Ok(base);
        }
    }
}

fn walk_block(base: u64, block: &[u8], visit: &mut dyn FnMut(Piece<'_>)) {
    let full = block.len() == BLOCK;
    let mut at = 0;
    let mut damaged = false;
    while let Some(rest) = block.get(at..).filter(|rest| !rest.is_empty()) {
        if full && rest.len() < HEADER {
            return; // the trailer of a block, too short for a header
        }
        let plausible = !damaged || rest.get(6).is_some_and(|kind| BATCH_KINDS.contains(kind));
        if let Some((kind, payload)) = plausible.then(|| record(rest)).flatten() {
            let end = at + HEADER + payload.len();
            visit(Piece::Record { kind, start: base + at as u64, end: base + end as u64, payload });
            at = end;
        } else {
            if !damaged {
                visit(Piece::Damage { start: base + at as u64, unwritten: unwritten(block, at) });
            }
            damaged = true;
            at += 1; // look for the next record at every byte
        }
    }
}

/// The record that begins here, if its length and checksum fit.
fn record(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let [c0, c1, c2, c3, l0, l1, kind] = *header;
    let payload = rest.get(..usize::from(u16::from_le_bytes([l0, l1])))?;
    if kind == 0 {
        return None;
    }
    let stored = u32::from_le_bytes([c0, c1, c2, c3]);
    (masked(crc32c(kind, payload)) == stored).then_some((kind, payload))
}

/// Whether the damage at `at` looks as if something behind it never reached the disk.
fn unwritten(block: &[u8], at: usize) -> bool {
    let rest = block.get(at..).unwrap_or_default();
    let length = match rest {
        [_, _, _, _, l0, l1, _, ..] => usize::from(u16::from_le_bytes([*l0, *l1])),
        _ => 0,
    };
    let cut = block.len() < BLOCK && rest.len() < HEADER + length;
    let (head, sectors) = rest.split_at(rest.len().min(at.next_multiple_of(SECTOR) - at));
    let empty = |sector: &[u8]| sector.iter().all(|byte| *byte == 0);
    cut || rest.len() < HEADER || (!head.is_empty() && empty(head)) || sectors.chunks(SECTOR).any(empty)
}

/// RocksDB stores checksums masked, since a checksum over bytes that hold checksums is weak.
const fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli, reflected) over the kind byte and the payload.
fn crc32c(kind: u8, payload: &[u8]) -> u32 {
    !payload.iter().fold(step(!0, kind), |crc, byte| step(crc, *byte))
}

fn step(crc: u32, byte: u8) -> u32 {
    let [low, ..] = crc.to_le_bytes();
    (crc >> 8) ^ TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default()
}

static TABLE: [u32; 256] = table();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

/// A physical record as RocksDB writes it.
#[cfg(test)]
pub(super) fn framed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = masked(crc32c(kind, payload)).to_le_bytes().to_vec();
    bytes.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_le_bytes());
    bytes.push(kind);
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnoli() {
        // RFC 3720, appendix B.4: 32 zero bytes; and the check value of the polynomial.
        assert_eq!(crc32c(0, &[0; 31]), 0x8a91_36aa);
        assert_eq!(crc32c(b'1', b"23456789"), 0xe306_9283);
    }

    /// `r` for a record, `u` for unwritten bytes, `d` for other damage.
    fn seen(block: &[u8]) -> String {
        let mut seen = String::new();
        walk_block(0, block, &mut |piece| {
            seen.push(match piece {
                Piece::Record { .. } => 'r',
                Piece::Damage { unwritten: true, .. } => 'u',
                Piece::Damage { unwritten: false, .. } => 'd',
            });
        });
        seen
    }

    #[test]
    fn damage_is_told_from_missing_bytes() {
        let one = framed(1, &[7; 2000]);
        let three = [one.as_slice(), &one, &one].concat();
        assert_eq!(seen(&three), "rrr");
        assert_eq!(seen(&three[..three.len() - 1]), "rru", "cut");
        let mut flipped = three.clone();
        flipped[2500] ^= 1;
        assert_eq!(seen(&flipped), "rdr");
        let mut zeroed = three.clone();
        zeroed[2560..3072].fill(0);
        assert_eq!(seen(&zeroed), "rur");
        let mut long = three.clone();
        long[2007 + 5] = 0xff; // the length of the second record points behind the file
        assert_eq!(seen(&long), "rur", "looks cut, but a record follows");
        assert_eq!(seen(&[three.as_slice(), &[0; 600]].concat()), "rrru");
    }
}
