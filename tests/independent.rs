//! A reader that shares no code with the vault opens what the vault writes: the published vectors, and a whole vault
//! from its passphrase down to each record.
//!
//! The reader is `tests/independent/open.py`, written from `docs/FORMAT.md`. Where to find a Python with its packages is
//! said by `MEMBERVAULT_PYTHON` (`scripts/test` sets it).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use membervault::crypto::{Suite, sha256};
use membervault::keyring::{Keyring, KeyringFile};
use membervault::ledger::LedgerSettings;
use membervault::masterkey::{Cost, Passphrase};
use membervault::policy::Policy;
use membervault::schema::DataMap;
use membervault::store::memory::MemoryEngine;
use membervault::store::{Engine, KeyRange, Keyspace};
use membervault::testkit::clock::ManualClock;
use membervault::testkit::entropy::SeededEntropy;
use membervault::testkit::slot::MemoryCapsules;
use membervault::testkit::vault::{START, ctx};
use membervault::types::{MemberId, RecordMeta, Role, VaultId};
use membervault::vault::api::{
    Expect, NewHold, NewMember, NewToken, RecordAddress, RecordQuery, RecordView, RecordWrite,
};
use membervault::vault::log::LogSettings;
use membervault::vault::{Founding, Parts, Vault};
use serde::Serialize;
use serde_json::{Map, Value, json};

const PASSPHRASE: &str = "correct horse battery staple";

