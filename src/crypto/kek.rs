//! Key-encryption keys, from what is outside the vault: a passphrase or a key file.

use argon2::{Algorithm, Argon2, Params, Version};

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
    /// Memory that is asked for at least, in KiB: the least of OWASP's and RFC 9106's advice.
    pub const M_KIB_MIN: u32 = 19 * 1024;
    /// Memory that is accepted from a file, in KiB: a damaged file must not exhaust the machine.
    pub const M_KIB_MAX: u32 = 4 * 1024 * 1024;
    /// Passes that are accepted.
    pub const T_MAX: u32 = 64;
    /// Lanes that are accepted.
    pub const P_MAX: u32 = 64;

    /// The second recommended choice of RFC 9106 (64 MiB, 3 passes, 4 lanes), with a fresh salt.
    pub fn recommended(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt)?;
        Self::new(64 * 1024, 3, 4, salt)
    }

    /// Checks parameters that were stored or configured.
    pub fn new(m_kib: u32, t: u32, p: u32, salt: [u8; 16]) -> Result<Self, CryptoError> {
        if !(Self::M_KIB_MIN..=Self::M_KIB_MAX).contains(&m_kib) {
            return Err(CryptoError::Argon2Bounds("memory"));
        }
        if !(1..=Self::T_MAX).contains(&t) {
            return Err(CryptoError::Argon2Bounds("passes"));
        }
        if !(1..=Self::P_MAX).contains(&p) {
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
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
    let derive = |out: &mut [u8; KEY_LEN]| argon2.hash_password_into(passphrase, &params.salt, out);
    Secret::init_with(derive).map(Key::from_secret).map_err(CryptoError::Argon2)
}

/// The key-encryption key of a key file: its 32 random bytes.
pub fn kek_from_key_file(bytes: &[u8; KEY_LEN]) -> Key<Kek> {
    Key::from_key_bytes(bytes)
}
