//! Random histories: every query finds what a look at every record would find, also after a crash and a restore, and no
//! posting is missing or left over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use membervault::clock::Timestamp;
use membervault::store::memory::MemoryEngine;
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{BackupId, MemberId, RecordMeta, Role};
use membervault::vault::Vault;
use membervault::vault::api::{Expect, MetaEdit, MetaLists, MetaSet, RecordFilter, RecordPatch};
use membervault::vault::restore::{Control, Restoring};
use serde_json::Map;

use super::{address, at, crm, found, matches, member_with, page, postings_in_pairs, put};

const PURPOSES: [&str; 4] = ["service", "support", "newsletter", "analytics"];
const WORDS: [&str; 3] = ["shop", "web", "print-shop"];
const PLACES: [(&str, &str); 4] = [("core", "profile"), ("orders", "1"), ("orders", "2"), ("marketing", "topics")];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(3) == 0).then(|| make(self))
    }

    fn some(&mut self, of: &[&str]) -> Vec<String> {
        (0..self.roll(3)).map(|_| self.one(of).to_owned()).collect()
    }

    fn time(&mut self) -> Timestamp {
        at(self.roll(50)).plus_millis(self.roll(3) * 1_000)
    }

    fn meta(&mut self) -> RecordMeta {
        if self.roll(3) == 0 {
            return RecordMeta::default();
        }
        let purposes = |texts: Vec<String>| texts.iter().map(|text| text.parse().unwrap()).collect();
        RecordMeta {
            purposes: purposes(self.some(&PURPOSES)),
            source: self.maybe(|dice| dice.one(&WORDS).to_owned()),
            category: self.maybe(|dice| dice.one(&WORDS).to_owned()),
            shared_with: self.some(&WORDS),
            objections: purposes(self.some(&PURPOSES)),
            automated_decision: self.roll(4) == 0,
            expires_at: self.maybe(Self::time),
        }
    }

    fn filter(&mut self, members: &[MemberId]) -> RecordFilter {
        loop {
            let filter = RecordFilter {
                purpose: self.maybe(|dice| dice.one(&PURPOSES).parse().unwrap()),
                source: self.maybe(|dice| dice.one(&WORDS).to_owned()),
                category: self.maybe(|dice| dice.one(&WORDS).to_owned()),
                shared_with: self.maybe(|dice| dice.one(&WORDS).to_owned()),
                objection: self.maybe(|dice| dice.one(&PURPOSES).parse().unwrap()),
                automated_decision: self.maybe(|dice| dice.roll(3) > 0),
                expires_from: self.maybe(Self::time),
                expires_before: self.maybe(Self::time),
                member: self.maybe(|dice| members[dice.roll(members.len() as u64) as usize]),
                compartment: self.maybe(|dice| dice.one(&["core", "orders"]).parse().unwrap()),
                name_prefix: self.maybe(|dice| dice.one(&["pro", "1", "topics"]).to_owned()),
            };
            let plain = RecordFilter {
                automated_decision: filter.automated_decision.filter(|wanted| *wanted),
                compartment: None,
                name_prefix: None,
                ..filter.clone()
            };
            if plain != RecordFilter::default() {
                return filter;
            }
        }
    }

    fn edit(&mut self) -> MetaEdit {
        let meta = self.meta();
        let lists = |purposes, shared_with| MetaLists { purposes, shared_with, objections: Vec::new() };
        let set = MetaSet {
            category: meta.category,
            automated_decision: self.maybe(|_| meta.automated_decision),
            expires_at: meta.expires_at,
            ..MetaSet::default()
        };
        let remove = lists(vec!["support".parse().unwrap()], vec!["web".to_owned()]);
        MetaEdit { set, clear: Vec::new(), add: lists(meta.purposes, Vec::new()), remove }
    }
}

/// What the vault should hold: the metadata of every record.
#[derive(Clone, Default)]
struct Model {
    members: Vec<MemberId>,
    records: BTreeMap<(MemberId, String, String), RecordMeta>,
    /// Compartments that take no records any more.
    erased: BTreeSet<(MemberId, String)>,
}