/// Runs a script of the independent reader and gives back what it prints.
fn python(script: &str, arguments: &[&Path]) -> String {
    let python = std::env::var("MEMBERVAULT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let modules = Command::new(&python).args(["-c", "import cryptography, zstandard"]).output();
    assert!(
        modules.is_ok_and(|output| output.status.success()),
        "{python} lacks the packages of the independent reader. Run scripts/test, or set \
         MEMBERVAULT_PYTHON=$(scripts/python opener), or: pip install cryptography zstandard"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent").join(script);
    // Without -B the interpreter would leave its cache in the source tree.
    let output = Command::new(&python).arg("-B").arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_agrees_with_every_published_vector() {
    let counts: Value = serde_json::from_str(&python("check.py", &[])).unwrap();
    for file in ["envelopes", "places", "derived", "layouts"] {
        assert!(counts[file].as_u64().unwrap() > 20, "{file}: {counts}");
    }
}

#[test]
fn it_opens_a_whole_vault() {
    for (seed, suite, members) in [(1, Suite::ChaCha20Poly1305, 1_000), (2, Suite::Aes256Gcm, 100_000)] {
        let directory = tempfile::tempdir().unwrap();
        let keyring = directory.path().join("vault.keyring");
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        let vault = found(&keyring, &engine, &Founding { expect_members: members, suite }, seed);
        let expected = live(&vault);
        vault.close().unwrap();
        let dump = directory.path().join("rows.jsonl");
        fs::write(&dump, rows_of(&*engine)).unwrap();
        let opened: Value =
            serde_json::from_str(&python("open.py", &[&keyring, Path::new(PASSPHRASE), &dump])).unwrap();
        assert_eq!(sorted(&opened["records"]), sorted(&expected["records"]), "{suite:?}");
        for part in ["holds", "tokens", "kinds"] {
            assert_eq!(opened[part], expected[part], "{suite:?} {part}");
        }
        assert_eq!(opened["accesses"].as_array().unwrap().len(), expected["accesses"], "{suite:?}");
    }
}

/// A new vault as the product makes one, but in memory; its keyring file lies on disk, under a passphrase.
fn found(keyring: &Path, engine: &Arc<dyn Engine>, founding: &Founding, seed: u64) -> Vault {
    let entropy = Arc::new(SeededEntropy::new(seed));
    let master = Passphrase::new(PASSPHRASE).unwrap().with_cost(Cost::WEAK_FOR_TESTS);
    let vault = VaultId::from_random([9; 16]);
    let body = Keyring::draw(&*entropy).unwrap();
    let file = KeyringFile::at(keyring, Path::new("/nonexistent/database")).unwrap();
    let slot = file.create(vault, founding.suite, &master, &body, &*entropy).unwrap();
    let parts = Parts {
        engine: Arc::clone(engine),
        slot: Arc::new(slot),
        vault,
        capsules: Arc::new(MemoryCapsules::default()),
        seal_watch: None,
        mirrors: Vec::new(),
        policy: Policy::parse(Policy::default_text()).unwrap(),
        map: DataMap::default_map(),
        ledger: LedgerSettings::default(),
        log: LogSettings::default(),
        clock: Arc::new(ManualClock::at(START)),
        entropy,
    };
    Vault::found(&parts, founding).unwrap();
    Vault::open(parts).unwrap()
}

/// Lets the vault live a little; gives back what a reader should find afterwards.
fn live(vault: &Vault) -> Value {
    let (crm, compliance, admin) = (&ctx(Role::Crm), &ctx(Role::Compliance), &ctx(Role::Admin));
    let members: Vec<MemberId> = (0..12).map(|number| create(vault, number)).collect();
    let orders =
        |member| RecordAddress { member, compartment: "orders".parse().unwrap(), name: "2026.7".parse().unwrap() };
    for member in &members {
        let data = object(json!({ "total": 1.5, "lines": vec!["a book"; 200] }));
        let write = RecordWrite { address: orders(*member), data, meta: None, expect: Expect::Any };
        vault.put_record(crm, &write).wait().unwrap();
    }
    let [gone, partly, held, ..] = members.as_slice() else { panic!("twelve members") };
    vault.erase(compliance, gone, None).wait().unwrap();
    vault.erase(compliance, partly, Some(&"orders".parse().unwrap())).wait().unwrap();
    let hold = NewHold { reason: "court order".to_owned(), reference: None };
    let hold = vault.set_hold(compliance, held, &hold).wait().unwrap();
    vault.read_record(crm, &RecordQuery { address: orders(*held), fields: None }).wait().unwrap();
    let token = NewToken::new(Role::Crm, "crm");
    let issued = vault.create_token(admin, &token).wait().unwrap();
    let secret = BASE64URL_NOPAD.decode(issued.secret.strip_prefix("mvt1_").unwrap().as_bytes()).unwrap();
    let token = with("secret_sha256", HEXLOWER.encode(&sha256(&[&secret[8..32]])), &issued.info);
    let records: Vec<Value> = members[1..].iter().flat_map(|member| held_of(vault, member)).collect();
    // The kinds of leaves, as the acts above came: twelve times two writes, and one export for each live member.
    let kinds = [vec![1, 17, 59], vec![3; 12], vec![4; 12], vec![12, 12, 13, 6, 15], vec![10; 11]].concat();
    // Of what was done with the member that is gone nothing can be read.
    let accesses = 11 * 2 + 2 + 11;
    let hold = json!([with("member", held.to_string().replace('-', ""), &hold)]);
    json!({ "records": records, "holds": hold, "tokens": [token], "kinds": kinds, "accesses": accesses })
}

fn create(vault: &Vault, number: usize) -> MemberId {
    let profile = json!({
        "email": format!("member-{number}@example.org"), "name": "Ada ".repeat(1 + number * number), "city": "München",
    });
    let meta = RecordMeta { source: Some("web form".to_owned()), ..RecordMeta::default() };
    let new = NewMember { profile: object(profile), meta, idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

/// The records of a member as the vault shows them, in the form of the reader.
fn held_of(vault: &Vault, member: &MemberId) -> Vec<Value> {
    let export = vault.export_member(&ctx(Role::Crm), member).wait().unwrap();
    let record = |view: &RecordView| {
        json!({
            "member": HEXLOWER.encode(member.as_bytes()), "version": view.version, "meta": view.meta,
            "created": view.created_at.as_millis(), "updated": view.updated_at.as_millis(),
            "compartment": view.compartment, "name": view.name,
            "content": std::str::from_utf8(view.data.as_bytes()).unwrap(),
        })
    };
    export.records.iter().map(record).collect()
}

fn with(name: &str, value: impl Serialize, of: &impl Serialize) -> Value {
    let mut of = serde_json::to_value(of).unwrap();
    of[name] = json!(value);
    of
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("an object") };
    object
}

fn sorted(records: &Value) -> Vec<Value> {
    let mut records = records.as_array().unwrap().clone();
    records.sort_by_key(|record| (record["member"].to_string(), record["name"].to_string()));
    records
}

/// Every row, as the reader takes them.
fn rows_of(engine: &dyn Engine) -> String {
    let mut lines = String::new();
    for keyspace in Keyspace::ALL {
        let mut row = |key: &[u8], row: &[u8]| {
            let (key, row) = (HEXLOWER.encode(key), HEXLOWER.encode(row));
            lines += &json!({ "keyspace": keyspace.name(), "key": key, "row": row }).to_string();
            lines.push('\n');
            ControlFlow::Continue(())
        };
        engine.scan(keyspace, &KeyRange::all(), &mut row).unwrap();
    }
    lines
}
