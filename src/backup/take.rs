//! Taking a backup: what is new in a checkpoint goes into the depot, the rest is recognised.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::copy::{self, Content, sync_directory};
use super::{BackupError, Depot, FileEntry, Manifest, Progress};

/// What files under way are called in the depot.
const INCOMING: &str = "incoming-";
/// Table files never change once they are written, and no other table file ever gets their name.
const IMMUTABLE: &str = ".sst";

/// A backup to be taken.
pub struct Taking<'a> {
    /// Where to.
    pub depot: &'a Depot,
    /// The checkpoint.
    pub checkpoint: &'a Path,
    /// What is known of the backup; its files are found here.
    pub manifest: Manifest,
}

/// A backup that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's bytes.
    pub manifest_sha256: [u8; 32],
}

impl Taking<'_> {
    /// Copies what is new, then writes the manifest. When this returns, all of it is on disk.
    pub fn run(mut self, progress: &Progress) -> Result<Taken, BackupError> {
        let _lock = self.depot.begin()?;
        remove_incoming(self.depot)?;
        let known = self.known()?;
        let found = checkpoint_files(self.checkpoint)?;
        progress.begin(found.iter().map(|file| file.size).sum());
        for file in found {
            let entry = match known.get(&(file.name.as_str(), file.origin.as_str())) {
                Some(before) if before.size == file.size && self.has(before) => {
                    progress.recognised(file.size);
                    (*before).clone()
                }
                _ => self.bring(file, progress)?,
            };
            self.manifest.files.push(entry);
        }
        sync_directory(&self.depot.files())?;
        let manifest_sha256 = self.depot.publish(&self.manifest)?;
        Ok(Taken { manifest: self.manifest, manifest_sha256 })
    }

    /// The immutable files of the newest backup of this vault, by name and origin.
    fn known(&self) -> Result<Known, BackupError> {
        let earlier = self.depot.list()?.into_iter().rfind(|manifest| manifest.vault == self.manifest.vault);
        Ok(Known::of(earlier.map(|manifest| manifest.files).unwrap_or_default()))
    }

    fn has(&self, entry: &FileEntry) -> bool {
        self.depot.content(&entry.sha256).metadata().is_ok_and(|metadata| metadata.len() == entry.size)
    }

    fn bring(&self, file: Found, progress: &Progress) -> Result<FileEntry, BackupError> {
        let incoming = self.depot.files().join(format!("{INCOMING}{}", self.manifest.backup));
        let copied = copy::copy(&self.checkpoint.join(&file.name), &incoming, progress);
        let Content { size, sha256 } = copied.inspect_err(|_| drop(fs::remove_file(&incoming)))?;
        let place = self.depot.content(&sha256);
        fs::rename(&incoming, &place).map_err(BackupError::file("name a file", &place))?;
        let origin = file.name.ends_with(IMMUTABLE).then_some(file.origin);
        Ok(FileEntry { name: file.name, size, sha256, origin })
    }
}

/// Files of an earlier backup.
struct Known(HashMap<String, FileEntry>);

impl Known {
    fn of(files: Vec<FileEntry>) -> Self {
        let immutable = files.into_iter().filter(|file| file.origin.is_some() && file.name.ends_with(IMMUTABLE));
        Self(immutable.map(|file| (file.name.clone(), file)).collect())
    }

    fn get(&self, (name, origin): &(&str, &str)) -> Option<&FileEntry> {
        self.0.get(*name).filter(|file| file.origin.as_deref() == Some(*origin))
    }
}

/// A file of the checkpoint.
struct Found {
    name: String,
    size: u64,
    origin: String,
}

/// The files of a checkpoint, in the order of their names. A checkpoint has no directories.
fn checkpoint_files(checkpoint: &Path) -> Result<Vec<Found>, BackupError> {
    let failed = || BackupError::file("list a checkpoint", checkpoint);
    let mut files = Vec::new();
    for entry in checkpoint.read_dir().map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let metadata = entry.metadata().map_err(failed())?;
        let origin =
            format!("{:x}:{:x}:{:x}.{:x}", metadata.dev(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
        let name = entry.file_name().to_string_lossy().into_owned(); // the engine's names are ASCII
        files.push(Found { name, size: metadata.len(), origin });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// Removes a checkpoint, if there is one.
pub fn clear(checkpoint: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(checkpoint) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(BackupError::file("remove a checkpoint", checkpoint)),
    }
}

/// Removes what an interrupted backup left.
fn remove_incoming(depot: &Depot) -> Result<(), BackupError> {
    let files = depot.files();
    let failed = || BackupError::file("tidy a directory of backups", &files);
    for entry in files.read_dir().map_err(failed())? {
        let entry = entry.map_err(failed())?;
        if entry.file_name().to_string_lossy().starts_with(INCOMING) {
            fs::remove_file(entry.path()).map_err(failed())?;
        }
    }
    Ok(())
}
