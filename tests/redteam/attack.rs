//! The closure: keys open envelopes, envelopes hold keys, until nothing new opens.
//!
//! A key is tried where a key of its kind could fit: a shard key on member rows of its shard, a data key on records of
//! its member and compartment. On envelopes that have no row address it is tried with every address ever seen that its
//! kind allows. `brute.rs` drops even these shortcuts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound::Included;

use crate::bodies;
use crate::canary::{Canaries, Sightings};
use crate::crypto::{Extracted, Key, bound, expand, unseal};
use crate::evidence::{Blob, Evidence, Head};
use crate::nested;
use crate::place::{self, Id, Place, Shape};

/// What a key was found as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Kek(Vec<u8>),
    Node {
        subtree: u8,
        level: u8,
        index: u32,
    },
    Shard(u32),
    Bucket {
        field: u8,
        bucket: u32,
    },
    Member(Id),
    Data {
        member: Id,
        compartment: u16,
        version: u32,
    },
    Secret,
    /// Derived: opens access details, holds and the texts of requests of the member.
    Note(Id),
    /// Derived: opens tokens, links, requests, and whatever else is no member's.
    Control,
}

impl Role {
    /// Whether it is one of the many of the key tree.
    pub(crate) fn is_of_the_tree(&self) -> bool {
        matches!(self, Self::Node { .. } | Self::Shard(_) | Self::Bucket { .. })
    }
}

const ROOT: Role = Role::Node { subtree: 0xff, level: 0, index: 0 };
const LOOSE_PAGES: u8 = 2;

/// What an attack with certain keys came to.
#[derive(Default)]
pub(crate) struct Loot {
    pub(crate) keys: HashMap<Key, Role>,
    pub(crate) trials: u64,
    pub(crate) opened: HashMap<usize, Place>,
    pub(crate) seen: Sightings,
    pub(crate) member_rows: BTreeSet<Id>,
    pub(crate) records: BTreeSet<Id>,
    pub(crate) details: BTreeSet<Id>,
    /// Members of whose requests the texts opened.
    pub(crate) texts: BTreeSet<Id>,
    /// Links and requests whose rows opened: they tell of a member by its random id, and are under no key of it.
    pub(crate) links: usize,
    pub(crate) requests: usize,
    /// Tokens and members of index entries.
    pub(crate) entries: HashSet<(Id, Id)>,
    pub(crate) secrets: Vec<Key>,
    /// Epochs of the keyrings that opened, and which envelopes they are.
    pub(crate) keyrings: Vec<(u64, usize)>,
    /// Plaintexts that are not nodes, if they are to be kept for windows.
    pub(crate) plaintexts: Vec<Vec<u8>>,
}

pub(crate) struct Attack<'e> {
    pub(crate) evidence: &'e Evidence,
    pub(crate) shape: &'e Shape,
    canaries: &'e Canaries,
    pub(crate) by_place: BTreeMap<&'e Place, Vec<usize>>,
    loose: Vec<usize>,
    by_prefix: HashMap<Id, Vec<usize>>,
    by_shard: HashMap<u32, Vec<Id>>,
    /// Keyring files that may be used.
    keyrings: &'e dyn Fn(usize) -> bool,
    work: Vec<(Role, Key)>,
    known: HashSet<(Role, Key)>,
    /// Envelopes that were found in what was opened: their numbers come after those of the evidence. With the request.
    nested: Vec<(&'e Blob, Id)>,
    nested_heads: HashSet<Head>,
    notes: Vec<(Id, Key)>,
    pub(crate) keep_plaintexts: bool,
    pub(crate) loot: Loot,
}

impl<'e> Attack<'e> {
    pub(crate) fn new(
        evidence: &'e Evidence,
        shape: &'e Shape,
        canaries: &'e Canaries,
        keyrings: &'e dyn Fn(usize) -> bool,
    ) -> Self {
        let (by_place, loose) = evidence.indexed();
        let mut by_prefix: HashMap<_, Vec<_>> = HashMap::new();
        for (at, blob) in evidence.blobs.iter().enumerate() {
            blob.access.iter().for_each(|prefix| by_prefix.entry(*prefix).or_default().push(at));
        }
        let mut by_shard: HashMap<_, Vec<_>> = HashMap::new();
        for member in &evidence.members {
            by_shard.entry(shape.shard(member)).or_default().push(*member);
        }
        Self {
            evidence,
            shape,
            canaries,
            by_place,
            loose,
            by_prefix,
            by_shard,
            keyrings,
            work: Vec::new(),
            known: HashSet::new(),
            nested: Vec::new(),
            nested_heads: HashSet::new(),
            notes: Vec::new(),
            keep_plaintexts: false,
            loot: Loot::default(),
        }
    }

    /// Goes on from a key to the fixed point.
    pub(crate) fn run(&mut self, role: Role, key: Key) {
        self.learn(role, key);
        self.drain();
    }

    /// Applies what was learnt until nothing is left.
    pub(crate) fn drain(&mut self) {
        while let Some((role, key)) = self.work.pop() {
            self.apply(&role, &key);
        }
    }

