use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::store::Op;
use crate::store::memory::MemoryEngine;

type Rows = Vec<(Keyspace, Vec<u8>, Vec<u8>)>;

/// The rows that a mirror keeps.
fn kept(reader: &dyn Reader) -> Rows {
    let mut rows = Vec::new();
    for keyspace in [Keyspace::Control, Keyspace::Index, Keyspace::Ledger] {
        let visit = &mut |key: &[u8], row: &[u8]| {
            rows.push((keyspace, key.to_vec(), row.to_vec()));
            ControlFlow::Continue(())
        };
        reader.scan(keyspace, &KeyRange::all(), visit).unwrap();
    }
    rows
}

/// What a mirror says.
fn told(directory: &Path) -> Result<(Rows, Tail), StoreError> {
    let engine = MemoryEngine::new();
    let tail = read(directory, &mut |_, batch| engine.write(batch, Durability::Buffered))?;
    Ok((kept(&engine), tail))
}

struct Place {
    directory: TempDir,
    inner: Arc<MemoryEngine>,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("mirror")).unwrap();
        Self { directory, inner: Arc::new(MemoryEngine::new()) }
    }

    fn mirror(&self) -> PathBuf {
        self.directory.path().join("mirror")
    }

    fn open(&self, tail: Option<Tail>) -> MirroredEngine {
        self.open_with(tail, MirrorSettings::default())
    }

    fn open_with(&self, tail: Option<Tail>, settings: MirrorSettings) -> MirroredEngine {
        let standings = vec![Standing { directory: self.mirror(), tail }];
        MirroredEngine::open(Arc::clone(&self.inner) as _, standings, settings).unwrap()
    }

    /// The newest log.
    fn log(&self) -> PathBuf {
        let names = files::Names::of(&self.mirror()).unwrap();
        files::log(&self.mirror(), *names.logs.last().unwrap())
    }
}

fn put(engine: &dyn Engine, key: &str, row: &str) {
    let mut batch = Batch::new();
    batch.put(Keyspace::Control, key, row).put(Keyspace::Records, key, "not mirrored");
    engine.write(batch, Durability::Buffered).unwrap();
}

