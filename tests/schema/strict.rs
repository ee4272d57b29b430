//! Strict: what the map does not declare cannot be written, and a refusal loses nothing.

use membervault::code::{Code, Coded};
use membervault::policy::WithheldReason;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{Actor, Ctx, RecordMeta, Role};
use membervault::vault::Vault;
use membervault::vault::api::{Expect, Imported, NewMember, RecordAddress, RecordPatch, RecordQuery};
use membervault::vault::consent::ImportedConsents;
use serde_json::json;

use super::support::{address, create, leaves, map, object, patch, put, read, refusal, strict, strict_map};

const UNDECLARED: &str =
    "the data map does not declare the field iban of core/profile; declare it with its purposes, or leave it out";

#[test]
fn a_field_nobody_declared_is_not_created() {
    let test = strict(1);
    let before = leaves(&test);
    let refused = refusal(create(&test.vault, json!({"name": "Ada", "iban": "DE-secret"})));
    assert_eq!(refused, (Code::UnknownField, Some("iban".to_owned()), UNDECLARED.to_owned()));
    // Its name may be anything, so it is not repeated.
    let (code, field, text) = refusal(create(&test.vault, json!({"ada@example.org": 1})));
    assert_eq!((code, field), (Code::UnknownField, None));
    assert!(!text.contains("ada") && text.contains("leave it out"), "{text}");
    assert_eq!(leaves(&test), before, "nothing was written");
    assert!(create(&test.vault, json!({"name": "Ada", "email": "ada@example.org", "phone": null})).is_ok());
}

#[test]
fn a_value_of_another_type_is_named_by_its_field_and_never_repeated() {
    let test = strict(2);
    for (profile, field, words) in [
        (json!({"birth_date": "the ninth"}), "birth_date", "as date; write a day, such as 1985-01-09, or null"),
        (json!({"country": "Germany"}), "country", "as country; write two capital letters"),
        (json!({"preferences": "[]"}), "preferences", "as object; write an object"),
        (json!({"name": 7}), "name", "as text; write a text"),
    ] {
        let (code, at, text) = refusal(create(&test.vault, profile));
        assert_eq!((code, at.as_deref()), (Code::InvalidRequest, Some(field)));
        assert!(text.contains(words) && !text.contains("ninth") && !text.contains("Germany"), "{text}");
    }
}

#[test]
fn puts_and_patches_are_checked_and_the_record_stays_as_it_was() {
    let test = strict(3);
    let vault = &test.vault;
    let id = create(vault, json!({"name": "Ada"})).unwrap();
    let profile = || RecordAddress::profile(id);
    assert_eq!(refusal(put(vault, profile(), json!({"iban": 1}))).0, Code::UnknownField);
    assert_eq!(refusal(patch(vault, profile(), json!({"iban": 1}))).0, Code::UnknownField);
    assert_eq!(refusal(patch(vault, profile(), json!({"city": 1}))).0, Code::InvalidRequest);
    assert_eq!(read(vault, profile()).unwrap(), json!({"name": "Ada"}));
    patch(vault, profile(), json!({"city": "Hove", "iban": null})).unwrap();
    assert_eq!(read(vault, profile()).unwrap(), json!({"name": "Ada", "city": "Hove"}));
    // A record type nobody declared, and one whose names begin alike.
    let (code, field, text) = refusal(put(vault, address(id, "orders", "1"), json!({"total": 1})));
    assert_eq!((code, field), (Code::UnknownField, None));
    assert_eq!(
        text,
        "the data map declares no record orders/1; declare it with its fields, or write to one that is declared"
    );
    put(vault, address(id, "marketing", "interests"), json!({"topics": ["books"], "score": 0.5})).unwrap();
    assert_eq!(refusal(put(vault, address(id, "marketing", "x"), json!({"iban": 1}))).0, Code::UnknownField);
}

#[test]
fn an_import_takes_what_is_declared_and_rejects_the_rest_row_by_row() {
    let test = strict(4);
    let row = |profile| NewMember { profile: object(profile), meta: RecordMeta::default(), idempotency_key: None };
    let rows = [row(json!({"name": "Ada"})), row(json!({"name": "Bob", "iban": "x"})), row(json!({"birth_date": 7}))];
    let outcomes = test.vault.import(&ctx(Role::Crm), &rows).wait().unwrap();
    let [Imported::Created(id), Imported::Rejected(one), Imported::Rejected(two)] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    assert!(read(&test.vault, RecordAddress::profile(*id)).is_ok());
    let field = |error: &membervault::vault::Error| error.field().map(ToString::to_string);
    assert_eq!((field(one).as_deref(), field(two).as_deref()), (Some("iban"), Some("birth_date")));
    // A dry run finds the same.
    assert!(Vault::check_member(&strict_map(), &rows[0]).is_ok());
    assert_eq!(refusal(Vault::check_member(&strict_map(), &rows[1])).2, UNDECLARED);
}

