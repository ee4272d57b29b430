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

use data_encoding::HEXLOWER;
use membervault::clock::Timestamp;
use membervault::codec::rows::encode_epoch;
use membervault::codec::{RecordParts, RecordRow, VaultMeta, keys, payload};
use membervault::crypto::{self, Entropy, MemberBody, Suite};
use membervault::keyring::{Insertion, Keyring, KeyringFile, TreeShape};
use membervault::masterkey::{Cost, Passphrase};
use membervault::store::memory::MemoryEngine;
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace, Reader};
use membervault::testkit::entropy::SeededEntropy;
use membervault::types::place::RecordPlace;
use membervault::types::{IdentifierKind, MemberId, RecordMeta, RecordVersion, VaultId};
use serde_json::{Value, json};

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
    for (seed, suite, shape) in [
        (1, Suite::ChaCha20Poly1305, TreeShape::for_members(100).unwrap()),
        (2, Suite::Aes256Gcm, TreeShape::from_meta(1, [300, 1, 1]).unwrap()),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let keyring = directory.path().join("vault.keyring");
        let vault = SmallVault::make(&keyring, suite, shape, seed);
        let mut expected = vault.fill();
        let dump = directory.path().join("rows.jsonl");
        fs::write(&dump, vault.dump()).unwrap();
        let opened = python("open.py", &[&keyring, Path::new(PASSPHRASE), &dump]);
        let mut opened: Vec<Value> = opened.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for records in [&mut expected, &mut opened] {
            records.sort_by_key(|record| (record["member"].to_string(), record["name"].to_string()));
        }
        assert_eq!(opened, expected, "{suite:?}");
    }
}

/// A vault as the product makes it, without the verbs around it.
struct SmallVault {
    engine: MemoryEngine,
    keyring: Keyring,
    entropy: SeededEntropy,
    index: crypto::IndexKeys,
}

impl SmallVault {
    fn make(path: &Path, suite: Suite, shape: TreeShape, seed: u64) -> Self {
        let (engine, entropy) = (MemoryEngine::new(), SeededEntropy::new(seed));
        let master = Passphrase::new(PASSPHRASE).unwrap().with_cost(Cost::WEAK_FOR_TESTS);
        let vault = VaultId::from_random([9; 16]);
        let body = Keyring::draw(&entropy).unwrap();
        let file = KeyringFile::at(path, Path::new("/nonexistent/database")).unwrap();
        file.create(vault, suite, &master, &body, &entropy).unwrap();
        let mut write = |batch: Batch| engine.write(batch, Durability::Buffered);
        Keyring::plant(&vault, suite, &shape, &body.root, &entropy, &mut write).unwrap();
        let (depth, buckets, created) = (shape.depth(), shape.all_buckets(), Timestamp::from_millis(1));
        let meta = VaultMeta { vault, suite: suite.number(), depth, buckets, created };
        let mut batch = Batch::default();
        batch.put(Keyspace::Control, keys::VAULT_META, meta.encode());
        batch.put(Keyspace::Control, keys::TREE_EPOCH, encode_epoch(body.epoch));
        engine.write(batch, Durability::Buffered).unwrap();
        let index = body.vault_secret.index(IdentifierKind::Email.number());
        Self { engine, keyring: Keyring::new(vault, suite, shape, body), entropy, index }
    }

    /// Writes some members and records; gives back what the reader should find.
    fn fill(&self) -> Vec<Value> {
        let mut expected = Vec::new();
        for number in 0..20 {
            let mut id = [0; 16];
            self.entropy.fill(&mut id).unwrap();
            let member = MemberId::from_random(id);
            let core = "core".parse().unwrap();
            let mut body = self.keyring.new_member(Timestamp::from_millis(0), &core, &self.entropy).unwrap();
            self.keyring.add_compartment(&mut body, &"orders".parse().unwrap(), &self.entropy).unwrap();
            let email = format!("member-{number}@example.org");
            let profile =
                json!({ "email": email, "name": "Ada ".repeat(number * number), "city": "München" }).to_string();
            expected.push(self.put_record(&member, &body, "core", "profile", &profile));
            expected.push(self.put_record(&member, &body, "orders", "2026.7", "{ \"total\" : 1.0 }"));
            let mut batch = Batch::default();
            let row = self.keyring.seal_member(&self.engine, &member, &body, &self.entropy).unwrap();
            batch.put(Keyspace::Control, keys::member(&member), row);
            let mut edit = self.keyring.edit_index(&self.engine);
            let place = self.index.place(email.as_bytes(), self.keyring.shape().buckets(IdentifierKind::Email));
            assert_eq!(edit.insert(IdentifierKind::Email, &place, &member).unwrap(), Insertion::Done);
            for page in edit.finish(&self.entropy).unwrap().pages {
                page.row.into_iter().for_each(|row| _ = batch.put(Keyspace::Index, page.key, row));
            }
            self.engine.write(batch, Durability::Buffered).unwrap();
        }
        expected
    }

    fn put_record(&self, member: &MemberId, body: &MemberBody, compartment: &str, name: &str, json: &str) -> Value {
        let (compartment, name) = (compartment.parse().unwrap(), name.parse().unwrap());
        let meta = RecordMeta { source: Some("web form".to_owned()), ..RecordMeta::default() };
        let (created, updated, version) = (Timestamp::from_millis(5), Timestamp::from_millis(6), RecordVersion(3));
        let (compartment, name) = (&compartment, &name);
        let parts = RecordParts { created, updated, compartment, name, meta: &meta, json: json.as_bytes() };
        let packed = payload::pack(parts.encode().unwrap().expose()).unwrap();
        let keys = body.compartment(compartment).unwrap();
        let (dek_version, dek) = keys.current().unwrap();
        let token = body.mk.record_token(compartment, name);
        let vault = self.keyring.vault();
        let (number, version_number) = (keys.number, version.0);
        let place =
            RecordPlace { vault, member, compartment: number, record: &token, dek_version, version: version_number };
        let mut row = RecordRow::begin(dek_version, version, packed.len() + crypto::ENVELOPE_OVERHEAD);
        crypto::seal_into(self.keyring.suite(), dek, &place, packed.expose(), &self.entropy, &mut row).unwrap();
        let mut batch = Batch::default();
        batch.put(Keyspace::Records, keys::record(member, number, &token), row);
        self.engine.write(batch, Durability::Buffered).unwrap();
        json!({
            "member": HEXLOWER.encode(member.as_bytes()), "version": version, "created": 5, "updated": 6,
            "compartment": compartment, "name": name, "meta": meta, "content": json,
        })
    }

    /// Every row, as the reader takes them.
    fn dump(&self) -> String {
        let mut lines = String::new();
        for keyspace in Keyspace::ALL {
            let mut row = |key: &[u8], row: &[u8]| {
                let (key, row) = (HEXLOWER.encode(key), HEXLOWER.encode(row));
                lines += &json!({ "keyspace": keyspace.name(), "key": key, "row": row }).to_string();
                lines.push('\n');
                ControlFlow::Continue(())
            };
            self.engine.scan(keyspace, &KeyRange::all(), &mut row).unwrap();
        }
        lines
    }
}