    pub(crate) fn learn(&mut self, role: Role, key: Key) {
        // The same bytes in another role are tried there too.
        if self.known.insert((role.clone(), key)) {
            self.loot.keys.entry(key).or_insert_with(|| role.clone());
            self.work.push((role, key));
        }
    }

    fn apply(&mut self, role: &Role, key: &Key) {
        match role {
            Role::Kek(header) => {
                let place = Place::Keyring(header.clone());
                let blobs = self.by_place.get(&place).cloned().unwrap_or_default();
                let blobs: Vec<_> = blobs.into_iter().filter(|blob| self.may_try(*blob)).collect();
                self.sweep(key, &blobs, &[place]);
            }
            Role::Member(member) => {
                let note = expand(key, &[b"membervault/member/note/v1"]);
                let prefix = expand(key, &[b"membervault/member/access-prefix/v1"]);
                let prefix: Id = prefix[..16].try_into().unwrap_or_default();
                let blobs = self.by_prefix.get(&prefix).cloned().unwrap_or_default();
                self.sweep(&note, &blobs, &[Place::Access(*member)]);
                self.learn(Role::Note(*member), note);
            }
            Role::Secret => {
                self.loot.secrets.push(*key);
                self.learn(Role::Control, expand(key, &[b"membervault/vault/control/v1"]));
            }
            _ => {
                let (addressed, places) = self.candidates(role);
                for place in addressed {
                    let blobs = self.by_place.get(&place).cloned().unwrap_or_default();
                    self.sweep(key, &blobs, &[place]);
                }
                self.sweep_loose(role, key, places);
                if let Role::Note(member) = role {
                    self.notes.push((*member, *key));
                    (0..self.nested.len()).for_each(|nested| self.sweep_nested(nested, *member, key));
                }
            }
        }
    }

    /// Where a key fits: places of envelopes that have one, and places to try on the others.
    fn candidates(&self, role: &Role) -> (Vec<Place>, Vec<Place>) {
        let seen = |from: Place, to: Place| -> Vec<Place> {
            let range = self.by_place.range::<&Place, _>((Included(&&from), Included(&&to)));
            range.map(|(place, _)| (*place).clone()).collect()
        };
        match *role {
            Role::Node { subtree, level, index } => {
                let place = Place::Node { subtree, level, index };
                (vec![place.clone()], vec![place])
            }
            Role::Shard(shard) => {
                let members = self.by_shard.get(&shard).into_iter().flatten();
                let places: Vec<_> = members.map(|member| Place::Member(*member)).collect();
                (places.clone(), places)
            }
            Role::Bucket { field, bucket } => {
                let page = |page| Place::Page { field, bucket, page };
                (seen(page(0), page(u8::MAX)), (0..LOOSE_PAGES).map(page).collect())
            }
            Role::Data { member, compartment, .. } => {
                let record = |edge: u8| {
                    let (dek, version) = (u32::from_be_bytes([edge; 4]), u64::from_be_bytes([edge; 8]));
                    Place::Record { member, compartment, token: [edge; 16], dek, version }
                };
                let places = seen(record(0), record(u8::MAX));
                (places.clone(), places)
            }
            Role::Note(member) => {
                let places = vec![Place::Hold(member), Place::Access(member)];
                (vec![Place::Hold(member)], places)
            }
            Role::Control => {
                let rows = |place: &&&Place| matches!(place, Place::Control(_));
                let places: Vec<_> = self.by_place.keys().filter(rows).map(|place| (*place).clone()).collect();
                (places.clone(), places)
            }
            Role::Kek(_) | Role::Member(_) | Role::Secret => (Vec::new(), Vec::new()),
        }
    }

    fn sweep_loose(&mut self, role: &Role, key: &Key, mut places: Vec<Place>) {
        if places.is_empty() || self.loose.is_empty() {
            return;
        }
        for blob in self.loose.clone() {
            let before = places.len();
            if let (Role::Data { .. }, Some((dek, version))) = (role, self.evidence.blobs[blob].record) {
                let moved = |place: &Place| match place {
                    Place::Record { member, compartment, token, .. } => {
                        Some(Place::Record { member: *member, compartment: *compartment, token: *token, dek, version })
                    }
                    _ => None,
                };
                places.extend(places.iter().filter_map(moved).collect::<BTreeSet<_>>());
            }
            self.sweep(key, &[blob], &places);
            places.truncate(before);
        }
    }

