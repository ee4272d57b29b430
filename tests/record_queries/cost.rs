//! What a query costs, counted in rows of the engine: in proportion to what it finds, whatever else there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use membervault::store::{Batch, Keyspace, Op, StoreError};
use membervault::testkit::vault::TestVault;
use membervault::testkit::watched::{Watch, WatchedEngine};
use membervault::types::RecordMeta;
use membervault::vault::api::{Imported, NewMember, RecordFilter};
use membervault::vault::guard::GuardSettings;
use serde_json::{Map, json};

use super::{at, by_category, crm, member_with, page, postings};

/// Counts the rows that an engine gives and takes.
#[derive(Default)]
struct Counting {
    read: AtomicU64,
    /// Posting rows and marks that were looked for or written.
    posted: AtomicU64,
}

type CountingEngine = WatchedEngine<Counting>;

fn is_posting(keyspace: Keyspace, key: &[u8]) -> bool {
    keyspace == Keyspace::Control && key.first() == Some(&b'T')
}

impl Counting {
    fn saw(&self, keyspace: Keyspace, key: &[u8]) {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.posted.fetch_add(u64::from(is_posting(keyspace, key)), Ordering::Relaxed);
    }

    fn rows_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Watch for Counting {
    fn before_get(&self, keyspace: Keyspace, key: &[u8]) {
        self.saw(keyspace, key);
    }

    fn before_row(&self, keyspace: Keyspace, key: &[u8]) {
        self.saw(keyspace, key);
    }

    fn before_write(&self, batch: &Batch) -> Result<(), StoreError> {
        let posted = batch.ops.iter().filter(|op| match op {
            Op::Put { keyspace, key, .. } | Op::Delete { keyspace, key } => is_posting(*keyspace, key),
            Op::DeleteRange { .. } => false,
        });
        self.posted.fetch_add(posted.count() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// Every record says something; `results` of them say each of the things that are asked for.
fn meta(number: usize, results: usize) -> RecordMeta {
    let is_meant = number < results;
    let rare = |rare: &str, common: &str| if is_meant { rare.to_owned() } else { common.to_owned() };
    RecordMeta {
        purposes: vec!["service".parse().unwrap(), rare("newsletter", "support").parse().unwrap()],
        source: Some(rare("fair", "web")),
        category: Some(rare("rare", "usual")),
        shared_with: vec![rare("print-shop", "carrier")],
        objections: if is_meant { vec!["analytics".parse().unwrap()] } else { Vec::new() },
        automated_decision: is_meant,
        expires_at: Some(if is_meant { at(1) } else { at(1_000 + number as u64) }),
    }
}

fn filled(records: usize, results: usize) -> (TestVault, Arc<CountingEngine>) {
    let engine = Arc::new(CountingEngine::default());
    let test = TestVault::over(9, Arc::clone(&engine) as _);
    unguarded(&test);
    let all: Vec<_> = (0..records)
        .map(|number| NewMember {
            profile: Map::from_iter([("name".to_owned(), json!("somebody"))]),
            meta: meta(number, results),
            idempotency_key: None,
        })
        .collect();
    for batch in all.chunks(1_000) {
        let outcomes = test.vault.import(&crm(), batch).wait().unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Imported::Created(_))));
    }
    (test, engine)
}

/// A bound on bulk reads would stop what is measured here.
fn unguarded(test: &TestVault) {
    test.vault.set_guards(GuardSettings { bulk_members_per_hour: 0, ..GuardSettings::default() });
}

/// One filter of each kind that meets the meant records and no others; and pairs, of which one meets all records.
fn filters() -> Vec<(&'static str, RecordFilter)> {
    let none = RecordFilter::default;
    let service = || Some("service".parse().unwrap());
    vec![
        ("purpose", RecordFilter { purpose: Some("newsletter".parse().unwrap()), ..none() }),
        ("source", RecordFilter { source: Some("fair".to_owned()), ..none() }),
        ("category", by_category("rare")),
        ("shared_with", RecordFilter { shared_with: Some("print-shop".to_owned()), ..none() }),
        ("objection", RecordFilter { objection: Some("analytics".parse().unwrap()), ..none() }),
        ("automated_decision", RecordFilter { automated_decision: Some(true), ..none() }),
        ("expires_before", RecordFilter { expires_before: Some(at(2)), ..none() }),
        (
            "expires_from, expires_before",
            RecordFilter { expires_from: Some(at(1)), expires_before: Some(at(2)), ..none() },
        ),
        ("purpose of all, category", RecordFilter { purpose: service(), ..by_category("rare") }),
        ("purpose of all, expires_before", RecordFilter { purpose: service(), expires_before: Some(at(2)), ..none() }),
        (
            "expires_from of all, source",
            RecordFilter { expires_from: Some(at(0)), source: Some("fair".to_owned()), ..none() },
        ),
    ]
}

/// Rows read for all pages of a query.
fn rows_read(test: &TestVault, engine: &CountingEngine, filter: &RecordFilter, results: usize) -> u64 {
    let before = engine.rows_read();
    let (mut next, mut count) = (page(500), 0);
    loop {
        let listing = test.vault.query_records(&crm(), filter, &next).wait().unwrap();
        count += listing.items.len();
        next.cursor = listing.next;
        if next.cursor.is_none() {
            break;
        }
    }
    assert_eq!(count, results);
    engine.rows_read() - before
}

/// Rows read for each record that is found: its posting, its row, its member's row, what was felt out, and for a pair the
/// posting in the other list.
const EACH: u64 = 12;
/// Rows read once: nodes of the key tree, what was felt out of long lists.
const ONCE: u64 = 700;

#[test]
fn a_query_reads_in_proportion_to_what_it_finds() {
    let mut table = String::new();
    for (records, results) in [(1_500, 10), (1_500, 100), (6_000, 10), (6_000, 100), (6_000, 1_000)] {
        let (test, engine) = filled(records, results);
        for (kind, filter) in filters() {
            let read = rows_read(&test, &engine, &filter, results);
            table += &format!("{records:6} records {results:5} found {read:6} rows read  by {kind}\n");
            assert!(read <= EACH * results as u64 + ONCE, "{read} rows for {results}: {kind}\n{table}");
        }
    }
    let (small, large) = (filled(1_000, 50), filled(4_000, 50));
    for (kind, filter) in filters() {
        let [few, many] = [&small, &large].map(|(test, engine)| {
            rows_read(test, engine, &filter, 50); // opens the nodes of the key tree, once
            rows_read(test, engine, &filter, 50)
        });
        assert!(many <= few + few / 10, "{kind}: {few} rows among 1,000, {many} among 4,000\n{table}");
    }
}

#[test]
fn of_two_long_lists_a_page_looks_at_a_bounded_number_of_records() {
    // Half are of each, none of both: nothing is found, and each page ends all the same.
    let engine = Arc::new(CountingEngine::default());
    let test = TestVault::over(9, Arc::clone(&engine) as _);
    for number in 0..300 {
        let (category, source) =
            if number % 2 == 0 { (Some("a".to_owned()), None) } else { (None, Some("b".to_owned())) };
        member_with(&test.vault, RecordMeta { category, source, ..RecordMeta::default() });
    }
    let filter = RecordFilter { source: Some("b".to_owned()), ..by_category("a") };
    assert!(rows_read(&test, &engine, &filter, 0) < 1_000);
}

#[test]
fn records_without_metadata_cost_nothing_more() {
    let engine = Arc::new(CountingEngine::default());
    let test = TestVault::over(3, Arc::clone(&engine) as _);
    let member = member_with(&test.vault, RecordMeta::default());
    let batch = NewMember { profile: Map::new(), meta: RecordMeta::default(), idempotency_key: None };
    test.vault.import(&crm(), &[batch]).wait().unwrap();
    let address = super::address(member, "orders", "1");
    super::put(&test.vault, &address, None);
    super::put(&test.vault, &address, Some(RecordMeta::default()));
    test.vault.delete_record(&crm(), &address, Default::default()).wait().unwrap();
    assert_eq!(engine.posted.load(Ordering::Relaxed), 0, "no posting was written or looked for");
    assert!(postings(&*engine).is_empty());
}
