//! Restore: everybody comes back but those who were erased, whatever is left of the vault.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "restore/callers.rs"]
mod callers;
#[path = "restore/consents.rs"]
mod consents;
#[path = "restore/images.rs"]
mod images;
#[path = "restore/later.rs"]
mod later;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use membervault::backup::{Depot, Progress};
use membervault::code::{Code, Coded};
use membervault::store::memory::MemoryEngine;
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Durability, Engine, Keyspace};
use membervault::testkit::slot::{MemorySlot, decode};
use membervault::testkit::vault::{TestVault, VAULT_ID, ctx};
use membervault::types::{BackupId, Ctx, IdentifierKind, MemberId, Role};
use membervault::vault::api::{
    Expect, NewHold, NewMember, RecordAddress, RecordPatch, RecordQuery, RecordWrite, Stage,
};
use membervault::vault::backup::BackupSettings;
use membervault::vault::restore::{Control, Restored, Restoring};
use membervault::vault::seal::Step;
use membervault::vault::{Error, Parts, Vault};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const MEMBERS: usize = 24;

fn engine(path: &Path, opening: Opening) -> Arc<dyn Engine> {
    let small =
        RocksSettings { block_cache_bytes: 16 << 20, write_buffer_bytes: 4 << 20, ..RocksSettings::new(path, opening) };
    Arc::new(RocksEngine::open(&small).unwrap())
}

fn crm() -> Ctx {
    ctx(Role::Crm)
}

/// A vault on a disk with a mirror on another, and members in it.
struct House {
    directory: TempDir,
    live: TestVault,
    members: Vec<MemberId>,
}

fn profile(number: usize) -> Map<String, Value> {
    let mut profile = Map::new();
    profile.insert("name".to_owned(), json!(format!("member {number}")));
    profile.insert("external_id".to_owned(), json!(format!("x{number}")));
    profile.insert("email".to_owned(), json!(format!("m{number}@example.org")));
    profile
}

fn create(vault: &Vault, number: usize) -> MemberId {
    let new = NewMember { profile: profile(number), meta: Default::default(), idempotency_key: None };
    let member = vault.create_member(&crm(), &new).wait().unwrap().id;
    for compartment in ["orders", "marketing"] {
        let address = address(member, compartment, "1");
        let data = Map::from_iter([("total".to_owned(), json!(number))]);
        vault.put_record(&crm(), &RecordWrite { address, data, meta: None, expect: Expect::Any }).wait().unwrap();
    }
    member
}

fn address(member: MemberId, compartment: &str, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: compartment.parse().unwrap(), name: name.parse().unwrap() }
}

fn read(vault: &Vault, address: RecordAddress) -> Result<Value, Code> {
    let view =
        vault.read_record(&crm(), &RecordQuery { address, fields: None }).wait().map_err(|error| error.code())?;
    Ok(serde_json::from_slice(view.data.as_bytes()).unwrap())
}

fn find(vault: &Vault, email: &str) -> Option<MemberId> {
    vault.lookup(&crm(), IdentifierKind::Email, email).wait().ok()
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::create_dir(path.join("mirror")).unwrap();
        let founded = TestVault::over(5, engine(&path.join("db"), Opening::Fresh));
        founded.vault.close().unwrap();
        let mut remains = founded.remains();
        remains.mirrors = vec![path.join("mirror")];
        drop(founded);
        let live = remains.open(None).unwrap();
        let scratch = path.join("db.checkpoint");
        live.vault
            .set_backups(BackupSettings { directory: Some(path.join("backups")), scratch, rate_mib_s: 0 })
            .unwrap();
        let members = (0..MEMBERS).map(|number| create(&live.vault, number)).collect();
        Self { directory, live, members }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn depot(&self) -> Depot {
        Depot::at(self.path("backups"))
    }

    fn backup(&self) -> BackupId {
        self.live.vault.take_backup(&ctx(Role::Ops), &mut |_| {}).unwrap().id
    }

    fn erase(&self, member: usize) {
        self.live.vault.erase(&ctx(Role::Compliance), &self.members[member], None).wait().unwrap();
    }

    fn seal(&self) {
        self.live.vault.seal_due().unwrap();
    }

    /// Restores a backup under these control rows into the directory `name`.
    fn restore(&self, backup: BackupId, control: Control<'_>, name: &str) -> Result<(Vault, Restored), Error> {
        let laid_out = self.path(&format!("{name}.backup"));
        let manifest = self.depot().fetch(&backup, &laid_out, &Progress::default()).unwrap();
        let data = engine(&laid_out, Opening::Existing);
        let (_, manifest_sha256) = self.depot().manifest(&backup).unwrap();
        let mut root = [0; 32];
        data_encoding::HEXLOWER.decode_mut(manifest.ledger_root.as_bytes(), &mut root).unwrap();
        let restoring =
            Restoring { data: &*data, control, backup, manifest_sha256, ledger: (manifest.ledger_size, root) };
        Vault::restore(self.parts(engine(&self.path(name), Opening::Fresh)), restoring)
    }

    /// Today's keyring over another engine.
    fn parts(&self, engine: Arc<dyn Engine>) -> Parts {
        let mut remains = self.live.remains();
        remains.engine = engine;
        remains.mirrors = Vec::new();
        remains.parts(None)
    }

    /// All live members are there as they were, and nobody who was erased.
    fn check(&self, vault: &Vault, gone: &[usize]) {
        for (number, member) in self.members.iter().enumerate() {
            let expected = |found| if gone.contains(&number) { Err(Code::Gone) } else { Ok(found) };
            let found = read(vault, RecordAddress::profile(*member));
            assert_eq!(found, expected(Value::Object(profile(number))), "member {number}");
            let order = read(vault, address(*member, "orders", "1"));
            assert_eq!(order, expected(json!({ "total": number })));
            let found = find(vault, &format!("m{number}@example.org"));
            assert_eq!(found, (!gone.contains(&number)).then_some(*member), "the e-mail of member {number}");
        }
        let seen = vault.examine(&ctx(Role::Ops)).wait().unwrap();
        assert!(seen.is_sound(), "{:?}", seen.findings);
    }
}

