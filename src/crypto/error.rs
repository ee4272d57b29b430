//! What can go wrong in the cryptography room. Says nothing about keys or content.

use crate::code::{Code, Coded};

/// A failure to seal, open, draw or derive.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// The bytes are not an envelope.
    #[error("the bytes are not an envelope")]
    NotAnEnvelope,
    /// The envelope names a cipher suite this program does not know.
    #[error("unknown cipher suite {0}")]
    UnknownSuite(u8),
    /// The commitment does not match: another key, another place, or a changed header.
    #[error("the envelope was not sealed with this key for this place")]
    WrongKeyOrPlace,
    /// The key and the place are right, but the content was changed.
    #[error("the content of the envelope was changed")]
    Damaged,
    /// More bytes than an envelope takes.
    #[error("too many bytes for one envelope")]
    TooLong,
    /// The parameters of a passphrase derivation lie outside their bounds.
    #[error("Argon2 parameter out of bounds: {0}")]
    Argon2Bounds(&'static str),
    /// The passphrase derivation failed.
    #[error("the passphrase derivation failed")]
    Argon2(#[source] argon2::Error),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Entropy(#[source] getrandom::Error),
    /// A primitive refused an input that was checked before.
    #[error("a cryptographic primitive refused its input")]
    Primitive,
}

impl Coded for CryptoError {
    fn code(&self) -> Code {
        match self {
            Self::NotAnEnvelope | Self::WrongKeyOrPlace | Self::Damaged | Self::Argon2Bounds(_) => Code::Corrupt,
            Self::UnknownSuite(_) => Code::UnsupportedVersion,
            Self::TooLong => Code::TooLarge,
            Self::Argon2(_) | Self::Entropy(_) | Self::Primitive => Code::Internal,
        }
    }
}
