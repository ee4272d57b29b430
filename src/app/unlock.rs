//! What opens the keyring file, and the file itself as far as an operator looks after it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{AppError, keyring_file};
use crate::config::Settings;
use crate::crypto::OsEntropy;
use crate::keyring::KeyringInfo;
use crate::masterkey::{KeyFile, MasterKey, MasterKeyError, Passphrase, UnlockMethod, UnlockParams, in_words};
use crate::types::VaultId;
use crate::vault::seal::NextMaster;

/// What the operator holds.
pub enum Unlock {
    /// A passphrase.
    Passphrase(Zeroizing<String>),
    /// A file whose first line is the passphrase.
    PassphraseFile(PathBuf),
    /// A key file.
    KeyFile(PathBuf),
}

impl Unlock {
    /// The provider for a keyring that exists.
    pub(super) fn master_key(&self) -> Result<Box<dyn MasterKey>, AppError> {
        Ok(match self {
            Self::Passphrase(text) => Box::new(Passphrase::new(text)?),
            Self::PassphraseFile(path) => Box::new(Passphrase::from_file(path)?),
            Self::KeyFile(path) => Box::new(KeyFile::read(path)?),
        })
    }

    /// The provider for a new keyring: a passphrase must be hard to guess.
    pub(super) fn new_master_key(&self) -> Result<Box<dyn MasterKey>, AppError> {
        Ok(match self {
            Self::Passphrase(text) => Box::new(Passphrase::new_strong(text)?),
            Self::PassphraseFile(path) => Box::new(Passphrase::from_file(path)?.strong()?),
            Self::KeyFile(_) => self.master_key()?,
        })
    }
}

/// The next master key of these settings, read when it is asked for.
pub(super) fn next_master(settings: &Settings) -> Option<NextMaster> {
    let key_file = settings.next_key_file.clone();
    let passphrase = settings.next_passphrase_file.clone();
    (key_file.is_some() || passphrase.is_some()).then(|| {
        Arc::new(move || -> Result<Box<dyn MasterKey>, MasterKeyError> {
            match (&key_file, &passphrase) {
                (Some(path), _) => Ok(Box::new(KeyFile::read(path)?)),
                (None, Some(path)) => Ok(Box::new(Passphrase::from_file(path)?.strong()?)),
                (None, None) => Err(MasterKeyError::NotText),
            }
        }) as NextMaster
    })
}

/// How the keyring file of these settings is opened; it says so in the clear.
pub fn unlock_method(settings: &Settings) -> Result<UnlockMethod, AppError> {
    Ok(keyring_file(settings)?.inspect()?.unlock.method())
}

/// Makes a key file, which must not exist.
pub fn create_key_file(path: &Path) -> Result<(), AppError> {
    KeyFile::create(path, &OsEntropy)?;
    Ok(())
}

/// Seals the keyring anew under the parameters recommended today, with the same master key.
pub fn upgrade_keyring(settings: &Settings, unlock: &Unlock) -> Result<KeyringReport, AppError> {
    let (file, master) = (keyring_file(settings)?, unlock.master_key()?);
    file.rewrap(&*master, &*master, &OsEntropy)?;
    describe_keyring(settings)
}

/// What the keyring file says without being opened.
pub fn describe_keyring(settings: &Settings) -> Result<KeyringReport, AppError> {
    let KeyringInfo { vault, unlock } = keyring_file(settings)?.inspect()?;
    Ok(KeyringReport { path: settings.keyring.clone(), vault, unlock })
}

/// What a keyring file says in the clear.
pub struct KeyringReport {
    path: PathBuf,
    vault: VaultId,
    unlock: UnlockParams,
}

impl fmt::Display for KeyringReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: keyring of vault {}, opened by a ", self.path.display(), self.vault)?;
        f.write_str(in_words(self.unlock.method()))?;
        if let UnlockParams::Passphrase(params) = &self.unlock {
            let (mib, passes, lanes) = (params.m_kib() / 1024, params.t(), params.p());
            write!(f, " (Argon2id, {mib} MiB, {passes} passes, {lanes} lanes)")?;
        }
        Ok(())
    }
}
