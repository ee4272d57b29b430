//! Copies and hashes of whole files, a piece at a time.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{BackupError, Progress};
use crate::crypto::Hasher;

/// Bytes that are read, hashed and written at a time.
const PIECE: usize = 1024 * 1024;

/// Bytes and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// Copies `from` to `to`, which must not exist, for the owner alone; on disk when it returns. What was copied is what was
/// hashed.
pub(super) fn copy(from: &Path, to: &Path, progress: &Progress) -> Result<Content, BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut target = options.open(to).map_err(BackupError::file("make a file", to))?;
    let content =
        read(from, progress, &mut |piece| target.write_all(piece).map_err(BackupError::file("write a file", to)))?;
    target.sync_all().map_err(BackupError::file("bring a file to disk", to))?;
    Ok(content)
}

/// Bytes and hash of a file.
pub(super) fn hash(path: &Path, progress: &Progress) -> Result<Content, BackupError> {
    read(path, progress, &mut |_| Ok(()))
}

fn read(
    path: &Path,
    progress: &Progress,
    each: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<Content, BackupError> {
    let failed = || BackupError::file("read a file", path);
    let mut file = File::open(path).map_err(failed())?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; PIECE];
    let mut size = 0u64;
    loop {
        let count = file.read(&mut buffer).map_err(failed())?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return Ok(Content { size, sha256: data_encoding::HEXLOWER.encode(&hasher.finish()) });
        }
        hasher.update(piece);
        each(piece)?;
        size = size.saturating_add(count as u64);
        progress.copied(count as u64)?;
    }
}

/// Brings the names in a directory to disk.
pub(super) fn sync_directory(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(BackupError::file("bring a directory to disk", path))
}