    /// An envelope of the evidence, or one that was found in another.
    pub(crate) fn blob(&self, at: usize) -> &'e Blob {
        match at.checked_sub(self.evidence.blobs.len()) {
            None => &self.evidence.blobs[at],
            Some(nested) => self.nested[nested].0,
        }
    }

    /// How many envelopes there are by now.
    pub(crate) fn blobs(&self) -> usize {
        self.evidence.blobs.len() + self.nested.len()
    }

    /// Where the envelopes in others were sealed, as far as these say.
    pub(crate) fn nested_places(&self) -> impl Iterator<Item = &Place> {
        self.nested.iter().flat_map(|(blob, _)| &blob.places)
    }

    fn sweep_nested(&mut self, nested: usize, member: Id, key: &Key) {
        let request = self.nested[nested].1;
        self.sweep(key, &[self.evidence.blobs.len() + nested], &[Place::Request { member, request }]);
    }

    /// What lies in the row of a request, or in any other control row.
    fn look_inside(&mut self, row_key: &[u8], plain: &[u8]) {
        let request = place::request(row_key);
        self.loot.requests += usize::from(request.is_some());
        self.loot.links += usize::from(row_key.starts_with(b"S\0"));
        let request = request.or(row_key.last_chunk().copied()).unwrap_or_default();
        for (envelope, mut blob) in nested::envelopes(plain) {
            if !Blob::head(&envelope).is_some_and(|head| self.nested_heads.insert(head)) {
                continue;
            }
            blob.places.extend(nested::member(plain).map(|member| Place::Request { member, request }));
            // For the life of the program, as the evidence is.
            self.nested.push((Box::leak(Box::new(blob)), request));
            for (member, key) in self.notes.clone() {
                self.sweep_nested(self.nested.len() - 1, member, &key);
            }
        }
    }

    fn sweep(&mut self, key: &Key, blobs: &[usize], places: &[Place]) {
        for blob in blobs {
            if self.loot.opened.contains_key(blob) {
                continue;
            }
            let sealed = self.blob(*blob);
            let extracted = Extracted::new(&sealed.salt, key);
            for place in places {
                self.loot.trials += 1;
                let (ek, com) = extracted.expand(&bound(sealed.suite, &self.shape.bytes(place)));
                if com == sealed.com {
                    self.open(*blob, place, &ek);
                    break;
                }
            }
        }
    }

    /// The commitment fits: takes the plaintext and all that is in it.
    pub(crate) fn open(&mut self, blob: usize, place: &Place, ek: &Key) {
        let sealed = self.blob(blob);
        let plain = unseal(sealed.suite, ek, &sealed.ciphertext);
        self.loot.opened.insert(blob, place.clone());
        self.canaries.look(&plain, &mut self.loot.seen);
        match place {
            Place::Keyring(_) => self.keyring(blob, &plain),
            Place::Node { subtree, level, index } => self.children(*subtree, *level, *index, &plain),
            Place::Member(member) => self.member(*member, &plain),
            Place::Page { .. } => self.loot.entries.extend(bodies::page(&plain).unwrap_or_default()),
            Place::Record { member, .. } => {
                self.loot.records.insert(*member);
                if let Some(raw) = bodies::payload(&plain) {
                    self.canaries.look(&raw, &mut self.loot.seen);
                }
            }
            Place::Access(member) | Place::Hold(member) => drop(self.loot.details.insert(*member)),
            Place::Control(key) => self.look_inside(key, &plain),
            Place::Request { member, .. } => drop(self.loot.texts.insert(*member)),
        }
        if self.keep_plaintexts && !matches!(place, Place::Node { .. } | Place::Page { .. } | Place::Record { .. }) {
            let length = bodies::member(&plain).filter(|_| matches!(place, Place::Member(_))).map(|body| body.length);
            let length = length.unwrap_or(plain.len().min(512));
            self.loot.plaintexts.push(plain[..length].to_vec());
        }
    }

    /// Whether it is closed yet, and no keyring that this attack is not given.
    pub(crate) fn may_try(&self, blob: usize) -> bool {
        let is_keyring = !self.blob(blob).files.is_empty();
        !self.loot.opened.contains_key(&blob) && (!is_keyring || (self.keyrings)(blob))
    }

    fn keyring(&mut self, blob: usize, plain: &[u8]) {
        let Some(body) = bodies::keyring(plain) else { return };
        body.roots.iter().for_each(|root| self.learn(ROOT, *root));
        self.learn(Role::Secret, body.secret);
        self.loot.keyrings.push((body.epoch, blob));
    }

    fn children(&mut self, subtree: u8, level: u8, index: u32, plain: &[u8]) {
        for (child, key) in (0_u32..).zip(bodies::node(plain).unwrap_or_default()) {
            let below = index.wrapping_mul(256).wrapping_add(child);
            let role = match subtree {
                0xff => Role::Node { subtree: child.to_le_bytes()[0], level: 0, index: 0 },
                _ if level + 1 < self.shape.depth_of(subtree) => Role::Node { subtree, level: level + 1, index: below },
                0 => Role::Shard(below),
                _ => Role::Bucket { field: subtree, bucket: below },
            };
            self.learn(role, key);
        }
    }

    fn member(&mut self, member: Id, plain: &[u8]) {
        self.loot.member_rows.insert(member);
        let Some(body) = bodies::member(plain) else { return };
        self.learn(Role::Member(member), body.mk);
        for (compartment, version, key) in body.keys {
            self.learn(Role::Data { member, compartment, version }, key);
        }
    }
}
