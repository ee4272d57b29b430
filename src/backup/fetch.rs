//! From the depot: examine every file of a backup, or lay the files out as a database again.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::copy::{self, sync_directory};
use super::{BackupError, Depot, FileEntry, Manifest, Progress};
use crate::types::BackupId;

/// The file that names the others: without it nothing is a database.
const CURRENT: &str = "CURRENT";

/// What examining a backup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The manifest.
    pub manifest: Manifest,
    /// Files that are not what the manifest says; none if the backup is whole.
    pub damage: Vec<Damage>,
}

/// A file that is not what the manifest says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// Its name in the database.
    pub name: String,
    /// Where its content should lie in the depot.
    pub sha256: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Depot {
    /// Reads and hashes every file of a backup.
    pub fn verify(&self, backup: &BackupId, progress: &Progress) -> Result<Examined, BackupError> {
        let (manifest, _) = self.manifest(backup)?;
        progress.begin(manifest.bytes());
        let mut damage = Vec::new();
        for file in &manifest.files {
            if let Some(problem) = self.wrong(file, progress)? {
                damage.push(Damage { name: file.name.clone(), sha256: file.sha256.clone(), problem });
            }
        }
        Ok(Examined { manifest, damage })
    }

    fn wrong(&self, file: &FileEntry, progress: &Progress) -> Result<Option<&'static str>, BackupError> {
        let path = self.content(&file.sha256);
        match path.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some("is missing")),
            Ok(metadata) if metadata.len() != file.size => return Ok(Some("has another length")),
            _ => {}
        }
        let content = copy::hash(&path, progress)?;
        Ok((content.sha256 != file.sha256).then_some("has other bytes"))
    }

    /// Copies a backup into `directory`, which must not exist, as the database it was. Every byte is hashed on the way.
    pub fn fetch(&self, backup: &BackupId, directory: &Path, progress: &Progress) -> Result<Manifest, BackupError> {
        let (manifest, _) = self.manifest(backup)?;
        let made = DirBuilder::new().mode(0o700).create(directory);
        made.map_err(BackupError::file("make a directory", directory))?;
        progress.begin(manifest.bytes());
        for file in &manifest.files {
            let damaged = |problem| BackupError::Damaged { backup: *backup, name: file.name.clone(), problem };
            let from = self.content(&file.sha256);
            if !from.is_file() {
                return Err(damaged("is missing"));
            }
            let content = copy::copy(&from, &directory.join(&file.name), progress)?;
            if content.size != file.size {
                return Err(damaged("has another length"));
            }
            if content.sha256 != file.sha256 {
                return Err(damaged("has other bytes"));
            }
        }
        sync_directory(directory)?;
        Ok(manifest)
    }
}

impl Examined {
    /// Whether the backup is whole, as far as files go.
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty()
    }

    /// Whether the files listed are those of a disk engine.
    pub fn is_database(&self) -> bool {
        self.manifest.files.iter().any(|file| file.name == CURRENT)
    }
}
