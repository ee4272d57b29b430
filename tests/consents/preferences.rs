//! Preferences: stored whole, by version.

use membervault::code::Code;
use membervault::testkit::vault::ctx;
use membervault::types::{RecordVersion, Role};
use membervault::vault::api::Expect;
use membervault::vault::consent::{CHANNELS_MAX, Preferences, SETTINGS_BYTES_MAX, WORD_BYTES_MAX};
use serde_json::json;

use super::support::{code, object, vault};

fn preferences() -> Preferences {
    Preferences {
        channels: vec!["email".to_owned(), "sms".to_owned()],
        topics: vec!["books".to_owned()],
        language: Some("pt-BR".to_owned()),
        settings: object(json!({"digest": {"day": "monday"}})),
    }
}

#[test]
fn they_are_read_as_they_were_stored_and_replaced_at_their_version() {
    let (test, id) = vault(40);
    let crm = ctx(Role::Crm);
    assert_eq!(code(test.vault.preferences(&crm, &id).wait()), Some(Code::NotFound));
    let put = |new: &Preferences, expect| test.vault.put_preferences(&crm, &id, new, expect).wait();
    assert_eq!(code(put(&preferences(), Expect::Present)), Some(Code::VersionMismatch));
    assert!(put(&preferences(), Expect::Absent).unwrap().created);
    let view = test.vault.preferences(&crm, &id).wait().unwrap();
    assert_eq!((view.version, view.preferences), (RecordVersion(1), preferences()));
    let none = Preferences::default();
    assert_eq!(put(&none, Expect::Version(RecordVersion(1))).unwrap().version, RecordVersion(2));
    assert_eq!(code(put(&none, Expect::Version(RecordVersion(1)))), Some(Code::VersionMismatch));
    assert_eq!(test.vault.preferences(&crm, &id).wait().unwrap().preferences, none);
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let (test, id) = vault(41);
    let refused = |new: Preferences| code(test.vault.put_preferences(&ctx(Role::Crm), &id, &new, Expect::Any).wait());
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let long = "x".repeat(WORD_BYTES_MAX + 1);
    for list in [words(&[""]), words(&["two words"]), words(&["twice", "twice"]), vec![long]] {
        assert_eq!(refused(Preferences { channels: list.clone(), ..preferences() }), Some(Code::InvalidRequest));
        assert_eq!(refused(Preferences { topics: list, ..preferences() }), Some(Code::InvalidRequest));
    }
    let many = (0..=CHANNELS_MAX).map(|n| format!("c{n}")).collect();
    assert_eq!(refused(Preferences { channels: many, ..preferences() }), Some(Code::InvalidRequest));
    let language = Some("de_DE".to_owned());
    assert_eq!(refused(Preferences { language, ..preferences() }), Some(Code::InvalidRequest));
    let settings = object(json!({"a": "x".repeat(SETTINGS_BYTES_MAX)}));
    assert_eq!(refused(Preferences { settings, ..preferences() }), Some(Code::InvalidRequest));
    assert_eq!(code(test.vault.preferences(&ctx(Role::Crm), &id).wait()), Some(Code::NotFound));
}
