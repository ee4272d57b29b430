//! Rotating the data key of a compartment: what is stored stays, the old key goes with the next seal, and nobody who reads
//! or writes meanwhile notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(unreachable_pub, missing_docs, dead_code, reason = "a test")]

#[path = "key_graph/closure.rs"]
mod closure;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use closure::reach;
use membervault::code::{Code, Coded};
use membervault::codec::RecordRow;
use membervault::ledger::{Event, Leaf};
use membervault::store::{Engine, KeyRange, Keyspace};
use membervault::tables;
use membervault::testkit::recorder::RecordingEngine;
use membervault::testkit::slot;
use membervault::testkit::vault::{TestVault, VAULT_ID, ctx};
use membervault::testkit::watched::InterruptingEngine;
use membervault::types::{Compartment, IdentifierKind, MemberId, RecordMeta, RecordVersion, Role};
use membervault::vault::api::{
    Expect, KeyRotation, NewHold, NewMember, Page, RecordAddress, RecordQuery, RecordView, RecordWrite,
};
use membervault::vault::dek::{STEP_BYTES_MAX, STEP_RECORDS_MAX};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

fn orders() -> Compartment {
    "orders".parse().unwrap()
}

fn create(vault: &Vault) -> MemberId {
    let profile = object(json!({ "email": "ada@example.org", "note": "canary000000z" }));
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

fn order(member: MemberId, number: usize) -> RecordAddress {
    RecordAddress { member, compartment: orders(), name: format!("o-{number}").parse().unwrap() }
}

fn a_write(address: RecordAddress, data: Value, expect: Expect) -> RecordWrite {
    let meta = RecordMeta { source: Some("web".into()), ..RecordMeta::default() };
    RecordWrite { address, data: object(data), meta: Some(meta), expect }
}

fn put(vault: &Vault, address: RecordAddress, data: Value) -> RecordVersion {
    vault.put_record(&ctx(Role::Crm), &a_write(address, data, Expect::Any)).wait().unwrap().version
}

fn view(vault: &Vault, address: RecordAddress) -> RecordView {
    vault.read_record(&ctx(Role::Crm), &RecordQuery { address, fields: None }).wait().unwrap()
}

fn content(view: &RecordView) -> Value {
    serde_json::from_slice(view.data.as_bytes()).unwrap()
}

fn rotate(vault: &Vault, member: &MemberId) -> Result<KeyRotation, Error> {
    vault.rotate_dek(&ctx(Role::Ops), member, &orders()).wait()
}

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

/// The versions of data keys under which the rows of a member's compartment lie.
fn versions(engine: &dyn Engine, member: &MemberId, compartment: u16) -> BTreeSet<u32> {
    let mut versions = BTreeSet::new();
    tables::record::each_of(engine, member, Some(compartment), usize::MAX, &mut |_, row| {
        versions.insert(RecordRow::parse(row).unwrap().dek_version);
    })
    .unwrap();
    versions
}

fn last_event(engine: &dyn Engine) -> Event {
    let mut last = None;
    let leaves = KeyRange::new(membervault::codec::keys::leaf(0), membervault::codec::keys::leaf(u64::MAX));
    engine
        .scan(Keyspace::Ledger, &leaves, &mut |_, row| {
            last = Leaf::parse(row).ok();
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    last.unwrap().event
}

/// Decides and queues, and does not commit: whoever commits next does it first.
macro_rules! queued {
    ($name:ident, $act:expr) => {
        let mut $name = Box::pin($act.settled());
        assert!($name.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    };
}

/// Waits for what was queued.
fn end<T>(mut act: std::pin::Pin<Box<impl Future<Output = T>>>) -> T {
    loop {
        if let std::task::Poll::Ready(value) = act.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        std::thread::yield_now();
    }
}

#[test]
fn everything_stays_but_the_key() {
    let test = TestVault::new(1);
    let vault = &test.vault;
    let member = create(vault);
    for number in 0..5 {
        put(vault, order(member, number), json!({ "n": number }));
    }
    put(vault, order(member, 3), json!({ "n": "again" }));
    let list = |vault: &Vault| {
        let page = Page { cursor: None, limit: 100 };
        vault.list_records(&ctx(Role::Crm), &member, &page).wait().unwrap().items
    };
    let before: Vec<_> = (0..5).map(|number| view(vault, order(member, number))).collect();
    let listed = list(vault);
    test.clock.advance_millis(60_000);
    let done = rotate(vault, &member).unwrap();
    assert_eq!((done.records, done.done, done.compartment), (5, true, orders()));
    assert!(matches!(last_event(&*test.engine), Event::DekRotate(detail) if detail != [0; 32]));
    assert_eq!(versions(&*test.engine, &member, 1), BTreeSet::from([2]));
    assert_eq!(versions(&*test.engine, &member, 0), BTreeSet::from([1]), "another compartment is left alone");
    let marked = tables::dirty::list(&*test.engine, None, 10).unwrap().items;
    assert_eq!(marked.len(), 1, "the next seal re-keys the shard");
    for (number, before) in before.iter().enumerate() {
        let after = view(vault, order(member, number));
        let facts = |view: &RecordView| (view.version, view.created_at, view.updated_at, view.meta.clone());
        assert_eq!((facts(&after), content(&after)), (facts(before), content(before)));
    }
    assert_eq!(list(vault).len(), listed.len());
    // Who holds an ETag goes on with it.
    let expect = Expect::Version(RecordVersion(2));
    let write = a_write(order(member, 3), json!({ "n": "third" }), expect);
    assert_eq!(vault.put_record(&ctx(Role::Crm), &write).wait().unwrap().version, RecordVersion(3));
    // And again, over a restart and a seal.
    let mut test = test;
    test.reopen();
    assert_eq!(test.vault.seal(&ctx(Role::Ops)).unwrap().leaves, 1);
    assert_eq!(rotate(&test.vault, &member).unwrap().records, 5);
    assert_eq!(versions(&*test.engine, &member, 1), BTreeSet::from([3]));
    assert_eq!(content(&view(&test.vault, order(member, 3))), json!({ "n": "third" }));
    let seen = test.vault.examine(&ctx(Role::Ops)).wait().unwrap();
    assert!(seen.findings.is_empty(), "{:?}", seen.findings);
}

#[test]
fn the_profile_is_found_under_its_new_key() {
    let test = TestVault::new(2);
    let member = create(&test.vault);
    let done = test.vault.rotate_dek(&ctx(Role::Ops), &member, &Compartment::core()).wait().unwrap();
    assert!(done.done && done.records == 1);
    let crm = ctx(Role::Crm);
    let look_up = || test.vault.lookup(&crm, IdentifierKind::Email, "ada@example.org").wait();
    assert_eq!(look_up().unwrap(), member);
    // An erasure finds the identifiers in the profile.
    test.vault.erase(&ctx(Role::Compliance), &member, None).wait().unwrap();
    assert_eq!(code(look_up()), Some(Code::NotFound));
}

#[test]
fn old_bytes_open_before_the_seal_and_not_after_it() {
    let engine = Arc::new(RecordingEngine::default());
    let test = TestVault::over(3, Arc::clone(&engine) as Arc<dyn Engine>);
    let vault = &test.vault;
    let member = create(vault);
    put(vault, order(member, 1), json!({ "n": "canary000001z" }));
    put(vault, order(member, 1), json!({ "n": "canary000002z" }));
    let today = || {
        let keyring = slot::decode(test.slot.past().last().unwrap());
        engine.written(|written| reach(&VAULT_ID, written, &[keyring]))
    };
    let old = today().members[&member].deks[&1].clone();
    assert_eq!(old.len(), 1);
    rotate(vault, &member).unwrap();
    let fenced = today();
    assert_eq!(fenced.deks_of(&member, 1), 2, "until the seal, the old member row opens");
    assert!(fenced.canaries.contains("canary000001z"));
    let then = slot::decode(test.slot.past().last().unwrap());
    vault.seal(&ctx(Role::Ops)).unwrap();
    let sealed = today();
    assert!(sealed.members[&member].deks[&1].is_disjoint(&old), "the old data key is reached after the seal");
    assert_eq!(sealed.deks_of(&member, 1), 1);
    assert!(!sealed.canaries.contains("canary000001z"), "an overwritten row under the old key opens");
    assert!(sealed.canaries.contains("canary000002z"), "the record itself is lost");
    assert!(sealed.canaries.contains("canary000000z"), "another compartment is lost");
    assert!(sealed.opened < fenced.opened);
    let kept = engine.written(|written| reach(&VAULT_ID, written, &[then]));
    assert!(kept.canaries.contains("canary000001z"), "the control: the keyring of then opens it still");
}

#[test]
fn refusals() {
    let test = TestVault::new(4);
    let vault = &test.vault;
    let member = create(vault);
    assert_eq!(code(rotate(vault, &member)), Some(Code::NotFound), "nothing was ever stored there");
    assert_eq!(code(rotate(vault, &MemberId::from_random([9; 16]))), Some(Code::NotFound));
    put(vault, order(member, 1), json!({ "n": 1 }));
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Ops) {
        let asked = vault.rotate_dek(&ctx(role), &member, &orders()).wait();
        assert!(matches!(code(asked), Some(Code::Forbidden | Code::PurposeRequired)), "{role:?}");
    }
    // A hold preserves what is there, and so does a rotation.
    let compliance = ctx(Role::Compliance);
    let hold = NewHold { reason: "claim".into(), reference: None };
    vault.set_hold(&compliance, &member, &hold).wait().unwrap();
    assert!(rotate(vault, &member).unwrap().done);
    assert_eq!(content(&view(vault, order(member, 1))), json!({ "n": 1 }));
    vault.release_hold(&compliance, &member).wait().unwrap();
    vault.erase(&compliance, &member, Some(&orders())).wait().unwrap();
    assert_eq!(code(rotate(vault, &member)), Some(Code::Gone));
    vault.erase(&compliance, &member, None).wait().unwrap();
    assert_eq!(code(rotate(vault, &member)), Some(Code::Gone));
}

#[test]
fn a_write_that_was_decided_with_the_old_key_is_decided_anew() {
    let test = TestVault::new(5);
    let vault = &test.vault;
    let member = create(vault);
    put(vault, order(member, 1), json!({ "n": 1 }));
    let ops = ctx(Role::Ops);
    let compartment = orders();
    // The rotation is queued, and a record is written by somebody who does not know of it.
    queued!(rotation, vault.rotate_dek(&ops, &member, &compartment));
    put(vault, order(member, 2), json!({ "n": 2 }));
    assert!(end(rotation).unwrap().done);
    assert_eq!(versions(&*test.engine, &member, 1), BTreeSet::from([2]));
    assert_eq!(content(&view(vault, order(member, 2))), json!({ "n": 2 }));
}

#[test]
fn a_record_that_comes_before_the_commit_is_rotated_too() {
    let test = TestVault::new(6);
    let vault = &test.vault;
    let member = create(vault);
    put(vault, order(member, 1), json!({ "n": 1 }));
    let crm = ctx(Role::Crm);
    for (number, data) in [(2, json!({ "n": 2 })), (1, json!({ "n": "changed" }))] {
        let write = a_write(order(member, number), data.clone(), Expect::Any);
        queued!(writing, vault.put_record(&crm, &write));
        assert!(rotate(vault, &member).unwrap().done);
        end(writing).unwrap();
        assert_eq!(versions(&*test.engine, &member, 1).len(), 1);
        assert_eq!(content(&view(vault, order(member, number))), data);
    }
    let address = order(member, 2);
    queued!(deleting, vault.delete_record(&crm, &address, Expect::Any));
    assert!(rotate(vault, &member).unwrap().done);
    end(deleting).unwrap();
    assert_eq!(content(&view(vault, order(member, 1))), json!({ "n": "changed" }));
}

#[test]
fn an_erasure_that_comes_first_wins() {
    let test = TestVault::new(7);
    let vault = &test.vault;
    let member = create(vault);
    put(vault, order(member, 1), json!({ "n": 1 }));
    let compliance = ctx(Role::Compliance);
    let compartment = orders();
    queued!(erasing, vault.erase(&compliance, &member, Some(&compartment)));
    assert_eq!(code(rotate(vault, &member)), Some(Code::Gone));
    end(erasing).unwrap();
    queued!(erasing, vault.erase(&compliance, &member, None));
    let rotated = vault.rotate_dek(&ctx(Role::Ops), &member, &Compartment::core()).wait();
    assert_eq!(code(rotated), Some(Code::Gone));
    end(erasing).unwrap();
    assert_eq!(versions(&*test.engine, &member, 0), BTreeSet::new(), "no row comes back");
}

/// Between the look at the member's keys and the look at the record, a rotation.
#[test]
fn a_reader_between_sees_the_record() {
    let engine = Arc::new(InterruptingEngine::default());
    let test = TestVault::over(8, Arc::clone(&engine) as Arc<dyn Engine>);
    let vault = test.vault.clone();
    let member = create(&vault);
    put(&vault, order(member, 1), json!({ "n": 1 }));
    let interrupt = |engine: &InterruptingEngine| {
        let vault = test.vault.clone();
        engine.before_the_next_record(move || assert!(rotate(&vault, &member).unwrap().done));
    };
    interrupt(&engine);
    assert_eq!(content(&view(&vault, order(member, 1))), json!({ "n": 1 }));
    interrupt(&engine);
    put(&vault, order(member, 1), json!({ "n": 2 }));
    interrupt(&engine);
    let page = Page { cursor: None, limit: 100 };
    assert_eq!(vault.list_records(&ctx(Role::Crm), &member, &page).wait().unwrap().items.len(), 2);
    interrupt(&engine);
    assert!(vault.export_member(&ctx(Role::Crm), &member).wait().is_ok());
    interrupt(&engine);
    assert!(vault.examine(&ctx(Role::Ops)).wait().unwrap().findings.is_empty());
    interrupt(&engine);
    vault.erase(&ctx(Role::Compliance), &member, None).wait().unwrap();
    assert_eq!(engine.interruptions(), 6);
}

#[test]
fn a_large_compartment_takes_steps_and_is_whole_between_them() {
    let mut test = TestVault::new(9);
    let member = create(&test.vault);
    let count = STEP_RECORDS_MAX + 7;
    for number in 0..count {
        put(&test.vault, order(member, number), json!({ "n": number }));
    }
    let first = rotate(&test.vault, &member).unwrap();
    assert_eq!((first.records, first.done), (STEP_RECORDS_MAX, false));
    assert_eq!(versions(&*test.engine, &member, 1), BTreeSet::from([1, 2]));
    assert!(tables::dirty::list(&*test.engine, None, 1).unwrap().items.is_empty(), "there is nothing to seal yet");
    // The process ends, another reads and writes.
    test.reopen();
    for number in 0..count {
        assert_eq!(content(&view(&test.vault, order(member, number))), json!({ "n": number }));
    }
    put(&test.vault, order(member, count), json!({ "n": count }));
    let left = rotate(&test.vault, &member).unwrap();
    assert_eq!((left.records, left.done), (7, true), "what is written meanwhile is under the new key");
    assert_eq!(versions(&*test.engine, &member, 1), BTreeSet::from([2]));
    for number in 0..=count {
        assert_eq!(content(&view(&test.vault, order(member, number))), json!({ "n": number }));
    }
}

#[test]
fn a_step_is_bounded_by_bytes_too() {
    let test = TestVault::new(10);
    let member = create(&test.vault);
    // Random text, which does not pack.
    let text = |seed: usize| -> String {
        let mut state = seed as u64 + 1;
        let letters = (0..1_000_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b' ' + ((state >> 57) % 90) as u8)
        });
        letters.filter(|letter| !matches!(letter, '"' | '\\')).collect()
    };
    for number in 0..8 {
        put(&test.vault, order(member, number), json!({ "n": text(number) }));
    }
    let first = rotate(&test.vault, &member).unwrap();
    assert!(!first.done && first.records * 700_000 < STEP_BYTES_MAX + 1_000_000, "{}", first.records);
    let mut steps = 1;
    while !rotate(&test.vault, &member).unwrap().done {
        steps += 1;
    }
    assert!(steps < 4, "{steps}");
    assert_eq!(versions(&*test.engine, &member, 1), BTreeSet::from([2]));
    assert_eq!(content(&view(&test.vault, order(member, 5))), json!({ "n": text(5) }));
}

#[test]
fn writers_readers_and_seals_beside_rotations() {
    let test = TestVault::new(11);
    let vault = &test.vault;
    let member = create(vault);
    const RECORDS: usize = 24;
    const ROUNDS: usize = 20;
    put(vault, order(member, 0), json!({ "n": 0 }));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    for number in (writer..RECORDS).step_by(2) {
                        put(vault, order(member, number), json!({ "n": round }));
                        view(vault, order(member, number));
                    }
                }
            });
        }
        scope.spawn(move || {
            for _ in 0..ROUNDS * 2 {
                match rotate(vault, &member) {
                    Ok(done) => assert!(done.done),
                    Err(error) => assert_eq!(error.code(), Code::Conflict),
                }
            }
        });
        scope.spawn(move || (0..ROUNDS).for_each(|_| drop(vault.seal(&ctx(Role::Ops)).unwrap())));
    });
    assert!(rotate(vault, &member).unwrap().done);
    for number in 0..RECORDS {
        let view = view(vault, order(member, number));
        assert_eq!(content(&view), json!({ "n": ROUNDS - 1 }), "a write was lost");
        assert_eq!(view.version.0, ROUNDS as u64 + u64::from(number == 0));
    }
    assert_eq!(versions(&*test.engine, &member, 1).len(), 1);
}
