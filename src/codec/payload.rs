//! The payload of a record: compressed where that shortens it, then padded so that its length says little.
//!
//! `1 | compression u8 | raw len u32 | packed len u32 | packed bytes | zeroes`, padded to Padme with a floor of 256 bytes.
//! Compression is 0 for none, 1 for a zstd frame, 3 for an LZ4 block with the dictionary `payload.dict` before it.
//!
//! A profile of 1 KiB is too short to learn from itself what repeats in it; the dictionary, a line of such JSON as shops
//! keep, tells it beforehand. It is read far more often than it is written, so it is LZ4: unpacking such a profile takes
//! half the instructions of zstd's fastest level with the same dictionary, for a tenth more bytes. Records of other
//! fields gain less. The dictionary is part of the format: it never changes, another would be compression 4.
//!
//! zstd's contexts are kept per thread; their workspaces hold traces of what passed through them until it is
//! overwritten. LZ4 keeps nothing.

use std::cell::RefCell;

use lz4_flex::block;
use zstd::bulk::{Compressor, Decompressor};

use super::reader::{Reader, is_zero};
use super::{CodecError, Plaintext};
use crate::types::record::limits::RECORD_BYTES_MAX;

const WHAT: &str = "payload";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 10;
const FAILED: CodecError = CodecError::Compressor { what: WHAT };
const DAMAGED: CodecError = CodecError::Invalid { what: WHAT, field: "compressed bytes" };
const STORED: u8 = 0;
const ZSTD: u8 = 1;
const LZ4: u8 = 3;
/// Longer content learns from itself, and zstd packs it better.
const DICTIONARY_RAW_MAX: usize = 16 * 1024;
const LEVEL: i32 = 1;

/// Common field names and values, in the order in which they are mostly found.
static DICTIONARY: &[u8] = include_bytes!("payload.dict");

/// The shortest payload: all smaller ones look the same.
pub const PAYLOAD_FLOOR: usize = 256;
/// The longest content, before compression: a record and its metadata. Bounds what a payload may claim to unpack to.
pub const RAW_MAX: usize = RECORD_BYTES_MAX + 64 * 1024;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs content into a payload.
pub fn pack(raw: &[u8]) -> Result<Plaintext, CodecError> {
    let too_large = CodecError::TooLarge { what: WHAT, field: "content" };
    if raw.len() > RAW_MAX {
        return Err(too_large);
    }
    let method = if raw.len() <= DICTIONARY_RAW_MAX { LZ4 } else { ZSTD };
    let packed = match method {
        _ if padded_len(raw.len()) == PAYLOAD_FLOOR => None,
        LZ4 => Some(pack_short(raw)?),
        _ => pack_long(raw)?,
    };
    let (compression, bytes) = match &packed {
        Some(packed) if padded_len(packed.len()) < padded_len(raw.len()) => (method, packed.bytes()),
        _ => (STORED, raw),
    };
    let padded = padded_len(bytes.len());
    let mut payload = Plaintext::with_capacity(padded);
    payload.extend(&[VERSION, compression]);
    payload.extend(&u32::try_from(raw.len()).map_err(|_| too_large)?.to_be_bytes());
    payload.extend(&u32::try_from(bytes.len()).map_err(|_| too_large)?.to_be_bytes());
    payload.extend(bytes);
    payload.pad_to(padded);
    Ok(payload)
}

/// Unpacks a payload.
pub fn unpack(payload: Plaintext) -> Result<Plaintext, CodecError> {
    let mut reader = Reader::new(WHAT, payload.bytes(), VERSION)?;
    let compression = reader.u8()?;
    let raw_len = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    let packed_len = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    if raw_len > RAW_MAX {
        return Err(reader.invalid("raw len"));
    }
    let packed = reader.take(packed_len)?;
    if payload.len() != padded_len(packed_len) || !is_zero(reader.rest()) {
        return Err(CodecError::Leftover { what: WHAT });
    }
    match compression {
        STORED if raw_len == packed_len => {
            let mut raw = payload;
            raw.keep(HEADER_LEN, raw_len);
            Ok(raw)
        }
        STORED => Err(CodecError::Invalid { what: WHAT, field: "raw len" }),
        ZSTD => unpack_long(packed, raw_len),
        LZ4 if raw_len <= DICTIONARY_RAW_MAX => unpack_short(packed, raw_len),
        LZ4 => Err(CodecError::Invalid { what: WHAT, field: "raw len" }),
        found => Err(CodecError::Unknown { what: WHAT, found }),
    }
}

/// The length of a payload around `packed_len` bytes: Padme keeps as many leading bits of a length as it takes to
/// write the number of its bits, so that a length tells O(log log n) bits and grows by 12 % at most.
pub fn padded_len(packed_len: usize) -> usize {
    let len = packed_len.saturating_add(HEADER_LEN).max(PAYLOAD_FLOOR);
    let exponent = len.ilog2();
    let kept_bits = exponent.ilog2().saturating_add(1);
    let block = 1usize << exponent.saturating_sub(kept_bits);
    len.checked_next_multiple_of(block).unwrap_or(usize::MAX)
}

