//! SHA-256, HMAC and HKDF of short inputs; comparison in constant time.
//!
//! A read computes some sixty blocks of SHA-256 in a dozen HMACs. The general-purpose HMAC spends as much on buffers and
//! on wiping them byte by byte as on the blocks, and computes the states of a key anew for each use. So the block
//! function is the crate's, and what stands around it (FIPS 180-4, RFC 2104, RFC 5869) is here, for 32-byte keys alone;
//! the tests compare it with the crates `hmac` and `hkdf`.

use std::slice;

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::codec::KEY_LEN;

const BLOCK_LEN: usize = 64;
/// Where the length of the message begins in its last block.
const LENGTH_AT: usize = BLOCK_LEN - size_of::<u64>();

/// The state between two blocks.
type State = [u32; 8];

/// The state before the first block (FIPS 180-4, 5.3.3).
const START: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The padding of HMAC's outer hash, whose message is the key's block and a digest: 96 bytes, 768 bits.
const OUTER_BLOCK: [u8; BLOCK_LEN] = {
    let mut block = [0; BLOCK_LEN];
    block[32] = 0x80;
    [block[62], block[63]] = 768u16.to_be_bytes();
    block
};

/// SHA-256 over the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut blocks = Blocks::new(START, 0);
    blocks.finish(parts);
    bytes_of(&blocks.state)
}

/// SHA-256 over what comes a piece at a time.
pub struct Hasher(Sha256);

impl Hasher {
    /// Nothing hashed so far.
    #[expect(clippy::new_without_default, reason = "a hash begins on purpose")]
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all pieces.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub fn equal_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// SHA-256 under way. Wiped when dropped, as it may have seen a key.
struct Blocks {
    state: State,
    block: [u8; BLOCK_LEN],
    /// Bytes of `block` that are filled: never all of them between two calls.
    filled: usize,
    /// Bytes hashed so far.
    len: u64,
}

impl Blocks {
    /// Goes on from a state that `len` bytes, whole blocks, led to.
    const fn new(state: State, len: u64) -> Self {
        Self { state, block: [0; BLOCK_LEN], filled: 0, len }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        self.len = self.len.wrapping_add(bytes.len() as u64);
        loop {
            let room = self.block.get_mut(self.filled..).unwrap_or_default();
            let Some((room, rest)) = room.split_at_mut_checked(bytes.len()) else {
                let (fits, rest) = bytes.split_at_checked(room.len()).unwrap_or_default();
                room.copy_from_slice(fits);
                bytes = rest;
                self.compress();
                continue;
            };
            room.copy_from_slice(bytes);
            self.filled = BLOCK_LEN.saturating_sub(rest.len());
            if rest.is_empty() {
                self.compress();
            }
            return;
        }
    }

    fn compress(&mut self) {
        compress256(&mut self.state, slice::from_ref(&self.block));
        self.filled = 0;
    }

    /// Ends after these parts: the state is the digest.
    fn finish(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.update(part));
        let bits = self.len.wrapping_mul(8).to_be_bytes();
        self.pad_from(self.filled, &[0x80]);
        if self.filled >= LENGTH_AT {
            self.compress();
            self.block = [0; BLOCK_LEN];
        }
        self.pad_from(LENGTH_AT, &bits);
        self.compress();
    }

    /// Writes `bytes` at a place of the block, and zeroes behind them.
    fn pad_from(&mut self, at: usize, bytes: &[u8]) {
        let place = self.block.get_mut(at..).unwrap_or_default();
        if let Some((place, rest)) = place.split_at_mut_checked(bytes.len()) {
            place.copy_from_slice(bytes);
            rest.fill(0);
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.state = [0; 8];
        self.block = [0; BLOCK_LEN];
        zeroize::optimization_barrier(self);
    }
}

fn bytes_of(state: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(to, word)| *to = word.to_be_bytes());
    bytes
}

/// HMAC-SHA256 under one key, any number of times: the key's two blocks are hashed once.
pub(super) struct Hmac {
    inner: State,
    outer: State,
}

