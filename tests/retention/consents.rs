//! What lives by a consent goes when that ends.

use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, Purpose, RecordMeta, Role};
use membervault::vault::consent::{Method, NewConsent, Notice};
use serde_json::json;

use super::support::{DAY, address, create, lines, now, plan, put_with, run, vault};

fn purpose(name: &str) -> Purpose {
    name.parse().unwrap()
}

fn give(test: &TestVault, id: MemberId, to: &str, days: Option<u64>) {
    let notice = Notice { version: "1".to_owned(), sha256: None, language: None };
    let new = NewConsent {
        notice,
        notice_text: Some("May we?".to_owned()),
        method: Method::WebForm,
        place: None,
        explicit: false,
        expires_at: days.map(|days| now(test).plus_millis(days * DAY)),
    };
    test.vault.give_consent(&ctx(Role::Crm), &id, &purpose(to), &new).wait().unwrap();
}

fn withdraw(test: &TestVault, id: MemberId, to: &str) {
    test.vault.withdraw_consent(&ctx(Role::Crm), &id, &purpose(to)).wait().unwrap();
}

fn topics(test: &TestVault, id: MemberId, name: &str, purposes: &[&str]) {
    let meta = RecordMeta { purposes: purposes.iter().map(|name| purpose(name)).collect(), ..RecordMeta::default() };
    put_with(&test.vault, address(id, "marketing", name), json!({"topics": ["books"]}), meta).unwrap();
}

#[test]
fn a_withdrawn_consent_takes_what_lived_by_it() {
    let test = vault(40);
    let start = now(&test);
    let (ada, bob) = (create(&test.vault, "ada"), create(&test.vault, "bob"));
    for id in [ada, bob] {
        give(&test, id, "newsletter", None);
        topics(&test, id, "interests", &[]);
    }
    test.clock.advance_millis(DAY);
    assert_eq!(plan(&test.vault), []);
    withdraw(&test, ada, "newsletter");
    test.clock.advance_millis(DAY);
    let due = plan(&test.vault);
    assert_eq!(lines(&due, start), ["Compartment marketing consent_ended day 1"]);
    assert_eq!((due[0].member, due[0].of.as_deref(), due[0].period.as_ref()), (ada, Some("marketing/*"), None));
    assert!(run(&test.vault).removed[0].erasure.is_some());
    assert_eq!(plan(&test.vault), []);
}

#[test]
fn what_another_consent_carries_stays() {
    let test = vault(41);
    let start = now(&test);
    let id = create(&test.vault, "ada");
    give(&test, id, "newsletter", None);
    give(&test, id, "personalisation", None);
    topics(&test, id, "both", &[]);
    topics(&test, id, "mail", &["newsletter"]);
    withdraw(&test, id, "newsletter");
    // The one that says it was collected for the newsletter alone.
    assert_eq!(lines(&plan(&test.vault), start), ["Record marketing/mail consent_ended day 0"]);
    run(&test.vault);
    test.clock.advance_millis(DAY);
    withdraw(&test, id, "personalisation");
    assert_eq!(lines(&plan(&test.vault), start), ["Compartment marketing consent_ended day 1"]);
}

#[test]
fn a_consent_that_ends_by_itself_counts_from_its_end() {
    let test = vault(42);
    let start = now(&test);
    let id = create(&test.vault, "ada");
    give(&test, id, "newsletter", Some(7));
    topics(&test, id, "mail", &["newsletter"]);
    test.clock.advance_millis(7 * DAY - 1);
    assert_eq!(plan(&test.vault), []);
    test.clock.advance_millis(1);
    assert_eq!(lines(&plan(&test.vault), start), ["Compartment marketing consent_ended day 7"]);
    // Given again in time, it stays.
    give(&test, id, "newsletter", None);
    assert_eq!(plan(&test.vault), []);
    assert_eq!(run(&test.vault).removed, []);
}

#[test]
fn a_consent_that_was_never_given_ends_nothing() {
    let test = vault(43);
    let id = create(&test.vault, "ada");
    topics(&test, id, "mail", &[]);
    assert_eq!(plan(&test.vault), [], "what it rests on is to be asked elsewhere; it goes after its year");
    // And the profile, which has other reasons too, does not go with a consent.
    give(&test, id, "newsletter", None);
    withdraw(&test, id, "newsletter");
    let due = plan(&test.vault);
    assert_eq!(
        due.iter().map(|due| due.compartment.as_ref().map(ToString::to_string)).collect::<Vec<_>>(),
        [Some("marketing".to_owned())]
    );
}
