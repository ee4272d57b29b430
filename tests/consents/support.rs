//! A vault with one member in it.

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{Compartment, MemberId, Purpose, RecordMeta, Role};
use membervault::vault::api::{NewMember, RecordAddress, RecordQuery};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value, json};

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

pub(crate) fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

pub(crate) fn purpose(name: &str) -> Purpose {
    name.parse().unwrap()
}

pub(crate) fn create(vault: &Vault, email: &str) -> MemberId {
    let profile = object(json!({"email": email, "name": "Maria Muster"}));
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

pub(crate) fn vault(seed: u64) -> (TestVault, MemberId) {
    let test = TestVault::new(seed);
    let id = create(&test.vault, "maria@example.org");
    (test, id)
}

pub(crate) fn in_dossier(member: MemberId, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: Compartment::dossier(), name: name.parse().unwrap() }
}

/// A dossier record as the CRM reads it.
pub(crate) fn dossier_record(vault: &Vault, member: MemberId, name: &str) -> Result<Value, Error> {
    let query = RecordQuery { address: in_dossier(member, name), fields: None };
    let view = vault.read_record(&ctx(Role::Crm), &query).wait()?;
    Ok(serde_json::from_slice(view.data.as_bytes()).unwrap())
}

/// Leaves in the ledger.
pub(crate) fn leaves(test: &TestVault) -> u64 {
    test.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size
}
