//! The payload of a record: compressed where that shortens it, then padded so that its length says little.
//!
//! `1 | compression u8 | raw len u32 | packed len u32 | packed bytes | zeroes`, padded to Padme with a floor of 256 bytes.
//! Compression is 0 for none, 1 for a zstd frame, 2 for a zstd frame made with the dictionary `payload.dict`.
//!
//! A profile of 1 KiB is too short for zstd to learn what repeats in it; the dictionary, a line of such JSON as shops
//! keep, tells it beforehand. On made-up profiles of 1,000 bytes, whose fields it names, 548 bytes are stored rather
//! than 886, and unpacking takes 1.8 us rather than 0.9 (both measured through Python's binding). Records of other
//! fields gain less. The dictionary is part of the format: it never changes, another would be compression 3.
//!
//! Compression contexts are kept per thread; their workspaces hold traces of what passed through them until it is
//! overwritten.

use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::DecoderDictionary;
use zstd::zstd_safe::CParameter;

use super::reader::{Reader, is_zero};
use super::{CodecError, Plaintext};
use crate::types::record::limits::RECORD_BYTES_MAX;

const WHAT: &str = "payload";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 10;
const STORED: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_DICTIONARY: u8 = 2;
/// Fast mode: a read pays for unpacking, and with the dictionary the slower levels gain little.
const DICTIONARY_LEVEL: i32 = -1;
/// The shortest repetition that is used, the longest zstd allows: fewer to put together again, for a hundredth of size.
const DICTIONARY_MATCH_MIN: u32 = 7;
/// Longer content learns from itself; the dictionary would gain a hundredth.
const DICTIONARY_RAW_MAX: usize = 16 * 1024;
const LEVEL: i32 = 1;

/// Raw content, not trained: common field names and values, the most common last.
static DICTIONARY: &[u8] = include_bytes!("payload.dict");
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// The shortest payload: all smaller ones look the same.
pub const PAYLOAD_FLOOR: usize = 256;
/// The longest content, before compression: a record and its metadata. Bounds what a payload may claim to unpack to.
pub const RAW_MAX: usize = RECORD_BYTES_MAX + 64 * 1024;

thread_local! {
    static PACKERS: [RefCell<Option<Compressor<'static>>>; 2] = const { [RefCell::new(None), RefCell::new(None)] };
    static UNPACKERS: [RefCell<Option<Decompressor<'static>>>; 2] = const { [RefCell::new(None), RefCell::new(None)] };
}

/// Packs content into a payload.
pub fn pack(raw: &[u8]) -> Result<Plaintext, CodecError> {
    let too_large = CodecError::TooLarge { what: WHAT, field: "content" };
    if raw.len() > RAW_MAX {
        return Err(too_large);
    }
    let method = if raw.len() <= DICTIONARY_RAW_MAX { ZSTD_DICTIONARY } else { ZSTD };
    let packed = if padded_len(raw.len()) > PAYLOAD_FLOOR { compress(method, raw)? } else { None };
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
        ZSTD | ZSTD_DICTIONARY => decompress(compression, packed, raw_len),
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

fn compress(method: u8, raw: &[u8]) -> Result<Option<Plaintext>, CodecError> {
    let failed = CodecError::Compressor { what: WHAT };
    PACKERS.with(|[plain, primed]| {
        let (kept, with_dictionary) = if method == ZSTD { (plain, false) } else { (primed, true) };
        let mut kept = kept.borrow_mut();
        let packer = match &mut *kept {
            Some(packer) => packer,
            None => kept.insert(packer(with_dictionary).map_err(|_| failed)?),
        };
        // Room for less than the content only: what does not shrink is stored as it is.
        let mut packed = Plaintext::with_capacity(raw.len());
        let written = packer.compress_to_buffer(raw, packed.vec_mut());
        Ok(written.ok().map(|_| packed))
    })
}

fn packer(with_dictionary: bool) -> std::io::Result<Compressor<'static>> {
    if !with_dictionary {
        return Compressor::new(LEVEL);
    }
    let mut packer = Compressor::with_dictionary(DICTIONARY_LEVEL, DICTIONARY)?;
    packer.set_parameter(CParameter::MinMatch(DICTIONARY_MATCH_MIN))?;
    Ok(packer)
}

fn decompress(method: u8, packed: &[u8], raw_len: usize) -> Result<Plaintext, CodecError> {
    let invalid = CodecError::Invalid { what: WHAT, field: "compressed bytes" };
    UNPACKERS.with(|[plain, primed]| {
        let (kept, with_dictionary) = if method == ZSTD { (plain, false) } else { (primed, true) };
        let mut kept = kept.borrow_mut();
        let unpacker = match &mut *kept {
            Some(unpacker) => unpacker,
            None => kept.insert(unpacker(with_dictionary).map_err(|_| CodecError::Compressor { what: WHAT })?),
        };
        let mut raw = Plaintext::with_capacity(raw_len);
        let written = unpacker.decompress_to_buffer(packed, raw.vec_mut()).map_err(|_| invalid)?;
        if written == raw_len && raw.len() == raw_len { Ok(raw) } else { Err(invalid) }
    })
}

fn unpacker(with_dictionary: bool) -> std::io::Result<Decompressor<'static>> {
    if with_dictionary { Decompressor::with_prepared_dictionary(&DECODER) } else { Decompressor::new() }
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
        assert_eq!(compression(&text(1024)), ZSTD_DICTIONARY);
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
            for (at, value) in [(0, 2), (1, 3), (2, 1), (5, good[5] + 1), (9, 0), (good.len() - 1, 1)] {
                let mut bad = good.clone();
                bad[at] = value;
                refused(bad);
            }
        }
        let mut lying = bytes(&text(100_000));
        lying[2..6].copy_from_slice(&99_999u32.to_be_bytes());
        refused(lying);
    }
}
