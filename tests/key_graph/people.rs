//! Random histories of a vault, and what is known of each person in them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use membervault::codec::{ErasureStage, Event, Leaf, keys};
use membervault::crypto::KeyringBody;
use membervault::keyring::Holder;
use membervault::store::capsules::Capsules as _;
use membervault::store::{Engine, Keyspace, Reader as _};
use membervault::tables;
use membervault::testkit::recorder::RecordingEngine;
use membervault::testkit::slot;
use membervault::testkit::vault::{TestVault, VAULT_ID, ctx};
use membervault::types::slot::HolderState;
use membervault::types::{ErasureId, HolderName, MemberId, RecordMeta, Right, Role};
use membervault::vault::api::{
    Expect, NewHold, NewMember, NewRequest, RecordAddress, RecordPatch, RecordQuery, RecordWrite,
};
use membervault::vault::seal::Step;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::closure::{CANARY, CANARY_LEN, Secret, reach};

/// Who has a copy of the keyring. The second goes away.
const HOLDERS: [&str; 2] = ["near", "far"];
/// Compartments besides the profile's.
const PARTS: [&str; 3] = ["orders", "marketing", "visits"];
const PROFILE: &str = "core";

/// One thing somebody does. A number chooses the person among those who live.
#[derive(Clone, Debug)]
pub enum Op {
    Create,
    Write {
        who: usize,
        part: usize,
    },
    Patch {
        who: usize,
    },
    Identify {
        who: usize,
    },
    Read {
        who: usize,
    },
    /// A legal hold, set and released.
    Hold {
        who: usize,
    },
    /// A request, opened and taken back.
    Ask {
        who: usize,
    },
    Erase {
        who: usize,
    },
    ErasePart {
        who: usize,
        part: usize,
    },
    /// A new data key for a compartment; after the last of them, that of the profile.
    Rotate {
        who: usize,
        part: usize,
    },
    Seal,
    /// A seal that ends after a step, as with a crash, and the vault opened again.
    SealEndedAfter(usize),
    /// A crash in the middle of the batch of a seal.
    SealTorn,
    /// A holder of the keyring goes away, or comes back.
    HolderAway(bool),
    /// The holder that is away is given up, with what it keeps.
    HolderRevoked,
    Reopen,
}

pub fn op() -> impl Strategy<Value = Op> {
    let who = 0..8_usize;
    prop_oneof![
        4 => Just(Op::Create),
        4 => (who.clone(), 0..PARTS.len()).prop_map(|(who, part)| Op::Write { who, part }),
        2 => who.clone().prop_map(|who| Op::Patch { who }),
        2 => who.clone().prop_map(|who| Op::Identify { who }),
        1 => who.clone().prop_map(|who| Op::Read { who }),
        1 => who.clone().prop_map(|who| Op::Hold { who }),
        2 => who.clone().prop_map(|who| Op::Ask { who }),
        4 => who.clone().prop_map(|who| Op::Erase { who }),
        3 => (who.clone(), 0..PARTS.len()).prop_map(|(who, part)| Op::ErasePart { who, part }),
        3 => (who, 0..=PARTS.len()).prop_map(|(who, part)| Op::Rotate { who, part }),
        3 => Just(Op::Seal),
        2 => (0..Step::ORDER.len()).prop_map(Op::SealEndedAfter),
        1 => Just(Op::SealTorn),
        2 => any::<bool>().prop_map(Op::HolderAway),
        1 => Just(Op::HolderRevoked),
        1 => Just(Op::Reopen),
    ]
}

/// An erasure, and which of the keyrings of the past opened what it erased.
#[derive(Clone, Copy, Debug)]
pub struct Erased {
    pub id: ErasureId,
    pub opened_by: usize,
    /// Which of the things that happened it was.
    pub moment: usize,
}

/// Data keys that another one took the place of.
pub struct Retired {
    pub member: MemberId,
    pub number: u16,
    pub deks: BTreeSet<Secret>,
    pub opened_by: usize,
    pub moment: usize,
}

/// One compartment of a person.
#[derive(Default)]
pub struct Part {
    /// What was ever written, the present last.
    pub canaries: Vec<String>,
    pub erased: Option<Erased>,
}

pub struct Person {
    pub id: MemberId,
    pub parts: BTreeMap<&'static str, Part>,
    pub erased: Option<Erased>,
}

