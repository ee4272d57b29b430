//! RocksDB's errors, sorted. The crate hands over one line of text: a kind, often a sub-code, then context and the
//! operating system's words; the texts matched here are those of `util/status.cc` and `env/fs_posix.cc`.
//!
//! RocksDB leaves keys out of its errors (`allow_data_in_errors` is off), so the text may travel as a source.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{Error, ErrorKind};

use crate::store::StoreError;

/// Sub-code of a full disk, and what `strerror` says for a full quota.
const FULL: [&str; 3] = ["No space left on device", "Space limit reached", "Disk quota exceeded"];
/// Held by another process, or by this one.
const LOCKED: [&str; 2] = ["While lock file: ", "lock hold by current process"];
/// A file the database needs is not there; the second is said of CURRENT.
const ABSENT: [&str; 2] = ["No such file or directory", "does not exist (create_if_missing is false)"];
/// Made by software that knows other keyspaces, or fewer.
const OTHER_KEYSPACES: [&str; 2] = ["Column families not opened", "Column family not found"];

/// An error of any call but opening.
pub(super) fn failed(doing: &'static str, error: Error) -> StoreError {
    let full = FULL.iter().any(|words| error.as_ref().contains(words));
    let kind = error.kind();
    let source = Arc::new(error);
    match kind {
        _ if full => StoreError::DiskFull { doing, source },
        ErrorKind::Corruption => StoreError::Corrupt { doing, source },
        ErrorKind::IOError => StoreError::Io { doing, source },
        _ => StoreError::Engine { doing, source },
    }
}

/// An error of opening the database in `path`.
pub(super) fn failed_to_open(path: &Path, error: Error) -> StoreError {
    const DOING: &str = "opening the database";
    let has = |words: &[&str]| words.iter().any(|words| error.as_ref().contains(words));
    let (kind, path) = (error.kind(), path.to_path_buf());
    match kind {
        ErrorKind::IOError if has(&LOCKED) => StoreError::Locked { path, source: Arc::new(error) },
        ErrorKind::IOError | ErrorKind::InvalidArgument if has(&ABSENT) => {
            StoreError::Corrupt { doing: DOING, source: Arc::new(error) }
        }
        ErrorKind::NotSupported => StoreError::Unsupported { path, source: Arc::new(error) },
        ErrorKind::InvalidArgument if has(&OTHER_KEYSPACES) => {
            StoreError::Unsupported { path, source: Arc::new(error) }
        }
        _ => failed(DOING, error),
    }
}

/// An error of the operating system, outside RocksDB.
pub(super) fn failed_io(doing: &'static str, error: io::Error) -> StoreError {
    let kind = error.kind();
    let source = Arc::new(error);
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull { doing, source },
        _ => StoreError::Io { doing, source },
    }
}

#[cfg(test)]
mod tests {
    use rocksdb::{ColumnFamilyDescriptor, DB, Options};

    use crate::code::{Code, Coded};
    use crate::store::Keyspace;
    use crate::store::rocks::family::Family;
    use crate::store::rocks::{Opening, RocksEngine, RocksSettings};

    /// The code of opening a database that has these families.
    fn opening(families: &[&str]) -> Code {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let families = families.iter().map(|name| ColumnFamilyDescriptor::new(*name, Options::default()));
        drop(DB::open_cf_descriptors(&options, directory.path(), families).unwrap());
        let opened = RocksEngine::open(&RocksSettings::new(directory.path(), Opening::Existing));
        opened.err().unwrap().code()
    }

    #[test]
    fn other_keyspaces_mean_another_version() {
        let ours = Family::ALL.map(Family::name);
        assert_eq!(opening(&ours[..3]), Code::UnsupportedVersion);
        let all_in_one = Keyspace::ALL.map(Keyspace::name);
        assert_eq!(opening(&all_in_one), Code::UnsupportedVersion, "tiles lie among the leaves");
        assert_eq!(opening(&[ours.as_slice(), &["proofs"]].concat()), Code::UnsupportedVersion);
        assert_eq!(opening(&["default"]), Code::UnsupportedVersion, "somebody else's");
    }
}