#[test]
fn an_old_backup_brings_everybody_back_but_the_erased() {
    let house = House::new();
    let backup = house.backup();
    (0..5).for_each(|member| house.erase(member));
    house.seal();
    // What has changed since the backup: an e-mail, a new member, one part erased.
    let patch = RecordPatch {
        address: RecordAddress::profile(house.members[9]),
        patch: Map::from_iter([("email".to_owned(), json!("new@example.org"))]),
        meta: None,
        expect: Expect::Any,
    };
    house.live.vault.patch_record(&crm(), &patch).wait().unwrap();
    let late = create(&house.live.vault, 77);
    let marketing = "marketing".parse().unwrap();
    house.live.vault.erase(&ctx(Role::Compliance), &house.members[11], Some(&marketing)).wait().unwrap();
    house.live.vault.close().unwrap();

    let control = Control::Database(&*house.live.engine);
    let (vault, done) = house.restore(backup, control, "into").unwrap();
    house.check(&vault, &[0, 1, 2, 3, 4]);
    assert_eq!(find(&vault, "new@example.org"), None, "an e-mail that no profile has any more");
    assert_eq!(find(&vault, "m77@example.org"), None);
    assert_eq!(read(&vault, RecordAddress::profile(late)), Err(Code::NotFound));
    assert_eq!(read(&vault, address(house.members[11], "marketing", "1")), Err(Code::Gone));
    assert_eq!(read(&vault, address(house.members[12], "marketing", "1")), Ok(json!({"total": 12})));
    let expected = Restored {
        members: 20,
        members_without_profile: 1,
        records: 19 * 3 - 1,
        records_left_out: 5 * 3 + 1,
        records_under_old_keys: 0,
        accesses: done.accesses,
        accesses_left_out: done.accesses_left_out,
        index_removed: 3,
        index_entered: 1,
        index_taken: 0,
        erased_again: 0,
        backup_is_logged: true,
    };
    assert_eq!(done, expected);
    assert!(done.accesses > 0 && done.accesses_left_out > 0, "{done:?}");

    // It goes on as a vault: writes, erasures, seals, a restart.
    create(&vault, 100);
    vault.erase(&ctx(Role::Compliance), &house.members[20], None).wait().unwrap();
    vault.seal_due().unwrap();
    vault.close().unwrap();
    drop(vault);
    let again = Vault::open(house.parts(engine(&house.path("into"), Opening::Existing))).unwrap();
    house.check(&again, &[0, 1, 2, 3, 4, 20]);
}

#[test]
fn a_mirror_stands_in_for_a_database_that_is_lost() {
    let house = House::new();
    let backup = house.backup();
    (3..7).for_each(|member| house.erase(member));
    house.seal();
    house.erase(7);
    // The machine is gone: nothing is closed, and where the database was there is nothing. Moved in one step, since its
    // background threads go on making files and a removal of one after the other would race them.
    fs::rename(house.path("db"), house.path("gone")).unwrap();
    let mirror = house.path("mirror");
    let (vault, done) = house.restore(backup, Control::Mirror(&mirror), "into").unwrap();
    house.check(&vault, &[3, 4, 5, 6, 7]);
    assert_eq!((done.members, done.erased_again), (19, 0));
}