impl Model {
    fn act(&mut self, test: &TestVault, dice: &mut Dice) {
        let vault = &test.vault;
        let member = (!self.members.is_empty()).then(|| self.members[dice.roll(self.members.len() as u64) as usize]);
        let (compartment, name) = PLACES[dice.roll(4) as usize];
        let meta = dice.meta();
        let Some(member) = member.filter(|_| dice.roll(6) > 0) else {
            let member = member_with(vault, meta.clone());
            self.members.push(member);
            self.records.insert((member, "core".to_owned(), "profile".to_owned()), meta);
            return;
        };
        let key = (member, compartment.to_owned(), name.to_owned());
        let address = address(member, compartment, name);
        let is_open = !self.erased.contains(&(member, compartment.to_owned()));
        match dice.roll(16) {
            0..=6 if is_open => {
                put(vault, &address, Some(meta.clone()));
                self.records.insert(key, meta);
            }
            7..=8 => {
                if let Some(known) = self.records.get_mut(&key) {
                    let kept = dice.roll(2) == 0;
                    let meta = (!kept).then_some(meta);
                    *known = meta.clone().unwrap_or_else(|| known.clone());
                    let patch = RecordPatch { address, patch: Map::new(), meta, expect: Expect::Any };
                    vault.patch_record(&crm(), &patch).wait().unwrap();
                }
            }
            9 => {
                let was_there = self.records.remove(&key).is_some();
                if was_there {
                    vault.delete_record(&crm(), &address, Expect::Any).wait().unwrap();
                }
            }
            10 if is_open && compartment != "core" => {
                let holds_some = self.records.keys().any(|(of, place, _)| *of == member && place == compartment);
                if holds_some {
                    vault.erase(&ctx(Role::Compliance), &member, Some(&address.compartment)).wait().unwrap();
                    self.records.retain(|(of, place, _), _| *of != member || place != compartment);
                    self.erased.insert((member, compartment.to_owned()));
                }
            }
            11 if self.members.len() > 4 => {
                vault.erase(&ctx(Role::Compliance), &member, None).wait().unwrap();
                self.records.retain(|(of, ..), _| *of != member);
                self.members.retain(|of| *of != member);
            }
            12 => self.update(vault, &dice.filter(&self.members.clone()), &dice.edit()),
            13 if dice.roll(3) == 0 => {
                let filter = dice.filter(&self.members);
                let mut next = page(3);
                loop {
                    next.cursor = vault.delete_records(&crm(), &filter, &next).unwrap().next;
                    if next.cursor.is_none() {
                        break;
                    }
                }
                self.records.retain(|key, meta| !matches(&filter, key, meta));
            }
            14 => drop(vault.seal_due().unwrap()),
            _ => {}
        }
    }

    fn update(&mut self, vault: &Vault, filter: &RecordFilter, edit: &MetaEdit) {
        if edit.is_empty() {
            return;
        }
        let mut next = page(3);
        loop {
            next.cursor = vault.update_records(&crm(), filter, edit, &next).unwrap().next;
            if next.cursor.is_none() {
                break;
            }
        }
        for (key, meta) in &mut self.records {
            if matches(filter, key, meta) {
                *meta = edit.applied(meta);
            }
        }
    }

    fn check(&self, vault: &Vault, engine: &dyn Engine, dice: &mut Dice) {
        for _ in 0..25 {
            let filter = dice.filter(&self.members);
            let expected: BTreeSet<_> = self
                .records
                .iter()
                .filter(|(key, meta)| matches(&filter, key, meta))
                .map(|(key, _)| key.clone())
                .collect();
            let limit = 1 + dice.roll(7) as usize;
            assert_eq!(found(vault, &filter, limit), expected, "{filter:?}");
        }
        // Neither one too few nor one too many.
        let examined = vault.examine(&ctx(Role::Ops)).wait().unwrap();
        assert!(examined.is_sound(), "{:?}", examined.findings);
        let expected: usize = self.records.values().map(values).sum();
        assert_eq!(postings_in_pairs(engine), expected);
    }
}

