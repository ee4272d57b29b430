//! Providers of the key-encryption key (KEK): passphrase, key file.
//!
//! A provider turns what the operator holds, and the parameters stored in the clear header of the keyring file, into the
//! key that seals the keyring's body. It never sees the keyring and never stores anything of what it is given. Named by
//! `app` and `cli`; `keyring` knows only the trait. Another provider is one more file here.

mod key_file;
mod passphrase;
pub mod secret_file;

use std::path::PathBuf;

pub use key_file::KeyFile;
pub use passphrase::{Cost, Passphrase};

pub use crate::codec::UnlockMethod;

use crate::code::{Code, Coded};
use crate::crypto::{CryptoError, Entropy, Key, PassphraseParams};
use crate::types::place::Kek;
use secret_file::SecretFileError;

/// What the keyring file says, in the clear, about how to unlock it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnlockParams {
    /// By a passphrase, with this cost and salt.
    Passphrase(PassphraseParams),
    /// By a key file, which needs no parameters.
    KeyFile,
}

impl UnlockParams {
    /// The method these parameters belong to.
    pub const fn method(&self) -> UnlockMethod {
        match self {
            Self::Passphrase(_) => UnlockMethod::Passphrase,
            Self::KeyFile => UnlockMethod::KeyFile,
        }
    }
}

/// Something that yields the key-encryption key.
pub trait MasterKey: Send + Sync {
    /// The method, as it is written into the keyring file.
    fn method(&self) -> UnlockMethod;

    /// Fresh parameters for a keyring that is made or rewrapped now.
    fn fresh_params(&self, entropy: &dyn Entropy) -> Result<UnlockParams, MasterKeyError>;

    /// The key for a keyring with these parameters. May take long (Argon2id): never call it on a request's path.
    fn kek(&self, params: &UnlockParams) -> Result<Key<Kek>, MasterKeyError>;
}

/// Why there is no key-encryption key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// A new passphrase is too easy to guess.
    #[error(
        "the passphrase is shorter than {} characters; use several random words, since whoever holds the keyring file \
         can guess as long as they like",
        Passphrase::CHARS_MIN
    )]
    TooShort,
    /// Longer than anything a person types; probably not a passphrase.
    #[error("the passphrase is longer than {} bytes; for a random key use a key file", Passphrase::BYTES_MAX)]
    TooLong,
    /// Control characters, unassigned characters, or nothing at all.
    #[error("the passphrase is empty, or contains characters that cannot be typed alike everywhere (such as a tab)")]
    NotText,
    /// An Argon2 cost that is too low to protect, or too high to unlock with.
    #[error(
        "an Argon2 cost lies out of bounds: {} KiB to {} KiB of memory, 1 to {} passes, 1 to {} lanes",
        Cost::MEMORY_KIB_MIN,
        PassphraseParams::M_KIB_MAX,
        PassphraseParams::T_MAX,
        PassphraseParams::P_MAX
    )]
    CostOutOfBounds,
    /// The keyring wants another method.
    #[error("this keyring is unlocked by a {}, but a {} was given", in_words(*needed), in_words(*given))]
    WrongMethod {
        /// What the keyring was made for.
        needed: UnlockMethod,
        /// What was offered.
        given: UnlockMethod,
    },
    /// The file is not a key file.
    #[error("{} is not a membervault key file (one line beginning with mvkey1-)", path.display())]
    NotAKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// The file was a key file once.
    #[error("the key file {} is damaged: its checksum does not fit; use another copy of it", path.display())]
    DamagedKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The derivation failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Coded for MasterKeyError {
    fn code(&self) -> Code {
        match self {
            Self::TooShort | Self::TooLong | Self::NotText | Self::CostOutOfBounds => Code::InvalidConfig,
            Self::WrongMethod { .. } | Self::NotAKeyFile { .. } | Self::DamagedKeyFile { .. } => Code::WrongMasterKey,
            Self::File(error) => error.code(),
            Self::Crypto(error) => error.code(),
        }
    }
}

/// A method as messages name it.
pub const fn in_words(method: UnlockMethod) -> &'static str {
    match method {
        UnlockMethod::Passphrase => "passphrase",
        UnlockMethod::KeyFile => "key file",
    }
}