fn op() -> impl Strategy<Value = Op> {
    let keyspace = prop::sample::select(Keyspace::ALL.to_vec());
    let key = prop::collection::vec(0u8..4, 1..3);
    (0u8..6, keyspace, key.clone(), key, prop::collection::vec(any::<u8>(), 0..40)).prop_map(
        |(kind, keyspace, key, end, value)| match kind {
            0 => Op::Delete { keyspace, key },
            1 if key < end => Op::DeleteRange { keyspace, start: key, end },
            _ => Op::Put { keyspace, key, value },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn cut_anywhere_a_mirror_tells_a_beginning_with_all_that_was_synced(
        before in prop::collection::vec(op(), 0..8),
        batches in prop::collection::vec((prop::collection::vec(op(), 1..5), any::<bool>()), 1..10),
    ) {
        let place = Place::new();
        place.inner.write(Batch { ops: before }, Durability::Buffered).unwrap();
        let engine = place.open(None);
        let mut history = vec![kept(&engine)];
        let mut synced = 0;
        let mut synced_bytes = 0;
        for (ops, sync) in batches {
            engine.write(Batch { ops }, Durability::Buffered).unwrap();
            history.push(kept(&engine));
            if sync {
                engine.sync().unwrap();
                synced = history.len() - 1;
                synced_bytes = fs::metadata(place.log()).unwrap().len();
            }
        }
        drop(engine);
        let (log, whole) = (place.log(), fs::read(place.log()).unwrap());
        prop_assert_eq!(told(&place.mirror()).unwrap().0, history.last().unwrap().clone());
        let mark = synced_bytes.saturating_sub(frame::OVERHEAD as u64); // the mark itself may be lost
        for cut in usize::try_from(mark).unwrap()..whole.len() {
            fs::write(&log, &whole[..cut]).unwrap();
            let (rows, tail) = told(&place.mirror()).unwrap();
            let found = history.iter().rposition(|state| *state == rows);
            prop_assert!(found.is_some_and(|found| found >= synced), "cut at {cut}: {found:?}, synced {synced}");
            prop_assert!(tail.on_disk <= tail.sequence);
        }
    }
}

#[test]
fn a_changed_byte_is_no_torn_tail() {
    let place = Place::new();
    let engine = place.open(None);
    (0..5).for_each(|number| put(&engine, &format!("key {number}"), "row"));
    engine.sync().unwrap();
    drop(engine);
    for path in [place.log(), place.mirror().join(format!("base-{:020}.mvbase", 1u64 << 32))] {
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() - frame::OVERHEAD {
            let mut changed = whole.clone();
            changed[at] ^= 0x40;
            fs::write(&path, changed).unwrap();
            assert!(matches!(told(&place.mirror()), Err(StoreError::Mirror { .. })), "{} at {at}", path.display());
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(told(&place.mirror()).is_ok());
    assert!(matches!(told(&place.directory.path().join("none")), Err(StoreError::NoMirror { .. })));
}

#[test]
fn a_mirror_goes_on_where_it_ended() {
    let place = Place::new();
    let engine = place.open(None);
    put(&engine, "a", "1");
    engine.sync().unwrap();
    drop(engine);
    let mut bases = Vec::new();
    for round in 0..3 {
        let (rows, tail) = told(&place.mirror()).unwrap();
        assert_eq!((rows, tail.on_disk), (kept(&*place.inner), tail.sequence));
        let engine = place.open(Some(tail));
        if round < 2 {
            put(&engine, &format!("round {round}"), "2");
        }
        engine.sync().unwrap();
        bases = files::Names::of(&place.mirror()).unwrap().bases;
    }
    assert_eq!(bases.len(), 1, "no base was written again");
    assert_eq!(told(&place.mirror()).unwrap().0, kept(&*place.inner));
}

/// Waits for the keeper.
fn wait_for(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_long_log_gives_way_to_a_base() {
    let place = Place::new();
    let settings = MirrorSettings { log_bytes_max: 4_000, ..MirrorSettings::default() };
    let engine = place.open_with(None, settings);
    for number in 0..400 {
        put(&engine, &format!("{}", number % 7), &"x".repeat(number % 90));
    }
    let small = || fs::metadata(place.log()).is_ok_and(|log| log.len() < 5_000);
    wait_for("the logs are replaced", || small() && files::Names::of(&place.mirror()).unwrap().bases.len() == 1);
    put(&engine, "last", "row");
    engine.sync().unwrap();
    drop(engine);
    assert_eq!(told(&place.mirror()).unwrap().0, kept(&*place.inner));
}

#[test]
fn a_mirror_that_is_away_comes_back() {
    let place = Place::new();
    fs::remove_dir(place.mirror()).unwrap();
    put(&*place.inner, "before", "1");
    let engine = place.open(None);
    let whole = || engine.stats().unwrap().mirrors[0].whole;
    assert!(!whole(), "a directory that is not there is not made");
    put(&engine, "meanwhile", "2");
    engine.sync().unwrap();
    fs::create_dir(place.mirror()).unwrap();
    engine.look();
    wait_for("the mirror is whole", whole);
    put(&engine, "after", "3");
    engine.sync().unwrap();
    assert_eq!(told(&place.mirror()).unwrap().0, kept(&*place.inner));
}

#[test]
fn a_mirror_is_written_by_one_process() {
    let place = Place::new();
    let engine = place.open(None);
    let other = MirroredEngine::open(
        Arc::new(MemoryEngine::new()),
        vec![Standing { directory: place.mirror(), tail: None }],
        MirrorSettings::default(),
    );
    let other = other.unwrap();
    put(&engine, "a", "1");
    drop(engine);
    // What the first wrote may be newer: the second does not take its place.
    other.core.look_after(true);
    assert!(!other.stats().unwrap().mirrors[0].whole);
    assert_eq!(told(&place.mirror()).unwrap().0, kept(&*place.inner));
}
