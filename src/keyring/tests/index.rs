use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::{delete, planted, put, row, swap};
use crate::code::{Code, Coded};
use crate::codec::RowStamp;
use crate::crypto::{IndexEntryPlace, OsEntropy};
use crate::keyring::{Insertion, Keyring, KeyringError, PageEdit};
use crate::store::memory::MemoryEngine;
use crate::store::{Batch, Durability, Engine, Keyspace, Reader};
use crate::tables;
use crate::types::place::Subtree;
use crate::types::{IdentifierKind, MemberId};

const EMAIL: IdentifierKind = IdentifierKind::Email;

fn member(number: u16) -> MemberId {
    let [high, low] = number.to_be_bytes();
    MemberId::from_bytes([high, low, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, high, low])
}

/// The place of the identifier of a number: in bucket 0 or 1, with a token of its own.
fn place(number: u16) -> IndexEntryPlace {
    let [high, low] = number.to_be_bytes();
    IndexEntryPlace { bucket: u32::from(number % 2), token: [9, high, low, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9] }
}

/// Checks what the edit relies on against what is stored, and stores what it writes.
fn commit(engine: &MemoryEngine, edit: &PageEdit) {
    let mut batch = Batch::default();
    for page in &edit.pages {
        let stored = engine.get(Keyspace::Index, &page.key).unwrap();
        assert_eq!(stored.as_deref().map(RowStamp::of), page.was, "an edit relies on what is there");
        if let Some(row) = &page.row {
            assert_eq!(row.len(), 1 + 84 + 2052, "every page has the same size");
            assert_ne!(Some(RowStamp::of(row)), page.was);
            batch.put(Keyspace::Index, page.key, row.clone());
        }
    }
    engine.write(batch, Durability::Buffered).unwrap();
}

fn insert(engine: &MemoryEngine, keyring: &Keyring, numbers: impl IntoIterator<Item = u16>) {
    let mut edit = keyring.edit_index(engine);
    for number in numbers {
        assert_eq!(edit.insert(EMAIL, &place(number), &member(number)).unwrap(), Insertion::Done);
    }
    commit(engine, &edit.finish(&OsEntropy).unwrap());
}

fn found(engine: &MemoryEngine, keyring: &Keyring, number: u16) -> Option<MemberId> {
    keyring.edit_index(engine).find(EMAIL, &place(number)).unwrap()
}

#[test]
fn an_identifier_belongs_to_one_member() {
    let (engine, keyring) = planted();
    insert(&engine, &keyring, [1]);
    let mut edit = keyring.edit_index(&engine);
    assert_eq!(edit.insert(EMAIL, &place(1), &member(1)).unwrap(), Insertion::Present);
    assert_eq!(edit.insert(EMAIL, &place(1), &member(2)).unwrap(), Insertion::Taken(member(1)));
    assert_eq!(edit.insert(EMAIL, &place(3), &member(2)).unwrap(), Insertion::Done);
    assert_eq!(edit.insert(EMAIL, &place(3), &member(4)).unwrap(), Insertion::Taken(member(2)), "within one edit");
    assert_eq!(edit.insert(IdentifierKind::Phone, &place(1), &member(2)).unwrap(), Insertion::Done, "another field");
    assert!(!edit.remove(EMAIL, &place(1), &member(2)).unwrap(), "not that member's");
    assert!(!edit.remove(EMAIL, &place(5), &member(2)).unwrap());
    let edit = edit.finish(&OsEntropy).unwrap();
    assert_eq!(edit.dirty, []);
}

#[test]
fn many_entries_of_one_bucket_write_each_page_once() {
    let (engine, keyring) = planted();
    let mut edit = keyring.edit_index(&engine);
    for number in 0..400 {
        edit.insert(EMAIL, &place(number), &member(number)).unwrap();
    }
    let edit = edit.finish(&OsEntropy).unwrap();
    // 200 entries a bucket are four pages.
    assert_eq!(edit.pages.len(), 8);
    assert!(edit.pages.iter().all(|page| page.row.is_some() && page.was.is_none()));
    assert!(edit.pages.is_sorted_by(|a, b| a.key < b.key));
    commit(&engine, &edit);
    let mut stored = keyring.edit_index(&engine);
    (0..400).for_each(|number| assert_eq!(stored.find(EMAIL, &place(number)).unwrap(), Some(member(number))));
    assert_eq!(found(&engine, &keyring, 400), None);
}

#[test]
fn an_edit_relies_on_every_page_it_looked_at() {
    let (engine, keyring) = planted();
    insert(&engine, &keyring, (0..300).filter(|number| number % 2 == 0)); // 150 entries: pages 0, 1, 2
    let mut edit = keyring.edit_index(&engine);
    edit.insert(EMAIL, &place(300), &member(300)).unwrap();
    edit.find(EMAIL, &place(1)).unwrap();
    let edit = edit.finish(&OsEntropy).unwrap();
    let pages: Vec<_> = edit.pages.iter().map(|page| (page.key, page.was.is_some(), page.row.is_some())).collect();
    let key = |bucket, page| tables::page::key(1, bucket, page);
    assert_eq!(
        pages,
        [(key(0, 0), true, false), (key(0, 1), true, false), (key(0, 2), true, true), (key(1, 0), false, false)]
    );
}

