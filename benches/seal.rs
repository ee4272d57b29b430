//! What a seal costs, by the size of the vault and the number of erasures: bytes written, processor time, the longest
//! time writers had to wait. Key rows only: a seal touches nothing else but index pages, and those as many as members.
//!
//! Run with `cargo bench --bench seal -- DIRECTORY [MEMBERS..]`, the directory on the disk to be measured (a million members
//! take 0.4 GB); nothing is asserted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measuring tool"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use membervault::clock::{Clock, SystemClock};
use membervault::crypto::{Entropy, OsEntropy, Suite};
use membervault::keyring::{Keyring, KeyringFile, TreeShape};
use membervault::ledger::LedgerSettings;
use membervault::masterkey::KeyFile;
use membervault::policy::Policy;
use membervault::schema::DataMap;
use membervault::store::capsules::DirectoryCapsules;
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Durability, Engine, Op, StoreError};
use membervault::tables;
use membervault::testkit::watched::{Watch, WatchedEngine};
use membervault::types::{Actor, Compartment, Ctx, MemberId, RequestId, Role, VaultId};
use membervault::vault::api::Page;
use membervault::vault::log::LogSettings;
use membervault::vault::{Founding, Parts, Vault};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const MEMBERS: [u64; 3] = [10_000, 1_000_000, 10_000_000];
const ERASURES: [usize; 3] = [1, 100, 10_000];
/// The largest vault whose whole tree is turned.
const ROTATED_MAX: u64 = 1_000_000;
/// Rows of one batch while the vault is filled.
const FILLED_EACH: u64 = 4_096;
/// Callers that erase at one time.
const ERASERS: usize = 16;
/// Times a seal of one erasure is measured; the median is told.
const REPEATED: usize = 9;
/// What counts as quiet: hardly any processor time in such a span. Waited for a bounded number of times.
const QUIET: Duration = Duration::from_millis(500);
const QUIET_CPU: Duration = Duration::from_millis(10);
const SETTLES_MAX: usize = 600;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let Some(directory) = arguments.next() else {
        println!("give a directory on the disk to be measured");
        return;
    };
    let sizes: Vec<u64> = arguments.map(|text| text.parse().expect("a number of members")).collect();
    println!(
        "   members  erasures   rounds   leaves     rows   KB written  KB per erasure   CPU ms  longest pause us   wall ms"
    );
    for members in if sizes.is_empty() { MEMBERS.to_vec() } else { sizes } {
        std::fs::create_dir_all(&directory).expect("a directory");
        let place = tempfile::tempdir_in(&directory).expect("a directory of its own");
        measure(members, place.path());
    }
}

fn measure(members: u64, place: &Path) {
    let (vault, engine, mut left) = filled(members, place);
    // The first write sets off what RocksDB had put off while the vault was filled.
    seal(&vault, &engine, &left.split_off(left.len() - 1));
    for erasures in ERASURES {
        if left.len() < erasures.max(REPEATED) {
            continue;
        }
        settle();
        let times = if erasures == 1 { REPEATED } else { 1 };
        let mut samples: Vec<Sample> =
            (0..times).map(|_| seal(&vault, &engine, &left.split_off(left.len() - erasures))).collect();
        samples.sort_by_key(|sample| sample.cpu);
        samples[samples.len() / 2].print(members, erasures);
    }
    if members <= ROTATED_MAX {
        rotate(&vault, place, members, &left);
    }
    vault.close().unwrap();
}

