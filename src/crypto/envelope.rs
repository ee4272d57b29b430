//! The envelope: the one form of every ciphertext.
//!
//! `"MV1" | suite u8 | salt 32 | com 32 | ciphertext | tag 16`, where `(ek, com) = HKDF-SHA256(key, salt,
//! "membervault/aead/v1" || SHA-256(aad))` and the ciphertext is that of the suite under `ek`, the zero nonce and
//! `aad = suite || place`. A fresh salt makes a fresh key, so no nonce is ever chosen; `com` commits to key, salt and
//! place, and is compared before anything is decrypted.

use aes_gcm::Aes256Gcm;
use chacha20poly1305::aead::{AeadCore, AeadInOut, KeyInit, Nonce, Tag, consts::U16};
use chacha20poly1305::{ChaCha20Poly1305, KeySizeUser, consts::U32};
use zeroize::{Zeroize, Zeroizing};

use super::hash::{equal_constant_time, extract_and_expand, sha256};
use super::{CryptoError, Entropy, Key};
use crate::codec::Plaintext;
use crate::types::place::Place;

const MAGIC: &[u8; 3] = b"MV1";
const INFO: &[u8] = b"membervault/aead/v1";
const SALT_LEN: usize = 32;
const COM_LEN: usize = 32;
const TAG_LEN: usize = 16;
/// The longest associated data: the tag and vault of a place, a field of 255 bytes with its length, and the suite.
const AAD_MAX: usize = 274;

/// Bytes an envelope has beyond its plaintext.
pub const ENVELOPE_OVERHEAD: usize = MAGIC.len() + 1 + SALT_LEN + COM_LEN + TAG_LEN;
/// The longest plaintext of one envelope.
pub const PLAINTEXT_MAX: usize = 16 * 1024 * 1024;

/// The cipher inside an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// ChaCha20-Poly1305 (RFC 8439). The default.
    ChaCha20Poly1305 = 1,
    /// AES-256-GCM (NIST SP 800-38D), for those who must.
    Aes256Gcm = 2,
}

impl Suite {
    /// The number in envelopes and in the vault meta row.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The suite of a number.
    pub const fn from_number(number: u8) -> Result<Self, CryptoError> {
        match number {
            1 => Ok(Self::ChaCha20Poly1305),
            2 => Ok(Self::Aes256Gcm),
            other => Err(CryptoError::UnknownSuite(other)),
        }
    }
}

/// Seals `plaintext` for `place`.
pub fn seal<P: Place>(
    suite: Suite,
    key: &Key<P::Key>,
    place: &P,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, CryptoError> {
    let mut envelope = Vec::with_capacity(plaintext.len().saturating_add(ENVELOPE_OVERHEAD));
    seal_into(suite, key, place, plaintext, entropy, &mut envelope)?;
    Ok(envelope)
}

/// Seals `plaintext` for `place` and appends the envelope to `out`. On failure `out` is as it was.
pub fn seal_into<P: Place>(
    suite: Suite,
    key: &Key<P::Key>,
    place: &P,
    plaintext: &[u8],
    entropy: &dyn Entropy,
    out: &mut Vec<u8>,
) -> Result<(), CryptoError> {
    if plaintext.len() > PLAINTEXT_MAX {
        return Err(CryptoError::TooLong);
    }
    let bound = Bound::new(suite, place)?;
    let mut salt = [0; SALT_LEN];
    entropy.fill(&mut salt)?;
    let derived = bound.derive(key, &salt)?;
    let [ek, com] = &*derived;
    // Everything at once: plaintext lies in `out` until it is encrypted in place, so `out` must not move then.
    out.reserve(plaintext.len().saturating_add(ENVELOPE_OVERHEAD));
    let start = out.len();
    out.extend_from_slice(MAGIC);
    out.push(suite.number());
    out.extend_from_slice(&salt);
    out.extend_from_slice(com);
    let ciphertext = out.len();
    out.extend_from_slice(plaintext);
    let in_place = out.get_mut(ciphertext..).unwrap_or_default();
    match bound.encrypt(ek, in_place) {
        Ok(tag) => out.extend_from_slice(&tag),
        Err(error) => {
            in_place.zeroize();
            out.truncate(start);
            return Err(error);
        }
    }
    Ok(())
}

/// Opens an envelope that was sealed with `key` for `place`.
pub fn open<P: Place>(key: &Key<P::Key>, place: &P, envelope: &[u8]) -> Result<Plaintext, CryptoError> {
    let parts = Parts::of(envelope)?;
    let bound = Bound::new(parts.suite, place)?;
    let derived = bound.derive(key, parts.salt)?;
    let [ek, com] = &*derived;
    if !equal_constant_time(com, parts.com) {
        return Err(CryptoError::WrongKeyOrPlace);
    }
    let mut plaintext = Plaintext::with_capacity(parts.ciphertext.len());
    plaintext.extend(parts.ciphertext);
    bound.decrypt(ek, plaintext.expose_mut(), parts.tag)?;
    Ok(plaintext)
}

/// An envelope taken apart.
struct Parts<'a> {
    suite: Suite,
    salt: &'a [u8; SALT_LEN],
    com: &'a [u8; COM_LEN],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG_LEN],
}