impl Hmac {
    const INNER_PAD: u8 = 0x36;
    const OUTER_PAD: u8 = 0x5c;

    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self { inner: Self::keyed(key, Self::INNER_PAD), outer: Self::keyed(key, Self::OUTER_PAD) }
    }

    /// The state after the key's block. Shorter keys than a block are filled up with zeroes.
    fn keyed(key: &[u8; KEY_LEN], pad: u8) -> State {
        let mut blocks = Blocks::new(START, 0);
        blocks.block = [pad; BLOCK_LEN];
        blocks.block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
        blocks.compress();
        blocks.state
    }

    /// The authenticator of the parts, one after the other.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut blocks = Blocks::new(self.inner, BLOCK_LEN as u64);
        blocks.finish(parts);
        // The outer hash is of one block: the inner digest, padded.
        blocks.block = OUTER_BLOCK;
        blocks.block.as_chunks_mut().0.iter_mut().zip(&blocks.state).for_each(|(to, word)| *to = word.to_be_bytes());
        blocks.state = self.outer;
        blocks.compress();
        Zeroizing::new(bytes_of(&blocks.state))
    }

    /// HKDF-Expand to 32 bytes, which is one HMAC. `context` is not delimited: callers see to it that it is injective.
    pub(super) fn expand(&self, info: &[u8], context: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut parts: [&[u8]; 6] = [&[]; 6];
        debug_assert!(context.len() <= 4);
        let all = std::iter::once(info).chain(context.iter().copied()).chain(std::iter::once([1].as_slice()));
        parts.iter_mut().zip(all).for_each(|(to, part)| *to = part);
        self.mac(&parts)
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        (self.inner, self.outer) = ([0; 8], [0; 8]);
        zeroize::optimization_barrier(self);
    }
}

/// HMAC-SHA256 under a key that is used once.
pub(super) fn hmac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    Hmac::new(key).mac(parts)
}

/// [`Hmac::expand`] under a key that is used once.
pub(super) fn expand(key: &[u8; KEY_LEN], info: &[u8], context: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    Hmac::new(key).expand(info, context)
}

/// HKDF with a salt, to 64 bytes.
pub(super) fn extract_and_expand(
    salt: &[u8; 32],
    key: &[u8; KEY_LEN],
    info: &[u8],
    context: &[u8],
) -> [Zeroizing<[u8; 32]>; 2] {
    let pseudorandom = Hmac::new(&hmac(salt, &[key]));
    let first = pseudorandom.mac(&[info, context, &[1]]);
    let second = pseudorandom.mac(&[first.as_slice(), info, context, &[2]]);
    [first, second]
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use hkdf::Hkdf;
    use hmac::{KeyInit, Mac};

    use super::*;

    #[test]
    fn sha256_is_that_of_fips_180() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(HEXLOWER.encode(&sha256(&[b"a", b"", b"bc"])), abc);
    }

    #[test]
    fn hashes_and_authenticators_of_every_length_are_those_of_the_crates() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..=bytes.len() {
            let message = &bytes[..len];
            let mut mac = hmac::Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
            mac.update(message);
            let mac: [u8; 32] = mac.finalize().into_bytes().into();
            for cut in [0, 1, 63, 64, 65, 128].map(|cut| len.min(cut)) {
                let (head, tail) = message.split_at(cut);
                assert_eq!(sha256(&[head, tail]).as_slice(), Sha256::digest(message).as_slice(), "{len} {cut}");
                assert_eq!(*super::hmac(&[7; 32], &[head, tail]), mac, "{len} {cut}");
            }
        }
    }

    #[test]
    fn expanding_is_that_of_the_hkdf_crate() {
        let mut expected = [0; 32];
        Hkdf::<Sha256>::from_prk(&[7; 32]).unwrap().expand(b"info and context", &mut expected).unwrap();
        assert_eq!(*expand(&[7; 32], b"info", &[b" and", b" context"]), expected);
    }

    #[test]
    fn extracting_is_that_of_the_hkdf_crate() {
        let (salt, key) = ([0x0c; 32], [0x0b; 32]);
        let mut expected = [0; 64];
        Hkdf::<Sha256>::new(Some(&salt), &key).expand(b"info", &mut expected).unwrap();
        let [first, second] = extract_and_expand(&salt, &key, b"in", b"fo");
        assert_eq!([*first, *second].as_flattened(), expected);
    }

    #[test]
    fn equality_is_of_content_and_length() {
        assert!(equal_constant_time(b"", b"") && equal_constant_time(b"ab", b"ab"));
        assert!(!equal_constant_time(b"ab", b"ac") && !equal_constant_time(b"ab", b"abc"));
    }
}