#[test]
fn a_machine_lost_in_the_middle_of_a_seal_is_restored_and_seals_again() {
    // What comes after the drop of the old root changes nothing that is mirrored.
    for stop in Step::ORDER.into_iter().take_while(|step| *step != Step::Wipe) {
        let house = House::new();
        let backup = house.backup();
        house.erase(1);
        let House { directory, live, members } = house;
        let remains = live.remains();
        live.vault.close().unwrap();
        drop(live);
        let watch = move |step| if step == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let house = House { directory, live: remains.open(Some(Arc::new(watch))).unwrap(), members };
        let _cut_short = house.live.vault.seal_due();
        let mirror = house.path("mirror");
        let (vault, done) = house.restore(backup, Control::Mirror(&mirror), "into").unwrap();
        assert_eq!(done.erased_again, 0, "after {}", stop.name());
        house.check(&vault, &[1]);
        vault.erase(&ctx(Role::Compliance), &house.members[2], None).wait().unwrap();
        vault.seal_due().unwrap();
        house.check(&vault, &[1, 2]);
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let house = House::new();
    let (early, vault) = (house.backup(), &house.live.vault);
    let old_control = house.path("old-control");
    house.live.engine.checkpoint(&old_control).unwrap();
    create(vault, 50);
    let late = house.backup();
    vault.close().unwrap();
    let refused = |outcome: Result<(Vault, Restored), Error>| outcome.err().unwrap().code();

    let old = engine(&old_control, Opening::Existing);
    assert_eq!(refused(house.restore(late, Control::Database(&*old), "older")), Code::StaleImage);
    let other = TestVault::over(6, Arc::new(MemoryEngine::new()));
    assert_eq!(refused(house.restore(early, Control::Database(&*other.engine), "other")), Code::StaleImage);
    assert_eq!(refused(house.restore(early, Control::Mirror(&house.path("backups")), "none")), Code::NotFound);

    // A manifest that is not the one in the log.
    let path = house.path("backups").join(early.to_string()).join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}\n")).unwrap();
    assert_eq!(refused(house.restore(early, Control::Database(&*house.live.engine), "changed")), Code::Corrupt);
}

#[test]
fn a_restore_cut_short_stays_shut() {
    let house = House::new();
    let backup = house.backup();
    house.live.vault.close().unwrap();
    let (vault, _) = house.restore(backup, Control::Database(&*house.live.engine), "into").unwrap();
    // As it was a moment before its last commit: the mark is there.
    let mut batch = Batch::new();
    batch.put(Keyspace::Control, *b"Z", [&[1], backup.as_bytes().as_slice(), &[0; 8]].concat());
    vault.close().unwrap();
    drop(vault);
    let into = engine(&house.path("into"), Opening::Existing);
    into.write(batch, Durability::Synced).unwrap();
    assert_eq!(Vault::open(house.parts(Arc::clone(&into))).err().unwrap().code(), Code::RestoreUnfinished);
    let again = house.restore(backup, Control::Database(&*into), "from-unfinished");
    assert_eq!(again.err().unwrap().code(), Code::StaleImage);
    drop(into);
    let (vault, _) = house.restore(backup, Control::Database(&*house.live.engine), "fresh").unwrap();
    house.check(&vault, &[]);
}

#[test]
fn keys_that_should_not_be_there_are_an_alarm() {
    let house = House::new();
    let backup = house.backup();
    let engine = &house.live.engine;
    let row_of = |number: usize| {
        let key = [b"M".as_slice(), house.members[number].as_bytes()].concat();
        (key.clone(), engine.get(Keyspace::Control, &key).unwrap().unwrap())
    };
    let mut back = Batch::new();
    for number in [2, 5] {
        let (key, row) = row_of(number);
        back.put(Keyspace::Control, key, row.to_vec());
    }
    for number in [2, 5] {
        let erasure = house.live.vault.erase(&ctx(Role::Compliance), &house.members[number], None).wait().unwrap();
        // Or the opening would see to it.
        back.delete(Keyspace::Control, [b"P".as_slice(), erasure.id.as_bytes()].concat());
    }
    house.live.vault.close().unwrap();
    // Somebody put the member rows back, and took the marks of the erasures away.
    engine.write(back, Durability::Synced).unwrap();
    let (vault, done) = house.restore(backup, Control::Database(&**engine), "into").unwrap();
    assert_eq!(done.erased_again, 2, "{done:?}");
    house.check(&vault, &[2, 5]);
}
