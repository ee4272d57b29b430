//! The keyring file: the one small thing outside the database from which all else can be opened.
//!
//! It is never inside the database directory, never readable by others, and never half written: a successor is written
//! beside it, read back, and put in its place. Old contents are not kept: an old keyring opens what was erased since.
//!
//! What this does not do: make the disk forget. Flash, snapshots and copy-on-write file systems may keep the blocks of
//! earlier keyrings.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Keyring, KeyringBody, KeyringError, Unreadable};
use crate::codec::{CodecError, KeyringHeader, UnlockMethod};
use crate::crypto::{self, CryptoError, Entropy, Key, PassphraseParams, Plaintext, Suite};
use crate::masterkey::secret_file::{self, SecretFileError};
use crate::masterkey::{MasterKey, UnlockParams};
use crate::types::VaultId;
use crate::types::place::{Kek, KeyringPlace};

/// The largest keyring file: small enough to lie in one block of most disks.
pub const FILE_BYTES_MAX: usize = 4095;

/// The path of a keyring file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringFile {
    path: PathBuf,
}

/// What the clear header of a keyring file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringInfo {
    /// The vault it belongs to.
    pub vault: VaultId,
    /// How it is unlocked.
    pub unlock: UnlockParams,
}

impl KeyringFile {
    /// The keyring file at `path` of the vault in `database`. Refuses a path inside the database.
    pub fn at(path: impl Into<PathBuf>, database: &Path) -> Result<Self, KeyringError> {
        let path = path.into();
        secret_file::refuse_inside(&path, database)?;
        Ok(Self { path })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what can be read without the master key.
    pub fn inspect(&self) -> Result<KeyringInfo, KeyringError> {
        let (header, _) = self.read()?;
        Ok(KeyringInfo { vault: header.vault, unlock: self.unlock_params(&header)? })
    }

    /// Writes the keyring of a new vault. Never overwrites.
    pub fn create(
        &self,
        vault: VaultId,
        suite: Suite,
        master: &dyn MasterKey,
        body: &KeyringBody,
        entropy: &dyn Entropy,
    ) -> Result<UnlockedKeyring, KeyringError> {
        let unlocked = self.lock_anew(vault, suite, master, entropy)?;
        unlocked.write(body, entropy, secret_file::create)?;
        Ok(unlocked)
    }

    /// Opens the keyring. May take long (Argon2id). Removes what a crash while it was replaced may have left.
    pub fn unlock(&self, master: &dyn MasterKey) -> Result<(UnlockedKeyring, KeyringBody), KeyringError> {
        let (header, envelope) = self.read()?;
        let kek = master.kek(&self.unlock_params(&header)?)?;
        let suite = Suite::of(&envelope).map_err(|error| self.unreadable(header.method, error))?;
        let unlocked = UnlockedKeyring { file: self.clone(), header, suite, kek };
        let body = unlocked.open(&envelope)?;
        secret_file::remove_unfinished(&self.path)?;
        Ok((unlocked, body))
    }

    /// Puts the keyring under another master key, or under fresh parameters of the same. The keys inside stay: whoever
    /// has both an old copy of the file and the old master key still opens today's tree, until a seal gives it a new
    /// root.
    pub fn rewrap(
        &self,
        old: &dyn MasterKey,
        new: &dyn MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<UnlockedKeyring, KeyringError> {
        self.unlock(old)?.0.under(new, entropy)
    }

    fn lock_anew(
        &self,
        vault: VaultId,
        suite: Suite,
        master: &dyn MasterKey,
        entropy: &dyn Entropy,
    ) -> Result<UnlockedKeyring, KeyringError> {
        let params = master.fresh_params(entropy)?;
        Ok(UnlockedKeyring { file: self.clone(), header: header(vault, &params), suite, kek: master.kek(&params)? })
    }

    /// The vault that the bytes of a keyring file name. `None` if they are none.
    pub(super) fn vault_of(file: &[u8]) -> Option<VaultId> {
        KeyringHeader::unframe(file).ok().map(|(header, _)| header.vault)
    }

    /// Header and envelope. Whoever finds the bytes of an earlier file in memory has that keyring, as if it were a copy of
    /// the file: so they are wiped like a key.
    fn read(&self) -> Result<(KeyringHeader, Zeroizing<Vec<u8>>), KeyringError> {
        let file = secret_file::read(&self.path, FILE_BYTES_MAX).map_err(|error| match error {
            SecretFileError::Missing { path } => KeyringError::Missing { path },
            SecretFileError::TooLong { .. } => self.damaged(CodecError::Leftover { what: "keyring file" }),
            other => other.into(),
        })?;
        let (header, envelope) = KeyringHeader::unframe(&file).map_err(|error| self.damaged(error))?;
        Ok((header, Zeroizing::new(envelope.to_vec())))
    }

    /// The parameters of the header, within bounds: they are used before anything can be authenticated.
    fn unlock_params(&self, header: &KeyringHeader) -> Result<UnlockParams, KeyringError> {
        let KeyringHeader { method, m_kib, t, p, salt, .. } = *header;
        match method {
            UnlockMethod::Passphrase => {
                let params = PassphraseParams::new(m_kib, t, p, salt).map_err(|error| self.damaged(error))?;
                Ok(UnlockParams::Passphrase(params))
            }
            UnlockMethod::KeyFile if (m_kib, t, p, salt) == (0, 0, 0, [0; 16]) => Ok(UnlockParams::KeyFile),
            UnlockMethod::KeyFile => {
                Err(self.damaged(CodecError::Invalid { what: "keyring header", field: "the parameters of a key file" }))
            }
        }
    }

    fn damaged(&self, source: impl Into<Unreadable>) -> KeyringError {
        let path = self.path.clone();
        match source.into() {
            source @ (Unreadable::Layout(CodecError::Unknown { .. })
            | Unreadable::Sealed(CryptoError::UnknownSuite(_))) => KeyringError::UnknownVersion { path, source },
            source => KeyringError::Damaged { path, source },
        }
    }

    fn unreadable(&self, method: UnlockMethod, error: CryptoError) -> KeyringError {
        match error {
            CryptoError::WrongKeyOrPlace => KeyringError::WrongMasterKey { path: self.path.clone(), method },
            other => self.damaged(other),
        }
    }
}

/// A keyring file whose key-encryption key is at hand, so that a seal can replace it without asking for the master key
/// again.
pub struct UnlockedKeyring {
    file: KeyringFile,
    header: KeyringHeader,
    suite: Suite,
    kek: Key<Kek>,
}

impl UnlockedKeyring {
    /// The file.
    pub const fn file(&self) -> &KeyringFile {
        &self.file
    }

    /// The vault it belongs to.
    pub const fn vault(&self) -> &VaultId {
        &self.header.vault
    }

    /// Reads the body again.
    pub fn read(&self) -> Result<KeyringBody, KeyringError> {
        self.open(&self.present()?)
    }

    /// Replaces the body: afterwards the file holds this one, on disk and opened again, or it is as it was. Refused where
    /// the file was rewrapped or taken away meanwhile: the old master key must not come back.
    pub fn replace(&self, body: &KeyringBody, entropy: &dyn Entropy) -> Result<(), KeyringError> {
        self.present()?;
        self.write(body, entropy, secret_file::replace)
    }

    /// The same body under another master key, in the file when this returns.
    pub(super) fn under(&self, master: &dyn MasterKey, entropy: &dyn Entropy) -> Result<Self, KeyringError> {
        let rewrapped = self.file.lock_anew(self.header.vault, self.suite, master, entropy)?;
        let body = self.read()?;
        rewrapped.write(&body, entropy, secret_file::replace)?;
        Ok(rewrapped)
    }

    /// The bytes of the file, if it is still under this key.
    pub(super) fn present_file(&self) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        Ok(Zeroizing::new(self.header.frame(&self.present()?)))
    }

    /// The envelope in the file, if it is still under this key.
    fn present(&self) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let (header, envelope) = self.file.read()?;
        if header == self.header {
            Ok(envelope)
        } else {
            Err(KeyringError::ChangedMeanwhile { path: self.file.path.clone() })
        }
    }

