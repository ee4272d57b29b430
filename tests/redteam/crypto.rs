//! The envelope from the attacker's side: HMAC and HKDF over the bare compression function, so that a trial costs nine
//! compressions, and `com` as the oracle that says whether a key and a place are the right ones.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce};
use chacha20poly1305::ChaCha20Poly1305;
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

pub(crate) type Key = [u8; 32];
type State = [u32; 8];

const INFO: &[u8; 19] = b"membervault/aead/v1";
const START: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// HMAC-SHA256 with a key of 32 bytes: the states after the inner and the outer pad.
#[derive(Clone, Copy)]
pub(crate) struct Hmac {
    inner: State,
    outer: State,
}

impl Hmac {
    pub(crate) fn new(key: &Key) -> Self {
        let mut hmac = Self { inner: START, outer: START };
        compress256(&mut hmac.inner, &[pad(key, 0x36)]);
        compress256(&mut hmac.outer, &[pad(key, 0x5c)]);
        hmac
    }

    /// Of a message of any length.
    pub(crate) fn of(&self, message: &[u8]) -> [u8; 32] {
        let mut state = self.inner;
        let mut chunks = message.chunks_exact(64);
        for chunk in &mut chunks {
            let mut block = [0; 64];
            block.copy_from_slice(chunk);
            compress256(&mut state, &[block]);
        }
        let rest = chunks.remainder();
        let mut tail = [[0; 64]; 2];
        tail[0][..rest.len()].copy_from_slice(rest);
        tail[0][rest.len()] = 0x80;
        let used = usize::from(rest.len() > 55);
        tail[used][56..].copy_from_slice(&((64 + message.len() as u64) * 8).to_be_bytes());
        compress256(&mut state, &tail[..=used]);
        self.finish(state)
    }

    fn finish(&self, inner: State) -> [u8; 32] {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&bytes(inner));
        block[32] = 0x80;
        block[62..].copy_from_slice(&(96_u16 * 8).to_be_bytes());
        let mut state = self.outer;
        compress256(&mut state, &[block]);
        bytes(state)
    }
}

/// Word by word and without loops: it must be quick in a build that is not optimised, too.
fn pad(key: &Key, with: u8) -> [u8; 64] {
    let mut block = [with; 64];
    let (head, tail) = key.split_at(16);
    let mask = u128::from_ne_bytes([with; 16]);
    let word = |half: &[u8]| u128::from_ne_bytes(half.try_into().unwrap_or_default()) ^ mask;
    block[..16].copy_from_slice(&word(head).to_ne_bytes());
    block[16..32].copy_from_slice(&word(tail).to_ne_bytes());
    block
}

fn bytes([a, b, c, d, e, f, g, h]: State) -> [u8; 32] {
    let pair = |high: u32, low: u32| u128::from(high) << 32 | u128::from(low);
    let half = |first: u128, second: u128| (first << 64 | second).to_be_bytes();
    let mut out = [0; 32];
    out[..16].copy_from_slice(&half(pair(a, b), pair(c, d)));
    out[16..].copy_from_slice(&half(pair(e, f), pair(g, h)));
    out
}

/// HKDF-Expand to 32 bytes.
pub(crate) fn expand(key: &Key, info: &[&[u8]]) -> Key {
    let mut message = info.concat();
    message.push(1);
    Hmac::new(key).of(&message)
}

/// SHA-256 of the suite and the place: what the key schedule sees of the associated data.
pub(crate) fn bound(suite: u8, place: &[u8]) -> [u8; 32] {
    sha256(&[&[suite], place].concat())
}

/// A key, extracted with the salt of one envelope. Trying another place costs no second extraction.
pub(crate) struct Extracted(Hmac);

impl Extracted {
    pub(crate) fn new(salt: &Hmac, key: &Key) -> Self {
        Self(Hmac::new(&salt.of(key)))
    }

    /// The envelope's own key and the commitment.
    pub(crate) fn expand(&self, bound: &[u8; 32]) -> ([u8; 32], [u8; 32]) {
        let mut first = [0; 52];
        first[..19].copy_from_slice(INFO);
        first[19..51].copy_from_slice(bound);
        first[51] = 1;
        let ek = self.0.of(&first);
        let mut second = [0; 84];
        second[..32].copy_from_slice(&ek);
        second[32..].copy_from_slice(&first);
        second[83] = 2;
        (ek, self.0.of(&second))
    }
}

/// Takes the key stream off, without asking for the tag: both suites are stream ciphers, so sealing the ciphertext
/// again gives the plaintext, and an attacker does not mind where it ends.
pub(crate) fn unseal(suite: u8, ek: &Key, ciphertext: &[u8]) -> Vec<u8> {
    let mut buffer = ciphertext.to_vec();
    let done = match suite {
        2 => Aes256Gcm::new(ek.into())
            .encrypt_inout_detached(&Nonce::<Aes256Gcm>::default(), &[], buffer.as_mut_slice().into())
            .is_ok(),
        _ => ChaCha20Poly1305::new(ek.into())
            .encrypt_inout_detached(&Nonce::<ChaCha20Poly1305>::default(), &[], buffer.as_mut_slice().into())
            .is_ok(),
    };
    assert!(done, "shorter than any limit of the ciphers");
    buffer
}
