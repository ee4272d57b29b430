//! What it costs to find records by their metadata, by the kind of the question and the size of the answer: rows the
//! engine gives, and time, for each record found, among 100,000.
//!
//! Run with `cargo bench --bench queries -- DIRECTORY [RECORDS]`, the directory being empty; nothing is asserted
//! (`tests/record_queries/cost.rs` holds the rows to a bound).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measuring tool"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use membervault::clock::Timestamp;
use membervault::store::Keyspace;
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::testkit::vault::{START, TestVault, ctx};
use membervault::testkit::watched::{Watch, WatchedEngine};
use membervault::types::{MemberId, RecordMeta, Role};
use membervault::vault::api::{Expect, Imported, NewMember, Page, RecordAddress, RecordFilter, RecordWrite};
use membervault::vault::guard::GuardSettings;
use serde_json::{Map, json};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const RECORDS: usize = 100_000;
const RESULTS: [usize; 3] = [10, 100, 1_000];
/// Times each query is made; the median is told.
const REPEATED: usize = 9;
const BATCH: usize = 5_000;

/// Counts the rows that an engine gives.
#[derive(Default)]
struct Counting(AtomicU64);

impl Watch for Counting {
    fn before_get(&self, _keyspace: Keyspace, _key: &[u8]) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn before_row(&self, _keyspace: Keyspace, _key: &[u8]) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type CountingEngine = WatchedEngine<Counting, RocksEngine>;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let Some(directory) = arguments.next() else {
        println!("give a directory on the disk to be measured");
        return;
    };
    let records = arguments.next().map_or(RECORDS, |text| text.parse().expect("a number of records"));
    let place = tempfile::tempdir_in(&directory).expect("a directory of its own");
    let engine = RocksEngine::open(&RocksSettings::new(place.path().join("db"), Opening::Fresh)).expect("an engine");
    let engine = Arc::new(CountingEngine::over(engine, Counting::default()));
    let test = TestVault::over(1, Arc::clone(&engine) as _);
    // A bound on bulk reads would stop what is measured here.
    test.vault.set_guards(GuardSettings { bulk_members_per_hour: 0, ..GuardSettings::default() });
    let members = filled(&test, records);
    println!("{records} records with metadata; rows and processor time are for each record found");
    println!("  found   rows     us  by");
    for (size, results) in RESULTS.into_iter().enumerate() {
        for (kind, filter) in filters(size, members[size]) {
            let mut samples: Vec<(u128, u64)> =
                (0..REPEATED).map(|_| query(&test, &engine, &filter, results)).collect();
            samples.sort_unstable();
            let (time, rows) = samples[samples.len() / 2];
            let each = |number: f64| number / results as f64;
            println!("{results:7} {:6.2} {:6.1}  {kind}", each(rows as f64), each(time as f64 / 1_000.0));
        }
    }
}

/// What the records of the rare group `size`, or of no group, say.
fn meta(size: Option<usize>, number: usize) -> RecordMeta {
    let word = size.map_or_else(|| "usual".to_owned(), |size| format!("rare-{size}"));
    let hour = size.map_or(1_000 + number as u64 % 10_000, |size| size as u64);
    RecordMeta {
        purposes: vec!["service".parse().unwrap(), word.parse().unwrap()],
        source: Some(word.clone()),
        category: Some(word.clone()),
        shared_with: vec![word.clone()],
        objections: size.map(|_| word.parse().unwrap()).into_iter().collect(),
        automated_decision: size == Some(2),
        expires_at: Some(at(hour)),
    }
}

fn at(hour: u64) -> Timestamp {
    START.plus_millis(hour * 3_600_000)
}

fn new(meta: RecordMeta) -> NewMember {
    let profile = Map::from_iter([("name".to_owned(), json!("somebody"))]);
    NewMember { profile, meta, idempotency_key: None }
}

