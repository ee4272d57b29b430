//! The directory of a database: whether there is one, making it, and keeping other processes out of it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::CURRENT_FILE;
use super::failure::failed_io;
use crate::store::StoreError;

/// Held while the engine is open. RocksDB ignores the file.
const LOCK_FILE: &str = "membervault.lock";

/// Whether anything of a RocksDB lies here: a lost CURRENT must not look like an empty directory.
pub(super) fn holds_database(path: &Path) -> Result<bool, StoreError> {
    let names = match path.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        names => names.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let names = names.map_err(|e| failed_io("reading the directory", e))?;
    Ok(names.iter().map(std::fs::DirEntry::file_name).any(|name| {
        let name = name.to_string_lossy();
        name == CURRENT_FILE || name.starts_with("MANIFEST-") || name.ends_with(".sst") || name.ends_with(".log")
    }))
}

/// For the owner alone. The parent is synced, so that the directory is there after a crash.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(path.join(LOCK_FILE)).map_err(|e| failed_io("locking the database", e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(failed_io("locking the database", error)),
        Err(error @ TryLockError::WouldBlock) => {
            Err(StoreError::Locked { path: path.to_path_buf(), source: Arc::new(error) })
        }
    }
}