    fn write(
        &self,
        body: &KeyringBody,
        entropy: &dyn Entropy,
        put: fn(&Path, &[u8]) -> Result<(), SecretFileError>,
    ) -> Result<(), KeyringError> {
        let plain = body.encode()?;
        let encoded = self.header.encode();
        let place = KeyringPlace { vault: &self.header.vault, header: &encoded };
        let envelope = Zeroizing::new(crypto::seal(self.suite, &self.kek, &place, plain.expose(), entropy)?);
        let file = Zeroizing::new(self.header.frame(&envelope));
        if file.len() > FILE_BYTES_MAX {
            return Err(KeyringError::TooLarge { bytes_max: FILE_BYTES_MAX });
        }
        put(&self.file.path, &file)?;
        let (header, envelope) = self.file.read()?;
        let reread = self.open_plain(&header, &envelope)?;
        if crypto::equal_constant_time(reread.expose(), plain.expose()) {
            Ok(())
        } else {
            Err(SecretFileError::NotAsWritten { path: self.file.path.clone() }.into())
        }
    }

    fn open(&self, envelope: &[u8]) -> Result<KeyringBody, KeyringError> {
        let plain = self.open_plain(&self.header, envelope)?;
        KeyringBody::parse(plain.expose()).map_err(|error| self.file.damaged(error))
    }

    fn open_plain(&self, header: &KeyringHeader, envelope: &[u8]) -> Result<Plaintext, KeyringError> {
        let encoded = header.encode();
        let place = KeyringPlace { vault: &header.vault, header: &encoded };
        crypto::open(&self.kek, &place, envelope).map_err(|error| self.file.unreadable(header.method, error))
    }
}

fn header(vault: VaultId, params: &UnlockParams) -> KeyringHeader {
    let method = params.method();
    match params {
        UnlockParams::Passphrase(params) => {
            KeyringHeader { vault, method, m_kib: params.m_kib(), t: params.t(), p: params.p(), salt: *params.salt() }
        }
        UnlockParams::KeyFile => KeyringHeader { vault, method, m_kib: 0, t: 0, p: 0, salt: [0; 16] },
    }
}

impl Keyring {
    /// Fresh keys for a new vault, to be written into its keyring file before anything is planted.
    pub fn draw(entropy: &dyn Entropy) -> Result<KeyringBody, KeyringError> {
        Ok(KeyringBody {
            epoch: Self::FIRST_EPOCH,
            root: Key::generate(entropy)?,
            next: None,
            vault_secret: Key::generate(entropy)?,
            ledger_size: 0,
            ledger_root: crypto::sha256(&[]), // the root hash of an empty log (RFC 9162)
            holders: Vec::new(),
        })
    }
}
