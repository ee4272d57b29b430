//! The envelope: the one form of every ciphertext.
//!
//! `"MV1" | suite u8 | salt 32 | com 32 | ciphertext | tag 16`, where `(ek, com) = HKDF-SHA256(key, salt,
//! "membervault/aead/v1" || SHA-256(aad))` and the ciphertext is that of the suite under `ek`, the zero nonce and
//! `aad = suite || place`. A fresh salt makes a fresh key, so no nonce is ever chosen; `com` commits to key, salt and
//! place, and is compared before anything is decrypted.

use aes_gcm::Aes256Gcm;
use chacha20poly1305::aead::{AeadCore, AeadInOut, KeyInit, Nonce, Tag, consts::U16};
use chacha20poly1305::{ChaCha20Poly1305, KeySizeUser, consts::U32};
use zeroize::Zeroize;

use super::hash::{equal_constant_time, extract_and_expand, sha256};
use super::{CryptoError, Entropy, Key};
use crate::codec::Plaintext;
use crate::secret::Passing;
use crate::types::place::{Aad, Place};

const MAGIC: &[u8; 3] = b"MV1";
const INFO: &[u8] = b"membervault/aead/v1";
const SALT_LEN: usize = 32;
const COM_LEN: usize = 32;
const TAG_LEN: usize = 16;

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

    /// The suite an envelope was sealed with.
    pub fn of(envelope: &[u8]) -> Result<Self, CryptoError> {
        Self::from_number(*envelope.get(MAGIC.len()).ok_or(CryptoError::NotAnEnvelope)?)
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
    let mut place = place.aad();
    let bound = Bound::new(suite, &mut place)?;
    let mut salt = [0; SALT_LEN];
    entropy.fill_public(&mut salt)?;
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
    let mut place = place.aad();
    let bound = Bound::new(parts.suite, &mut place)?;
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
struct Bound<'a> {
    suite: Suite,
    aad: &'a [u8],
}

impl<'a> Bound<'a> {
    fn new(suite: Suite, place: &'a mut Aad) -> Result<Self, CryptoError> {
        let aad = place.under(suite.number()).ok_or(CryptoError::TooLong)?;
        Ok(Self { suite, aad })
    }

    /// The key of this one envelope, and its commitment.
    fn derive<K: crate::types::place::KeyKind>(
        &self,
        key: &Key<K>,
        salt: &[u8; SALT_LEN],
    ) -> Result<Passing<[[u8; 32]; 2]>, CryptoError> {
        extract_and_expand(salt, key.bytes(), &[INFO, &sha256(&[self.aad])])
    }

    fn encrypt(&self, ek: &[u8; 32], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], CryptoError> {
        match self.suite {
            Suite::ChaCha20Poly1305 => encrypt::<ChaCha20Poly1305>(ek, self.aad, buffer),
            Suite::Aes256Gcm => encrypt::<Aes256Gcm>(ek, self.aad, buffer),
        }
    }

    fn decrypt(&self, ek: &[u8; 32], buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), CryptoError> {
        match self.suite {
            Suite::ChaCha20Poly1305 => decrypt::<ChaCha20Poly1305>(ek, self.aad, buffer, tag),
            Suite::Aes256Gcm => decrypt::<Aes256Gcm>(ek, self.aad, buffer, tag),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::entropy::SeededEntropy;
    use crate::types::place::{AccessPlace, Control, ControlPlace, HoldPlace, Note};
    use crate::types::{MemberId, VaultId};

    const VAULT: VaultId = VaultId::from_bytes([1; 16]);
    const MEMBER: MemberId = MemberId::from_bytes([2; 16]);
    const SUITES: [Suite; 2] = [Suite::ChaCha20Poly1305, Suite::Aes256Gcm];
    const PLACE: AccessPlace<'_> = AccessPlace { vault: &VAULT, member: &MEMBER };

    fn key() -> Key<Note> {
        Key::generate(&SeededEntropy::new(1)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens() {
        for suite in SUITES {
            assert_eq!(Suite::from_number(suite.number()).unwrap(), suite);
            for len in [0, 1, 63, 64, 65, 8195] {
                let plaintext = vec![7; len];
                let mut row = b"row".to_vec();
                seal_into(suite, &key(), &PLACE, &plaintext, &SeededEntropy::new(2), &mut row).unwrap();
                assert_eq!(row.len(), 3 + len + ENVELOPE_OVERHEAD);
                assert_eq!(open(&key(), &PLACE, &row[3..]).unwrap().expose(), plaintext);
            }
        }
    }

    #[test]
    fn the_same_plaintext_never_looks_the_same() {
        let entropy = SeededEntropy::new(2);
        let sealed = || seal(Suite::ChaCha20Poly1305, &key(), &PLACE, b"same", &entropy).unwrap();
        let (one, other) = (sealed(), sealed());
        let equal = one.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!(equal < 4 + 10, "beyond the magic and suite only chance agrees");
    }

    #[test]
    fn every_changed_bit_is_refused() {
        for suite in SUITES {
            let envelope = seal(suite, &key(), &PLACE, b"plaintext", &SeededEntropy::new(2)).unwrap();
            for bit in 0..envelope.len() * 8 {
                let mut changed = envelope.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let refusal = open(&key(), &PLACE, &changed).err().unwrap();
                let expected = match bit / 8 {
                    0..3 => matches!(refusal, CryptoError::NotAnEnvelope),
                    3 => matches!(refusal, CryptoError::UnknownSuite(_) | CryptoError::WrongKeyOrPlace),
                    4..68 => matches!(refusal, CryptoError::WrongKeyOrPlace),
                    _ => matches!(refusal, CryptoError::Damaged),
                };
                assert!(expected, "bit {bit}: {refusal:?}");
            }
        }
    }

    #[test]
    fn another_place_under_the_same_key_is_refused() {
        let envelope = seal(Suite::Aes256Gcm, &key(), &PLACE, b"note", &SeededEntropy::new(2)).unwrap();
        let hold = HoldPlace { vault: &VAULT, member: &MEMBER };
        assert!(matches!(open(&key(), &hold, &envelope), Err(CryptoError::WrongKeyOrPlace)));
    }

    #[test]
    fn limits_are_refused_before_anything_is_written() {
        let mut out = b"row".to_vec();
        let entropy = SeededEntropy::new(2);
        let too_long = vec![0; PLAINTEXT_MAX + 1];
        let sealed = seal_into(Suite::Aes256Gcm, &key(), &PLACE, &too_long, &entropy, &mut out);
        assert!(matches!(sealed, Err(CryptoError::TooLong)) && out == b"row");
        let key: Key<Control> = Key::generate(&entropy).unwrap();
        let longest = ControlPlace { vault: &VAULT, row_key: &[7; 255] };
        let envelope = seal(Suite::Aes256Gcm, &key, &longest, b"", &entropy).unwrap();
        assert!(open(&key, &longest, &envelope).unwrap().is_empty());
    }

    #[test]
    fn without_entropy_nothing_is_sealed() {
        struct Dry;
        impl Entropy for Dry {
            fn fill(&self, _: &mut [u8]) -> Result<(), CryptoError> {
                Err(CryptoError::Entropy(getrandom::Error::UNSUPPORTED))
            }
        }
        let mut out = Vec::new();
        let sealed = seal_into(Suite::ChaCha20Poly1305, &key(), &PLACE, b"secret", &Dry, &mut out);
        assert!(matches!(sealed, Err(CryptoError::Entropy(_))) && out.is_empty());
    }
}
