//! Ed25519 (RFC 8032): the signature under what leaves the vault to be believed elsewhere.
//!
//! One key signs: that of the log, which derives from the vault secret and so needs no file of its own. Verifying takes
//! no vault. Signatures are checked strictly: keys of small order and second encodings are refused.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// The key that signs the log. Wiped when dropped; cannot be cloned, printed or compared.
pub struct LogKey(SigningKey);

impl LogKey {
    /// The key of a seed of 32 secret bytes.
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// A key for tests of other rooms.
    #[cfg(any(test, feature = "testkit"))]
    pub fn from_seed_for_tests(seed: &[u8; 32]) -> Self {
        Self::from_seed(seed)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs. The same message has the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).to_bytes()
    }
}

/// A public key that signatures are checked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Bytes of a public key.
    pub const LEN: usize = 32;

    /// Reads a public key; `None` if the bytes are none, or one that would verify more than one message.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).map(Self)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.as_bytes()
    }

    /// Whether this is a signature of the message under this key.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_8032() {
        let vectors = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                &[][..],
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                &[0xaf, 0x82],
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ];
        for (seed, public, message, signature) in vectors {
            let key = LogKey::from_seed(&hex(seed));
            assert_eq!(key.public().as_bytes(), &hex(public));
            assert_eq!(key.sign(message), hex(signature));
            let public = PublicKey::from_bytes(&hex(public)).unwrap();
            assert!(public.verifies(message, &hex(signature)));
            assert!(!public.verifies(b"another message", &hex(signature)));
        }
    }

    #[test]
    fn a_changed_signature_and_a_weak_key_are_refused() {
        let key = LogKey::from_seed(&[7; 32]);
        let signature = key.sign(b"message");
        for at in 0..SIGNATURE_LEN {
            let mut changed = signature;
            changed[at] ^= 1;
            assert!(!key.public().verifies(b"message", &changed), "byte {at}");
        }
        assert!(!LogKey::from_seed(&[8; 32]).public().verifies(b"message", &signature));
        // The identity and a point of order two: every message has a signature under them.
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(PublicKey::from_bytes(&one), None);
        assert_eq!(PublicKey::from_bytes(&[0; 32]), None);
    }
}
