//! Consents a member comes with: given where it is created, or imported.

use membervault::code::Code;
use membervault::tables::agreed;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, RecordMeta, Role};
use membervault::vault::api::{Imported, NewMember};
use membervault::vault::consent::{ConsentState, Happening, ImportedConsents, Method, Notice};
use serde_json::{Value, json};

use super::giving::form;
use super::support::{code, object, purpose};

fn newcomer(profile: Value) -> NewMember {
    NewMember { profile: object(profile), meta: RecordMeta::default(), idempotency_key: None }
}

fn unknown() -> Notice {
    Notice { version: "unknown".to_owned(), sha256: None, language: None }
}

#[test]
fn a_member_is_created_with_its_consents_or_not_at_all() {
    let test = TestVault::new(60);
    let crm = ctx(Role::Crm);
    let create = |email: &str, purposes: &[&str]| {
        let consents: Vec<_> = purposes.iter().map(|name| (purpose(name), form())).collect();
        test.vault.create_member_with(&crm, &newcomer(json!({"email": email})), &consents).wait()
    };
    let id = create("a@example.org", &["newsletter", "analytics"]).unwrap().id;
    let consents = test.vault.consents(&crm, &id).wait().unwrap();
    assert_eq!(consents.standing.consents.len(), 2);
    assert_eq!(consents.history.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(code(create("b@example.org", &["newsletter", "newsletter"])), Some(Code::InvalidRequest));
    assert_eq!(code(create("b@example.org", &["service"])), Some(Code::ConsentNotNeeded));
    assert_eq!(code(create("b@example.org", &["unheard-of"])), Some(Code::PurposeUnknown));
    assert!(create("b@example.org", &[]).is_ok(), "nothing was left of those that were refused");
    let found = agreed::members(&*test.engine, &purpose("newsletter"), None, 10).unwrap();
    assert_eq!(found.items.iter().map(|one| one.member).collect::<Vec<_>>(), [id]);
}

#[test]
fn an_idempotency_key_stands_for_the_consents_too() {
    let test = TestVault::new(61);
    let crm = ctx(Role::Crm);
    let new = || NewMember { idempotency_key: Some("once".to_owned()), ..newcomer(json!({"name": "Ada"})) };
    let consents = [(purpose("newsletter"), form())];
    let first = test.vault.create_member_with(&crm, &new(), &consents).wait().unwrap().id;
    assert_eq!(test.vault.create_member_with(&crm, &new(), &consents).wait().unwrap().id, first);
    assert_eq!(code(test.vault.create_member(&crm, &new()).wait()), Some(Code::IdempotencyMismatch));
}

#[test]
fn what_another_system_knew_becomes_consents_and_the_rest_stays_in_the_profile() {
    let test = TestVault::new(62);
    let mut profile = object(json!({
        "name": "Ada", "consents": {"newsletter": true, "analytics": false, "third_party": true, "service": true, "x y": 1}
    }));
    assert_eq!(test.vault.take_out_consents(&mut profile), [purpose("newsletter")]);
    let rest = json!({"name": "Ada", "consents": {"third_party": true, "service": true, "x y": 1}});
    assert_eq!(Value::Object(profile), rest);
    for (before, after) in [
        (json!({"consents": {"newsletter": false}}), json!({})),
        (json!({"consents": ["newsletter"]}), json!({"consents": ["newsletter"]})),
        (json!({"consents": {"newsletter": "yes"}}), json!({"consents": {"newsletter": "yes"}})),
        (json!({"a": 1}), json!({"a": 1})),
    ] {
        let mut profile = object(before);
        assert!(test.vault.take_out_consents(&mut profile).is_empty());
        assert_eq!(Value::Object(profile), after);
    }
}

#[test]
fn an_import_brings_consents_in_the_same_commit_and_changes_none_that_are_there() {
    let test = TestVault::new(63);
    let crm = ctx(Role::Crm);
    let batch = |n: usize| newcomer(json!({"external_id": format!("CRM-{n}")}));
    let members = [batch(1), batch(2), batch(3)];
    let both = vec![purpose("newsletter"), purpose("analytics")];
    let purposes = [both.clone(), vec![], vec![purpose("newsletter")]];
    let notice = unknown();
    let import = |members: &[NewMember]| -> Vec<Option<MemberId>> {
        let consents = ImportedConsents { notice: &notice, purposes: &purposes };
        let outcomes = test.vault.import_with(&crm, members, consents).wait().unwrap();
        let created = |one: &Imported| if let Imported::Created(id) = one { Some(*id) } else { None };
        outcomes.iter().map(created).collect()
    };
    let ids: Vec<MemberId> = import(&members).into_iter().map(Option::unwrap).collect();
    let consents = test.vault.consents(&crm, &ids[0]).wait().unwrap();
    let sorted = vec![purpose("analytics"), purpose("newsletter")];
    let [entry] = consents.history.as_slice() else { panic!("one entry stands for all purposes of an import") };
    assert_eq!((entry.entry.event, entry.entry.method), (Happening::Given, Some(Method::Import)));
    assert_eq!((&entry.entry.notice, &entry.entry.purposes), (&Some(unknown()), &sorted));
    assert!(consents.consents.iter().all(|one| one.state == ConsentState::Given && one.entry == Some(1)));
    assert!(test.vault.consents(&crm, &ids[1]).wait().unwrap().history.is_empty());

    test.vault.withdraw_consent(&crm, &ids[2], &purpose("newsletter")).wait().unwrap();
    assert_eq!(import(&members), [None, None, None], "all are there already");
    let found = agreed::members(&*test.engine, &purpose("newsletter"), None, 10).unwrap();
    assert_eq!(found.items.iter().map(|one| one.member).collect::<Vec<_>>(), [ids[0]]);
}
