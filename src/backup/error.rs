//! What can go wrong with a backup. Paths and names of database files only: they carry nothing personal.

use std::io;
use std::path::{Path, PathBuf};

use crate::code::{Code, Coded};
use crate::types::BackupId;

/// A backup could not be taken, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file could not be used.
    #[error("could not {doing}: {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The depot has no such backup, or only half of it.
    #[error("there is no backup {backup} in {}; `membervault backup list` tells which there are", path.display())]
    Missing {
        /// The backup.
        backup: BackupId,
        /// The depot.
        path: PathBuf,
    },
    /// There is no backup here.
    #[error("{} holds no backup: it has no manifest.json; name the directory of one backup", path.display())]
    NotABackup {
        /// The directory.
        path: PathBuf,
    },
    /// A manifest is not what a manifest is.
    #[error("the manifest of a backup is damaged ({problem}): {}; use another backup", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// A manifest of a later version.
    #[error("the backup in {} was made by a later version; use that version", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
    },
    /// A file of a backup is not what its manifest says.
    #[error("the backup {backup} is damaged: {name} {problem}; use another backup")]
    Damaged {
        /// The backup.
        backup: BackupId,
        /// The file, by its name in the database.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Another process is writing to the depot.
    #[error("another backup is being written to {}; wait for it", path.display())]
    Busy {
        /// The depot.
        path: PathBuf,
    },
    /// The vault is closing; nothing of the backup counts.
    #[error("the backup was stopped, because the vault is closing; take it again")]
    Stopped,
}

impl BackupError {
    /// Adds to an error of the operating system what was tried, on which file.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }
}

impl Coded for BackupError {
    fn code(&self) -> Code {
        match self {
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::DiskFull,
                _ => Code::Io,
            },
            Self::Missing { .. } | Self::NotABackup { .. } => Code::NotFound,
            Self::Manifest { .. } | Self::Damaged { .. } => Code::Corrupt,
            Self::Version { .. } => Code::UnsupportedVersion,
            Self::Busy { .. } => Code::BackupRunning,
            Self::Stopped => Code::ShuttingDown,
        }
    }
}
