//! Records found, changed and deleted by their metadata: what is found is what a look at every record would find, and it
//! costs what is found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "record_queries/bulk.rs"]
mod bulk;
#[path = "record_queries/cost.rs"]
mod cost;
#[path = "record_queries/erased.rs"]
mod erased;
#[path = "record_queries/histories.rs"]
mod histories;
#[path = "record_queries/http.rs"]
mod http;
#[path = "record_queries/queries.rs"]
mod queries;
mod support;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use membervault::clock::Timestamp;
use membervault::codec::keys::tag;
use membervault::store::{Engine, KeyRange, Keyspace};
use membervault::testkit::vault::ctx;
use membervault::types::{Compartment, Ctx, MemberId, RecordMeta, RecordName, Role};
use membervault::vault::Vault;
use membervault::vault::api::{Expect, NewMember, Page, RecordAddress, RecordFilter, RecordFound, RecordWrite};
use serde_json::{Map, json};

/// What a record is known by.
type Found = BTreeSet<(MemberId, String, String)>;

fn crm() -> Ctx {
    ctx(Role::Crm)
}

fn member_with(vault: &Vault, meta: RecordMeta) -> MemberId {
    let profile = Map::from_iter([("name".to_owned(), json!("somebody"))]);
    let new = NewMember { profile, meta, idempotency_key: None };
    vault.create_member(&crm(), &new).wait().unwrap().id
}

fn address(member: MemberId, compartment: &str, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: compartment.parse().unwrap(), name: name.parse().unwrap() }
}

fn put(vault: &Vault, address: &RecordAddress, meta: Option<RecordMeta>) {
    let data = Map::from_iter([("a".to_owned(), json!(1))]);
    let write = RecordWrite { address: address.clone(), data, meta, expect: Expect::Any };
    vault.put_record(&crm(), &write).wait().unwrap();
}

fn page(limit: usize) -> Page {
    Page { cursor: None, limit }
}

fn category(text: &str) -> RecordMeta {
    RecordMeta { category: Some(text.to_owned()), ..RecordMeta::default() }
}

fn by_category(text: &str) -> RecordFilter {
    RecordFilter { category: Some(text.to_owned()), ..RecordFilter::default() }
}

/// All pages of a query.
fn pages(vault: &Vault, filter: &RecordFilter, limit: usize) -> Vec<Vec<RecordFound>> {
    let (mut all, mut page) = (Vec::new(), page(limit));
    loop {
        let listing = vault.query_records(&crm(), filter, &page).wait().unwrap();
        assert!(listing.items.len() <= limit);
        all.push(listing.items);
        page.cursor = listing.next;
        if page.cursor.is_none() {
            return all;
        }
    }
}

/// What a query finds, on all its pages; nothing twice.
fn found(vault: &Vault, filter: &RecordFilter, limit: usize) -> Found {
    let all: Vec<_> = pages(vault, filter, limit).into_iter().flatten().map(|found| name_of(&found)).collect();
    let set: Found = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "a record was found twice");
    set
}

fn name_of(found: &RecordFound) -> (MemberId, String, String) {
    (found.member, found.entry.compartment.as_str().to_owned(), found.entry.name.as_str().to_owned())
}

/// The keys of all postings and marks.
fn postings(engine: &dyn Engine) -> BTreeSet<Vec<u8>> {
    let mut keys = BTreeSet::new();
    engine
        .scan(Keyspace::Control, &KeyRange::prefix([tag::POSTING]), &mut |key, _| {
            keys.insert(key.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    keys
}

/// How many postings there are; each is there the other way round too.
fn postings_in_pairs(engine: &dyn Engine) -> usize {
    let all = postings(engine);
    let mut count = 0;
    for key in all.iter().filter(|key| key[1] != 0) {
        let back = [b"T\0", &key[18..], &key[1..18]].concat();
        let mark = [b"T\0", &key[18..34]].concat();
        assert!(all.contains(&back) && all.contains(&mark));
        count += 1;
    }
    assert_eq!(all.iter().filter(|key| key[1] == 0 && key.len() > 18).count(), count);
    count
}

fn at(hour: u64) -> Timestamp {
    membervault::testkit::vault::START.plus_millis(hour * 3_600_000)
}

fn matches(filter: &RecordFilter, (member, compartment, name): &(MemberId, String, String), meta: &RecordMeta) -> bool {
    let (compartment, name): (Compartment, RecordName) = (compartment.parse().unwrap(), name.parse().unwrap());
    filter.matches(member, &compartment, &name, meta)
}