/// A batch is checked while another is being committed, and the map that counts is that of its own commit.
#[test]
fn a_batch_that_was_checked_by_another_map_is_checked_anew() {
    let mut test = TestVault::new(7);
    let row = |profile| NewMember { profile: object(profile), meta: RecordMeta::default(), idempotency_key: None };
    let rows = |id: &str| {
        [row(json!({"external_id": id, "name": "Ada"})), row(json!({"iban": "x"})), row(json!({"email": "no address"}))]
    };
    let import =
        |vault: &Vault, batch| vault.import_checked(&ctx(Role::Crm), batch, ImportedConsents::NONE).wait().unwrap();
    let same = test.vault.check_batch(&rows("A-1"));
    let outcomes = import(&test.vault, &same);
    let [Imported::Created(_), Imported::Created(_), Imported::Rejected(email)] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    assert_eq!(email.code(), Code::InvalidIdentifier);
    let stale = test.vault.check_batch(&rows("A-2"));
    test.reopen_with_map(strict_map());
    let outcomes = import(&test.vault, &stale);
    let [Imported::Created(id), Imported::Rejected(iban), Imported::Rejected(email)] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    // The strict map declares what an email is, and looks first.
    assert_eq!((iban.code(), email.code()), (Code::UnknownField, Code::InvalidRequest));
    assert_eq!(read(&test.vault, RecordAddress::profile(*id)).unwrap(), json!({"external_id": "A-2", "name": "Ada"}));
    // A batch hands its members back as they came, fit or not.
    for (position, row) in rows("A-2").into_iter().enumerate() {
        assert_eq!(stale.member(position).unwrap().profile, row.profile);
    }
    assert!(stale.member(3).is_err());
}

#[test]
fn where_the_map_is_not_strict_anything_can_be_written() {
    let test = TestVault::new(5);
    let id = create(&test.vault, json!({"iban": 7, "birth_date": "the ninth"})).unwrap();
    put(&test.vault, address(id, "orders", "1"), json!({"total": 1})).unwrap();
}

#[test]
fn old_records_keep_what_they_have_when_the_map_becomes_strict() {
    let mut test = TestVault::new(6);
    let id = create(&test.vault, json!({"name": "Ada", "iban": "DE1"})).unwrap();
    put(&test.vault, address(id, "orders", "1"), json!({"total": 1})).unwrap();
    test.reopen_with_map(strict_map());
    let vault = &test.vault;
    // A patch of something else leaves the undeclared field where it is; the member still has all of it.
    patch(vault, RecordAddress::profile(id), json!({"city": "Hove"})).unwrap();
    let export = vault.export_member(&ctx(Role::Crm), &id).wait();
    assert!(export.is_ok());
    // It can be taken away, and then no longer be written.
    patch(vault, RecordAddress::profile(id), json!({"iban": null})).unwrap();
    assert_eq!(refusal(patch(vault, RecordAddress::profile(id), json!({"iban": "DE1"}))).0, Code::UnknownField);
    assert_eq!(refusal(patch(vault, address(id, "orders", "1"), json!({"total": 2}))).0, Code::UnknownField);
    patch(vault, address(id, "orders", "1"), json!({"total": null})).unwrap();
    vault.delete_record(&ctx(Role::Crm), &address(id, "orders", "1"), Expect::Any).wait().unwrap();
}

#[test]
fn a_field_whose_type_changed_keeps_its_old_values_until_it_is_written() {
    let mut test = strict(7);
    let id = create(&test.vault, json!({"name": "Ada", "loyalty_tier": "gold"})).unwrap();
    let retyped = (
        "about       = \"The tier of the loyalty programme\"\ntype        = \"text\"",
        "about       = \"The tier of the loyalty programme\"\ntype        = \"number\"",
    );
    test.reopen_with_map(map(&[("strict = false", "strict = true"), retyped]));
    patch(&test.vault, RecordAddress::profile(id), json!({"city": "Hove"})).unwrap();
    assert_eq!(read(&test.vault, RecordAddress::profile(id)).unwrap()["loyalty_tier"], "gold");
    assert_eq!(
        refusal(patch(&test.vault, RecordAddress::profile(id), json!({"loyalty_tier": "silver"}))).0,
        Code::InvalidRequest
    );
    patch(&test.vault, RecordAddress::profile(id), json!({"loyalty_tier": 2})).unwrap();
}

#[test]
fn what_is_no_longer_declared_is_withheld_and_listed_but_not_from_the_member() {
    let mut test = TestVault::new(8);
    let id = create(&test.vault, json!({"name": "Ada", "iban": "DE1"})).unwrap();
    test.reopen_with_map(strict_map());
    let query = RecordQuery { address: RecordAddress::profile(id), fields: None };
    let seen = test.vault.read_record(&ctx(Role::Crm), &query).wait().unwrap();
    let holds = |data: &[u8]| String::from_utf8_lossy(data).contains("DE1");
    assert!(!holds(seen.data.as_bytes()));
    assert!(seen.withheld.iter().any(|field| field.reason == WithheldReason::Undeclared), "{:?}", seen.withheld);
    let own = Ctx { actor: Actor { member: Some(id), ..ctx(Role::Member).actor }, ..ctx(Role::Member) };
    assert!(holds(test.vault.read_record(&own, &query).wait().unwrap().data.as_bytes()));
}

#[test]
fn a_member_that_corrects_itself_writes_what_is_declared_too() {
    let test = strict(9);
    let id = create(&test.vault, json!({"name": "Ada", "birth_date": "1985-01-09"})).unwrap();
    let own = Ctx { actor: Actor { member: Some(id), ..ctx(Role::Member).actor }, ..ctx(Role::Member) };
    let correct = |patch| {
        let address = RecordAddress::profile(id);
        let patch = RecordPatch { address, patch: object(patch), meta: None, expect: Expect::Any };
        test.vault.correct_record(&own, &patch).wait()
    };
    let (code, field, _) = refusal(correct(json!({"birth_date": "long ago"})));
    assert_eq!((code, field.as_deref()), (Code::InvalidRequest, Some("birth_date")));
    assert!(correct(json!({"birth_date": "1985-01-10", "city": null})).is_ok());
    assert_eq!(read(&test.vault, RecordAddress::profile(id)).unwrap()["birth_date"], "1985-01-10");
}