#[test]
fn a_removal_marks_its_bucket_for_the_next_seal() {
    let (engine, keyring) = planted();
    insert(&engine, &keyring, 0..10);
    let mut edit = keyring.edit_index(&engine);
    for number in [1, 3] {
        assert!(edit.remove(EMAIL, &place(number), &member(number)).unwrap());
        assert_eq!(edit.find(EMAIL, &place(number)).unwrap(), None);
    }
    let edit = edit.finish(&OsEntropy).unwrap();
    assert_eq!(edit.dirty, [(Subtree(1), 1)]);
    commit(&engine, &edit);
    let left: Vec<_> = (0..10).filter(|number| found(&engine, &keyring, *number).is_some()).collect();
    assert_eq!(left, [0, 2, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_member_can_be_found_without_its_identifiers() {
    let (engine, keyring) = planted();
    insert(&engine, &keyring, 0..200);
    let mut edit = keyring.edit_index(&engine);
    edit.insert(EMAIL, &place(1001), &member(8)).unwrap();
    commit(&engine, &edit.finish(&OsEntropy).unwrap());
    assert_eq!(keyring.buckets_naming(&engine, EMAIL, &member(8)).unwrap(), BTreeSet::from([0, 1]));
    assert_eq!(keyring.buckets_naming(&engine, EMAIL, &member(999)).unwrap(), BTreeSet::new());
    let mut edit = keyring.edit_index(&engine);
    assert_eq!(edit.expel(EMAIL, 0, &member(8)).unwrap(), 1);
    assert_eq!(edit.expel(EMAIL, 1, &member(8)).unwrap(), 1);
    assert_eq!(edit.expel(EMAIL, 1, &member(8)).unwrap(), 0);
    let edit = edit.finish(&OsEntropy).unwrap();
    assert_eq!(edit.dirty, [(Subtree(1), 0), (Subtree(1), 1)]);
    commit(&engine, &edit);
    assert_eq!((found(&engine, &keyring, 8), found(&engine, &keyring, 1001)), (None, None));
    assert_eq!(found(&engine, &keyring, 10), Some(member(10)));
}

#[test]
fn damaged_moved_and_missing_pages_are_noticed() {
    let (engine, keyring) = planted();
    insert(&engine, &keyring, 0..300);
    let key = |bucket, page| tables::page::key(1, bucket, page);
    let refused = |why: &str| {
        let error = keyring.edit_index(&engine).find(EMAIL, &place(0)).err().unwrap();
        assert!(matches!(error, KeyringError::PageUnreadable { .. }), "{why}: {error}");
        assert_eq!(error.code(), Code::Corrupt, "{why}");
    };
    for (other, why) in [(key(1, 0), "of another bucket"), (key(0, 1), "of the same bucket")] {
        swap(&engine, Keyspace::Index, &key(0, 0), &other);
        refused(why);
        swap(&engine, Keyspace::Index, &key(0, 0), &other);
    }
    let last = row(&engine, Keyspace::Index, &key(0, 2));
    delete(&engine, Keyspace::Index, &key(0, 2));
    refused("a missing page at the end of the chain");
    put(&engine, Keyspace::Index, &key(0, 2), &last[..100]);
    refused("a cut page");
    put(&engine, Keyspace::Index, &key(0, 2), &last);
    assert_eq!(found(&engine, &keyring, 0), Some(member(0)));
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u16, u16),
    Remove(u16, u16),
    Find(u16),
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0u16..300;
    prop_oneof![
        6 => (number.clone(), 0u16..400).prop_map(|(at, of)| Step::Insert(at, of)),
        3 => (number.clone(), 0u16..400).prop_map(|(at, of)| Step::Remove(at, of)),
        1 => number.prop_map(Step::Find),
        1 => Just(Step::Commit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The sealed index and a map tell the same, within an edit and after it.
    #[test]
    fn the_index_is_a_map(steps in prop::collection::vec(step(), 0..300)) {
        let (engine, keyring) = planted();
        let mut model: HashMap<u16, MemberId> = HashMap::new();
        let mut edit = keyring.edit_index(&engine);
        // Half of the numbers share two pages, so that chains form.
        for number in (0..300).step_by(2) {
            edit.insert(EMAIL, &place(number), &member(number)).unwrap();
            model.insert(number, member(number));
        }
        for step in steps {
            match step {
                Step::Insert(at, of) => {
                    let expected = match model.get(&at) {
                        None => Insertion::Done,
                        Some(owner) if *owner == member(of) => Insertion::Present,
                        Some(owner) => Insertion::Taken(*owner),
                    };
                    prop_assert_eq!(edit.insert(EMAIL, &place(at), &member(of)).unwrap(), expected);
                    model.entry(at).or_insert(member(of));
                }
                Step::Remove(at, of) => {
                    let of = model.get(&at).copied().filter(|_| of % 2 == 0).unwrap_or(member(of));
                    let expected = model.get(&at) == Some(&of);
                    prop_assert_eq!(edit.remove(EMAIL, &place(at), &of).unwrap(), expected);
                    if expected {
                        model.remove(&at);
                    }
                }
                Step::Find(at) => {
                    prop_assert_eq!(edit.find(EMAIL, &place(at)).unwrap(), model.get(&at).copied());
                }
                Step::Commit => {
                    commit(&engine, &edit.finish(&OsEntropy).unwrap());
                    edit = keyring.edit_index(&engine);
                }
            }
        }
        commit(&engine, &edit.finish(&OsEntropy).unwrap());
        let mut stored = keyring.edit_index(&engine);
        for number in 0..300 {
            prop_assert_eq!(stored.find(EMAIL, &place(number)).unwrap(), model.get(&number).copied());
        }
    }
}
