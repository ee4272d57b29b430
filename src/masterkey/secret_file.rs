//! Files that hold secrets: read only when nobody else can read them, written so that nobody else ever could.
//!
//! Knows bytes, modes and paths; never what the bytes mean. Used by the key file and by the keyring file. Every check is
//! made on the open file, not on its name, so that nothing can be exchanged between the check and the reading.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use crate::code::{Code, Coded};

/// The mode of every file written here.
const OWNER_ONLY: u32 = 0o600;
/// The mode bits that let others at a file.
const OTHERS: u32 = 0o077;
/// What is appended to a file's name while its successor is written. One fixed name, so that what a crash leaves
/// behind is found and removed by the next writer: it may be a copy of a keyring that must not survive.
const SUCCESSOR_SUFFIX: &str = ".new";

/// No secret file is longer.
const OVERWRITTEN_MAX: usize = 64 * 1024;

/// Why a secret file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// There is no such file.
    #[error("there is no file {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is one already.
    #[error("{} exists already and is not overwritten; choose another path, or move it away first", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others can read or write it.
    #[error(
        "{} can be used by others than its owner (mode {mode:03o}); run: chmod 600 {} - and if others may have \
         read it, replace the secret in it", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is a symbolic link.
    #[error(
        "{} is a symbolic link; give the path of the file itself (replacing a link would leave the old file behind)",
        path.display()
    )]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// It is a directory, a device or a pipe.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// It is longer than any file of its kind.
    #[error("{} is longer than {bytes_max} bytes; it is not the file you mean", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most it may hold.
        bytes_max: usize,
    },
    /// It lies, or would lie, inside the database.
    #[error(
        "{} lies inside the database directory {}; keep it elsewhere, so that no copy of the database carries it",
        path.display(), directory.display()
    )]
    Inside {
        /// The file.
        path: PathBuf,
        /// The database.
        directory: PathBuf,
    },
    /// What was written is not what can be read back.
    #[error("{} does not read back as it was written; check the disk. The file before it is unchanged", path.display())]
    NotAsWritten {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Coded for SecretFileError {
    fn code(&self) -> Code {
        match self {
            Self::Exists { .. } => Code::AlreadyExists,
            Self::Exposed { .. } => Code::ExposedFile,
            Self::Symlink { .. } | Self::NotAFile { .. } | Self::TooLong { .. } | Self::Inside { .. } => {
                Code::InvalidConfig
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Code::DiskFull,
            Self::Missing { .. } | Self::NotAsWritten { .. } | Self::Io { .. } => Code::Io,
        }
    }
}

/// Reads a file of at most `bytes_max` bytes, if nobody but its owner can.
pub fn read(path: &Path, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let file = open(path)?;
    let meta = file.metadata().map_err(failed("examine", path))?;
    if !meta.is_file() {
        return Err(SecretFileError::NotAFile { path: path.into() });
    }
    let mode = meta.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(SecretFileError::Exposed { path: path.into(), mode });
    }
    // One byte more than allowed shows a file that is too long; the buffer never grows, so no copy is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max.saturating_add(1)));
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(failed("read", path))?;
    if bytes.len() > bytes_max {
        return Err(SecretFileError::TooLong { path: path.into(), bytes_max });
    }
    Ok(bytes)
}

/// Writes a new file, on disk when this returns. Never overwrites.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    write_new(path, bytes)?;
    sync_directory(path)?;
    expect_on_disk(path, bytes)
}

/// Replaces a file, or writes the first: afterwards the file holds `bytes`, on disk, or it is as it was before.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    let successor = prepare(path, bytes)?;
    let displaced = OpenOptions::new().write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path).ok();
    // Harmless to crash until here: the file is as it was, and the next writer removes the successor.
    std::fs::rename(&successor, path).map_err(failed("replace", path))?;
    sync_directory(path)?;
    expect_on_disk(path, bytes)?;
    displaced.into_iter().for_each(|file| overwrite(&file));
    Ok(())
}

/// Removes a file, overwriting it as far as the disk lets us.
pub fn remove(path: &Path) -> Result<(), SecretFileError> {
    remove_unfinished(path)?;
    drop(open(path)?); // says what is missing, or a link
    let file = OpenOptions::new().write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path).ok();
    std::fs::remove_file(path).map_err(failed("remove", path))?;
    file.into_iter().for_each(|file| overwrite(&file));
    sync_directory(path)
}

/// Writes zeroes over a file that no name leads to any more. A disk that writes in place forgets it then; flash and
/// copying file systems may not, so nothing relies on it, and that it fails matters to nobody.
fn overwrite(file: &File) {
    let Ok(meta) = file.metadata() else { return };
    let mut file = file;
    let zeroes = vec![0; usize::try_from(meta.len()).unwrap_or_default().min(OVERWRITTEN_MAX)];
    let _ = file.write_all(&zeroes).and_then(|()| file.sync_all());
}

/// Removes what a crashed [`replace`] may have left beside `path`.
pub fn remove_unfinished(path: &Path) -> Result<(), SecretFileError> {
    let successor = successor_of(path)?;
    match std::fs::remove_file(&successor) {
        Ok(()) => sync_directory(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("remove", &successor)(error)),
    }
}

/// Refuses a path that lies inside `directory`, whether or not either exists yet.
pub fn refuse_inside(path: &Path, directory: &Path) -> Result<(), SecretFileError> {
    let real_path = resolve(path)?;
    let real_directory = resolve(directory)?;
    if real_path.starts_with(&real_directory) {
        return Err(SecretFileError::Inside { path: path.into(), directory: directory.into() });
    }
    Ok(())
}