/// A rotation of the master key, with readers who go on.
fn rotate(vault: &Vault, place: &Path, members: u64, live: &[MemberId]) {
    let master = KeyFile::create(&place.join("next-key"), &OsEntropy).unwrap();
    let (done, reads, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let crm = ctx(Role::Crm);
    let page = Page { cursor: None, limit: 1 };
    let (report, wall) = std::thread::scope(|scope| {
        scope.spawn(|| {
            for member in live.iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
                let counter = if vault.list_records(&crm, member, &page).wait().is_ok() { &reads } else { &failed };
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let began = Instant::now();
        let report = vault.rotate_master(&ctx(Role::Ops), &master).unwrap();
        done.store(true, Ordering::Relaxed);
        (report, began.elapsed())
    });
    println!(
        "{members:>10} members: the master key rotated and {} leaves ({} rows) re-keyed in {:.1} s; longest pause of writers \
         {} us; {} reads meanwhile, {} failed",
        report.leaves,
        report.rows,
        wall.as_secs_f64(),
        report.longest_pause_us,
        reads.load(Ordering::Relaxed),
        failed.load(Ordering::Relaxed)
    );
}

struct Sample {
    rounds: u32,
    leaves: u64,
    rows: u64,
    bytes: u64,
    cpu: Duration,
    pause_us: u64,
    wall: Duration,
}

impl Sample {
    fn print(&self, members: u64, erasures: usize) {
        let Self { rounds, leaves, rows, bytes, cpu, pause_us, wall } = self;
        let (kb, cpu, wall) = (*bytes as f64 / 1e3, cpu.as_secs_f64() * 1e3, wall.as_secs_f64() * 1e3);
        let each = kb / erasures as f64;
        println!(
            "{members:>10} {erasures:>9} {rounds:>8} {leaves:>8} {rows:>8} {kb:>12.0} {each:>15.1} {cpu:>8.1} \
             {pause_us:>17} {wall:>9.1}"
        );
    }
}

/// Erases these members, and measures the seal of them.
fn seal(vault: &Vault, engine: &CountingEngine, gone: &[MemberId]) -> Sample {
    let compliance = ctx(Role::Compliance);
    std::thread::scope(|scope| {
        for part in gone.chunks(gone.len().div_ceil(ERASERS)) {
            let (vault, ctx) = (vault.clone(), &compliance);
            scope.spawn(move || part.iter().for_each(|id| _ = vault.erase(ctx, id, None).wait().unwrap()));
        }
    });
    let (bytes, cpu, began) = (engine.bytes.load(Ordering::Relaxed), processor_time(), Instant::now());
    let report = vault.seal(&ctx(Role::Ops)).unwrap();
    assert_eq!(report.sealed, gone.len() as u64);
    Sample {
        rounds: report.rounds,
        leaves: report.leaves,
        rows: report.rows,
        bytes: engine.bytes.load(Ordering::Relaxed) - bytes,
        cpu: processor_time() - cpu,
        pause_us: report.longest_pause_us,
        wall: began.elapsed(),
    }
}

/// A vault with this many members that have keys and nothing else, and some of their ids.
fn filled(members: u64, place: &Path) -> (Vault, Arc<CountingEngine>, Vec<MemberId>) {
    let data = place.join("db");
    let inner = RocksEngine::open(&RocksSettings::new(&data, Opening::Fresh)).unwrap();
    let engine = Arc::new(CountingEngine::over(inner, Counting::default()));
    let key = KeyFile::create(&place.join("key"), &OsEntropy).unwrap();
    let id = VaultId::from_random([7; 16]);
    let body = Keyring::draw(&OsEntropy).unwrap();
    let file = KeyringFile::at(place.join("ring"), &data).unwrap();
    let slot = Arc::new(file.create(id, Suite::ChaCha20Poly1305, &key, &body, &OsEntropy).unwrap());
    let parts = Parts {
        engine: Arc::clone(&engine) as _,
        slot: Arc::clone(&slot) as _,
        vault: id,
        capsules: Arc::new(DirectoryCapsules::at(place.join("capsules"))),
        seal_watch: None,
        mirrors: Vec::new(),
        policy: Policy::parse(Policy::default_text()).unwrap(),
        map: DataMap::default_map(),
        log: LogSettings::default(),
        ledger: LedgerSettings::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    };
    Vault::found(&parts, &Founding { expect_members: members, suite: Suite::ChaCha20Poly1305 }).unwrap();
    let shape = TreeShape::for_members(members).unwrap();
    let keyring = Keyring::new(id, Suite::ChaCha20Poly1305, shape, slot.read().unwrap());
    let mut some = Vec::new();
    let mut made = 0;
    while made < members {
        let count = FILLED_EACH.min(members - made);
        let mut batch = Batch::new();
        for _ in 0..count {
            let (member, row) = member(&keyring, &engine);
            batch.put(tables::member::KEYSPACE, tables::member::key(&member), row);
            if some.len() < ERASURES.iter().sum::<usize>() + REPEATED + 1 {
                some.push(member);
            }
        }
        engine.write(batch, Durability::Buffered).unwrap();
        made += count;
    }
    engine.flush().unwrap();
    (Vault::open(parts).unwrap(), engine, some)
}

fn member(keyring: &Keyring, engine: &CountingEngine) -> (MemberId, Vec<u8>) {
    let mut random = [0; 16];
    OsEntropy.fill(&mut random).unwrap();
    let member = MemberId::from_random(random);
    let body = keyring.new_member(SystemClock.now(), &Compartment::core(), &OsEntropy).unwrap();
    let row = keyring.seal_member(engine, &member, &body, &OsEntropy).unwrap();
    (member, row)
}

fn ctx(role: Role) -> Ctx {
    Ctx { actor: Actor::local(role), purpose: None, request: RequestId::from_random([role.number(); 16]) }
}

/// Waits until RocksDB has put in order what was written before, so that none of that counts as a seal's.
#[expect(clippy::disallowed_methods, reason = "it waits for threads that tell nobody when they are done")]
fn settle() {
    for _ in 0..SETTLES_MAX {
        let before = processor_time();
        std::thread::sleep(QUIET);
        if processor_time() - before < QUIET_CPU {
            return;
        }
    }
}

/// Processor time of this process so far, all threads.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// Counts the bytes of keys and rows that an engine is given.
#[derive(Default)]
struct Counting {
    bytes: AtomicU64,
}

impl Watch for Counting {
    fn before_write(&self, batch: &Batch) -> Result<(), StoreError> {
        let bytes: usize = batch.ops.iter().map(Op::bytes).sum();
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }
}

type CountingEngine = WatchedEngine<Counting, RocksEngine>;
