//! Segments: counts and pseudonyms, above a floor.

use std::collections::BTreeSet;

use membervault::code::Code;
use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Ctx, MemberId, Role};
use membervault::vault::api::{Page, SegmentCount, SegmentPage};
use membervault::vault::crowd::segment::{COUNT_STEP, FLOOR_DEFAULT, SegmentQuery};
use membervault::vault::{Error, Vault};
use serde_json::{Value, json};

use super::people::{agree, code, member, object, withdraw};

fn query(question: Value, cursor: Option<String>) -> SegmentQuery {
    let (compartment, name) = ("core".parse().unwrap(), "profile".parse().unwrap());
    SegmentQuery::new(compartment, name, &object(question), cursor).unwrap()
}

fn count(vault: &Vault, ctx: &Ctx, question: Value) -> Result<SegmentCount, Error> {
    vault.count_segment(ctx, &query(question, None)).wait()
}

fn list(vault: &Vault, ctx: &Ctx, question: Value, cursor: Option<String>, limit: usize) -> Result<SegmentPage, Error> {
    vault.segment_members(ctx, &query(question, cursor), limit).wait()
}

fn analyst() -> Ctx {
    ctx_for(Role::Analyst, "analytics")
}

fn french() -> Value {
    json!({"field": "locale", "eq": "fr_FR"})
}

/// So many members, of whom all but every seventh agree to be counted.
fn people(test: &TestVault, many: u32) -> Vec<MemberId> {
    let everybody: Vec<_> = (0..many).map(|number| member(&test.vault, number)).collect();
    for (number, id) in everybody.iter().enumerate() {
        if number % 7 != 0 {
            agree(&test.vault, id, "analytics");
        }
    }
    everybody
}

#[test]
fn those_who_agree_and_fit_are_counted_in_steps() {
    let test = TestVault::new(21);
    people(&test, 70);
    let fit = (0..70).filter(|number| number % 7 != 0 && number % 2 == 1).count() as u64;
    let counted = count(&test.vault, &analyst(), french()).unwrap();
    assert_eq!(counted.count, Some(fit - fit % COUNT_STEP));
    assert_eq!((counted.below_floor, counted.floor, counted.step), (false, FLOOR_DEFAULT, COUNT_STEP));
    let years = json!({"field": "birth_date", "range": {"from": "1950", "to": "1974"}});
    let fit = (0..70).filter(|number| number % 7 != 0 && number % 50 < 25).count() as u64;
    assert_eq!(count(&test.vault, &analyst(), years).unwrap().count, Some(fit - fit % COUNT_STEP));
}

#[test]
fn below_the_floor_neither_count_nor_members_are_told() {
    let test = TestVault::new(22);
    let everybody = people(&test, 42);
    let fitting: Vec<_> = (0..42).filter(|number| number % 7 != 0 && number % 2 == 1).collect();
    test.vault.set_segment_floor(fitting.len() as u64);
    assert!(count(&test.vault, &analyst(), french()).unwrap().count.is_some());
    let listed = list(&test.vault, &analyst(), french(), None, 500).unwrap();
    assert_eq!((listed.items.len(), listed.below_floor, &listed.next), (fitting.len(), false, &None));
    withdraw(&test.vault, &everybody[fitting[0]], "analytics");
    let counted = count(&test.vault, &analyst(), french()).unwrap();
    assert_eq!((counted.count, counted.below_floor), (None, true));
    let listed = list(&test.vault, &analyst(), french(), None, 500).unwrap();
    assert!(listed.items.is_empty() && listed.below_floor && listed.next.is_none());
    let nobody = count(&test.vault, &analyst(), json!({"field": "locale", "eq": "no_NO"})).unwrap();
    assert_eq!(nobody, counted, "nobody and a few look the same");
}

#[test]
fn pseudonyms_come_in_pages_and_are_those_of_the_purpose() {
    let test = TestVault::new(23);
    let everybody = people(&test, 60);
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(&test.vault, &analyst(), french(), cursor.take(), 9).unwrap();
        assert!(page.items.len() <= 9 && !page.below_floor);
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let fit = (0..60).filter(|number| number % 7 != 0 && number % 2 == 1).count();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (fit, fit));
    let read = membervault::vault::api::RecordQuery {
        address: membervault::vault::api::RecordAddress::profile(everybody[1]),
        fields: None,
    };
    let view = test.vault.read_record(&analyst(), &read).wait().unwrap();
    let data: Value = serde_json::from_slice(view.data.as_bytes()).unwrap();
    assert!(all.contains(&data["external_id"].as_str().unwrap().to_owned()));
}

#[test]
fn a_count_is_one_leaf_and_a_list_is_in_the_history_of_each() {
    let test = TestVault::new(24);
    let everybody = people(&test, 60);
    let leaves = || test.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size;
    let before = leaves();
    count(&test.vault, &analyst(), french()).unwrap();
    assert_eq!(leaves() - before, 1);
    let before = leaves();
    let listed = list(&test.vault, &analyst(), french(), None, 10).unwrap();
    assert_eq!(leaves() - before, 1 + listed.items.len() as u64);
    let page = Page { cursor: None, limit: 100 };
    let history = |id: &MemberId| {
        let history = test.vault.history(&ctx_for(Role::Support, "support"), id, &page).wait().unwrap();
        serde_json::to_value(&history.items).unwrap()
    };
    let told = |id: &MemberId| history(id).as_array().unwrap().iter().any(|one| one["purpose"] == "analytics");
    assert_eq!(everybody.iter().filter(|id| told(id)).count(), listed.items.len());
}

#[test]
fn nobody_asks_about_what_it_may_not_see() {
    let test = TestVault::new(25);
    people(&test, 3);
    for field in ["email", "phone", "external_id", "no_such_field", "consents"] {
        let question = json!({"any": [{"field": "locale", "eq": "fr_FR"}, {"field": field, "eq": "x"}]});
        assert_eq!(code(count(&test.vault, &analyst(), question.clone())), Some(Code::InvalidRequest), "{field}");
        assert_eq!(code(list(&test.vault, &analyst(), question, None, 10)), Some(Code::InvalidRequest));
    }
    for (ctx, expected) in [
        (ctx(Role::Analyst), Code::PurposeRequired),
        (ctx_for(Role::Analyst, "newsletter"), Code::PurposeNotAllowed),
        (ctx_for(Role::Marketing, "newsletter"), Code::PurposeNotAllowed),
        (ctx_for(Role::Support, "support"), Code::Forbidden),
        (ctx(Role::Admin), Code::Forbidden),
    ] {
        assert_eq!(code(count(&test.vault, &ctx, french())), Some(expected));
    }
}

#[test]
fn a_cursor_is_for_its_question() {
    let test = TestVault::new(26);
    people(&test, 60);
    let next = list(&test.vault, &analyst(), french(), None, 5).unwrap().next;
    assert!(next.is_some());
    let other = json!({"field": "locale", "eq": "de_DE"});
    assert_eq!(code(list(&test.vault, &analyst(), other, next.clone(), 5)), Some(Code::InvalidCursor));
    let counting = test.vault.count_segment(&analyst(), &query(french(), next)).wait();
    assert_eq!(code(counting), Some(Code::InvalidCursor));
}
