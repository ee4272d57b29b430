//! Backups of a vault that goes on, over the facade and over HTTP, with the engine that ships.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use membervault::backup::{Depot, Progress};
use membervault::code::{Code, Coded};
use membervault::http::Settings;
use membervault::ledger::{Event, Leaf};
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Engine, KeyRange, Keyspace};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, Role};
use membervault::vault::Vault;
use membervault::vault::api::{BackupState, NewMember, RecordAddress, RecordQuery};
use membervault::vault::backup::BackupSettings;
use serde_json::{Map, json};
use support::desk::{Ask, Desk};
use tempfile::TempDir;

/// A vault on a disk, and a place for its backups.
struct House {
    directory: TempDir,
    vault: TestVault,
}

impl House {
    fn new() -> Self {
        Self::with_rate(0)
    }

    fn with_rate(rate_mib_s: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let vault = TestVault::over(5, engine(&directory.path().join("db"), Opening::Fresh));
        vault.vault.set_backups(settings(directory.path(), rate_mib_s)).unwrap();
        Self { directory, vault }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn depot(&self) -> Depot {
        Depot::at(self.path("backups"))
    }
}

fn settings(directory: &Path, rate_mib_s: u64) -> BackupSettings {
    BackupSettings { directory: Some(directory.join("backups")), scratch: directory.join("db.checkpoint"), rate_mib_s }
}

fn engine(path: &Path, opening: Opening) -> Arc<dyn Engine> {
    let small =
        RocksSettings { block_cache_bytes: 16 << 20, write_buffer_bytes: 4 << 20, ..RocksSettings::new(path, opening) };
    Arc::new(RocksEngine::open(&small).unwrap())
}

fn create(vault: &Vault, name: &str) -> MemberId {
    let profile = Map::from_iter([("name".to_owned(), json!(name)), ("external_id".to_owned(), json!(name))]);
    let new = NewMember { profile, meta: Default::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

fn profile(member: MemberId) -> RecordQuery {
    RecordQuery { address: RecordAddress::profile(member), fields: None }
}

fn name_of(vault: &Vault, member: MemberId) -> String {
    let query = profile(member);
    let view = vault.read_record(&ctx(Role::Crm), &query).wait().unwrap();
    serde_json::from_slice::<serde_json::Value>(view.data.as_bytes()).unwrap()["name"].as_str().unwrap().to_owned()
}

fn last_leaf(engine: &dyn Engine) -> Leaf {
    let mut last = None;
    let visit = &mut |_: &[u8], leaf: &[u8]| {
        last = Some(Leaf::parse(leaf).unwrap());
        std::ops::ControlFlow::Continue(())
    };
    engine.scan(Keyspace::Ledger, &KeyRange::prefix(*b"L"), visit).unwrap();
    last.unwrap()
}

#[test]
fn a_backup_is_a_vault_as_it_was() {
    let house = House::new();
    let vault = &house.vault.vault;
    let ada = create(vault, "Ada");
    let mut looks = 0;
    let backup = vault.take_backup(&ctx(Role::Ops), &mut |_| looks += 1).unwrap();
    assert_eq!((backup.state, backup.bytes_done, looks > 0), (BackupState::Done, backup.bytes_total, true));
    assert!(!house.path("db.checkpoint").exists());
    let (manifest, sha256) = house.depot().manifest(&backup.id).unwrap();
    assert_eq!(last_leaf(&*house.vault.engine).event, Event::Backup { backup: backup.id, manifest: sha256 });
    assert_eq!(manifest.ledger_size + 1, vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size);

    let bob = create(vault, "Bob");
    house.depot().fetch(&backup.id, &house.path("back"), &Progress::default()).unwrap();
    let back = TestVault::found_in(5, engine(&house.path("back"), Opening::Existing));
    assert_eq!(name_of(&back.vault, ada), "Ada");
    let query = profile(bob);
    assert_eq!(back.vault.read_record(&ctx(Role::Crm), &query).wait().err().unwrap().code(), Code::NotFound);
}

#[test]
fn the_second_backup_copies_what_is_new() {
    let house = House::new();
    let vault = &house.vault.vault;
    let first = vault.take_backup(&ctx(Role::Ops), &mut |_| {}).unwrap();
    create(vault, "Ada");
    let second = vault.take_backup(&ctx(Role::Ops), &mut |_| {}).unwrap();
    let (first, second_copied) = (first.bytes_copied.unwrap(), second.bytes_copied.unwrap());
    assert!(second_copied * 4 < first, "{second_copied} of {first}");
    for manifest in house.depot().list().unwrap() {
        assert!(house.depot().verify(&manifest.backup, &Progress::default()).unwrap().is_whole());
    }
    let listed = vault.list_backups(&ctx(Role::Ops)).wait().unwrap().items;
    assert_eq!(listed.iter().map(|backup| backup.state).collect::<Vec<_>>(), [BackupState::Done; 2]);
}

#[test]
fn one_at_a_time_and_closing_ends_it() {
    let house = House::with_rate(1);
    let vault = &house.vault.vault;
    for number in 0..40 {
        create(vault, &format!("member {number}"));
    }
    let begun = vault.start_backup(&ctx(Role::Ops)).wait().unwrap();
    assert_eq!(begun.state, BackupState::Running);
    assert_eq!(vault.start_backup(&ctx(Role::Ops)).wait().err().unwrap().code(), Code::BackupRunning);
    // Members are served meanwhile.
    assert_eq!(name_of(vault, create(vault, "Ada")), "Ada");
    vault.close().unwrap();
    assert_eq!(house.depot().list().unwrap(), []);
    assert!(!house.path("db.checkpoint").exists());
}

#[test]
fn without_a_directory_there_are_no_backups() {
    let vault = TestVault::new(1).vault;
    for refused in [vault.start_backup(&ctx(Role::Ops)).wait().err(), vault.list_backups(&ctx(Role::Ops)).wait().err()]
    {
        assert_eq!(refused.unwrap().code(), Code::NotConfigured);
    }
    assert_eq!(vault.start_backup(&ctx(Role::Crm)).wait().err().unwrap().code(), Code::Forbidden);
}

#[test]
fn a_full_disk_fails_the_backup_and_leaves_the_vault_alone() {
    let house = House::new();
    let vault = &house.vault.vault;
    // A file where the depot should be: nothing can be written there.
    std::fs::write(house.path("backups"), b"").unwrap();
    let failed = vault.take_backup(&ctx(Role::Ops), &mut |_| {}).err().unwrap();
    assert_eq!(failed.code(), Code::Io);
    assert!(!house.path("db.checkpoint").exists());
    create(vault, "Ada");
    std::fs::remove_file(house.path("backups")).unwrap();
    assert_eq!(vault.take_backup(&ctx(Role::Ops), &mut |_| {}).unwrap().state, BackupState::Done);
}

#[tokio::test]
async fn operators_take_backups_over_http() {
    let house = House::new();
    let depot = house.depot();
    let House { directory, vault } = house;
    let desk = Desk::over(vault, &Settings::default());
    let ops = desk.token(Role::Ops, None);
    let headers: &[(&str, &str)] = &[("authorization", ops.as_str())];
    let ask = |method, template, values| Ask { method, template, values, headers, ..Ask::default() };
    let begun = desk.send(ask("POST", "/v1/backups", &[])).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(begun.header("location"), format!("/v1/backups/{id}"));
    let values = [id.as_str()];
    loop {
        let reply = desk.send(ask("GET", "/v1/backups/{id}", &values)).await;
        match reply.json()["state"].as_str().unwrap() {
            "running" => tokio::task::yield_now().await,
            state => break assert_eq!(state, "done", "{}", reply.text()),
        }
    }
    let listed = desk.send(ask("GET", "/v1/backups", &[])).await.json();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["id"]), (1, &json!(id)));
    assert!(depot.verify(&id.parse().unwrap(), &Progress::default()).unwrap().is_whole());
    drop(directory);
}
