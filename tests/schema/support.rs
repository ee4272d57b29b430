//! A vault under a data map of the test's choice.

use membervault::code::{Code, Coded};
use membervault::schema::DataMap;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, RecordMeta, Role};
use membervault::vault::api::{Expect, NewMember, RecordAddress, RecordPatch, RecordQuery, RecordWrite};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value};

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

/// Code, field and sentence of a refusal.
pub(crate) fn refusal<T>(result: Result<T, Error>) -> (Code, Option<String>, String) {
    let error = result.err().expect("a refusal");
    (error.code(), error.field().map(ToString::to_string), error.to_string())
}

/// The default map with some words replaced.
pub(crate) fn map_text(replace: &[(&str, &str)]) -> String {
    replace.iter().fold(DataMap::default_text().to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

pub(crate) fn map(replace: &[(&str, &str)]) -> DataMap {
    DataMap::parse(&map_text(replace)).unwrap()
}

/// The default map, but strict.
pub(crate) fn strict_map() -> DataMap {
    map(&[("strict = false", "strict = true")])
}

/// A new vault, and the same vault under a strict map.
pub(crate) fn strict(seed: u64) -> TestVault {
    let mut test = TestVault::new(seed);
    test.reopen_with_map(strict_map());
    test
}

pub(crate) fn create(vault: &Vault, profile: Value) -> Result<MemberId, Error> {
    let new = NewMember { profile: object(profile), meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().map(|created| created.id)
}

pub(crate) fn address(member: MemberId, compartment: &str, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: compartment.parse().unwrap(), name: name.parse().unwrap() }
}

pub(crate) fn put(vault: &Vault, address: RecordAddress, data: Value) -> Result<(), Error> {
    let write = RecordWrite { address, data: object(data), meta: None, expect: Expect::Any };
    vault.put_record(&ctx(Role::Crm), &write).wait().map(drop)
}

pub(crate) fn patch(vault: &Vault, address: RecordAddress, patch: Value) -> Result<(), Error> {
    let patch = RecordPatch { address, patch: object(patch), meta: None, expect: Expect::Any };
    vault.patch_record(&ctx(Role::Crm), &patch).wait().map(drop)
}

/// A record as the CRM reads it.
pub(crate) fn read(vault: &Vault, address: RecordAddress) -> Result<Value, Error> {
    let view = vault.read_record(&ctx(Role::Crm), &RecordQuery { address, fields: None }).wait()?;
    Ok(serde_json::from_slice(view.data.as_bytes()).unwrap())
}

/// Leaves in the ledger.
pub(crate) fn leaves(test: &TestVault) -> u64 {
    test.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size
}
