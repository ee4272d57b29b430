//! Where the root of the key tree is kept, and who else keeps it: what a seal replaces and has dropped.
//!
//! Today a slot is the keyring file, and a holder a directory with a copy of it; a TPM or an HSM would be another
//! implementation of the same trait, with a higher [`SlotLevel`]. A slot holds one body at a time. What it cannot do is
//! make the medium forget: the level says how far it can be trusted in that.

use std::path::PathBuf;
use std::sync::Arc;

use super::{FILE_BYTES_MAX, Holder, KeyringBody, KeyringError, KeyringFile, UnlockedKeyring};
use crate::crypto::Entropy;
use crate::masterkey::MasterKey;
use crate::masterkey::secret_file::{self, SecretFileError};
use crate::types::VaultId;
use crate::types::slot::SlotLevel;

/// The one place the root of the key tree is kept, outside the database and every backup.
pub trait KeyringSlot: Send + Sync {
    /// The vault it belongs to.
    fn vault(&self) -> &VaultId;

    /// How far it can be trusted to forget.
    fn level(&self) -> SlotLevel;

    /// What it holds.
    ///
    /// # Errors
    /// If it cannot be read or opened.
    fn read(&self) -> Result<KeyringBody, KeyringError>;

    /// Replaces what it holds: afterwards it holds this body alone, durably and read back, or what it held before.
    ///
    /// # Errors
    /// If it cannot be written, or was put under another master key meanwhile.
    fn replace(&self, body: &KeyringBody, entropy: &dyn Entropy) -> Result<(), KeyringError>;

    /// Puts what it holds under another master key. May take long (Argon2id). Afterwards it opens with the new one alone,
    /// and this handle no longer.
    ///
    /// # Errors
    /// If it cannot be written, or was put under another master key meanwhile.
    fn rewrap(&self, master: &dyn MasterKey, entropy: &dyn Entropy) -> Result<Arc<dyn KeyringSlot>, KeyringError>;

    /// Brings a holder that has a copy to hold what this slot holds, durably and read back. A holder without a copy is
    /// away, however reachable its directory seems: an empty mount point must not pass for a holder that has forgotten.
    ///
    /// # Errors
    /// `HolderAway`, or why the copy could not be replaced.
    fn share(&self, holder: &Holder) -> Result<(), KeyringError>;

    /// Gives a new holder its first copy.
    ///
    /// # Errors
    /// If there is a file already, or none can be written.
    fn enroll(&self, holder: &Holder) -> Result<(), KeyringError>;

    /// Removes a holder's copy.
    ///
    /// # Errors
    /// `HolderAway`, or why it could not be removed.
    fn dismiss(&self, holder: &Holder) -> Result<(), KeyringError>;
}

/// The copy of a vault's keyring that a holder keeps.
pub fn holder_file(vault: &VaultId, holder: &Holder) -> PathBuf {
    holder.directory.join(format!("membervault-{vault}.keyring"))
}

impl KeyringSlot for UnlockedKeyring {
    fn vault(&self) -> &VaultId {
        Self::vault(self)
    }

    fn level(&self) -> SlotLevel {
        SlotLevel::File
    }

    fn read(&self) -> Result<KeyringBody, KeyringError> {
        Self::read(self)
    }

    fn replace(&self, body: &KeyringBody, entropy: &dyn Entropy) -> Result<(), KeyringError> {
        Self::replace(self, body, entropy)
    }

    fn rewrap(&self, master: &dyn MasterKey, entropy: &dyn Entropy) -> Result<Arc<dyn KeyringSlot>, KeyringError> {
        Ok(Arc::new(self.under(master, entropy)?))
    }

    fn share(&self, holder: &Holder) -> Result<(), KeyringError> {
        let path = holder_file(self.vault(), holder);
        let present = self.present_file()?;
        let held = secret_file::read(&path, FILE_BYTES_MAX).map_err(|error| away(holder, error))?;
        refuse_other_vault(&path, &held, self.vault())?;
        secret_file::remove_unfinished(&path)?;
        if *held != *present {
            secret_file::replace(&path, &present)?;
        }
        Ok(())
    }

    fn enroll(&self, holder: &Holder) -> Result<(), KeyringError> {
        Ok(secret_file::create(&holder_file(self.vault(), holder), &self.present_file()?)?)
    }

    fn dismiss(&self, holder: &Holder) -> Result<(), KeyringError> {
        let path = holder_file(self.vault(), holder);
        secret_file::remove(&path).map_err(|error| away(holder, error))
    }
}

fn away(holder: &Holder, error: SecretFileError) -> KeyringError {
    match error {
        SecretFileError::Missing { path } => KeyringError::HolderAway { name: holder.name.clone(), path },
        other => other.into(),
    }
}

/// A copy is replaced only where it is a keyring of this vault.
fn refuse_other_vault(path: &std::path::Path, held: &[u8], vault: &VaultId) -> Result<(), KeyringError> {
    if KeyringFile::vault_of(held) == Some(*vault) {
        Ok(())
    } else {
        Err(KeyringError::NotOurs { path: path.to_owned() })
    }
}
