//! A restore, or the recovery of an old image, that is cut short anywhere: what it leaves is shut, or it is complete.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use membervault::code::{Code, Coded};
use membervault::store::memory::MemoryEngine;
use membervault::store::{Engine, StoreError};
use membervault::testkit::faults::{Fault, FaultEngine, Verb};
use membervault::testkit::slot::{MemorySlot, decode};
use membervault::testkit::vault::{TestVault, VAULT_ID, ctx};
use membervault::types::{BackupId, MemberId, Role};
use membervault::vault::api::{NewMember, RecordAddress, RecordQuery};
use membervault::vault::consent::{Method, NewConsent, Notice};
use membervault::vault::restore::{Control, Restoring};
use membervault::vault::{Error, Parts, Vault};
use serde_json::{Map, json};

const BACKUP: BackupId = BackupId::from_bytes([9; 16]);
const MEMBERS: usize = 6;
const GONE: usize = 2;
/// Who withdrew a consent since.
const WITHDRAWN: usize = 3;

/// A vault that went on after a backup, and after an image of everything.
struct House {
    memory: Arc<MemoryEngine>,
    live: TestVault,
    members: Vec<MemberId>,
    backup: MemoryEngine,
    ledger: (u64, [u8; 32]),
}

impl House {
    fn new() -> Self {
        let memory = Arc::new(MemoryEngine::new());
        let live = TestVault::over(3, Arc::clone(&memory) as _);
        let create = |number: usize| {
            let profile = Map::from_iter([("email".to_owned(), json!(format!("m{number}@example.org")))]);
            let new = NewMember { profile, meta: Default::default(), idempotency_key: None };
            live.vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
        };
        let members: Vec<_> = (0..MEMBERS).map(create).collect();
        let newsletter = "newsletter".parse().unwrap();
        live.vault.give_consent(&ctx(Role::Crm), &members[WITHDRAWN], &newsletter, &consent()).wait().unwrap();
        let status = live.vault.status(&ctx(Role::Ops)).wait().unwrap();
        let mut root = [0; 32];
        data_encoding::HEXLOWER.decode_mut(status.ledger_root.as_bytes(), &mut root).unwrap();
        let backup = memory.fork();
        for member in members.iter().take(GONE) {
            live.vault.erase(&ctx(Role::Compliance), member, None).wait().unwrap();
        }
        live.vault.withdraw_consent(&ctx(Role::Crm), &members[WITHDRAWN], &newsletter).wait().unwrap();
        live.vault.seal_due().unwrap();
        live.vault.close().unwrap();
        Self { memory, live, members, backup, ledger: (status.ledger_size, root) }
    }

    fn parts(&self, engine: Arc<dyn Engine>, slot: &Arc<MemorySlot>) -> Parts {
        let mut remains = self.live.remains();
        (remains.engine, remains.slot) = (engine, Arc::clone(slot));
        remains.parts(None)
    }

    fn restore(&self, into: Arc<dyn Engine>) -> Result<(), Error> {
        let restoring = Restoring {
            data: &self.backup,
            control: Control::Database(&*self.memory),
            backup: BACKUP,
            manifest_sha256: [0; 32],
            ledger: self.ledger,
        };
        // Parts are made over another engine: making them reads, and a fault must strike the restore.
        let parts = self.parts(Arc::clone(&self.memory) as _, &self.live.slot);
        Vault::restore(Parts { engine: into, ..parts }, restoring).map(drop)
    }

    /// What lies in `engine` is no vault that opens, or everybody but the erased is in it. Whether it opens.
    fn check(&self, engine: Arc<dyn Engine>, slot: &Arc<MemorySlot>, what: &str) -> bool {
        let vault = match Vault::open(self.parts(engine, slot)) {
            Err(error) => {
                assert!(matches!(error.code(), Code::RestoreUnfinished | Code::NoVault), "{what}: {error}");
                return false;
            }
            Ok(vault) => vault,
        };
        for (number, member) in self.members.iter().enumerate() {
            let query = RecordQuery { address: RecordAddress::profile(*member), fields: None };
            let found = vault.read_record(&ctx(Role::Crm), &query).wait().map(drop).map_err(|error| error.code());
            assert_eq!(found, if number < GONE { Err(Code::Gone) } else { Ok(()) }, "{what}: member {number}");
        }
        let consents = vault.consents(&ctx(Role::Crm), &self.members[WITHDRAWN]).wait().unwrap();
        assert!(consents.standing.consents.is_empty() && !consents.consents.is_empty(), "{what}: {consents:?}");
        assert!(vault.examine(&ctx(Role::Ops)).wait().unwrap().is_sound(), "{what}");
        true
    }
}