fn pack_short(raw: &[u8]) -> Result<Plaintext, CodecError> {
    let mut packed = Plaintext::zeroed(block::get_maximum_output_size(raw.len()));
    let written = block::compress_into_with_dict(raw, packed.bytes_mut(), DICTIONARY).map_err(|_| FAILED)?;
    packed.keep(0, written);
    Ok(packed)
}

/// Into a buffer of zeroes that is exactly long enough: nothing else can come out of damaged bytes.
fn unpack_short(packed: &[u8], raw_len: usize) -> Result<Plaintext, CodecError> {
    let mut raw = Plaintext::zeroed(raw_len);
    let written = block::decompress_into_with_dict(packed, raw.bytes_mut(), DICTIONARY).map_err(|_| DAMAGED)?;
    if written == raw_len { Ok(raw) } else { Err(DAMAGED) }
}

fn pack_long(raw: &[u8]) -> Result<Option<Plaintext>, CodecError> {
    PACKER.with_borrow_mut(|kept| {
        let packer = match &mut *kept {
            Some(packer) => packer,
            None => kept.insert(Compressor::new(LEVEL).map_err(|_| FAILED)?),
        };
        // Room for less than the content only: what does not shrink is stored as it is.
        let mut packed = Plaintext::with_capacity(raw.len());
        let written = packer.compress_to_buffer(raw, packed.vec_mut());
        Ok(written.ok().map(|_| packed))
    })
}

fn unpack_long(packed: &[u8], raw_len: usize) -> Result<Plaintext, CodecError> {
    UNPACKER.with_borrow_mut(|kept| {
        let unpacker = match &mut *kept {
            Some(unpacker) => unpacker,
            None => kept.insert(Decompressor::new().map_err(|_| FAILED)?),
        };
        let mut raw = Plaintext::with_capacity(raw_len);
        let written = unpacker.decompress_to_buffer(packed, raw.vec_mut()).map_err(|_| DAMAGED)?;
        if written == raw_len && raw.len() == raw_len { Ok(raw) } else { Err(DAMAGED) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(len: usize) -> Vec<u8> {
        br#"{"email":"ada@example.org","city":"London"},"#.iter().copied().cycle().take(len).collect()
    }

    /// Bytes no compressor can shorten.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        std::iter::repeat_with(&mut next).take(len).collect()
    }

    #[test]
    fn content_survives_its_payload() {
        for len in [0, 1, 200, 246, 247, 1024, 5000, RAW_MAX] {
            for raw in [text(len), noise(len)] {
                let payload = pack(&raw).unwrap();
                assert!(payload.len() <= padded_len(len), "{len}");
                assert_eq!(unpack(payload).unwrap().expose(), raw, "{len}");
            }
        }
        assert!(pack(&text(RAW_MAX + 1)).is_err());
    }

    #[test]
    fn compression_is_used_where_it_shortens() {
        let compression = |raw: &[u8]| pack(raw).unwrap().expose()[1];
        assert_eq!(compression(&text(1024)), LZ4);
        assert_eq!(compression(&text(DICTIONARY_RAW_MAX + 1)), ZSTD);
        assert_eq!(compression(&noise(1024)), STORED);
        assert_eq!(compression(&text(246)), STORED, "the floor hides it anyway");
    }

    #[test]
    fn lengths_follow_padme() {
        for (packed, padded) in
            [(0, 256), (246, 256), (247, 272), (262, 272), (1014, 1024), (1015, 1088), (1 << 20, 1_081_344)]
        {
            assert_eq!(padded_len(packed), padded, "{packed}");
        }
        for packed in 0..100_000 {
            let (len, padded) = ((packed + HEADER_LEN).max(256), padded_len(packed));
            assert!(padded >= len && padded - len <= len / 8, "{packed}");
        }
    }

    #[test]
    fn damage_and_bombs_are_refused() {
        let bytes = |raw: &[u8]| pack(raw).unwrap().expose().to_vec();
        let refused = |bytes: Vec<u8>| assert!(unpack(Plaintext::from_vec(bytes)).is_err());
        for good in [bytes(&text(100)), bytes(&text(2000))] {
            (0..good.len()).for_each(|cut| refused(good[..cut].to_vec()));
            refused([good.as_slice(), &[0]].concat());
            for (at, value) in [(0, 2), (1, 2), (2, 1), (5, good[5] + 1), (9, 0), (good.len() - 1, 1)] {
                let mut bad = good.clone();
                bad[at] = value;
                refused(bad);
            }
        }
        for (len, claimed) in [(2000, 1999), (2000, 2001), (2000, DICTIONARY_RAW_MAX as u32 + 1), (100_000, 99_999)] {
            let mut lying = bytes(&text(len));
            lying[2..6].copy_from_slice(&claimed.to_be_bytes());
            refused(lying);
        }
    }
}
