//! What lived by a consent alone goes with it, and nothing else.

use membervault::schema::DataMap;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, Role};
use membervault::vault::api::{Expect, NewHold, RecordAddress, RecordQuery, RecordWrite, Scope, Stage};
use membervault::vault::consent::Withdrawal;
use serde_json::json;

use super::giving::form;
use super::support::{create, object, purpose};

fn address(member: MemberId, compartment: &str, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: compartment.parse().unwrap(), name: name.parse().unwrap() }
}

fn put(test: &TestVault, member: MemberId, compartment: &str, name: &str) {
    let data = object(json!({"topics": ["books"]}));
    let write = RecordWrite { address: address(member, compartment, name), data, meta: None, expect: Expect::Any };
    test.vault.put_record(&ctx(Role::Crm), &write).wait().unwrap();
}

/// A member that agrees to newsletter and personalisation, with a record in marketing and one in orders.
fn member(test: &TestVault, email: &str) -> MemberId {
    let id = create(&test.vault, email);
    for to in ["newsletter", "personalisation"] {
        test.vault.give_consent(&ctx(Role::Crm), &id, &purpose(to), &form()).wait().unwrap();
    }
    put(test, id, "marketing", "interests");
    put(test, id, "orders", "1");
    id
}

fn withdraw(test: &TestVault, role: Role, id: MemberId, to: &str, asked: bool) -> Withdrawal {
    let mut caller = ctx(role);
    if role == Role::Member {
        caller.actor.member = Some(id);
    }
    if role == Role::Support {
        caller.purpose = Some(purpose("support"));
    }
    test.vault.withdraw_and_shred(&caller, &id, &purpose(to), asked).unwrap()
}

fn is_there(test: &TestVault, id: MemberId, compartment: &str, name: &str) -> bool {
    let query = RecordQuery { address: address(id, compartment, name), fields: None };
    test.vault.read_record(&ctx(Role::Crm), &query).wait().is_ok()
}

#[test]
fn a_compartment_goes_when_the_last_consent_it_lived_by_does() {
    let test = TestVault::new(200);
    let id = member(&test, "a@example.org");
    let first = withdraw(&test, Role::Crm, id, "newsletter", true);
    assert!(first.erasures.is_empty() && first.kept.is_empty(), "the member still agrees to personalisation");
    assert!(is_there(&test, id, "marketing", "interests"));
    let second = withdraw(&test, Role::Crm, id, "personalisation", true);
    let [erasure] = second.erasures.as_slice() else { panic!("one erasure: {:?}", second.kept) };
    assert_eq!((erasure.scope, erasure.stage, erasure.member), (Scope::Compartment, Stage::Fenced, id));
    assert!(!is_there(&test, id, "marketing", "interests") && is_there(&test, id, "orders", "1"));
    assert!(is_there(&test, id, "core", "profile"));
    let again = withdraw(&test, Role::Crm, id, "personalisation", true);
    assert!(again.erasures.is_empty() && again.kept.is_empty(), "what is gone is gone once");
}

#[test]
fn without_being_asked_nothing_is_erased() {
    let test = TestVault::new(201);
    let id = member(&test, "a@example.org");
    for to in ["newsletter", "personalisation"] {
        assert!(withdraw(&test, Role::Crm, id, to, false).erasures.is_empty());
    }
    assert!(is_there(&test, id, "marketing", "interests"));
}

#[test]
fn what_stands_against_an_erasure_does_not_stand_against_a_withdrawal() {
    let test = TestVault::new(202);
    let id = member(&test, "a@example.org");
    withdraw(&test, Role::Crm, id, "newsletter", false);
    let refused = withdraw(&test, Role::Support, id, "personalisation", true);
    assert!(refused.standing.consents.is_empty());
    assert_eq!(refused.kept.iter().map(|one| one.reason).collect::<Vec<_>>(), ["forbidden"]);
    let hold = NewHold { reason: "litigation".to_owned(), reference: None };
    test.vault.set_hold(&ctx(Role::Compliance), &id, &hold).wait().unwrap();
    let held = withdraw(&test, Role::Crm, id, "personalisation", true);
    assert_eq!(
        held.kept.iter().map(|one| (one.compartment.as_str(), one.reason)).collect::<Vec<_>>(),
        [("marketing", "legal_hold")]
    );
    test.vault.release_hold(&ctx(Role::Compliance), &id).wait().unwrap();
    assert_eq!(withdraw(&test, Role::Crm, id, "personalisation", true).erasures.len(), 1, "repeated, it goes on");
}

fn reworded(from: &str, to: &str) -> DataMap {
    assert!(DataMap::default_text().contains(from), "{from}");
    DataMap::parse(&DataMap::default_text().replacen(from, to, 1)).unwrap()
}

#[test]
fn where_the_data_map_says_so_it_happens_whoever_withdraws() {
    let mut test = TestVault::new(203);
    let by_rule = "dpv        = \"dpv:ServicePersonalisation\"";
    test.reopen_with_map(reworded(by_rule, &format!("{by_rule}\nshred_on_withdrawal = true")));
    let id = member(&test, "a@example.org");
    assert!(withdraw(&test, Role::Member, id, "newsletter", false).erasures.is_empty());
    assert_eq!(withdraw(&test, Role::Member, id, "personalisation", false).erasures.len(), 1);
    assert!(!is_there(&test, id, "marketing", "interests"));
}

#[test]
fn a_record_the_data_map_does_not_know_keeps_its_compartment() {
    let mut test = TestVault::new(204);
    let of_marketing = "compartment = \"marketing\"\nname        = \"*\"";
    test.reopen_with_map(reworded(of_marketing, "compartment = \"marketing\"\nname        = \"interests\""));
    let id = member(&test, "a@example.org");
    put(&test, id, "marketing", "something-else");
    withdraw(&test, Role::Crm, id, "newsletter", false);
    let kept = withdraw(&test, Role::Crm, id, "personalisation", true).kept;
    assert_eq!(kept.iter().map(|one| one.reason).collect::<Vec<_>>(), ["undeclared"]);
    assert!(is_there(&test, id, "marketing", "something-else"));
}
