//! What a verb can answer instead of its result: one stable code, one sentence that is safe to show, the chain for
//! the log.
//!
//! No variant carries personal data: inputs are named by field, never by value.

use crate::backup::BackupError;
use crate::code::{Code, Coded};
use crate::codec::CodecError;
use crate::crypto::CryptoError;
use crate::keyring::KeyringError;
use crate::ledger::LedgerError;
use crate::policy::Denial;
use crate::schema::SchemaError;
use crate::store::StoreError;
use crate::tables::TablesError;
use crate::tlog::NoteError;
use crate::types::{FieldName, IdentifierKind};

use super::schema::Undeclared;

/// Why a verb did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The policy, or the state of the member, does not allow it.
    #[error("{0}")]
    Denied(#[from] Denial),
    /// The input is well-formed but not acceptable.
    #[error("{problem}")]
    Invalid {
        /// The stable code.
        code: Code,
        /// Which part of the input, as a JSON pointer or parameter name; never a value.
        at: &'static str,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// The data map does not let it be written.
    #[error(transparent)]
    Undeclared(#[from] Undeclared),
    /// The data map is not valid, or does not fit the policy.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// An identifier cannot be normalised.
    #[error("{problem}")]
    Identifier {
        /// Which identifier.
        kind: IdentifierKind,
        /// Which identifier it is, and the rule it breaks.
        problem: String,
    },
    /// An identifier belongs to a member already.
    #[error("another member already has this {}", kind.as_str())]
    IdentifierTaken {
        /// Which identifier.
        kind: IdentifierKind,
    },
    /// The version given by the caller is not the present one.
    #[error("the record is not at the version given; read it again and repeat the change on what you find")]
    VersionMismatch,
    /// The idempotency key was used for something else.
    #[error("this idempotency key was used before with another request; use a new key for a new request")]
    IdempotencyMismatch,
    /// No valid token.
    #[error("present a valid token as 'Authorization: Bearer ...'")]
    Unauthenticated,
    /// Too many requests of one token, or too many members touched by it.
    #[error("this token has made too many requests, or touched too many members; wait and repeat")]
    RateLimited {
        /// When a request will be accepted again.
        retry_after_s: u32,
    },
    /// The register has no agreement with the recipient that is, or was then, in force.
    #[error("the register has no agreement in force with this recipient; put it there first (PUT /v1/recipients/NAME)")]
    NoAgreement,
    /// The register does not let the recipient have data for the purpose.
    #[error("the register does not name this purpose for this recipient")]
    RecipientPurpose,
    /// A request of a member is not in a state for this step.
    #[error("{0}")]
    RequestState(&'static str),
    /// A second person must agree.
    #[error("{0}")]
    SecondPerson(&'static str),
    /// A named bound of the vault would be passed.
    #[error("{limit}")]
    LimitReached {
        /// The bound, in words.
        limit: &'static str,
    },
    /// The facts kept changing while the command was decided.
    #[error("other requests kept changing the same member; repeat the request")]
    Conflict,
    /// Database, keyring and request do not belong together.
    #[error("{problem}")]
    Mismatch {
        /// The stable code.
        code: Code,
        /// What was found and what to do.
        problem: &'static str,
    },
    /// Stored bytes did not decode.
    #[error("a stored row does not decode")]
    Codec(#[from] CodecError),
    /// Stored bytes did not verify, or randomness failed.
    #[error("a stored row does not open under its key")]
    Crypto(#[from] CryptoError),
    /// The key hierarchy failed.
    #[error("the key hierarchy did not open")]
    Keyring(#[from] KeyringError),
    /// A typed row could not be read.
    #[error("a stored row could not be read")]
    Table(#[from] TablesError),
    /// The engine failed.
    #[error("the storage engine failed")]
    Store(#[from] StoreError),
    /// A signed note, a signature or a proof does not hold.
    #[error("{0}")]
    Note(#[from] NoteError),
    /// The commit failed.
    #[error("the change was not committed")]
    Ledger(#[from] LedgerError),
    /// A backup could not be taken or read.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A backup was begun and not completed; its cause is in the log.
    #[error("the backup was not completed; the log says why")]
    BackupFailed {
        /// The stable code.
        code: Code,
    },
    /// A restore into this database did not come to its end, and nobody knows who is missing.
    #[error(
        "a restore into this database was begun and never finished; remove the directory and restore again into a fresh \
         one (or run 'membervault recover --stale' again, if that was it)"
    )]
    RestoreUnfinished,
    /// Something that cannot happen.
    #[error("an invariant did not hold: {0}")]
    Internal(&'static str),
}

impl Error {
    /// Input that is not acceptable.
    pub(crate) const fn invalid(at: &'static str, problem: &'static str) -> Self {
        Self::Invalid { code: Code::InvalidRequest, at, problem }
    }

    /// There is no such thing, or the caller may not know of it.
    pub(crate) const fn not_found() -> Self {
        Self::Denied(Denial::NotFound)
    }

    /// The field of a record that is at fault, where the data map says so.
    pub fn field(&self) -> Option<&FieldName> {
        match self {
            Self::Undeclared(error) => error.field(),
            _ => None,
        }
    }

    /// Which part of the input is at fault, if one is.
    pub fn at(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { at, .. } => Some(at),
            Self::Undeclared(_) => Some("/data"),
            Self::Identifier { kind, .. } | Self::IdentifierTaken { kind } => Some(kind.as_str()),
            _ => None,
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Denied(denial) => denial.code(),
            Self::Invalid { code, .. } | Self::Mismatch { code, .. } | Self::BackupFailed { code } => *code,
            Self::Backup(error) => error.code(),
            Self::Undeclared(error) => error.code(),
            Self::Schema(error) => error.code(),
            Self::Identifier { .. } => Code::InvalidIdentifier,
            Self::IdentifierTaken { .. } => Code::IdentifierTaken,
            Self::VersionMismatch => Code::VersionMismatch,
            Self::IdempotencyMismatch => Code::IdempotencyMismatch,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::NoAgreement => Code::NoAgreement,
            Self::RecipientPurpose => Code::RecipientNotAllowed,
            Self::RequestState(_) => Code::RequestState,
            Self::SecondPerson(_) => Code::SecondPerson,
            Self::LimitReached { .. } => Code::LimitReached,
            Self::Conflict => Code::Conflict,
            Self::Codec(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Keyring(error) => error.code(),
            Self::Table(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Note(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::RestoreUnfinished => Code::RestoreUnfinished,
            Self::Internal(_) => Code::Internal,
        }
    }
}
