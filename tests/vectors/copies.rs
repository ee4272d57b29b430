//! Vectors of what is kept outside the database: files of a mirror, and manifests of backups.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use membervault::backup::{FileEntry, Manifest};
use membervault::clock::Timestamp;
use membervault::code::Coded;
use membervault::store::memory::MemoryEngine;
use membervault::store::mirrored::{MirrorSettings, MirroredEngine, Standing, Tail, read};
use membervault::store::{Batch, Durability, Engine, Keyspace, Op};
use membervault::types::{BackupId, VaultId};
use serde::{Deserialize, Serialize};

use super::places::{Bytes, Hex};

#[derive(Serialize, Deserialize)]
pub struct Copies {
    pub mirrors: Vec<MirrorVector>,
    pub manifests: Vec<ManifestVector>,
}

/// A base and the log after it.
#[derive(Serialize, Deserialize)]
pub struct MirrorVector {
    pub what: String,
    /// The number in the names of both files.
    pub number: u64,
    pub base: Bytes,
    pub log: Bytes,
    /// What they tell; `None` for what is to be refused.
    pub told: Option<Told>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub sequence: u64,
    pub on_disk: u64,
    pub torn: bool,
    /// The rows of the base as puts, then the operations of the log.
    pub operations: Vec<Operation>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub op: String,
    pub keyspace: String,
    pub key: Bytes,
    pub row_or_end: Bytes,
}

#[derive(Serialize, Deserialize)]
pub struct ManifestVector {
    pub what: String,
    pub text: String,
    pub valid: bool,
}

/// What a mirror with these two files tells.
pub fn tell(vector: &MirrorVector) -> Option<Told> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str, end: &str| directory.path().join(format!("{name}-{:020}{end}", vector.number));
    fs::write(path("base", ".mvbase"), &vector.base.0).unwrap();
    fs::write(path("log", ".mvlog"), &vector.log.0).unwrap();
    let mut operations = Vec::new();
    let told = read(directory.path(), &mut |_, batch| {
        operations.extend(batch.ops.into_iter().map(operation));
        Ok(())
    });
    match told {
        Ok(Tail { sequence, on_disk, torn }) => Some(Told { sequence, on_disk, torn, operations }),
        Err(error) => {
            assert_eq!(error.code().as_str(), "corrupt");
            None
        }
    }
}

fn operation(op: Op) -> Operation {
    let (name, keyspace, key, row_or_end) = match op {
        Op::Put { keyspace, key, value } => ("put", keyspace, key, value),
        Op::Delete { keyspace, key } => ("delete", keyspace, key, Vec::new()),
        Op::DeleteRange { keyspace, start, end } => ("delete-range", keyspace, start, end),
    };
    let keyspace = keyspace.name().to_owned();
    Operation { op: name.to_owned(), keyspace, key: Hex(key), row_or_end: Hex(row_or_end) }
}

/// The two files of a mirror, after a short life.
fn files() -> (u64, Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(MemoryEngine::new());
    let mut before = Batch::new();
    before.put(Keyspace::Control, "E", [1, 2]).put(Keyspace::Index, "page", "row").put(Keyspace::Records, "r", "no");
    engine.write(before, Durability::Buffered).unwrap();
    let standings = vec![Standing { directory: directory.path().to_owned(), tail: None }];
    let mirrored = MirroredEngine::open(engine, standings, MirrorSettings::default()).unwrap();
    let mut first = Batch::new();
    first.put(Keyspace::Control, "M1", "keys").put(Keyspace::Access, "a", "no").put(Keyspace::Ledger, "L0", "leaf");
    mirrored.write(first, Durability::Buffered).unwrap();
    mirrored.sync().unwrap();
    let mut second = Batch::new();
    second.delete(Keyspace::Control, "M1").delete_range(Keyspace::Index, "a", "q").put(Keyspace::Ledger, "L1", "");
    mirrored.write(second, Durability::Buffered).unwrap();
    drop(mirrored);
    let find = |end: &str| {
        let mut entries = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| path.to_str().unwrap().ends_with(end)).unwrap()
    };
    let number = |path: &Path| path.file_stem().unwrap().to_str().unwrap()[5..].parse().unwrap();
    let (base, log) = (find(".mvbase"), find(".mvlog"));
    (number(&base), fs::read(&base).unwrap(), fs::read(&log).unwrap())
}

pub fn make() -> Copies {
    let (number, base, log) = files();
    let vector = |what: &str, base: &[u8], log: &[u8]| {
        let (base, log) = (Hex(base.to_vec()), Hex(log.to_vec()));
        let mut vector = MirrorVector { what: what.to_owned(), number, base, log, told: None };
        vector.told = tell(&vector);
        vector
    };
    let changed = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let first_end = 8 + 17 + u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
    let mirrors = vec![
        vector("whole", &base, &log),
        vector("the last batch is cut off", &base, &log[..log.len() - 1]),
        vector("the log is empty but for its magic", &base, &log[..8]),
        vector("a batch that was on disk is changed", &base, &changed(&log, 30)),
        vector("a batch is missing", &base, &[&log[..8], &log[first_end..]].concat()),
        vector("the base is changed", &changed(&base, 30), &log),
        vector("the base has no end", &base[..base.len() - 25], &log),
        vector("the log is of a later version", &base, &changed(&log, 6)),
    ];
    Copies { mirrors, manifests: manifests() }
}

fn manifests() -> Vec<ManifestVector> {
    let (vault, backup) = (VaultId::from_bytes([1; 16]), BackupId::from_bytes([2; 16]));
    let at = Timestamp::from_millis(1_767_225_600_000);
    let mut manifest = Manifest::new(vault, backup, at, (4711, [3; 32]), 7);
    let file = |name: &str, origin: Option<&str>| {
        let origin = origin.map(str::to_owned);
        FileEntry { name: name.to_owned(), size: 9, sha256: "ab".repeat(32), origin }
    };
    manifest.files = vec![file("000012.sst", Some("1:2:3.4")), file("CURRENT", None)];
    let text = String::from_utf8(manifest.encode()).unwrap();
    let changes = [
        ("whole", "", ""),
        ("a name leads out of the directory", "\"000012.sst\"", "\"../12.sst\""),
        ("a name begins with a dot", "\"000012.sst\"", "\".sst\""),
        ("the files are not in order", "\"000012.sst\"", "\"Z.sst\""),
        ("a hash is too short", "\"sha256\": \"ab", "\"sha256\": \""),
        ("a field is unknown", "\"epoch\"", "\"keyring\": 1,\n  \"epoch\""),
        ("the version is later", "\"version\": 1", "\"version\": 2"),
    ];
    let vector = |(what, from, to): (&str, &str, &str)| {
        let text = text.replacen(from, to, 1);
        let valid = Manifest::parse(text.as_bytes()).is_ok();
        ManifestVector { what: what.to_owned(), text, valid }
    };
    changes.into_iter().map(vector).collect()
}
