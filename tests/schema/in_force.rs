//! Which map is in force, and how another takes its place.

use std::sync::Arc;

use membervault::code::{Code, Coded};
use membervault::schema::DataMap;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::Role;
use membervault::vault::Vault;
use membervault::vault::schema::{MapHash, MapUnread};
use parking_lot::Mutex;
use serde_json::json;

use super::support::{create, leaves, map, map_text, refusal, strict_map};

fn hash(map: &DataMap) -> String {
    data_encoding::HEXLOWER.encode(&map.digest())
}

/// Lets the vault read its map from here.
fn source(test: &TestVault) -> Arc<Mutex<Option<String>>> {
    let file = Arc::new(Mutex::new(Some(map_text(&[]))));
    let read = Arc::clone(&file);
    test.vault.set_map_source(Arc::new(move || {
        let text = read.lock().clone().ok_or(MapUnread::File)?;
        DataMap::parse(&text).map_err(MapUnread::Map)
    }));
    file
}

#[test]
fn each_map_that_comes_into_force_is_in_the_ledger_and_kept() {
    let mut test = TestVault::new(20);
    let schema = |vault: &Vault| vault.schema(&ctx(Role::Ops)).wait().unwrap();
    let first = schema(&test.vault);
    assert_eq!((first.sha256.as_str(), first.strict), (hash(&DataMap::default_map()).as_str(), false));
    assert!(first.since.is_some() && first.earlier.is_empty() && first.toml == DataMap::default_text());
    let before = leaves(&test);
    test.reopen();
    assert_eq!(leaves(&test), before + 2, "opened, and its policy: the map is the same");
    test.clock.advance_millis(60_000);
    test.reopen_with_map(strict_map());
    assert_eq!(leaves(&test), before + 5, "another map leaves a leaf");
    let second = schema(&test.vault);
    assert!(second.strict && second.since > first.since);
    assert_eq!(second.earlier.iter().map(|map| map.sha256.as_str()).collect::<Vec<_>>(), [first.sha256.as_str()]);
    // What was in force before can still be read; back to it is another change.
    let earlier: MapHash = first.sha256.parse().unwrap();
    let found = test.vault.schema_of(&ctx(Role::Ops), &earlier).wait().unwrap();
    assert_eq!((found.toml, found.since), (first.toml, first.since));
    test.reopen_with_map(DataMap::default_map());
    assert_eq!(schema(&test.vault).earlier.len(), 2);
    let unknown: MapHash = "00".repeat(32).parse().unwrap();
    assert_eq!(refusal(test.vault.schema_of(&ctx(Role::Ops), &unknown).wait()).0, Code::NotFound);
    assert!("00".repeat(31).parse::<MapHash>().is_err() && "zz".repeat(32).parse::<MapHash>().is_err());
}

#[test]
fn the_newest_maps_are_kept_and_no_more() {
    let test = TestVault::new(21);
    let file = source(&test);
    for number in 0..140 {
        *file.lock() = Some(format!("# {number}\n{}", DataMap::default_text()));
        assert!(test.vault.reload_schema(&ctx(Role::Ops)).unwrap().changed);
    }
    let kept = test.vault.schema(&ctx(Role::Ops)).wait().unwrap();
    assert_eq!(kept.earlier.len(), 127);
    assert!(kept.toml.starts_with("# 139\n"));
}

#[test]
fn a_reload_puts_the_file_in_force_without_a_restart() {
    let test = TestVault::new(22);
    let vault = &test.vault;
    let ops = ctx(Role::Ops);
    assert_eq!(refusal(vault.reload_schema(&ops)).0, Code::NotConfigured);
    let file = source(&test);
    assert!(!vault.reload_schema(&ops).unwrap().changed, "it is the same");
    assert!(create(vault, json!({"iban": 1})).is_ok());
    *file.lock() = Some(map_text(&[("strict = false", "strict = true")]));
    let change = vault.reload_schema(&ops).unwrap();
    assert_eq!((change.sha256, change.changed), (hash(&strict_map()), true));
    assert_eq!(refusal(create(vault, json!({"iban": 1}))).0, Code::UnknownField);
}

#[test]
fn a_bad_file_changes_nothing_and_says_why() {
    let test = TestVault::new(23);
    let file = source(&test);
    let ops = ctx(Role::Ops);
    let (before, in_force) = (leaves(&test), hash(&test.vault.map()));
    let refused = |text: Option<String>| {
        *file.lock() = text;
        let (code, _, text) = refusal(test.vault.reload_schema(&ops));
        assert_eq!(code, Code::InvalidSchema);
        text
    };
    assert_eq!(refused(None), "the file of the setting schema.file cannot be read; the map in force stays");
    assert!(refused(Some("version = 1".to_owned())).starts_with("data map line 1: missing field `strict`"));
    let nothing = map_text(&[("purposes    = [\"service\", \"support\"]", "purposes    = []")]);
    assert!(refused(Some(nothing)).contains("serves no purpose"));
    // Valid, but not beside this policy.
    let renamed = DataMap::default_text()
        .replace("\"analytics\"", "\"research\"")
        .replace("purposes.analytics", "purposes.research");
    let text = refused(Some(renamed));
    assert!(text.contains("the policy has the purpose \"analytics\", which the data map does not declare"), "{text}");
    let masked = map_text(&[("mask        = \"email\"", "mask        = \"fog\"")]);
    assert!(refused(Some(masked)).contains("the field email of core/profile has the mask \"fog\""));
    assert_eq!((leaves(&test), hash(&test.vault.map())), (before, in_force));
    assert!(test.vault.reload_schema(&ctx(Role::Crm)).is_err_and(|error| error.code() == Code::Forbidden));
}

#[test]
fn a_vault_does_not_open_under_a_map_that_does_not_fit_its_policy() {
    let test = TestVault::new(24);
    test.vault.close().unwrap();
    let mut remains = test.remains();
    let text = DataMap::default_text()
        .replace("\"analytics\"", "\"research\"")
        .replace("purposes.analytics", "purposes.research");
    remains.map = DataMap::parse(&text).unwrap();
    let error = remains.open(None).err().unwrap();
    assert_eq!(error.code(), Code::InvalidSchema);
}

#[test]
fn those_who_may_see_the_map_are_those_the_policy_says() {
    let test = TestVault::new(25);
    for role in [Role::Crm, Role::Ops, Role::Compliance, Role::Admin] {
        assert!(test.vault.schema(&ctx(role)).wait().is_ok(), "{role}");
    }
    assert_eq!(refusal(test.vault.schema(&ctx(Role::Analyst)).wait()).0, Code::Forbidden);
    // A map of more fields than before is the same vault: nothing else moved.
    assert_eq!(map(&[]).digest(), test.vault.map().digest());
}
