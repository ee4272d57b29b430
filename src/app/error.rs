//! Why a vault could not be put together: mostly what the rooms say.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::backup::BackupError;
use crate::code::{Code, Coded};
use crate::crypto::CryptoError;
use crate::keyring::KeyringError;
use crate::masterkey::MasterKeyError;
use crate::policy::PolicyError;
use crate::schema::SchemaError;
use crate::store::StoreError;
use crate::vault;

/// A vault could not be opened or founded.
#[derive(Debug, Error)]
pub enum AppError {
    /// Something is in the place of a new vault.
    #[error("there is {what} at {} already, and it is not overwritten; choose another path, or move it away", path.display())]
    Occupied {
        /// What.
        what: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// A file could not be used.
    #[error("could not {doing}: {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file of the secret that signs alerts holds none.
    #[error("{} holds no secret for alerts: expected one line of whsec_ and the base64 of 24 to 64 bytes", path.display())]
    AlertKey {
        /// The file.
        path: PathBuf,
    },
    /// A backup is of another vault than the keyring.
    #[error("the backup in {} is of another vault than the keyring; use the keyring of that vault", path.display())]
    OtherVault {
        /// The backup.
        path: PathBuf,
    },
    /// A backup could not be read.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The storage engine refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keyring refused.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The master key could not be had.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// A policy file is not valid.
    #[error("{}: {source}", path.display())]
    PolicyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PolicyError,
    },
    /// A data map is not valid.
    #[error("{}: {source}", path.display())]
    SchemaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SchemaError,
    },
    /// The built-in data map is not valid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The built-in policy is not valid.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// There is no randomness.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] vault::Error),
}

impl Coded for AppError {
    fn code(&self) -> Code {
        match self {
            Self::Occupied { .. } => Code::AlreadyExists,
            Self::File { .. } => Code::Io,
            Self::AlertKey { .. } => Code::InvalidConfig,
            Self::OtherVault { .. } => Code::StaleImage,
            Self::Backup(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Keyring(error) => error.code(),
            Self::MasterKey(error) => error.code(),
            Self::PolicyFile { source, .. } => source.code(),
            Self::SchemaFile { source, .. } | Self::Schema(source) => source.code(),
            Self::Policy(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Vault(error) => error.code(),
        }
    }
}
