//! Random histories against a model, with a failing engine and a machine that loses power.
//!
//! Whatever fails, and wherever the power goes: everything that was acknowledged is there, everything erased stays
//! erased, and what was under way is either wholly done or not done at all. After each accident the vault is opened from
//! what a disk would hold, compared with the model member by member, looked over by the doctor, and goes on working.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use membervault::code::{Code, Coded};
use membervault::store::cached::CachedEngine;
use membervault::store::memory::MemoryEngine;
use membervault::store::{Cause, Engine, StoreError};
use membervault::testkit::faults::{Fault, FaultEngine, Verb};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{IdentifierKind, MemberId, RecordMeta, Role};
use membervault::vault::api::{Expect, NewMember, RecordAddress, RecordQuery, RecordWrite};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value, json};

/// Histories of the run. Each opens three vaults and takes some tenths of a second in a debug build.
const HISTORIES: u64 = 30;
/// Bytes of rows kept, in every other history: not enough for all.
const CACHE_BYTES: usize = 16 << 10;
/// Acts of one history, unless it ends in an accident before.
const ACTS: usize = 60;

/// A small generator, so that a seed is a history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// What is known of one member: the profile's e-mail and tier, the orders, or that it was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    Live { email: String, orders: BTreeMap<String, u64>, orders_erased: bool },
    Erased,
}

/// What was acknowledged, and the one act whose outcome nobody knows.
#[derive(Default)]
struct Model {
    members: BTreeMap<MemberId, Known>,
    in_doubt: Option<(MemberId, Known)>,
    /// E-mails that may or may not have been taken by a creation in doubt.
    created_in_doubt: Option<String>,
    names: u64,
}

#[derive(Debug)]
enum Act {
    Create,
    ChangeEmail(MemberId),
    PutOrder(MemberId, String),
    EraseOrders(MemberId),
    Erase(MemberId),
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn order(member: MemberId, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: "orders".parse().unwrap(), name: name.parse().unwrap() }
}

impl Model {
    fn draw(&mut self, dice: &mut Dice) -> Act {
        let live: Vec<_> =
            self.members.iter().filter(|(_, known)| **known != Known::Erased).map(|(id, _)| *id).collect();
        let kind = dice.roll(10);
        if live.is_empty() || kind < 3 {
            return Act::Create;
        }
        let member = live[dice.roll(live.len() as u64) as usize];
        match kind {
            3..=4 => Act::ChangeEmail(member),
            5..=7 => Act::PutOrder(member, format!("o{}", dice.roll(4))),
            8 => Act::EraseOrders(member),
            _ => Act::Erase(member),
        }
    }

    /// Does one act and writes its outcome into the model. `false`: the engine failed.
    fn act(&mut self, vault: &Vault, act: Act) -> bool {
        self.names += 1;
        let email = format!("m{}@example.org", self.names);
        match act {
            Act::Create => {
                let new = NewMember {
                    profile: object(json!({ "email": email })),
                    meta: RecordMeta::default(),
                    idempotency_key: None,
                };
                match vault.create_member(&ctx(Role::Crm), &new).wait() {
                    Ok(created) => {
                        let live = Known::Live { email, orders: BTreeMap::new(), orders_erased: false };
                        self.members.insert(created.id, live);
                        true
                    }
                    Err(error) => {
                        self.created_in_doubt = Some(email);
                        failed(&error)
                    }
                }
            }
            Act::ChangeEmail(member) => {
                let write = RecordWrite {
                    address: RecordAddress::profile(member),
                    data: object(json!({ "email": email })),
                    meta: None,
                    expect: Expect::Present,
                };
                let outcome = vault.put_record(&ctx(Role::Crm), &write).wait();
                self.settle(member, outcome.map(drop), |known| {
                    if let Known::Live { email: old, .. } = known {
                        *old = email.clone();
                    }
                })
            }
            Act::PutOrder(member, name) => {
                let number = self.names;
                let write = RecordWrite {
                    address: order(member, &name),
                    data: object(json!({ "n": number })),
                    meta: None,
                    expect: Expect::Any,
                };
                let outcome = vault.put_record(&ctx(Role::Crm), &write).wait();
                self.settle(member, outcome.map(drop), |known| {
                    if let Known::Live { orders, .. } = known {
                        orders.insert(name.clone(), number);
                    }
                })
            }
            Act::EraseOrders(member) => {
                let compartment = "orders".parse().unwrap();
                let outcome = vault.erase(&ctx(Role::Compliance), &member, Some(&compartment)).wait();
                self.settle(member, outcome.map(drop), |known| {
                    if let Known::Live { orders, orders_erased, .. } = known {
                        orders.clear();
                        *orders_erased = true;
                    }
                })
            }
            Act::Erase(member) => {
                let outcome = vault.erase(&ctx(Role::Compliance), &member, None).wait();
                self.settle(member, outcome.map(drop), |known| *known = Known::Erased)
            }
        }
    }

