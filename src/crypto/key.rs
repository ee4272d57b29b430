//! A key that knows its kind, so that the compiler refuses a record under a shard key.

use std::convert::Infallible;
use std::marker::PhantomData;

use super::hash::sha256;
use super::{CryptoError, Entropy};
use crate::codec::{KEY_LEN, KeyBytes};
use crate::secret::Secret;
use crate::types::place::KeyKind;

const COMMITMENT: &[u8] = b"membervault/key-commitment/v1";

/// 32 secret bytes of one kind. Wiped when dropped; cannot be cloned, printed or compared.
pub struct Key<K: KeyKind> {
    bytes: Secret<[u8; KEY_LEN]>,
    kind: PhantomData<fn() -> K>,
}

impl<K: KeyKind> Key<K> {
    /// Draws a fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        Secret::init_with(|bytes: &mut [u8; KEY_LEN]| entropy.fill(bytes)).map(Self::from_secret)
    }

    /// Says of which kind secret bytes are.
    pub const fn from_secret(bytes: Secret<[u8; KEY_LEN]>) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// A public value that stands for this key: it can be checked against the key, and tells nothing about it.
    pub fn commitment(&self) -> [u8; 32] {
        sha256(&[COMMITMENT, K::NAME.as_bytes(), self.bytes.expose()])
    }

    /// The bytes, for this room.
    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        self.bytes.expose()
    }
}

impl<K: KeyKind> KeyBytes for Key<K> {
    fn from_key_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        let copied = Secret::init_with(|place: &mut [u8; KEY_LEN]| {
            *place = *bytes;
            Ok::<_, Infallible>(())
        });
        match copied {
            Ok(bytes) => Self::from_secret(bytes),
            Err(never) => match never {},
        }
    }

    fn expose_key_bytes(&self) -> &[u8; KEY_LEN] {
        self.bytes.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::entropy::SeededEntropy;
    use crate::types::place::{Data, Shard};

    #[test]
    fn keys_are_fresh_and_commit_to_their_kind() {
        let entropy = SeededEntropy::new(1);
        let keys: [Key<Data>; 2] = [(); 2].map(|()| Key::generate(&entropy).unwrap());
        assert_ne!(keys[0].commitment(), keys[1].commitment());
        let copy = Key::<Data>::from_key_bytes(keys[0].expose_key_bytes());
        let other = Key::<Shard>::from_key_bytes(keys[0].expose_key_bytes());
        assert_eq!(copy.commitment(), keys[0].commitment());
        assert_ne!(other.commitment(), keys[0].commitment());
    }
}
