//! Who is erased is found by nothing, and nothing of it is left among the postings: not in the database, and after a
//! purge not in its files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use membervault::code::{Code, Coded};
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Durability, Engine, Keyspace};
use membervault::tables;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, RecordMeta, Role};
use membervault::vault::api::{Expect, RecordWrite, Stage};
use serde_json::Map;

use super::{address, at, by_category, category, crm, found, member_with, postings, put};

fn rich(text: &str) -> RecordMeta {
    RecordMeta {
        purposes: vec!["service".parse().unwrap()],
        shared_with: vec!["print-shop".to_owned()],
        expires_at: Some(at(3)),
        automated_decision: true,
        ..category(text)
    }
}

/// Postings and marks that name a member.
fn naming(test: &TestVault, member: &MemberId) -> usize {
    postings(&*test.engine).iter().filter(|key| key.windows(16).any(|window| window == member.as_bytes())).count()
}

#[test]
fn an_erasure_takes_the_postings_with_it() {
    let test = TestVault::new(1);
    let vault = &test.vault;
    let (one, two) = (member_with(vault, rich("a")), member_with(vault, rich("a")));
    for member in [one, two] {
        put(vault, &address(member, "orders", "1"), Some(rich("a")));
        put(vault, &address(member, "orders", "2"), Some(RecordMeta::default()));
    }
    let orders = "orders".parse().unwrap();
    vault.erase(&ctx(Role::Compliance), &two, Some(&orders)).wait().unwrap();
    assert_eq!(naming(&test, &two), 11, "five values of the profile in both ways, and the mark");
    vault.erase(&ctx(Role::Compliance), &one, None).wait().unwrap();
    assert_eq!(naming(&test, &one), 0);
    assert_eq!(found(vault, &by_category("a"), 9), [(two, "core".to_owned(), "profile".to_owned())].into());
}

#[test]
fn a_record_that_does_not_open_leaves_no_posting_behind() {
    let test = TestVault::new(2);
    let vault = &test.vault;
    let (one, two) = (member_with(vault, rich("a")), member_with(vault, rich("a")));
    put(vault, &address(one, "orders", "1"), Some(rich("b")));
    let chunk = tables::record::of_member(&*test.engine, &one, None, 9).unwrap();
    let damaged = chunk.items.last().unwrap();
    let mut row = damaged.row.clone();
    *row.last_mut().unwrap() ^= 1;
    let mut batch = Batch::new();
    batch.put(Keyspace::Records, damaged.key(&one), row);
    test.engine.write(batch, Durability::Buffered).unwrap();
    vault.erase(&ctx(Role::Compliance), &one, None).wait().unwrap();
    assert_eq!((naming(&test, &one), naming(&test, &two)), (0, 11));
}

#[test]
fn writers_that_race_an_erasure_leave_no_posting() {
    let test = TestVault::new(3);
    let vault = &test.vault;
    for _ in 0..12 {
        let member = member_with(vault, rich("a"));
        let written = AtomicUsize::new(0);
        thread::scope(|scope| {
            for writer in 0..3 {
                let written = &written;
                scope.spawn(move || {
                    for turn in 0.. {
                        let address = address(member, "orders", &format!("{writer}-{turn}"));
                        let meta = Some(rich(&format!("c{turn}")));
                        let write = RecordWrite { address, data: Map::new(), meta, expect: Expect::Any };
                        match vault.put_record(&crm(), &write).wait() {
                            Ok(_) => drop(written.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => {
                                assert_eq!(error.code(), Code::Gone);
                                break;
                            }
                        }
                    }
                });
            }
            scope.spawn(|| {
                while written.load(Ordering::Relaxed) < 4 {
                    thread::yield_now();
                }
                vault.erase(&ctx(Role::Compliance), &member, None).wait().unwrap();
            });
        });
        assert_eq!(naming(&test, &member), 0);
    }
    assert!(postings(&*test.engine).is_empty());
}

fn engine(path: &Path) -> Arc<dyn Engine> {
    let settings = RocksSettings {
        block_cache_bytes: 16 << 20,
        write_buffer_bytes: 4 << 20,
        ..RocksSettings::new(path, Opening::Fresh)
    };
    Arc::new(RocksEngine::open(&settings).unwrap())
}

#[test]
fn a_purge_cleans_the_postings_of_today_and_of_before() {
    let directory = tempfile::tempdir().unwrap();
    let mut test = TestVault::over(4, engine(&directory.path().join("db")));
    test.reopen();
    let vault = &test.vault;
    let members: Vec<_> = (0..6).map(|_| member_with(vault, rich("a"))).collect();
    for member in &members {
        let order = address(*member, "orders", "1");
        put(vault, &order, Some(rich("b")));
        test.engine.flush().unwrap();
        // What it was once known by is in other ranges than what it is known by now.
        put(vault, &order, Some(RecordMeta { source: Some("web".to_owned()), ..RecordMeta::default() }));
        put(vault, &order, Some(RecordMeta::default()));
    }
    test.engine.flush().unwrap();
    let erasures: Vec<_> = members[..4]
        .iter()
        .map(|member| vault.erase(&ctx(Role::Compliance), member, None).wait().unwrap().id)
        .collect();
    vault.seal(&ctx(Role::Ops)).unwrap();
    let report = vault.purge(&ctx(Role::Ops)).unwrap();
    assert_eq!((report.erasures, report.purged), (4, 4), "{report:?}");
    for erasure in &erasures {
        let stage = vault.erasure(&ctx(Role::Compliance), erasure).wait().unwrap().stage;
        assert_eq!(stage, Stage::Purged);
    }
    assert_eq!(found(vault, &by_category("a"), 9).len(), 2);
}

#[test]
fn a_posting_that_is_missing_is_noticed_and_mended_as_the_finding_says() {
    let test = TestVault::new(5);
    let vault = &test.vault;
    let order = address(member_with(vault, RecordMeta::default()), "orders", "1");
    put(vault, &order, Some(category("a")));
    let posting = postings(&*test.engine).into_iter().find(|key| key[1] == 3).unwrap();
    let mut batch = Batch::new();
    batch.delete(Keyspace::Control, posting);
    test.engine.write(batch, Durability::Buffered).unwrap();
    assert!(found(vault, &by_category("a"), 9).is_empty());
    let findings = vault.examine(&ctx(Role::Ops)).wait().unwrap().findings;
    assert!(matches!(findings.as_slice(), [one] if one.problem.contains("metadata") && one.count == 1), "{findings:?}");
    put(vault, &order, Some(RecordMeta::default()));
    put(vault, &order, Some(category("a")));
    assert!(vault.examine(&ctx(Role::Ops)).wait().unwrap().is_sound());
    assert_eq!(found(vault, &by_category("a"), 9).len(), 1);
}
