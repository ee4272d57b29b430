//! What the door to disk costs: tasks that read or write in a loop, as handlers of connections do.
//!
//! Each task spends some time on its own work (a chain of hashes stands for keys, ciphers and JSON), submits, waits for
//! its ticket, and begins again. Run with `cargo bench --bench ledger [SECONDS]`; nothing is asserted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measuring tool"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use membervault::codec::RowStamp;
use membervault::crypto::sha256;
use membervault::ledger::{Change, Durability, Event, Leaf, Ledger, LedgerSettings, Reliance};
use membervault::store::memory::MemoryEngine;
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Engine, Keyspace};
use membervault::types::{MemberId, TokenId};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Rows that are read and rewritten.
const ROWS: u64 = 100_000;
const RECORD_BYTES: usize = 1024;
const MEMBER_BYTES: usize = 300;
/// The sealed details of an access.
const DETAIL_BYTES: usize = 180;
/// Hashes over a record that stand for the rest of a request's work: about ten microseconds.
const WORK_HASHES: usize = 16;
/// Threads of the runtime.
const WORKERS: usize = 2;

#[derive(Clone, Copy)]
enum Load {
    /// A get, work, and an access leaf with details.
    Read,
    /// A get, work, a record and a member row rewritten, and a leaf with details.
    Write,
}

/// What a request was answered after, and the size of the log after its group.
type Sample = (u32, u64);

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let seconds = arguments.next().map_or(2, |text| text.parse().expect("a number of seconds"));
    println!(" engine   load  tasks  per second   p50 us   p99 us  a group");
    for load in [Load::Read, Load::Write] {
        for tasks in [1, 16, 64] {
            measure(Arc::new(MemoryEngine::new()), "memory", load, tasks, seconds);
            let directory = tempfile::tempdir_in(".").unwrap();
            let settings = RocksSettings::new(directory.path().join("db"), Opening::Fresh);
            measure(Arc::new(RocksEngine::open(&settings).unwrap()), "rocks", load, tasks, seconds);
        }
    }
}

fn measure(engine: Arc<dyn Engine>, name: &str, load: Load, tasks: u64, seconds: u64) {
    fill(&*engine);
    let ledger = Arc::new(Ledger::open(engine.clone(), LedgerSettings::default()).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_time().build().unwrap();
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let running: Vec<_> = (0..tasks)
        .map(|task| Connection { engine: engine.clone(), ledger: ledger.clone(), load, random: task + 1 })
        .map(|connection| runtime.spawn(connection.run(end)))
        .collect();
    let mut samples: Vec<Sample> = Vec::new();
    for task in running {
        samples.extend(runtime.block_on(task).unwrap());
    }
    report(name, load, tasks, started.elapsed(), samples);
}

fn report(name: &str, load: Load, tasks: u64, elapsed: Duration, samples: Vec<Sample>) {
    let count = samples.len();
    let (mut latencies, mut sizes): (Vec<u32>, Vec<u64>) = samples.into_iter().unzip();
    latencies.sort_unstable();
    sizes.sort_unstable();
    sizes.dedup();
    let load = match load {
        Load::Read => "read",
        Load::Write => "write",
    };
    let rate = count as f64 / elapsed.as_secs_f64();
    let (p50, p99) = (latencies[count / 2], latencies[count * 99 / 100]);
    let group = count as f64 / sizes.len() as f64;
    println!("{name:>7}{load:>7}{tasks:>7}{rate:>12.0}{p50:>9}{p99:>9}{group:>9.1}");
}

fn key(number: u64) -> [u8; 34] {
    let mut key = [0; 34];
    key[..32].copy_from_slice(&sha256(&[&number.to_be_bytes()]));
    key
}

fn fill(engine: &dyn Engine) {
    for chunk in (0..ROWS).collect::<Vec<_>>().chunks(1000) {
        let mut batch = Batch::new();
        for number in chunk {
            batch.put(Keyspace::Records, key(*number), vec![7; RECORD_BYTES]);
            batch.put(Keyspace::Control, key(*number), vec![7; MEMBER_BYTES]);
        }
        engine.write(batch, Durability::Buffered).unwrap();
    }
}

/// A client that asks, waits, and asks again.
struct Connection {
    engine: Arc<dyn Engine>,
    ledger: Arc<Ledger>,
    load: Load,
    random: u64,
}

impl Connection {
    async fn run(mut self, end: Instant) -> Vec<Sample> {
        let mut samples = Vec::with_capacity(100_000);
        loop {
            let begun = Instant::now();
            if begun >= end {
                return samples;
            }
            let (change, durability) = self.decide();
            let receipt = self.ledger.submit(change, durability).await.unwrap();
            samples.push((u32::try_from(begun.elapsed().as_micros()).unwrap(), receipt.size));
        }
    }

    fn decide(&mut self) -> (Change, Durability) {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = key((self.random >> 33) % ROWS);
        let (generation, mark) = (self.ledger.erasure_generation(), self.ledger.mark());
        let member_row = self.engine.get(Keyspace::Control, &key).unwrap().unwrap();
        let record_row = self.engine.get(Keyspace::Records, &key).unwrap().unwrap();
        let work = (0..WORK_HASHES).fold([0; 32], |hash, _| sha256(&[&hash, &record_row]));
        let event = Event::RecordRead(work);
        let actor = TokenId::LOCAL_OPERATOR;
        let reference = [7; 16];
        let mut change = Change::new(Leaf { minute: 7, actor, purpose: "support".parse().ok(), reference, event });
        change.access_row(reference, vec![7; DETAIL_BYTES]).decided_at(mark);
        let member = MemberId::from_bytes(reference);
        change.relies_on(Reliance::NoErasureSince { generation, member });
        if matches!(self.load, Load::Read) {
            return (change, Durability::Buffered);
        }
        for (keyspace, row) in [(Keyspace::Control, member_row), (Keyspace::Records, record_row)] {
            let stamp = Some(RowStamp::of(&row));
            change.relies_on(Reliance::Row { keyspace, key: key.to_vec(), stamp });
            change.put(keyspace, key, row.to_vec());
        }
        (change, Durability::Synced)
    }
}
