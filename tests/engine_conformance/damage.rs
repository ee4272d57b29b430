//! One changed byte anywhere is noticed, or harms nothing: no wrong row, no missing row, no panic.

use std::fs;
use std::path::{Path, PathBuf};

use membervault::code::{Code, Coded};
use membervault::store::{Engine, KeyRange, Keyspace, Reader, StoreError};

use crate::support::{Rows, files, fresh, image, logs, noise, put, reopen, rows, tables, try_rows};

/// Rows in two keyspaces, some of them in table files, some in the log.
fn populated(directory: &Path) -> (PathBuf, Vec<Rows>) {
    let engine = fresh(directory);
    for key in 0..60u8 {
        put(&engine, Keyspace::Control, &[key], &noise(key.into(), 300));
        put(&engine, Keyspace::Records, &[key], &noise(key.into(), 1500));
        if key == 30 {
            engine.flush().unwrap();
            engine.compact(Keyspace::Records, &KeyRange::all()).unwrap();
        }
        engine.sync().unwrap();
    }
    put(&engine, Keyspace::Control, b"last", b"so that the row before is known to be synced");
    // Before the rows are read: RocksDB may begin to merge when a snapshot is let go, which a scan of the ledger takes.
    let image = image(&directory.join("db"), &directory.join("image"));
    (image, Keyspace::ALL.map(|ks| rows(&engine, ks, &KeyRange::all())).to_vec())
}

/// Everything that can be read, by scans and by single reads.
fn read_all(path: &Path) -> Result<Vec<Rows>, StoreError> {
    let engine = reopen(path)?;
    let mut all = Vec::new();
    for keyspace in Keyspace::ALL {
        let rows = try_rows(&engine, keyspace, &KeyRange::all())?;
        for (key, row) in &rows {
            assert_eq!(engine.get(keyspace, key)?.as_deref(), Some(row.as_slice()));
        }
        all.push(rows);
    }
    Ok(all)
}

/// Flips a byte at `count` places of a file, one at a time, and says how often that was noticed.
fn flip(victims: impl Fn(&Path) -> Vec<PathBuf>, count: usize) -> (usize, usize) {
    let directory = tempfile::tempdir().unwrap();
    let (whole, expected) = populated(directory.path());
    assert!(read_all(&image(&whole, &directory.path().join("probe"))).unwrap() == expected);
    let (mut noticed, mut tried) = (0, 0);
    for name in victims(&whole).iter().map(|path| path.file_name().unwrap()) {
        let length = fs::metadata(whole.join(name)).unwrap().len() as usize;
        // Steps of an odd length, so that every field of a repeating record is hit.
        for at in (0..length).step_by((length / count).max(1) | 1) {
            let copy = image(&whole, &directory.path().join("copy"));
            let mut bytes = fs::read(copy.join(name)).unwrap();
            bytes[at] ^= 1 << (at % 8);
            fs::write(copy.join(name), bytes).unwrap();
            tried += 1;
            match read_all(&copy) {
                Ok(found) => assert!(found == expected, "rows differ: {name:?} byte {at} of {length}"),
                Err(error) => {
                    assert_eq!(error.code(), Code::Corrupt, "{name:?} byte {at} of {length}: {error:?}");
                    assert!(error.to_string().contains("restore"), "{error}");
                    noticed += 1;
                }
            }
            fs::remove_dir_all(copy).unwrap();
        }
    }
    (noticed, tried)
}

#[test]
fn a_flipped_byte_in_a_table_is_noticed_or_harmless() {
    let (noticed, tried) = flip(tables, 30);
    assert!(noticed * 10 > tried * 7, "{noticed} of {tried}");
}

#[test]
fn a_flipped_byte_in_the_log_is_noticed() {
    let (noticed, tried) = flip(logs, 60);
    assert_eq!(noticed, tried);
}

#[test]
fn a_flipped_byte_in_the_manifest_is_noticed_or_harmless() {
    let (noticed, tried) = flip(|path| files(path, |name| name.starts_with("MANIFEST")), 60);
    assert!(noticed * 10 > tried * 9, "{noticed} of {tried}");
}

#[test]
fn a_missing_file_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let (whole, _) = populated(directory.path());
    let needed = |name: &str| {
        name == "CURRENT" || name.starts_with("MANIFEST") || name.ends_with(".sst") || name.ends_with(".log")
    };
    for victim in files(&whole, needed) {
        let copy = image(&whole, &directory.path().join("copy"));
        fs::remove_file(copy.join(victim.file_name().unwrap())).unwrap();
        let error = read_all(&copy).unwrap_err();
        assert_eq!(error.code(), Code::Corrupt, "{victim:?}: {error:?}");
        fs::remove_dir_all(copy).unwrap();
    }
}

#[test]
fn files_that_are_no_database_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in
        [("CURRENT", "MANIFEST-000001\n"), ("CURRENT", ""), ("CURRENT", "../etc"), ("000001.log", "x")]
    {
        let path = directory.path().join("db");
        fs::create_dir(&path).unwrap();
        fs::write(path.join(name), content).unwrap();
        let error = reopen(&path).err().unwrap();
        assert_eq!(error.code(), Code::Corrupt, "{name} {content:?}: {error:?}");
        fs::remove_dir_all(path).unwrap();
    }
}
