//! Receipts: signed, checked without the vault, and silent about who the member is.

use membervault::code::Code;
use membervault::testkit::vault::{START, ctx, ctx_for};
use membervault::types::Role;
use membervault::vault::certificate::Outcome;
use membervault::vault::consent::NewConsent;
use membervault::vault::consent::receipt::{Receipt, verify};
use serde_json::Value;

use super::giving::form;
use super::support::{code, purpose, vault};

fn failed(text: &str, key: &membervault::tlog::VerifierKey) -> Vec<&'static str> {
    let verdict = verify(text, key);
    assert!(!verdict.holds());
    let fails = |outcome: &Outcome| matches!(outcome, Outcome::Fails(_));
    verdict.checks.iter().filter(|check| fails(&check.outcome)).map(|check| check.name).collect()
}

#[test]
fn a_receipt_says_what_was_agreed_to_and_holds_under_the_key_of_the_log() {
    let (test, id) = vault(80);
    let crm = ctx(Role::Crm);
    let newsletter = purpose("newsletter");
    let receipt = |number| test.vault.consent_receipt(&crm, &id, &newsletter, number).wait();
    assert_eq!(code(receipt(None)), Some(Code::NotFound), "never given");
    let new = NewConsent { expires_at: Some(START.plus_millis(86_400_000)), explicit: true, ..form() };
    test.vault.give_consent(&crm, &id, &newsletter, &new).wait().unwrap();
    let text = receipt(None).unwrap();
    let verdict = verify(&text, test.vault.log_verifier());
    assert!(verdict.holds(), "{:?}", verdict.checks);
    let record = verdict.receipt.unwrap().record;
    assert_eq!(record.process.purpose.kind, "dpv:DirectMarketing");
    assert_eq!((record.notice.version.as_str(), record.notice.language.as_deref()), ("2026-01", Some("de")));
    assert!(record.process.data.iter().any(|field| field.name == "core/profile.email"));
    let [event] = record.events.as_slice() else { panic!("one event") };
    assert_eq!(event.kinds, ["dpv:ConsentGiven", "dpv:ExplicitlyExpressedConsent"]);
    assert_eq!((event.entry, event.at, event.method.as_deref()), (1, START, Some("web_form")));
    assert_eq!(
        (event.duration.kind.as_str(), event.duration.value.as_str()),
        ("dpv:UntilTimeDuration", "2026-01-02T00:00:00Z")
    );
    for personal in ["maria", "Muster", &id.to_string()] {
        assert!(!text.contains(personal), "{personal}");
    }
}

#[test]
fn a_withdrawal_is_a_receipt_of_the_same_consent_and_another_consent_is_not_linked() {
    let (test, id) = vault(81);
    let crm = ctx(Role::Crm);
    let newsletter = purpose("newsletter");
    let give = |to: &str| drop(test.vault.give_consent(&crm, &id, &purpose(to), &form()).wait().unwrap());
    let receipt = |to: &str, number| -> Receipt {
        let text = test.vault.consent_receipt(&crm, &id, &purpose(to), number).wait().unwrap();
        let verdict = verify(&text, test.vault.log_verifier());
        assert!(verdict.holds(), "{:?}", verdict.checks);
        verdict.receipt.unwrap()
    };
    give("newsletter");
    test.vault.withdraw_consent(&crm, &id, &newsletter).wait().unwrap();
    give("newsletter");
    give("analytics");
    let (given, withdrawn) = (receipt("newsletter", Some(1)).record, receipt("newsletter", Some(2)).record);
    assert_eq!((&given.id, &given.subject), (&withdrawn.id, &withdrawn.subject));
    assert_eq!(withdrawn.events.iter().map(|event| event.entry).collect::<Vec<_>>(), [1, 2]);
    let (again, other) = (receipt("newsletter", None).record, receipt("analytics", None).record);
    assert_eq!(again.events[0].entry, 3);
    let mut named = vec![&given.id, &given.subject, &again.id, &again.subject, &other.id, &other.subject];
    named.sort();
    named.dedup();
    assert_eq!(named.len(), 6);
    assert_ne!(receipt("newsletter", None).id, receipt("newsletter", None).id, "each is a receipt of its own");
    let absent = |to: &str, number| code(test.vault.consent_receipt(&crm, &id, &purpose(to), number).wait());
    assert_eq!(absent("newsletter", Some(4)), Some(Code::NotFound), "about something else");
    assert_eq!(absent("newsletter", Some(99)), Some(Code::NotFound));
    let by = |ctx| code(test.vault.consent_receipt(&ctx, &id, &newsletter, None).wait());
    assert_eq!(by(ctx(Role::Ops)), Some(Code::Forbidden));
    assert_eq!(by(ctx_for(Role::Support, "support")), None);
}

#[test]
fn what_was_altered_or_signed_by_another_does_not_hold() {
    let (test, id) = vault(82);
    let crm = ctx(Role::Crm);
    let newsletter = purpose("newsletter");
    test.vault.give_consent(&crm, &id, &newsletter, &form()).wait().unwrap();
    let text = test.vault.consent_receipt(&crm, &id, &newsletter, None).wait().unwrap();
    let key = test.vault.log_verifier();
    assert_eq!(failed(&text.replace("2026-01", "2027-01"), key), ["signature"]);
    assert_eq!(failed(&text.replace("dpv:ConsentReceipt", "dpv:Receipt"), key), ["form"]);
    assert_eq!(failed(&text.replace("\"dpv:hasRight\"", "\"dpv:hasDuty\""), key), ["form"]);
    assert_eq!(failed(&text.replace("https://w3id.org/dpv#", "https://example.org/dpv#"), key), ["form"]);
    assert_eq!(failed("", key), ["form"]);
    let (other, _) = vault(83);
    assert_eq!(failed(&text, other.vault.log_verifier()), ["signature"]);
    let json: Value = serde_json::from_str(text.split("\n\n").next().unwrap()).unwrap();
    assert_eq!(json["@context"]["dpv"], "https://w3id.org/dpv#");
    assert_eq!(json["dpv:hasRecordOfActivity"]["dpv:hasRight"][0], "eu-gdpr:A7-3");
}
