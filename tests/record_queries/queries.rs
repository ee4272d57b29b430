//! One query: who may ask, what is refused, what a page is, and the evidence it leaves.

use std::collections::BTreeSet;

use membervault::code::{Code, Coded};
use membervault::ledger::{Event, Leaf};
use membervault::policy::Policy;
use membervault::store::{Engine, KeyRange, Keyspace};
use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Actor, MemberId, RecordMeta, Role};
use membervault::vault::Vault;
use membervault::vault::api::{Page, RecordFilter};

use super::{address, at, by_category, category, crm, found, member_with, page, pages, put};

fn leaves(engine: &dyn Engine) -> Vec<Event> {
    let mut all = Vec::new();
    engine
        .scan(Keyspace::Ledger, &KeyRange::prefix(*b"L"), &mut |_, leaf| {
            all.push(Leaf::parse(leaf).unwrap().event);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    all
}

#[test]
fn each_part_of_a_filter_narrows() {
    let test = TestVault::new(1);
    let (vault, none) = (&test.vault, RecordFilter::default);
    let one = member_with(vault, RecordMeta { expires_at: Some(at(5)), ..category("profile") });
    let two = member_with(vault, category("profile"));
    put(vault, &address(one, "orders", "2026-1"), Some(category("order")));
    put(
        vault,
        &address(two, "orders", "2026-2"),
        Some(RecordMeta { source: Some("web".to_owned()), ..category("order") }),
    );
    put(vault, &address(two, "marketing", "2025-9"), Some(category("order")));
    let names = |filter: &RecordFilter| -> BTreeSet<String> {
        found(vault, filter, 2).into_iter().map(|(_, place, name)| format!("{place}/{name}")).collect()
    };
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(names(&by_category("order")), set(&["orders/2026-1", "orders/2026-2", "marketing/2025-9"]));
    let filter = RecordFilter { compartment: Some("orders".parse().unwrap()), ..by_category("order") };
    assert_eq!(names(&filter), set(&["orders/2026-1", "orders/2026-2"]));
    let filter = RecordFilter { member: Some(two), ..filter };
    assert_eq!(names(&filter), set(&["orders/2026-2"]));
    let filter = RecordFilter { name_prefix: Some("2025".to_owned()), ..by_category("order") };
    assert_eq!(names(&filter), set(&["marketing/2025-9"]));
    let filter = RecordFilter { source: Some("web".to_owned()), ..by_category("order") };
    assert_eq!(names(&filter), set(&["orders/2026-2"]));
    assert_eq!(names(&RecordFilter { member: Some(one), ..none() }), set(&["core/profile", "orders/2026-1"]));
    let filter = RecordFilter { automated_decision: Some(false), ..by_category("profile") };
    assert_eq!(found(vault, &filter, 9).len(), 2);
    assert!(found(vault, &by_category("orde"), 9).is_empty() && found(vault, &by_category("Order"), 9).is_empty());
    // To the millisecond: from is included, before is not.
    let expiring = |from, before| RecordFilter { expires_from: from, expires_before: before, ..none() };
    let near = |ms: u64| Some(at(5).plus_millis(ms));
    let before = |ms: u64| Some(membervault::clock::Timestamp::from_millis(at(5).as_millis() - ms));
    assert_eq!(found(vault, &expiring(near(0), None), 9).len(), 1);
    assert_eq!(found(vault, &expiring(near(1), None), 9).len(), 0);
    assert_eq!(found(vault, &expiring(None, near(1)), 9).len(), 1);
    assert_eq!(found(vault, &expiring(None, near(0)), 9).len(), 0);
    assert_eq!(found(vault, &expiring(before(1), near(1)), 9).len(), 1);
    assert_eq!(found(vault, &expiring(near(5), near(0)), 9).len(), 0);
    // Whoever is not there has no records; that says nothing about who is.
    let filter = RecordFilter { member: Some(MemberId::from_random([9; 16])), ..none() };
    assert!(found(vault, &filter, 9).is_empty());
}

#[test]
fn a_page_goes_on_where_the_one_before_ended_and_belongs_to_its_filter() {
    let test = TestVault::new(2);
    let vault = &test.vault;
    for _ in 0..25 {
        member_with(vault, category("a"));
    }
    let sizes: Vec<_> = pages(vault, &by_category("a"), 10).iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(pages(vault, &by_category("a"), 25).len(), 1, "a last page knows that it is the last");

    let first = vault.query_records(&crm(), &by_category("a"), &page(10)).wait().unwrap();
    let cursor = first.next.unwrap();
    let refused = |filter: &RecordFilter, cursor: &str| {
        let page = Page { cursor: Some(cursor.to_owned()), limit: 10 };
        vault.query_records(&crm(), filter, &page).wait().err().map(|error| error.code())
    };
    assert_eq!(refused(&by_category("a"), &cursor), None);
    assert_eq!(refused(&by_category("b"), &cursor), Some(Code::InvalidCursor));
    assert_eq!(refused(&by_category("a"), "AAAA"), Some(Code::InvalidCursor));
    let of_members = vault.list_members(&crm(), &page(1)).wait().unwrap().next.unwrap();
    assert_eq!(refused(&by_category("a"), &of_members), Some(Code::InvalidCursor));
    assert!(!cursor.contains("category"));
}

#[test]
fn a_filter_that_leads_nowhere_is_refused() {
    let test = TestVault::new(3);
    let none = RecordFilter::default;
    let refusal = |filter: RecordFilter| {
        let error = test.vault.query_records(&crm(), &filter, &page(1)).wait().err().unwrap();
        (error.code(), error.at().unwrap().to_owned())
    };
    let aimless = (Code::InvalidRequest, "/filter".to_owned());
    assert_eq!(refusal(none()), aimless);
    assert_eq!(refusal(RecordFilter { compartment: Some("core".parse().unwrap()), ..none() }), aimless);
    assert_eq!(refusal(RecordFilter { automated_decision: Some(false), ..none() }), aimless);
    assert_eq!(refusal(RecordFilter { name_prefix: Some("a".to_owned()), ..none() }), aimless);
    assert_eq!(refusal(by_category(&"x".repeat(129))), aimless);
    let long = RecordFilter { name_prefix: Some("x".repeat(65)), ..by_category("a") };
    assert_eq!(refusal(long), (Code::InvalidRequest, "/filter/name_prefix".to_owned()));
}

#[test]
fn only_who_may_query_does_and_a_refusal_is_recorded() {
    let test = TestVault::new(4);
    let member = member_with(&test.vault, category("a"));
    let filter = by_category("a");
    for role in [Role::Support, Role::Marketing, Role::Analyst, Role::Ops, Role::Compliance, Role::Admin] {
        let error = test.vault.query_records(&ctx(role), &filter, &page(1)).wait().err().unwrap();
        assert_eq!(error.code(), Code::Forbidden, "{role}");
        assert!(matches!(leaves(&*test.engine).last(), Some(Event::Denial { action: 33, reason: 1 })), "{role}");
        let error = test.vault.delete_records(&ctx(role), &filter, &page(1)).err().unwrap();
        assert_eq!(error.code(), Code::Forbidden, "{role}");
        assert!(matches!(leaves(&*test.engine).last(), Some(Event::Denial { action: 34, reason: 1 })), "{role}");
    }
    // A token bound to a member speaks of that member and of no other.
    let bound = membervault::types::Ctx { actor: Actor { member: Some(member), ..crm().actor }, ..crm() };
    let error = test.vault.query_records(&bound, &filter, &page(1)).wait().err().unwrap();
    assert_eq!(error.code(), Code::NotFound);
    let own = RecordFilter { member: Some(member), ..by_category("a") };
    assert_eq!(test.vault.query_records(&bound, &own, &page(1)).wait().unwrap().items.len(), 1);
    // A purpose that nobody declared.
    let error = test.vault.query_records(&ctx_for(Role::Crm, "gossip"), &filter, &page(1)).wait().err().unwrap();
    assert_eq!(error.code(), Code::PurposeUnknown);
}

#[test]
fn a_role_finds_only_what_lies_in_its_compartments() {
    let test = TestVault::new(5);
    let member = member_with(&test.vault, category("a"));
    for place in ["orders", "marketing"] {
        put(&test.vault, &address(member, place, "1"), Some(category("a")));
    }
    test.vault.close().unwrap();
    let narrow =
        "\n[[roles.support.allow]]\nactions = [\"record.query\", \"record.bulk\"]\ncompartments = [\"orders\"]\n";
    let text = format!("{}{narrow}", Policy::default_text());
    let mut parts = test.remains().parts(None);
    parts.policy = Policy::parse(&text).unwrap();
    let vault = Vault::open(parts).unwrap();
    let support = ctx_for(Role::Support, "support");
    let listing = vault.query_records(&support, &by_category("a"), &page(9)).wait().unwrap();
    let places: Vec<_> = listing.items.iter().map(|found| found.entry.compartment.as_str()).collect();
    assert_eq!(places, ["orders"]);
    let error = vault.query_records(&ctx(Role::Support), &by_category("a"), &page(9)).wait().err().unwrap();
    assert_eq!(error.code(), Code::PurposeRequired);
    // It may change in bulk, but not write: each record is decided for itself.
    let done = vault.delete_records(&support, &by_category("a"), &page(9)).unwrap();
    assert_eq!((done.changed, done.refused), (0, 1));
}

#[test]
fn a_page_stands_in_the_log_once_and_in_the_history_of_each_member_on_it() {
    let test = TestVault::new(6);
    let vault = &test.vault;
    let (one, two) = (member_with(vault, category("a")), member_with(vault, category("b")));
    put(vault, &address(one, "orders", "1"), Some(category("a")));
    put(vault, &address(one, "orders", "2"), Some(category("a")));
    let before = leaves(&*test.engine).len();
    let support = ctx_for(Role::Crm, "support");
    assert_eq!(vault.query_records(&support, &by_category("a"), &page(9)).wait().unwrap().items.len(), 3);
    let seen = leaves(&*test.engine).split_off(before);
    assert!(matches!(seen.as_slice(), [Event::RecordQuery, Event::RecordList(_)]), "{seen:?}");
    let history = |member| vault.history(&crm(), member, &page(50)).wait().unwrap().items;
    let last = history(&one).pop().unwrap();
    assert_eq!((last.what, last.purpose.unwrap().as_str()), ("record.list", "support"));
    assert!(history(&two).iter().all(|entry| entry.what != "record.list"));
    // Nothing found is nothing seen of anybody; that it was asked is recorded.
    let before = leaves(&*test.engine).len();
    vault.query_records(&crm(), &by_category("c"), &page(9)).wait().unwrap();
    assert!(matches!(leaves(&*test.engine).split_off(before).as_slice(), [Event::RecordQuery]));
}