/// A vault whose every byte is kept, and what happened in it.
pub struct World {
    pub test: TestVault,
    pub engine: Arc<RecordingEngine>,
    pub people: Vec<Person>,
    pub retired: Vec<Retired>,
    moment: usize,
    numbers: u32,
    away: bool,
    revoked: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let engine = Arc::new(RecordingEngine::default());
        let test = TestVault::over(seed, Arc::clone(&engine) as Arc<dyn Engine>);
        for name in HOLDERS {
            let holder = Holder { name: name.parse().unwrap(), directory: format!("/holders/{name}").into() };
            test.vault.add_holder(&ctx(Role::Ops), holder).unwrap();
        }
        Self {
            test,
            engine,
            people: Vec::new(),
            retired: Vec::new(),
            moment: 0,
            numbers: 0,
            away: false,
            revoked: false,
        }
    }

    /// A keyring of the past.
    pub fn keyring(&self, past: usize) -> KeyringBody {
        slot::decode(&self.test.slot.past()[past])
    }

    /// Every keyring that counts: here, and at each registered holder, also one that is away.
    pub fn keyrings(&self) -> Vec<KeyringBody> {
        let registered = HOLDERS.iter().take(if self.revoked { 1 } else { 2 });
        let held = registered.map(|name| self.held_by(&name.parse().unwrap()));
        std::iter::once(self.keyring(self.present())).chain(held).collect()
    }

    /// What a holder keeps that was given up.
    pub fn residual(&self) -> Option<KeyringBody> {
        self.revoked.then(|| self.held_by(&far()))
    }

    fn held_by(&self, holder: &HolderName) -> KeyringBody {
        slot::decode(&self.test.slot.held_by(holder).unwrap())
    }

    /// Whether the seal of an erasure says that a holder was given up.
    pub fn names_the_revoked(&self, erased: Erased) -> bool {
        let row = tables::erasure::read(&*self.engine, &erased.id).unwrap().unwrap();
        let leaf = self.engine.get(Keyspace::Ledger, &keys::leaf(row.seal_leaf)).unwrap().unwrap();
        let Event::Seal(seal) = Leaf::parse(&leaf).unwrap().event else { panic!("the leaf of a seal") };
        seal.holders.iter().any(|holder| holder.name == far() && holder.state == HolderState::Revoked)
    }

    /// Which keyring is the present one.
    pub fn present(&self) -> usize {
        self.test.slot.past().len() - 1
    }

    /// Every redo capsule there is.
    pub fn capsules(&self) -> Vec<Vec<u8>> {
        let last = self.keyring(self.present()).epoch;
        (1..=last + 1).filter_map(|epoch| self.test.capsules.find(epoch).unwrap()).collect()
    }

    /// The erasure, if the database says that it is sealed.
    pub fn is_certified(&self, erased: Option<Erased>) -> Option<Erased> {
        erased.filter(|erased| {
            let row = tables::erasure::read(&*self.engine, &erased.id).unwrap().unwrap();
            row.stage != ErasureStage::Fenced
        })
    }

    /// Does it. Whenever a seal ended, in whatever way, `look` is called.
    pub fn take(&mut self, op: &Op, look: &mut dyn FnMut(&Self)) {
        self.moment += 1;
        match *op {
            Op::Create => self.create(),
            Op::Write { who, part } => self.with(who, |world, at| world.write(at, PARTS[part])),
            Op::Patch { who } => self.with(who, |world, at| world.patch(at, |canary| json!({ "note": canary }))),
            Op::Identify { who } => self.with(who, |world, at| {
                world.patch(at, |canary| json!({ "email": format!("{canary}@example.org"), "note": canary }));
            }),
            Op::Read { who } => self.with(who, Self::read),
            Op::Hold { who } => self.with(who, Self::hold),
            Op::Ask { who } => self.with(who, Self::ask),
            Op::Erase { who } => self.with(who, Self::erase),
            Op::ErasePart { who, part } => self.with(who, |world, at| world.erase_part(at, PARTS[part])),
            Op::Rotate { who, part } => {
                self.with(who, |world, at| world.rotate(at, PARTS.get(part).copied().unwrap_or(PROFILE)));
            }
            Op::Seal => {
                self.test.vault.seal(&ctx(Role::Ops)).unwrap();
                look(self);
            }
            Op::SealEndedAfter(step) => self.seal_ended_after(Step::ORDER[step], look),
            Op::SealTorn => self.seal_torn(look),
            Op::HolderAway(away) => {
                self.away = away;
                self.test.slot.set_away(&far(), away);
            }
            Op::HolderRevoked => self.revoke(),
            Op::Reopen => self.test.reopen(),
        }
    }

    fn with(&mut self, who: usize, act: impl FnOnce(&mut Self, usize)) {
        let living: Vec<_> = (0..self.people.len()).filter(|at| self.people[*at].erased.is_none()).collect();
        if !living.is_empty() {
            act(self, living[who % living.len()]);
        }
    }

    fn canary(&mut self) -> String {
        self.numbers += 1;
        let canary = format!("{CANARY}{:06}z", self.numbers);
        assert_eq!(canary.len(), CANARY_LEN);
        canary
    }

    fn create(&mut self) {
        let canary = self.canary();
        let profile = object(json!({ "email": format!("{canary}@example.org"), "note": canary }));
        let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: Some(canary.clone()) };
        let id = self.test.vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id;
        let profile = Part { canaries: vec![canary], erased: None };
        self.people.push(Person { id, parts: BTreeMap::from([(PROFILE, profile)]), erased: None });
    }

    fn write(&mut self, at: usize, part: &'static str) {
        if self.people[at].parts.get(part).is_some_and(|part| part.erased.is_some()) {
            return;
        }
        let canary = self.canary();
        let address = self.address(at, part);
        let write = RecordWrite { address, data: object(json!({ "n": canary })), meta: None, expect: Expect::Any };
        self.test.vault.put_record(&ctx(Role::Crm), &write).wait().unwrap();
        self.people[at].parts.entry(part).or_default().canaries.push(canary);
    }

    fn patch(&mut self, at: usize, patch: impl FnOnce(&str) -> Value) {
        let canary = self.canary();
        let address = RecordAddress::profile(self.people[at].id);
        let patch = RecordPatch { address, patch: object(patch(&canary)), meta: None, expect: Expect::Any };
        self.test.vault.patch_record(&ctx(Role::Crm), &patch).wait().unwrap();
        self.people[at].parts.entry(PROFILE).or_default().canaries.push(canary);
    }

    fn read(&mut self, at: usize) {
        let query = RecordQuery { address: RecordAddress::profile(self.people[at].id), fields: None };
        self.test.vault.read_record(&ctx(Role::Crm), &query).wait().map(drop).unwrap();
    }

    fn erase(&mut self, at: usize) {
        let id = self.test.vault.erase(&ctx(Role::Compliance), &self.people[at].id, None).wait().unwrap().id;
        self.people[at].erased = Some(Erased { id, opened_by: self.present(), moment: self.moment });
    }

    fn erase_part(&mut self, at: usize, name: &'static str) {
        let person = &self.people[at];
        if person.parts.get(name).is_none_or(|part| part.erased.is_some()) {
            return;
        }
        let compartment = name.parse().unwrap();
        let id = self.test.vault.erase(&ctx(Role::Compliance), &person.id, Some(&compartment)).wait().unwrap().id;
        let erased = Some(Erased { id, opened_by: self.present(), moment: self.moment });
        self.people[at].parts.entry(name).or_default().erased = erased;
    }

    fn rotate(&mut self, at: usize, name: &'static str) {
        let person = &self.people[at];
        if person.parts.get(name).is_none_or(|part| part.erased.is_some()) {
            return;
        }
        let (member, opened_by) = (person.id, self.present());
        let before = self.engine.written(|written| reach(&VAULT_ID, written, &[self.keyring(opened_by)]));
        let keys = &before.members[&member];
        let (number, moment) = (keys.numbers[name], self.moment);
        let deks = keys.deks[&number].clone();
        let done = self.test.vault.rotate_dek(&ctx(Role::Ops), &member, &name.parse().unwrap()).wait().unwrap().done;
        assert!(done, "a step is larger than what these histories write");
        self.retired.push(Retired { member, number, deks, opened_by, moment });
    }

    fn revoke(&mut self) {
        if self.away && !self.revoked {
            self.test.vault.revoke_holder(&ctx(Role::Ops), &far()).unwrap();
            self.revoked = true;
        }
    }

    fn hold(&mut self, at: usize) {
        let (compliance, member) = (ctx(Role::Compliance), self.people[at].id);
        let hold = NewHold { reason: self.canary(), reference: None };
        self.people[at].parts.entry(PROFILE).or_default().canaries.insert(0, hold.reason.clone());
        self.test.vault.set_hold(&compliance, &member, &hold).wait().unwrap();
        self.test.vault.release_hold(&compliance, &member).wait().unwrap();
    }

    fn ask(&mut self, at: usize) {
        let (compliance, member) = (ctx(Role::Compliance), self.people[at].id);
        let request = NewRequest { kind: Right::Access, purposes: Vec::new(), note: Some(self.canary()) };
        self.people[at].parts.entry(PROFILE).or_default().canaries.insert(0, request.note.clone().unwrap());
        let id = self.test.vault.open_request(&compliance, &member, &request).wait().unwrap().id;
        self.test.vault.withdraw_request(&compliance, &id).wait().unwrap();
    }

    /// It fails where it is ended, and succeeds where nothing waited or nothing was left to certify.
    fn seal_ended_after(&mut self, last: Step, look: &mut dyn FnMut(&Self)) {
        self.test.vault.close().unwrap();
        let watch = Arc::new(move |step| if step == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        match self.test.remains().open(Some(watch)) {
            // What waited for a holder is certified when the vault is opened, and that is ended too.
            Err(_) => {}
            Ok(test) => {
                self.test = test;
                let _ended = self.test.vault.seal(&ctx(Role::Ops));
                self.test.vault.close().unwrap();
            }
        }
        look(self);
        self.test = self.test.remains().open(None).unwrap();
        look(self);
    }

    fn seal_torn(&mut self, look: &mut dyn FnMut(&Self)) {
        self.engine.tear_next_seal();
        let torn = self.test.vault.seal(&ctx(Role::Ops)).is_err();
        self.engine.heal();
        look(self);
        assert_eq!(self.test.vault.close().is_err(), torn, "a ledger whose write failed does not go on");
        self.test = self.test.remains().open(None).unwrap();
        look(self);
    }

    fn address(&self, at: usize, part: &str) -> RecordAddress {
        RecordAddress { member: self.people[at].id, compartment: part.parse().unwrap(), name: "one".parse().unwrap() }
    }
}

fn far() -> HolderName {
    HOLDERS[1].parse().unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("an object") };
    object
}
