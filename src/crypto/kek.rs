//! Key-encryption keys, from what is outside the vault: a passphrase or a key file.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::{CryptoError, Key};
use crate::codec::{KEY_LEN, KeyBytes};
use crate::secret::Secret;
use crate::types::place::Kek;

/// Parameters of Argon2id, stored beside what they protect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseParams {
    m_kib: u32,
    t: u32,
    p: u32,
    salt: [u8; 16],
}

impl PassphraseParams {
    /// Memory that is accepted, in KiB: what Argon2 itself needs for one lane. How much a new passphrase should cost is
    /// for `masterkey` to say.
    pub const M_KIB_MIN: u32 = 8;
    /// Memory that is accepted from a file, in KiB: a hostile file must not exhaust the machine.
    pub const M_KIB_MAX: u32 = 1024 * 1024;
    /// Passes that are accepted: with the most memory, well under a minute.
    pub const T_MAX: u32 = 16;
    /// Lanes that are accepted.
    pub const P_MAX: u32 = 16;

    /// Checks parameters that were stored or configured. Each lane needs 8 KiB.
    pub fn new(m_kib: u32, t: u32, p: u32, salt: [u8; 16]) -> Result<Self, CryptoError> {
        if !(Self::M_KIB_MIN..=Self::M_KIB_MAX).contains(&m_kib) {
            return Err(CryptoError::Argon2Bounds("memory"));
        }
        if !(1..=Self::T_MAX).contains(&t) {
            return Err(CryptoError::Argon2Bounds("passes"));
        }
        if !(1..=Self::P_MAX).contains(&p) || m_kib / Self::M_KIB_MIN < p {
            return Err(CryptoError::Argon2Bounds("lanes"));
        }
        Ok(Self { m_kib, t, p, salt })
    }

    /// Memory in KiB.
    pub const fn m_kib(&self) -> u32 {
        self.m_kib
    }

    /// Passes.
    pub const fn t(&self) -> u32 {
        self.t
    }

    /// Lanes.
    pub const fn p(&self) -> u32 {
        self.p
    }

    /// The salt.
    pub const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }
}

/// The key-encryption key of a passphrase. Takes a tenth of a second or more, by design.
pub fn kek_from_passphrase(passphrase: &[u8], params: &PassphraseParams) -> Result<Key<Kek>, CryptoError> {
    let cost = Params::new(params.m_kib, params.t, params.p, Some(KEY_LEN)).map_err(CryptoError::Argon2)?;
    // The crate would not wipe the memory it allocates itself; the last blocks of it make the key.
    let mut memory = Zeroizing::new(vec![Block::new(); cost.block_count()]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
    let derive = |out: &mut [u8; KEY_LEN]| {
        argon2.hash_password_into_with_memory(passphrase, &params.salt, out, memory.as_mut_slice())
    };
    Secret::init_with(derive).map(Key::from_secret).map_err(CryptoError::Argon2)
}

/// The key-encryption key of a key file: its 32 random bytes.
pub fn kek_from_key_file(bytes: &[u8; KEY_LEN]) -> Key<Kek> {
    Key::from_key_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u8; 16] = [1; 16];

    #[test]
    fn the_passphrase_and_every_parameter_count() {
        let cheap = PassphraseParams::new(64, 1, 1, SALT).unwrap();
        let kek = |passphrase: &[u8], params| kek_from_passphrase(passphrase, &params).unwrap().commitment();
        let reference = kek(b"correct horse battery staple", cheap);
        assert_eq!(kek(b"correct horse battery staple", cheap), reference);
        assert_ne!(kek(b"correct horse battery stapl", cheap), reference);
        for other in [(72, 1, 1, SALT), (64, 2, 1, SALT), (64, 1, 2, SALT), (64, 1, 1, [2; 16])] {
            let params = PassphraseParams::new(other.0, other.1, other.2, other.3).unwrap();
            assert_ne!(kek(b"correct horse battery staple", params), reference, "{other:?}");
        }
    }

    #[test]
    fn parameters_that_argon2_refuses_or_that_would_exhaust_the_machine_are_refused() {
        let accepted = |m_kib, t, p| PassphraseParams::new(m_kib, t, p, SALT).is_ok();
        assert!(accepted(8, 1, 1) && accepted(64, 1, 8) && accepted(1024 * 1024, 16, 16));
        for (m_kib, t, p) in [(0, 1, 1), (7, 1, 1), (63, 1, 8), (1024 * 1024 + 1, 1, 1), (u32::MAX, 1, 1)] {
            assert!(!accepted(m_kib, t, p), "{m_kib} {t} {p}");
        }
        for (t, p) in [(0, 1), (17, 1), (1, 0), (1, 17), (u32::MAX, 1), (1, u32::MAX)] {
            assert!(!accepted(65536, t, p), "{t} {p}");
        }
    }
}