/// Writes the successor beside `path` and reads it back, so that a bad write never replaces a good file.
fn prepare(path: &Path, bytes: &[u8]) -> Result<PathBuf, SecretFileError> {
    remove_unfinished(path)?;
    let successor = successor_of(path)?;
    write_new(&successor, bytes)?;
    expect_on_disk(&successor, bytes)?;
    Ok(successor)
}

fn open(path: &Path) -> Result<File, SecretFileError> {
    // NONBLOCK, or opening a pipe would wait for its writer for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => Ok(descriptor.into()),
        Err(rustix::io::Errno::LOOP) => Err(SecretFileError::Symlink { path: path.into() }),
        Err(rustix::io::Errno::NOENT) => Err(SecretFileError::Missing { path: path.into() }),
        Err(errno) => Err(failed("open", path)(errno.into())),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = match rustix::fs::open(path, flags, Mode::from_raw_mode(OWNER_ONLY)) {
        Ok(descriptor) => File::from(descriptor),
        Err(rustix::io::Errno::EXIST) => return Err(SecretFileError::Exists { path: path.into() }),
        Err(errno) => return Err(failed("create", path)(errno.into())),
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // We made it and it is not whole: it would only stand in the way of the next attempt. The first error counts.
        let _ = std::fs::remove_file(path);
    }
    written.map_err(failed("write", path))
}

/// Reads the file again, past the page cache where the system lets us.
fn expect_on_disk(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    let file = open(path)?;
    // Only advice: a file system that ignores it gives us the cached bytes, which is still a check of the path.
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    drop(file);
    if *read(path, bytes.len())? == bytes { Ok(()) } else { Err(SecretFileError::NotAsWritten { path: path.into() }) }
}

/// A new or renamed name is on disk only once its directory is.
fn sync_directory(path: &Path) -> Result<(), SecretFileError> {
    let directory = parent_of(path);
    File::open(directory).and_then(|file| file.sync_all()).map_err(failed("sync", directory))
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn successor_of(path: &Path) -> Result<PathBuf, SecretFileError> {
    let mut name = path.file_name().ok_or_else(|| SecretFileError::NotAFile { path: path.into() })?.to_os_string();
    name.push(SUCCESSOR_SUFFIX);
    Ok(path.with_file_name(name))
}

/// The path without links, as far as it exists; the rest of its names as they are.
fn resolve(path: &Path) -> Result<PathBuf, SecretFileError> {
    match path.canonicalize() {
        Ok(real) => Ok(real),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or_else(|| failed("resolve", path)(error))?;
            Ok(resolve(parent_of(path))?.join(name))
        }
        Err(error) => Err(failed("resolve", path)(error)),
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SecretFileError {
    move |source| SecretFileError::Io { doing, path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_written_file_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        create(&path, b"one").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*read(&path, 3).unwrap(), b"one");
        assert!(matches!(create(&path, b"two"), Err(SecretFileError::Exists { .. })));
        replace(&path, b"two").unwrap();
        assert_eq!(*read(&path, 10).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_way_to_share_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        create(&path, b"x").unwrap();
        for bit in 0..6 {
            let mode = 0o600 | (1 << bit);
            chmod(&path, mode);
            assert!(matches!(read(&path, 9), Err(SecretFileError::Exposed { mode: m, .. }) if m == mode), "{mode:o}");
        }
        chmod(&path, 0o400);
        assert!(read(&path, 9).is_ok());
    }

    #[test]
    fn only_a_regular_file_of_the_right_size_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        assert!(matches!(read(&path, 9), Err(SecretFileError::Missing { .. })));
        create(&path, b"0123456789").unwrap();
        assert!(matches!(read(&path, 9), Err(SecretFileError::TooLong { .. })));
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(matches!(read(&link, 99), Err(SecretFileError::Symlink { .. })));
        assert!(matches!(read(dir.path(), 99), Err(SecretFileError::NotAFile { .. })));
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        assert!(matches!(read(&pipe, 99), Err(SecretFileError::NotAFile { .. })));
    }

    #[test]
    fn a_crash_before_the_rename_changes_nothing_and_is_cleaned_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        create(&path, b"old").unwrap();
        let successor = prepare(&path, b"never finished").unwrap();
        assert_eq!(*read(&path, 9).unwrap(), b"old");
        assert!(successor.exists());
        remove_unfinished(&path).unwrap();
        assert!(!successor.exists());
        prepare(&path, b"again").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(*read(&path, 9).unwrap(), b"new");
        assert!(!successor.exists());
    }

    #[test]
    fn inside_is_seen_through_links_dots_and_missing_names() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("db");
        let inside =
            |path: &Path, database: &Path| matches!(refuse_inside(path, database), Err(SecretFileError::Inside { .. }));
        assert!(inside(&db.join("keyring"), &db), "before either exists");
        assert!(inside(&db.join("deep/er/keyring"), &db));
        assert!(!inside(&dir.path().join("db-keyring"), &db), "only a common beginning of the name");
        std::fs::create_dir(&db).unwrap();
        let link = dir.path().join("link");
        symlink(&db, &link).unwrap();
        assert!(inside(&link.join("keyring"), &db));
        assert!(inside(&db.join("../db/keyring"), &db));
        assert!(inside(&db.join("keyring"), &link));
        assert!(!inside(&db.join("../keyring"), &db));
    }
}
