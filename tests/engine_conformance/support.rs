//! Short words for the cases.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use membervault::store::cached::CachedEngine;
use membervault::store::memory::MemoryEngine;
use membervault::store::mirrored::{MirrorSettings, MirroredEngine, Standing, read};
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace, Reader, StoreError};

pub(crate) type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// A new RocksDB below `directory`.
pub(crate) fn fresh(directory: &Path) -> RocksEngine {
    open(&directory.join("db"), Opening::Fresh).unwrap()
}

/// An engine with a cache around it, too small for all rows of a test.
pub(crate) fn cached(engine: RocksEngine) -> CachedEngine {
    CachedEngine::new(Arc::new(engine), 16 << 10)
}

/// A memory engine with a mirror below `directory`.
pub(crate) fn mirrored(directory: &Path) -> MirroredEngine {
    let mirror = directory.join("mirror");
    fs::create_dir(&mirror).unwrap();
    let standings = vec![Standing { directory: mirror, tail: None }];
    MirroredEngine::open(Arc::new(MemoryEngine::new()), standings, MirrorSettings::default()).unwrap()
}

/// What the mirror tells is what the engine holds, of the keyspaces that are mirrored.
pub(crate) fn mirror_agrees(engine: MirroredEngine, directory: &Path) {
    let told = MemoryEngine::new();
    read(&directory.join("mirror"), &mut |_, batch| told.write(batch, Durability::Buffered)).unwrap();
    for keyspace in [Keyspace::Control, Keyspace::Index, Keyspace::Ledger] {
        assert_eq!(rows(&told, keyspace, &KeyRange::all()), rows(&engine, keyspace, &KeyRange::all()));
    }
    assert!(engine.stats().unwrap().mirrors[0].whole);
}

/// Opens with memory bounds that suit a test.
pub(crate) fn open(path: &Path, opening: Opening) -> Result<RocksEngine, StoreError> {
    let bounds =
        RocksSettings { block_cache_bytes: 8 << 20, write_buffer_bytes: 4 << 20, ..RocksSettings::new(path, opening) };
    RocksEngine::open(&bounds)
}

pub(crate) fn reopen(path: &Path) -> Result<RocksEngine, StoreError> {
    open(path, Opening::Existing)
}

pub(crate) fn put(engine: &dyn Engine, keyspace: Keyspace, key: &[u8], row: &[u8]) {
    let mut batch = Batch::new();
    batch.put(keyspace, key, row);
    engine.write(batch, Durability::Buffered).unwrap();
}

pub(crate) fn try_rows(reader: &dyn Reader, keyspace: Keyspace, range: &KeyRange) -> Result<Rows, StoreError> {
    let mut rows = Rows::new();
    reader.scan(keyspace, range, &mut |key, row| {
        rows.push((key.to_vec(), row.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

pub(crate) fn rows(reader: &dyn Reader, keyspace: Keyspace, range: &KeyRange) -> Rows {
    try_rows(reader, keyspace, range).unwrap()
}

pub(crate) fn keys(reader: &dyn Reader, keyspace: Keyspace, range: &KeyRange) -> Vec<String> {
    rows(reader, keyspace, range).into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

/// Every byte of a database as it lies on disk now: what a crash of the process leaves, and (as far as it is synced) a
/// crash of the machine.
pub(crate) fn image(from: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    to.to_path_buf()
}

/// The files of a database whose names pass, in the order of their names.
pub(crate) fn files(directory: &Path, passes: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| passes(path.file_name().unwrap().to_str().unwrap())).collect();
    files.sort();
    files
}

pub(crate) fn logs(directory: &Path) -> Vec<PathBuf> {
    files(directory, |name| name.ends_with(".log"))
}

pub(crate) fn tables(directory: &Path) -> Vec<PathBuf> {
    files(directory, |name| name.ends_with(".sst"))
}

/// Bytes that look like ciphertext and never repeat.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Runs one ignored test of this program in a process of its own, in `directory`, behind `prefix`.
pub(crate) fn in_another_process(prefix: &[&str], test: &str, directory: &Path) -> Output {
    let program = std::env::current_exe().unwrap();
    let arguments = [program.to_str().unwrap(), "--exact", test, "--ignored", "--nocapture"];
    let all: Vec<&str> = prefix.iter().copied().chain(arguments).collect();
    Command::new(all[0]).args(&all[1..]).current_dir(directory).output().unwrap()
}

/// The same, left running, with its output to be read.
pub(crate) fn other_process(test: &str, directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).current_dir(directory);
    command.stdout(Stdio::piped()).spawn().unwrap()
}
