//! A directory of backups: `files/<sha256>` and `<backup id>/manifest.json`.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::copy::sync_directory;
use super::{BackupError, Manifest};
use crate::types::BackupId;

/// Held while a backup is written.
const LOCK_FILE: &str = "lock";
/// Where the content lies.
const FILES: &str = "files";

/// A directory of backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depot {
    path: PathBuf,
}

impl Depot {
    /// The depot in this directory, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The depot a backup lies in, and its id; `directory` is that of the one backup.
    pub fn of_backup(directory: &Path) -> Result<(Self, BackupId), BackupError> {
        let (manifest, _) = Manifest::read(directory)?;
        let directory = directory.canonicalize().map_err(BackupError::file("find a directory", directory))?;
        let own_name = directory.file_name().is_some_and(|name| *name == *manifest.backup.to_string());
        match directory.parent() {
            Some(parent) if own_name => Ok((Self::at(parent), manifest.backup)),
            _ => Err(BackupError::Manifest {
                path: directory,
                problem: "it does not lie in a directory of its own name",
            }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every whole backup, oldest first. What is no backup is passed over.
    pub fn list(&self) -> Result<Vec<Manifest>, BackupError> {
        let failed = || BackupError::file("list a directory of backups", &self.path);
        let mut found = Vec::new();
        let entries = match self.path.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries.map_err(failed())?,
        };
        for entry in entries {
            let name = entry.map_err(failed())?.file_name();
            let Some(backup) = name.to_str().and_then(|name| name.parse::<BackupId>().ok()) else { continue };
            match self.manifest(&backup) {
                Ok((manifest, _)) => found.push(manifest),
                Err(BackupError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by_key(|manifest| (manifest.created_at, manifest.ledger_size, *manifest.backup.as_bytes()));
        Ok(found)
    }

    /// The manifest of a backup, and the hash the ledger names it by.
    pub fn manifest(&self, backup: &BackupId) -> Result<(Manifest, [u8; 32]), BackupError> {
        let directory = self.directory_of(backup);
        match Manifest::read(&directory) {
            Err(BackupError::NotABackup { .. }) => {
                Err(BackupError::Missing { backup: *backup, path: self.path.clone() })
            }
            Ok((manifest, _)) if manifest.backup != *backup => {
                Err(BackupError::Manifest { path: directory, problem: "it is that of another backup" })
            }
            read => read,
        }
    }

    /// Where the content with this hash lies.
    pub(super) fn content(&self, sha256: &str) -> PathBuf {
        self.path.join(FILES).join(sha256)
    }

    pub(super) fn directory_of(&self, backup: &BackupId) -> PathBuf {
        self.path.join(backup.to_string())
    }

    pub(super) fn files(&self) -> PathBuf {
        self.path.join(FILES)
    }

    /// Makes what is missing, and keeps other processes from writing as long as the file is held.
    pub(super) fn begin(&self) -> Result<File, BackupError> {
        let mut builder = DirBuilder::new();
        let files = self.files();
        builder.recursive(true).mode(0o700).create(&files).map_err(BackupError::file("make a directory", &files))?;
        let path = self.path.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(&path).map_err(BackupError::file("lock a directory of backups", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(BackupError::Busy { path: self.path.clone() }),
            Err(TryLockError::Error(error)) => Err(BackupError::file("lock a directory of backups", &path)(error)),
        }
    }

    /// Writes a manifest: from then on there is a backup.
    pub(super) fn publish(&self, manifest: &Manifest) -> Result<[u8; 32], BackupError> {
        let (directory, bytes) = (self.directory_of(&manifest.backup), manifest.encode());
        let made = DirBuilder::new().mode(0o700).create(&directory);
        made.map_err(BackupError::file("make a directory", &directory))?;
        let (draft, path) = (directory.join("manifest.draft"), directory.join(Manifest::FILE));
        let written = fs::write(&draft, &bytes).and_then(|()| File::open(&draft)?.sync_all());
        written.map_err(BackupError::file("write a manifest", &draft))?;
        fs::rename(&draft, &path).map_err(BackupError::file("write a manifest", &path))?;
        sync_directory(&directory)?;
        sync_directory(&self.path)?;
        Ok(crate::crypto::sha256(&[&bytes]))
    }
}