fn consent() -> NewConsent {
    NewConsent {
        notice: Notice { version: "1".to_owned(), sha256: None, language: None },
        notice_text: Some("We write to you.".to_owned()),
        method: Method::WebForm,
        place: None,
        explicit: false,
        expires_at: None,
    }
}

fn failure() -> StoreError {
    StoreError::Io { doing: "a test", source: Arc::new(io::Error::other("a fault")) }
}

/// Every write and every sync in turn, and some calls of any kind; from then on, all fail.
fn faults(calls: &BTreeMap<&str, u64>) -> Vec<(String, Fault)> {
    let of = |name: &'static str, verb: Verb| {
        (0..calls[name])
            .map(move |call| (format!("{name} {call}"), Fault::next(verb, failure()).after(call).and_all_later()))
    };
    let any = (0..calls["get"]).step_by(37);
    let any = any.map(|call| (format!("call {call}"), Fault::next_of_any(failure()).after(call).and_all_later()));
    of("write", Verb::Write).chain(of("sync", Verb::Sync)).chain(any).collect()
}

fn counted<E: Engine>(engine: &FaultEngine<E>) -> BTreeMap<&'static str, u64> {
    [("write", Verb::Write), ("sync", Verb::Sync), ("get", Verb::Get)]
        .into_iter()
        .map(|(name, verb)| (name, engine.calls(verb)))
        .collect()
}

#[test]
fn a_restore_cut_short_anywhere_is_shut_or_complete() {
    let house = House::new();
    let whole = Arc::new(FaultEngine::new(MemoryEngine::new()));
    house.restore(Arc::clone(&whole) as _).unwrap();
    let calls = counted(&*whole);
    assert!(calls["write"] > 5 && calls["sync"] > 2, "{calls:?}");
    let (mut shut, mut complete) = (0, 0);
    for (what, fault) in faults(&calls) {
        let engine = Arc::new(FaultEngine::new(MemoryEngine::new()));
        engine.inject(fault);
        let done = house.restore(Arc::clone(&engine) as _).is_ok();
        // What a crash of the process leaves, and one of the machine.
        for left in [engine.inner().fork(), engine.crash(0).unwrap()] {
            let opens = house.check(Arc::new(left), &house.live.slot, &what);
            assert!(opens || !done, "{what}: restored, and does not open");
            *(if opens { &mut complete } else { &mut shut }) += 1;
        }
    }
    assert!(shut > 20 && complete <= 8, "{shut} shut, {complete} complete");
    assert!(house.check(Arc::new(whole.inner().fork()), &house.live.slot, "whole"));
}

#[test]
fn a_recovery_cut_short_anywhere_is_shut_until_it_is_run_again() {
    let house = House::new();
    let old_keyring = || Arc::new(MemorySlot::new(VAULT_ID, &decode(&house.live.slot.past()[0])));
    let image = || Arc::new(FaultEngine::<MemoryEngine>::after_crash(house.backup.fork()));
    let recover = |engine: Arc<dyn Engine>, slot: &Arc<MemorySlot>| {
        let mut remains = house.live.remains();
        (remains.slot, remains.capsules) = (Arc::clone(slot), Arc::default());
        Vault::recover_stale(Parts { engine, ..remains.parts(None) }, &*house.memory).map(drop)
    };
    let (whole, slot) = (image(), old_keyring());
    recover(Arc::clone(&whole) as _, &slot).unwrap();
    assert!(house.check(Arc::new(whole.inner().fork()), &slot, "whole"));
    for (what, fault) in faults(&counted(&*whole)) {
        let (engine, slot) = (image(), old_keyring());
        engine.inject(fault);
        let done = recover(Arc::clone(&engine) as _, &slot).is_ok();
        let left = engine.inner().fork();
        let begun = left.get_unfinished();
        assert!(!(done && begun), "{what}");
        let again: Arc<dyn Engine> = Arc::new(left);
        if begun {
            assert!(!house.check(Arc::clone(&again), &slot, &what), "{what}");
        }
        recover(Arc::clone(&again), &slot).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(house.check(again, &slot, &what));
    }
}

/// Whether the mark of a restore under way is there.
trait Unfinished {
    fn get_unfinished(&self) -> bool;
}

impl Unfinished for MemoryEngine {
    fn get_unfinished(&self) -> bool {
        use membervault::store::{Keyspace, Reader};
        self.get(Keyspace::Control, b"Z").unwrap().is_some()
    }
}
