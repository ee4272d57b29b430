//! The master key: what opens a keyring file (FORMAT.md, section 4).

use std::collections::HashMap;
use std::fs;

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::HEXLOWER;

use crate::arguments::Arguments;
use crate::crypto::Key;

const MEMORY_KIB_MAX: u32 = 1 << 21;

#[derive(Default)]
pub(crate) struct Master {
    key_file: Option<Key>,
    passphrase: Option<Vec<u8>>,
    derived: HashMap<Vec<u8>, Option<Key>>,
}

impl Master {
    pub(crate) fn read(arguments: &Arguments) -> Result<Self, String> {
        let mut master = Self::default();
        if let Some(path) = &arguments.key_file {
            let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let key = text.trim().split('-').nth(1).and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
            let key = key.and_then(|key| key.try_into().ok());
            master.key_file = Some(key.ok_or_else(|| format!("{}: no key file", path.display()))?);
        }
        if let Some(path) = &arguments.passphrase_file {
            let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            // OpaqueString leaves ASCII as it is; so must the passphrase of a vault that is attacked.
            master.passphrase = Some(text.lines().next().unwrap_or_default().as_bytes().to_vec());
        }
        Ok(master)
    }

    /// The key-encryption key of the keyring with this header.
    pub(crate) fn kek(&mut self, header: &[u8]) -> Option<Key> {
        match header.get(24) {
            Some(2) => self.key_file,
            Some(1) => {
                let passphrase = self.passphrase.as_deref()?;
                *self.derived.entry(header.to_vec()).or_insert_with(|| argon2id(passphrase, header))
            }
            _ => None,
        }
    }
}

fn argon2id(passphrase: &[u8], header: &[u8]) -> Option<Key> {
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let (memory, passes, lanes) = (number(25)?, number(29)?, number(33)?);
    (memory <= MEMORY_KIB_MAX).then_some(())?;
    let params = Params::new(memory, passes, lanes, Some(32)).ok()?;
    let mut key = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase, header.get(37..53)?, &mut key).ok()?;
    Some(key)
}
