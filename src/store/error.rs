//! What can go wrong under a room that only knows bytes.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use crate::code::{Code, Coded};

/// The engine's own words, kept as a source. Shared, because one failed group commit fails many changes.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// The storage engine failed. Never carries keys or rows.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another engine in this one, holds the database.
    #[error(
        "the database in {path} is open in another process; stop that process (is `membervault serve` running?) \
         and try again"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// There is no database here and none was to be made.
    #[error("there is no database in {path}; check the path, or make a vault there with `membervault init`")]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// There is no mirror here, or none that was ever complete.
    #[error("there is no mirror in {path}; check the path, or use another mirror")]
    NoMirror {
        /// The directory.
        path: PathBuf,
    },
    /// A file of a mirror does not verify.
    #[error("a mirror is damaged: {problem}: {path}; use another mirror, or the database itself")]
    Mirror {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A database is here already.
    #[error("there is a database in {path} already; choose an empty directory")]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// No space left for a write.
    #[error("the disk of the database is full (while {doing}); free space there, then restart the vault")]
    DiskFull {
        /// What was attempted.
        doing: &'static str,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// Stored bytes do not verify.
    #[error(
        "the database is damaged (found while {doing}); do not repair it in place: keep a copy of the directory and \
         restore the newest backup"
    )]
    Corrupt {
        /// What was attempted.
        doing: &'static str,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// The database was written by software this build does not know.
    #[error("the database in {path} was written by another version; open it with the version that wrote it")]
    Unsupported {
        /// The directory.
        path: PathBuf,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// The operating system refused to read or write.
    #[error("the storage engine could not read or write its files (while {doing}); check the disk and permissions")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// The engine's words.
        #[source]
        source: Cause,
    },
    /// Anything else the engine refused.
    #[error("the storage engine failed (while {doing}); restart the vault, and report it if it happens again")]
    Engine {
        /// What was attempted.
        doing: &'static str,
        /// The engine's words.
        #[source]
        source: Cause,
    },
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::Locked { .. } => Code::Locked,
            Self::Missing { .. } => Code::NoVault,
            Self::NoMirror { .. } => Code::NotFound,
            Self::Mirror { .. } => Code::Corrupt,
            Self::Exists { .. } => Code::AlreadyExists,
            Self::DiskFull { .. } => Code::DiskFull,
            Self::Corrupt { .. } => Code::Corrupt,
            Self::Unsupported { .. } => Code::UnsupportedVersion,
            Self::Io { .. } => Code::Io,
            Self::Engine { .. } => Code::StorageFailed,
        }
    }
}
