//! Redo capsules: where the batch of a seal is kept a second time, outside the database.
//!
//! Bytes only; what is in them is of no concern here. Never inside the database directory: the case they are for is a
//! disk, or a file system, that lost what the database believed to be written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StoreError;

/// Capsules of this many seals stay. One is needed; the others are for people who look into what happened.
pub const CAPSULES_KEPT: usize = 4;
const PREFIX: &str = "capsule-";
const SUFFIX: &str = ".mvredo";

/// Keeps capsules by the epoch they lead to.
pub trait Capsules: Send + Sync {
    /// Keeps a capsule, durably, and lets go of old ones.
    ///
    /// # Errors
    /// If it cannot be written.
    fn keep(&self, epoch: u64, bytes: &[u8]) -> Result<(), StoreError>;

    /// The capsule that leads to an epoch.
    ///
    /// # Errors
    /// If there may be one that cannot be read.
    fn find(&self, epoch: u64) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Capsules as files of one directory, made when the first is kept.
pub struct DirectoryCapsules {
    directory: PathBuf,
}

impl DirectoryCapsules {
    /// Capsules in this directory.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The name of a capsule's file.
    pub fn file_name(epoch: u64) -> String {
        // As wide as the largest epoch, so that names sort as numbers do.
        format!("{PREFIX}{epoch:020}{SUFFIX}")
    }

    fn write(&self, epoch: u64, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let path = self.directory.join(Self::file_name(epoch));
        let unfinished = path.with_extension("new");
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.directory)?.sync_all()?;
        self.forget_old()
    }

    fn forget_old(&self) -> io::Result<()> {
        let mut files: Vec<_> = fs::read_dir(&self.directory)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| ours(path))
            .collect();
        files.sort();
        let superfluous = files.len().saturating_sub(CAPSULES_KEPT);
        files.iter().take(superfluous).try_for_each(fs::remove_file)
    }
}

fn ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

impl Capsules for DirectoryCapsules {
    fn keep(&self, epoch: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(epoch, bytes).map_err(|error| failed("writing a redo capsule", error))
    }

    fn find(&self, epoch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(self.directory.join(Self::file_name(epoch))) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("reading a redo capsule", error)),
        }
    }
}

fn failed(doing: &'static str, error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::StorageFull {
        StoreError::DiskFull { doing, source: Arc::new(error) }
    } else {
        StoreError::Io { doing, source: Arc::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_capsules_are_found_and_older_ones_go() {
        let place = tempfile::tempdir().unwrap();
        let capsules = DirectoryCapsules::at(place.path().join("made/on/demand"));
        assert!(capsules.find(2).unwrap().is_none());
        (2..12).for_each(|epoch| capsules.keep(epoch, &epoch.to_be_bytes()).unwrap());
        assert_eq!(capsules.find(11).unwrap().unwrap(), 11u64.to_be_bytes());
        assert_eq!(capsules.find(8).unwrap().unwrap(), 8u64.to_be_bytes());
        assert!(capsules.find(7).unwrap().is_none());
        assert_eq!(fs::read_dir(place.path().join("made/on/demand")).unwrap().count(), CAPSULES_KEPT);
    }
}