impl<'a> Parts<'a> {
    fn of(envelope: &'a [u8]) -> Result<Self, CryptoError> {
        Self::split(envelope).unwrap_or(Err(CryptoError::NotAnEnvelope))
    }

    fn split(envelope: &'a [u8]) -> Option<Result<Self, CryptoError>> {
        let rest = envelope.strip_prefix(MAGIC)?;
        let (suite, rest) = rest.split_first()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (com, rest) = rest.split_first_chunk()?;
        let (ciphertext, tag) = rest.split_last_chunk()?;
        if ciphertext.len() > PLAINTEXT_MAX {
            return Some(Err(CryptoError::TooLong));
        }
        Some(Suite::from_number(*suite).map(|suite| Self { suite, salt, com, ciphertext, tag }))
    }
}

/// A suite and a place, as what an envelope is bound to.
struct Bound {
    suite: Suite,
    aad: [u8; AAD_MAX],
    aad_len: usize,
}

impl Bound {
    fn new(suite: Suite, place: &impl Place) -> Result<Self, CryptoError> {
        let encoded = place.aad();
        let encoded = encoded.as_bytes();
        let mut aad = [0; AAD_MAX];
        let aad_len = encoded.len().saturating_add(1);
        match aad.get_mut(..aad_len).and_then(<[u8]>::split_first_mut) {
            Some((first, rest)) => {
                *first = suite.number();
                rest.copy_from_slice(encoded);
            }
            None => return Err(CryptoError::TooLong),
        }
        Ok(Self { suite, aad, aad_len })
    }

    fn aad(&self) -> &[u8] {
        self.aad.get(..self.aad_len).unwrap_or(&self.aad)
    }

    /// The key of this one envelope, and its commitment.
    fn derive<K: crate::types::place::KeyKind>(
        &self,
        key: &Key<K>,
        salt: &[u8; SALT_LEN],
    ) -> Result<Zeroizing<[[u8; 32]; 2]>, CryptoError> {
        extract_and_expand(salt, key.bytes(), &[INFO, &sha256(&[self.aad()])])
    }

    fn encrypt(&self, ek: &[u8; 32], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], CryptoError> {
        match self.suite {
            Suite::ChaCha20Poly1305 => encrypt::<ChaCha20Poly1305>(ek, self.aad(), buffer),
            Suite::Aes256Gcm => encrypt::<Aes256Gcm>(ek, self.aad(), buffer),
        }
    }

    fn decrypt(&self, ek: &[u8; 32], buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), CryptoError> {
        match self.suite {
            Suite::ChaCha20Poly1305 => decrypt::<ChaCha20Poly1305>(ek, self.aad(), buffer, tag),
            Suite::Aes256Gcm => decrypt::<Aes256Gcm>(ek, self.aad(), buffer, tag),
        }
    }
}

fn encrypt<A>(ek: &[u8; 32], aad: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], CryptoError>
where
    A: KeyInit + KeySizeUser<KeySize = U32> + AeadCore<TagSize = U16> + AeadInOut,
{
    let tag = A::new(ek.into()).encrypt_inout_detached(&Nonce::<A>::default(), aad, buffer.into());
    tag.map(Into::into).map_err(|_| CryptoError::TooLong)
}

fn decrypt<A>(ek: &[u8; 32], aad: &[u8], buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), CryptoError>
where
    A: KeyInit + KeySizeUser<KeySize = U32> + AeadCore<TagSize = U16> + AeadInOut,
{
    let tag: &Tag<A> = tag.into();
    let opened = A::new(ek.into()).decrypt_inout_detached(&Nonce::<A>::default(), aad, buffer.into(), tag);
    opened.map_err(|_| CryptoError::Damaged)
}
