//! What stands in the plaintexts (FORMAT.md, sections 4, 5 and 7). Lenient where the vault is strict: what can be read is
//! read, for the bytes may be cut or come from anywhere.

use crate::crypto::{Key, sha256};
use crate::place::Id;

const DICTIONARY: &[u8] = include_bytes!("../../src/codec/payload.dict");
const DICTIONARY_SHA256: &str = "3169daab50f1dc9fd6c0c3fc5a592637a2ec96ea35c05b5c02262b53434c3b41";
const RAW_LEN_MAX: usize = 1_114_112;

/// Reads front to back.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self, length: usize) -> Option<usize> {
        Some(self.take(length)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn version(&mut self) -> Option<()> {
        self.is(1)
    }

    fn is(&mut self, version: usize) -> Option<()> {
        (self.number(1)? == version).then_some(())
    }
}

/// What a keyring file holds that opens something.
pub(crate) struct Keyring {
    pub(crate) epoch: u64,
    pub(crate) roots: Vec<Key>,
    pub(crate) secret: Key,
}

pub(crate) fn keyring(body: &[u8]) -> Option<Keyring> {
    let mut r = Reader(body);
    r.version()?;
    let epoch = u64::from_be_bytes(r.array()?);
    let mut roots = vec![r.array()?];
    if r.number(1)? == 1 {
        r.take(8)?;
        roots.push(r.array()?);
    }
    let secret = r.array()?;
    Some(Keyring { epoch, roots, secret })
}

pub(crate) fn node(body: &[u8]) -> Option<Vec<Key>> {
    let mut r = Reader(body);
    r.version()?;
    (0..r.number(2)?).map(|_| r.array()).collect()
}

/// A member body: MK, and the data keys by compartment number and version.
pub(crate) struct Member {
    pub(crate) mk: Key,
    pub(crate) keys: Vec<(u16, u32, Key)>,
    /// Its length, the padding left out.
    pub(crate) length: usize,
}

pub(crate) fn member(body: &[u8]) -> Option<Member> {
    let mut r = Reader(body);
    r.is(3)?;
    r.take(4)?;
    let mk = r.array()?;
    r.take(1)?;
    let mut keys = Vec::new();
    for _ in 0..r.number(1)? {
        let number = u16::try_from(r.number(1)?).ok()?;
        let name = r.number(1)?;
        r.take(name)?;
        for _ in 0..r.number(1)? {
            keys.push((number, u32::from_be_bytes(r.array()?), r.array()?));
        }
    }
    let imported = r.number(1)? & 8 != 0;
    r.take(if imported { 4 } else { 0 })?;
    for _ in 0..r.number(1)? {
        let purpose = r.number(1)?;
        r.take(purpose)?;
        let ends = r.number(1)? & 8 != 0;
        r.take(if ends { 4 } else { 0 })?;
    }
    Some(Member { mk, keys, length: body.len() - r.0.len() })
}

/// Tokens and members of an index page.
pub(crate) fn page(body: &[u8]) -> Option<Vec<(Id, Id)>> {
    let mut r = Reader(body);
    r.version()?;
    r.take(1)?;
    (0..r.number(2)?.min(64)).map(|_| Some((r.array()?, r.array()?))).collect()
}

/// What a payload holds, with its length in the envelope.
pub(crate) fn payload(body: &[u8]) -> Option<Vec<u8>> {
    let mut r = Reader(body);
    r.version()?;
    let (compression, _raw, packed) = (r.number(1)?, r.number(4)?, r.number(4)?);
    let packed = r.take(packed.min(r.0.len()))?;
    match compression {
        0 => Some(packed.to_vec()),
        1 => frame(packed),
        3 => block(packed),
        _ => None,
    }
}

/// An LZ4 block with the dictionary before it, as far as it goes.
fn block(packed: &[u8]) -> Option<Vec<u8>> {
    let mut r = Reader(packed);
    let mut window = DICTIONARY.to_vec();
    while let Some(token) = r.number(1) {
        let count = length(&mut r, token >> 4).min(r.0.len());
        window.extend(r.take(count)?);
        let Some([low, high]) = r.array() else { break };
        let count = length(&mut r, token & 15) + 4;
        let Some(start) = window.len().checked_sub(usize::from(u16::from_le_bytes([low, high]))) else { break };
        if window.len() + count > RAW_LEN_MAX {
            break;
        }
        (start..start + count).for_each(|at| window.extend(window.get(at).copied()));
    }
    let raw = window.split_off(DICTIONARY.len());
    (!raw.is_empty()).then_some(raw)
}

/// A length of an LZ4 block: four bits, and bytes as long as they are full.
fn length(r: &mut Reader<'_>, mut length: usize) -> usize {
    let mut more = length == 15;
    while let Some(byte) = more.then(|| r.number(1)).flatten() {
        length += byte;
        more = byte == 255;
    }
    length
}

/// A zstd frame, as far as it goes.
pub(crate) fn frame(packed: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut decoder = zstd::stream::read::Decoder::new(packed).ok()?.single_frame();
    let (mut raw, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = decoder.read(&mut piece) {
        raw.extend(piece.get(..count).unwrap_or_default());
        if raw.len() > RAW_LEN_MAX {
            break;
        }
    }
    (!raw.is_empty()).then_some(raw)
}

/// The dictionary is the one FORMAT.md names.
pub(crate) fn dictionary_is_right() -> bool {
    data_encoding::HEXLOWER.encode(&sha256(DICTIONARY)) == DICTIONARY_SHA256
}
