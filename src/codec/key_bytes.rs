//! How bodies that carry keys speak of them without knowing the cryptography room.

use crate::secret::Secret;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// A key as the bodies of nodes, members and the keyring carry it. `crypto::Key` is the one of the product; a bare
/// [`Secret`] serves tests and tools.
pub trait KeyBytes: Sized {
    /// Takes the bytes of a key that was stored before.
    fn from_key_bytes(bytes: &[u8; KEY_LEN]) -> Self;
    /// The bytes, to be written into a body that will be sealed. Every caller of this word is counted.
    fn expose_key_bytes(&self) -> &[u8; KEY_LEN];
}

impl KeyBytes for Secret<[u8; KEY_LEN]> {
    fn from_key_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        Self::new(*bytes)
    }

    fn expose_key_bytes(&self) -> &[u8; KEY_LEN] {
        self.expose()
    }
}