    fn settle(&mut self, member: MemberId, outcome: Result<(), Error>, change: impl Fn(&mut Known)) -> bool {
        let mut after = self.members[&member].clone();
        change(&mut after);
        match outcome {
            Ok(()) => {
                self.members.insert(member, after);
                true
            }
            // Refused for what the model knows too: nothing happened.
            Err(error) if matches!(error.code(), Code::Gone | Code::NotFound) => true,
            Err(error) => {
                self.in_doubt = Some((member, after));
                failed(&error)
            }
        }
    }

    /// Compares the vault with the model. What was in doubt is known afterwards.
    fn verify(&mut self, vault: &Vault, history: u64) {
        let doubtful = self.in_doubt.take();
        for (member, known) in &mut self.members {
            let found = look(vault, *member, known);
            match &doubtful {
                Some((doubted, after)) if doubted == member && found == *after => *known = after.clone(),
                _ => assert_eq!(found, *known, "history {history}: member {member}"),
            }
        }
        for (member, known) in &self.members {
            if let Known::Live { email, .. } = known {
                let found = vault.lookup(&ctx(Role::Crm), IdentifierKind::Email, email).wait();
                assert_eq!(found.ok().as_ref(), Some(member), "history {history}: the index follows the profile");
            }
        }
        if let Some(email) = self.created_in_doubt.take()
            && let Ok(id) = vault.lookup(&ctx(Role::Crm), IdentifierKind::Email, &email).wait()
        {
            let known = Known::Live { email, orders: BTreeMap::new(), orders_erased: false };
            assert_eq!(look(vault, id, &known), known, "history {history}: a member found is a whole member");
            self.members.insert(id, known);
        }
        let seen = vault.examine(&ctx(Role::Ops)).wait().unwrap();
        assert!(seen.is_sound(), "history {history}: {:?}", seen.findings);
        let live = self.members.values().filter(|known| **known != Known::Erased).count();
        assert_eq!(seen.members, live as u64, "history {history}: nobody is there whom nobody created");
    }
}

/// Whether the vault may be used on: a failure that is not of the engine is a bug of the test or of the vault.
fn failed(error: &Error) -> bool {
    let expected = [Code::StorageFailed, Code::DiskFull, Code::Io];
    assert!(expected.contains(&error.code()), "{error:?} is no failure of the engine");
    false
}

/// The member as the vault shows it.
fn look(vault: &Vault, member: MemberId, like: &Known) -> Known {
    let read = |address: RecordAddress| -> Result<Value, Error> {
        let view = vault.read_record(&ctx(Role::Crm), &RecordQuery { address, fields: None }).wait()?;
        Ok(serde_json::from_slice(view.data.as_bytes()).unwrap())
    };
    let profile = match read(RecordAddress::profile(member)) {
        Ok(profile) => profile,
        Err(error) => {
            assert_eq!(error.code(), Code::Gone, "a member of {like:?} is there or gone, nothing else");
            return Known::Erased;
        }
    };
    let mut orders = BTreeMap::new();
    let mut orders_erased = false;
    for name in ["o0", "o1", "o2", "o3"] {
        match read(order(member, name)) {
            Ok(found) => drop(orders.insert(name.to_owned(), found["n"].as_u64().unwrap())),
            Err(error) if error.code() == Code::Gone => orders_erased = true,
            Err(error) => assert_eq!(error.code(), Code::NotFound),
        }
    }
    Known::Live { email: profile["email"].as_str().unwrap().to_owned(), orders, orders_erased }
}

fn accident(dice: &mut Dice) -> Fault {
    let source: Cause = Arc::new(std::io::Error::other("the test pulled the plug"));
    let doing = "doing what the test fails";
    let error = match dice.roll(2) {
        0 => StoreError::DiskFull { doing, source },
        _ => StoreError::Io { doing, source },
    };
    let verb = [Verb::Get, Verb::Scan, Verb::Write, Verb::Sync][dice.roll(4) as usize];
    let fault = Fault::next(verb, error).after(dice.roll(40));
    match dice.roll(3) {
        0 => fault,
        1 => fault.and_all_later(),
        _ => fault.having_taken_effect(),
    }
}

#[test]
fn what_was_acknowledged_is_there_and_what_was_erased_stays_gone() {
    for history in 0..HISTORIES {
        let mut dice = Dice(history);
        let mut model = Model::default();
        let mut disk = MemoryEngine::default();
        let mut founded = false;
        for _ in 0..2 {
            let engine = Arc::new(FaultEngine::<MemoryEngine>::after_crash(disk));
            let store: Arc<dyn Engine> = match history % 2 {
                0 => Arc::clone(&engine) as _,
                _ => Arc::new(CachedEngine::new(Arc::clone(&engine) as _, CACHE_BYTES)),
            };
            let test = if founded { TestVault::found_in(history, store) } else { TestVault::over(history, store) };
            founded = true;
            model.verify(&test.vault, history);
            engine.inject(accident(&mut dice));
            for _ in 0..ACTS {
                let act = model.draw(&mut dice);
                if !model.act(&test.vault, act) {
                    break;
                }
            }
            engine.heal();
            disk = engine.crash(dice.roll(4) as usize).unwrap();
        }
        let test = TestVault::found_in(history, Arc::new(disk));
        model.verify(&test.vault, history);
    }
}
