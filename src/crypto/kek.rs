//! Key-encryption keys, from what is outside the vault: a passphrase or a key file.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::{CryptoError, Entropy, Key};
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

    /// The second recommended choice of RFC 9106 (64 MiB, 3 passes, 4 lanes), with a fresh salt.
    pub fn recommended(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt)?;
        Self::new(64 * 1024, 3, 4, salt)
    }

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
        let cheap = PassphraseParams::new(PassphraseParams::M_KIB_MIN, 1, 1, SALT).unwrap();
        let kek = |passphrase: &[u8], params| kek_from_passphrase(passphrase, &params).unwrap().commitment();
        let reference = kek(b"correct horse battery staple", cheap);
        assert_eq!(kek(b"correct horse battery staple", cheap), reference);
        assert_ne!(kek(b"correct horse battery stapl", cheap), reference);
        for other in [(19457, 1, 1, SALT), (19456, 2, 1, SALT), (19456, 1, 2, SALT), (19456, 1, 1, [2; 16])] {
            let params = PassphraseParams::new(other.0, other.1, other.2, other.3).unwrap();
            assert_ne!(kek(b"correct horse battery staple", params), reference, "{other:?}");
        }
    }

    #[test]
    fn parameters_that_are_weak_or_would_exhaust_the_machine_are_refused() {
        for (m_kib, t, p) in [(0, 3, 4), (19 * 1024 - 1, 3, 4), (u32::MAX, 3, 4), (65536, 0, 4), (65536, 65, 4)] {
            assert!(PassphraseParams::new(m_kib, t, p, SALT).is_err(), "{m_kib} {t} {p}");
        }
        assert!(PassphraseParams::new(65536, 3, 0, SALT).is_err());
        assert!(PassphraseParams::new(65536, 3, u32::MAX, SALT).is_err());
    }
}