/// Fills the vault; three members with as many records as a group is large, and no metadata.
fn filled(test: &TestVault, records: usize) -> Vec<MemberId> {
    let mut groups: Vec<Option<usize>> =
        RESULTS.iter().enumerate().flat_map(|(size, count)| vec![Some(size); *count]).collect();
    groups.resize(records, None);
    let crm = ctx(Role::Crm);
    let all: Vec<_> = groups.into_iter().enumerate().map(|(number, group)| new(meta(group, number))).collect();
    let began = Instant::now();
    for batch in all.chunks(BATCH) {
        test.vault.import(&crm, batch).wait().expect("an import");
    }
    println!("imported with metadata: {:.0} members a second", records as f64 / began.elapsed().as_secs_f64());
    let plain: Vec<_> = (0..2 * BATCH).map(|_| new(RecordMeta::default())).collect();
    let began = Instant::now();
    for batch in plain.chunks(BATCH) {
        test.vault.import(&crm, batch).wait().expect("an import");
    }
    println!("imported without:       {:.0} members a second", plain.len() as f64 / began.elapsed().as_secs_f64());
    test.engine.flush().expect("a flush");
    RESULTS.iter().map(|count| member_of(test, *count)).collect()
}

fn member_of(test: &TestVault, records: usize) -> MemberId {
    let crm = ctx(Role::Crm);
    let outcome = test.vault.import(&crm, &[new(RecordMeta::default())]).wait().expect("an import").pop();
    let Some(Imported::Created(member)) = outcome else { unreachable!("it is new") };
    for number in 1..records {
        let address = RecordAddress {
            member,
            compartment: "orders".parse().unwrap(),
            name: format!("{number}").parse().unwrap(),
        };
        let write = RecordWrite { address, data: Map::new(), meta: None, expect: Expect::Any };
        test.vault.put_record(&crm, &write).wait().expect("a record");
    }
    member
}

fn filters(size: usize, member: MemberId) -> Vec<(&'static str, RecordFilter)> {
    let none = RecordFilter::default;
    let word = format!("rare-{size}");
    let purpose = || Some(word.parse().unwrap());
    let text = || Some(word.clone());
    let (from, before) = (Some(at(size as u64)), Some(at(size as u64 + 1)));
    let mut all = vec![
        ("purpose", RecordFilter { purpose: purpose(), ..none() }),
        ("source", RecordFilter { source: text(), ..none() }),
        ("category", RecordFilter { category: text(), ..none() }),
        ("shared_with", RecordFilter { shared_with: text(), ..none() }),
        ("objection", RecordFilter { objection: purpose(), ..none() }),
        ("expires_from, expires_before", RecordFilter { expires_from: from, expires_before: before, ..none() }),
        ("member", RecordFilter { member: Some(member), ..none() }),
        (
            "purpose of all records, category",
            RecordFilter { purpose: Some("service".parse().unwrap()), category: text(), ..none() },
        ),
    ];
    if size == 2 {
        all.push(("automated_decision", RecordFilter { automated_decision: Some(true), ..none() }));
    }
    all
}

/// Processor time of the process, in nanoseconds: the clock on the wall tells what else the machine does.
fn processor_time() -> u128 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u128 * 1_000_000_000 + time.tv_nsec as u128
}

/// Nanoseconds of processor time and rows of one query, all pages of it.
fn query(test: &TestVault, engine: &CountingEngine, filter: &RecordFilter, results: usize) -> (u128, u64) {
    let crm = ctx(Role::Crm);
    let (before, began) = (engine.0.load(Ordering::Relaxed), processor_time());
    let (mut page, mut found) = (Page { cursor: None, limit: Page::LIMIT_MAX }, 0);
    loop {
        let listing = test.vault.query_records(&crm, filter, &page).wait().expect("a listing");
        found += listing.items.len();
        page.cursor = listing.next;
        if page.cursor.is_none() {
            break;
        }
    }
    let time = processor_time() - began;
    assert_eq!(found, results);
    (time, engine.0.load(Ordering::Relaxed) - before)
}