/// How many values a record is found by.
fn values(meta: &RecordMeta) -> usize {
    let distinct = |texts: Vec<&str>| texts.into_iter().collect::<BTreeSet<_>>().len();
    distinct(meta.purposes.iter().map(|purpose| purpose.as_str()).collect())
        + distinct(meta.objections.iter().map(|purpose| purpose.as_str()).collect())
        + distinct(meta.shared_with.iter().map(String::as_str).collect())
        + usize::from(meta.source.is_some())
        + usize::from(meta.category.is_some())
        + usize::from(meta.automated_decision)
        + usize::from(meta.expires_at.is_some())
}

/// Every row of an engine in another.
fn copy(from: &dyn Engine) -> Arc<dyn Engine> {
    let into = MemoryEngine::new();
    for keyspace in Keyspace::ALL {
        let mut batch = Batch::new();
        let take = &mut |key: &[u8], row: &[u8]| {
            batch.put(keyspace, key, row);
            std::ops::ControlFlow::Continue(())
        };
        from.scan(keyspace, &KeyRange::all(), take).unwrap();
        into.write(batch, Durability::Buffered).unwrap();
    }
    Arc::new(into)
}

#[test]
fn queries_find_what_a_look_at_every_record_finds() {
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let (mut test, mut model) = (TestVault::new(seed), Model::default());
        for _ in 0..4 {
            for _ in 0..60 {
                model.act(&test, &mut dice);
            }
            model.check(&test.vault, &*test.engine, &mut dice);
        }
        test.reopen();
        model.check(&test.vault, &*test.engine, &mut dice);
    }
}

#[test]
fn a_process_that_ends_without_a_word_leaves_postings_and_records_in_step() {
    let mut dice = Dice(77);
    let (test, mut model) = (TestVault::new(8), Model::default());
    for _ in 0..150 {
        model.act(&test, &mut dice);
    }
    let mut remains = test.remains();
    remains.engine = copy(&*test.engine);
    let again = remains.open(None).unwrap();
    model.check(&again.vault, &*again.engine, &mut dice);
}

#[test]
fn a_restore_posts_the_records_that_come_back_and_no_others() {
    for (seed, mirrored) in [(21, false), (22, true), (23, false)] {
        let mut dice = Dice(seed);
        let directory = tempfile::tempdir().unwrap();
        let (mut test, mut model) = (TestVault::new(seed), Model::default());
        if mirrored {
            test = mirrored_into(&test, directory.path());
        }
        for _ in 0..120 {
            model.act(&test, &mut dice);
        }
        let (backup, of_then) = (copy(&*test.engine), model.clone());
        let status = test.vault.status(&ctx(Role::Ops)).wait().unwrap();
        for _ in 0..80 {
            model.act(&test, &mut dice);
        }
        let control = if mirrored { Control::Mirror(directory.path()) } else { Control::Database(&*test.engine) };
        let mut root = [0; 32];
        data_encoding::HEXLOWER.decode_mut(status.ledger_root.as_bytes(), &mut root).unwrap();
        let restoring = Restoring {
            data: &*backup,
            control,
            backup: BackupId::from_random([1; 16]),
            manifest_sha256: [2; 32],
            ledger: (status.ledger_size, root),
        };
        let mut remains = test.remains();
        remains.engine = Arc::new(MemoryEngine::new());
        remains.mirrors = Vec::new();
        let (vault, _) = Vault::restore(remains.parts(None), restoring).unwrap();
        // The records of then, of the members and compartments of today.
        let mut expected = Model { members: model.members.clone(), ..of_then };
        let there = |member: &MemberId, place: &str| {
            model.members.contains(member) && !model.erased.contains(&(*member, place.to_owned()))
        };
        expected.records.retain(|(member, place, _), _| there(member, place));
        expected.check(&vault, &*remains.engine, &mut dice);
    }
}

fn mirrored_into(test: &TestVault, directory: &Path) -> TestVault {
    test.vault.close().unwrap();
    let mut remains = test.remains();
    remains.mirrors = vec![directory.to_owned()];
    remains.open(None).unwrap()
}
