//! SHA-256, HMAC and the two uses of HKDF; comparison in constant time.

use hkdf::HkdfExtract;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::CryptoError;
use crate::codec::KEY_LEN;
use crate::secret::{Passing, wipe_slice};

/// Bytes of a block of SHA-256.
const BLOCK_LEN: usize = 64;

/// SHA-256 over the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
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

/// HMAC-SHA256 under one key, whose part of the work is done once for all that is computed with it.
#[derive(Clone)]
pub(super) struct Keyed(Hmac<Sha256>);

impl Keyed {
    /// Under a key of at most one block (64 bytes).
    pub(super) fn new(key: &[u8]) -> Self {
        debug_assert!(key.len() <= BLOCK_LEN);
        // The key as one block of the hash, padded as HMAC pads it: this constructor cannot fail.
        let mut block = [0; BLOCK_LEN];
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let mac = Hmac::<Sha256>::new((&block).into());
        wipe_slice(&mut block);
        Self(mac)
    }

    /// HKDF-Expand to 32 bytes, which is one HMAC. `context` is not delimited: callers see to it that it is injective.
    pub(super) fn expand(self, info: &[u8], context: &[&[u8]]) -> Passing<[u8; 32]> {
        let Self(mut mac) = self;
        mac.update(info);
        context.iter().for_each(|part| mac.update(part));
        mac.update(&[1]);
        Passing::new(mac.finalize().into_bytes().into())
    }
}

/// HMAC-SHA256 under a key of at most one block (64 bytes), over the parts one after the other.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> Passing<[u8; 32]> {
    let Keyed(mut mac) = Keyed::new(key);
    parts.iter().for_each(|part| mac.update(part));
    Passing::new(mac.finalize().into_bytes().into())
}

/// HKDF-Expand to 32 bytes under a key that nothing else is derived from at the moment.
pub(super) fn expand(key: &[u8; KEY_LEN], info: &[u8], context: &[&[u8]]) -> Passing<[u8; 32]> {
    Keyed::new(key).expand(info, context)
}

/// HKDF with a salt, to 64 bytes.
pub(super) fn extract_and_expand(
    salt: &[u8; 32],
    key: &[u8; KEY_LEN],
    info: &[&[u8]],
) -> Result<Passing<[[u8; 32]; 2]>, CryptoError> {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    extract.input_ikm(key);
    let (mut prk, hkdf) = extract.finalize();
    wipe_slice(&mut prk);
    let mut okm = Passing::new([[0; 32]; 2]);
    hkdf.expand_multi_info(info, okm.as_flattened_mut()).map_err(|_| CryptoError::Primitive)?;
    Ok(okm)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use hkdf::Hkdf;

    use super::*;

    #[test]
    fn sha256_is_that_of_fips_180() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(HEXLOWER.encode(&sha256(&[b"a", b"", b"bc"])), abc);
    }

    #[test]
    fn expanding_is_that_of_the_hkdf_crate() {
        let mut expected = [0; 32];
        Hkdf::<Sha256>::from_prk(&[7; 32]).unwrap().expand(b"info and context", &mut expected).unwrap();
        assert_eq!(*expand(&[7; 32], b"info", &[b" and", b" context"]), expected);
    }

    #[test]
    fn the_parts_of_an_info_are_joined() {
        let (salt, key) = ([0x0c; 32], [0x0b; 32]);
        let mut expected = [0; 64];
        Hkdf::<Sha256>::new(Some(&salt), &key).expand(b"info", &mut expected).unwrap();
        assert_eq!(extract_and_expand(&salt, &key, &[b"in", b"fo"]).unwrap().as_flattened(), expected);
    }

    #[test]
    fn equality_is_of_content_and_length() {
        assert!(equal_constant_time(b"", b"") && equal_constant_time(b"ab", b"ab"));
        assert!(!equal_constant_time(b"ab", b"ac") && !equal_constant_time(b"ab", b"abc"));
    }
}
