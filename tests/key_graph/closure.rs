//! What somebody reaches who has some keyrings and every row ever written: all that opens, and all that opens with what
//! was found in it, until nothing new opens.

use std::collections::{BTreeMap, BTreeSet};

use membervault::codec::{KeyBytes, NodeBody, Page, Plaintext, RecordRow, VaultMeta, keys, payload, rows};
use membervault::crypto::{self, Key, KeyringBody, MemberBody};
use membervault::store::Keyspace;
use membervault::testkit::recorder::Written;
use membervault::types::place::{
    AccessPlace, ControlPlace, HoldPlace, Member, MemberRowPlace, Node, NodePlace, PagePlace, Place, RecordPlace,
    RequestPlace, Subtree,
};
use membervault::types::{MemberId, RequestCaseId, VaultId};

pub type Secret = [u8; 32];
/// How everything begins that the histories write, and how long it is.
pub const CANARY: &str = "canary";
pub const CANARY_LEN: usize = 13;
/// Subtree, level, index.
type NodeName = (u8, u8, u32);
/// Subtree and leaf.
type LeafName = (u8, u32);

/// Everything that was reached.
#[derive(Default)]
pub struct Reached {
    pub members: BTreeMap<MemberId, Keys>,
    /// Members that an entry of the index names.
    pub named: BTreeSet<MemberId>,
    /// Whose plaintexts were opened, and all that is marked in them or in plaintexts of nobody.
    pub owners: BTreeSet<(MemberId, Option<u16>)>,
    pub canaries: BTreeSet<String>,
    /// Envelopes that opened.
    pub opened: usize,
}

/// Keys of one member.
#[derive(Default)]
pub struct Keys {
    pub mk: BTreeSet<Secret>,
    /// By the number of the compartment.
    pub deks: BTreeMap<u16, BTreeSet<Secret>>,
    /// Numbers of compartments. A number and a name are used once.
    pub numbers: BTreeMap<String, u16>,
}

/// A plaintext that is somebody's: whose, and in which compartment.
pub type Owner = Option<(MemberId, Option<u16>)>;

impl Reached {
    pub fn mk_of(&self, member: &MemberId) -> bool {
        self.members.get(member).is_some_and(|keys| !keys.mk.is_empty())
    }

    pub fn deks_of(&self, member: &MemberId, compartment: u16) -> usize {
        self.members.get(member).and_then(|keys| keys.deks.get(&compartment)).map_or(0, BTreeSet::len)
    }

    /// Whether a record, a hold or an access of this member was opened; of this compartment of it, if one is given.
    pub fn opened_of(&self, member: &MemberId, compartment: Option<u16>) -> bool {
        let mut owners = self.owners.iter().filter(|(of, _)| of == member);
        owners.any(|(_, part)| compartment.is_none() || *part == compartment)
    }

    fn take(&mut self, of: Owner, plain: &Plaintext) {
        self.owners.extend(of);
        let text = String::from_utf8_lossy(plain.expose());
        let marks = text.match_indices(CANARY).filter_map(|(at, _)| text.get(at..at + CANARY_LEN));
        self.canaries.extend(marks.map(str::to_owned));
    }
}

/// Everything that these keyrings reach in everything ever written.
pub fn reach(vault: &VaultId, written: &Written, keyrings: &[KeyringBody]) -> Reached {
    let mut walk = Walk::of(vault, written);
    for keyring in keyrings {
        let roots = [Some(&keyring.root), keyring.next.as_ref().map(|(_, root)| root)];
        let known = walk.nodes.entry((Subtree::ROOT.0, 0, 0)).or_default();
        known.extend(roots.into_iter().flatten().map(|root| *root.expose_key_bytes()));
    }
    walk.tree();
    walk.pages();
    walk.members();
    for keyring in keyrings {
        walk.control(keyring);
    }
    walk.reached
}

struct Walk<'a> {
    vault: &'a VaultId,
    written: &'a Written,
    reached: Reached,
    nodes: BTreeMap<NodeName, BTreeSet<Secret>>,
    leaves: BTreeMap<LeafName, BTreeSet<Secret>>,
    /// Nodes that were ever written, and leaves under which something was.
    used_nodes: BTreeSet<NodeName>,
    used_leaves: BTreeSet<LeafName>,
}

impl<'a> Walk<'a> {
    fn of(vault: &'a VaultId, written: &'a Written) -> Self {
        let (reached, nodes, leaves, used_nodes, used_leaves) = Default::default();
        let mut walk = Self { vault, written, reached, nodes, leaves, used_nodes, used_leaves };
        walk.used_nodes = walk.rows(Keyspace::Control, &[keys::tag::NODE]).map(|(key, _)| node(key)).collect();
        let members = walk.rows(Keyspace::Control, &[keys::tag::MEMBER]);
        let members = members.filter_map(|(key, _)| keys::parse_member(key).ok());
        let shards: BTreeSet<_> = members.map(|member| (Subtree::MEMBERS.0, walk.shard_of(&member))).collect();
        let pages = walk.rows(Keyspace::Index, &[]).filter_map(|(key, _)| keys::parse_page(key).ok());
        let buckets: BTreeSet<_> = pages.map(|(field, bucket, _)| (field, bucket)).collect();
        walk.used_leaves = &shards | &buckets;
        walk
    }

    fn rows(
        &self,
        keyspace: Keyspace,
        from: &[u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a BTreeSet<Vec<u8>>)> + use<'a> {
        let (start, prefix) = ((keyspace, from.to_vec()), from.to_vec());
        let rows = self.written.range(start..);
        rows.take_while(move |((of, key), _)| *of == keyspace && key.starts_with(&prefix))
            .map(|((_, key), values)| (key.as_slice(), values))
    }

    /// Opens each value under each key; what opens is counted.
    fn open<P: Place>(&mut self, keys: &BTreeSet<Secret>, place: &P, values: &BTreeSet<Vec<u8>>) -> Vec<Plaintext> {
        let opened: Vec<_> = values
            .iter()
            .filter_map(|row| rows::sealed_access(row).ok().map(|(envelope, _)| envelope))
            .flat_map(|envelope| keys.iter().filter_map(|key| open(key, place, envelope)))
            .collect();
        self.reached.opened += opened.len();
        opened
    }

    /// The key tree, from the root down: names of nodes are in the order of their levels within a subtree.
    fn tree(&mut self) {
        let root = (Subtree::ROOT.0, 0, 0);
        let others: Vec<_> = self.used_nodes.iter().copied().filter(|name| *name != root).collect();
        for name in std::iter::once(root).chain(others) {
            let Some(known) = self.nodes.get(&name).cloned() else { continue };
            let (subtree, level, index) = name;
            let place = NodePlace { vault: self.vault, subtree: Subtree(subtree), level, index };
            let row = keys::node(Subtree(subtree), level, index);
            let Some(values) = self.written.get(&(Keyspace::Control, row.to_vec())) else { continue };
            for plain in self.open(&known, &place, values) {
                let Ok(body) = NodeBody::parse(plain) else { continue };
                self.children(name, &body);
            }
        }
    }

    /// A child is the key of a node of the next level where there ever was one, and else that of a leaf.
    fn children(&mut self, (subtree, level, index): NodeName, body: &NodeBody) {
        let secret = |number: u32| body.child::<Key<Node>>(number as usize).map(|key| *key.expose_key_bytes());
        if subtree == Subtree::ROOT.0 {
            for top in self.used_nodes.iter().filter(|name| name.1 == 0 && name.0 != subtree) {
                self.nodes.entry(*top).or_default().extend(secret(u32::from(top.0)));
            }
            return;
        }
        let (first, last) = (index * 256, index * 256 + 255);
        for below in self.used_nodes.range((subtree, level + 1, first)..=(subtree, level + 1, last)) {
            self.nodes.entry(*below).or_default().extend(secret(below.2 - first));
        }
        if self.used_nodes.range((subtree, level + 1, 0)..=(subtree, level + 1, u32::MAX)).next().is_none() {
            for leaf in self.used_leaves.range((subtree, first)..=(subtree, last)) {
                self.leaves.entry(*leaf).or_default().extend(secret(leaf.1 - first));
            }
        }
    }

    fn pages(&mut self) {
        for (key, values) in self.rows(Keyspace::Index, &[]) {
            let Ok((field, bucket, page)) = keys::parse_page(key) else { continue };
            let Some(known) = self.leaves.get(&(field, bucket)).cloned() else { continue };
            for plain in self.open(&known, &PagePlace { vault: self.vault, field, bucket, page }, values) {
                let Ok(page) = Page::parse(plain) else { continue };
                self.reached.named.extend(page.entries().map(|(_, member)| member));
            }
        }
    }

    fn members(&mut self) {
        for (key, values) in self.rows(Keyspace::Control, &[keys::tag::MEMBER]) {
            let Ok(member) = keys::parse_member(key) else { continue };
            let shard = self.shard_of(&member);
            let Some(known) = self.leaves.get(&(Subtree::MEMBERS.0, shard)).cloned() else { continue };
            for plain in self.open(&known, &MemberRowPlace { vault: self.vault, shard, member: &member }, values) {
                let Ok(body) = MemberBody::parse(plain.expose()) else { continue };
                let keys = self.reached.members.entry(member).or_default();
                keys.mk.insert(*body.mk.expose_key_bytes());
                for compartment in &body.compartments {
                    keys.numbers.insert(compartment.name.as_str().to_owned(), compartment.number);
                    let deks = compartment.deks.iter().map(|(_, dek)| *dek.expose_key_bytes());
                    keys.deks.entry(compartment.number).or_default().extend(deks);
                }
            }
            self.records(&member);
            self.notes(&member);
        }
    }

    fn shard_of(&self, member: &MemberId) -> u32 {
        let mut meta = self.rows(Keyspace::Control, &[keys::tag::VAULT_META]).flat_map(|(_, values)| values);
        let depth = VaultMeta::parse(meta.next().unwrap()).unwrap().depth;
        u32::from_be_bytes(*member.as_bytes().first_chunk().unwrap()) >> (32 - 8 * u32::from(depth))
    }

    /// Every record row of the member under every data key of the member, whichever it belongs to.
    fn records(&mut self, member: &MemberId) {
        let Some(keys) = self.reached.members.get(member) else { return };
        let deks: BTreeSet<Secret> = keys.deks.values().flatten().copied().collect();
        for (key, values) in self.rows(Keyspace::Records, member.as_bytes()) {
            let Ok((_, compartment, token)) = keys::parse_record(key) else { continue };
            for row in values {
                let Ok(RecordRow { dek_version, version, envelope }) = RecordRow::parse(row) else { continue };
                let version = version.0;
                let place =
                    RecordPlace { vault: self.vault, member, compartment, record: &token, dek_version, version };
                for plain in deks.iter().filter_map(|dek| open(dek, &place, envelope)) {
                    self.reached.opened += 1;
                    self.reached.take(Some((*member, Some(compartment))), &payload::unpack(plain).unwrap());
                }
            }
        }
    }

    /// Holds and details of accesses.
    fn notes(&mut self, member: &MemberId) {
        let mks = self.reached.members.get(member).map(|keys| keys.mk.clone()).unwrap_or_default();
        for mk in mks {
            let notes = Key::<Member>::from_key_bytes(&mk).notes();
            let note = BTreeSet::from([*notes.note.expose_key_bytes()]);
            let holds: Vec<_> = self.rows(Keyspace::Control, &keys::hold(member)).collect();
            let accesses: Vec<_> = self.rows(Keyspace::Access, &notes.access_prefix).collect();
            let mut opened = Vec::new();
            for (_, values) in holds {
                opened.extend(self.open(&note, &HoldPlace { vault: self.vault, member }, values));
            }
            for (_, values) in accesses {
                opened.extend(self.open(&note, &AccessPlace { vault: self.vault, member }, values));
            }
            opened.iter().for_each(|plain| self.reached.take(Some((*member, None)), plain));
        }
    }

    /// Rows under the vault's own secret, which no seal replaces.
    fn control(&mut self, keyring: &KeyringBody) {
        let control = BTreeSet::from([*keyring.vault_secret.control().expose_key_bytes()]);
        for tag in [keys::tag::TOKEN, keys::tag::IDEMPOTENCY, keys::tag::IMPORT] {
            for (key, values) in self.rows(Keyspace::Control, &[tag]) {
                for plain in self.open(&control, &ControlPlace { vault: self.vault, row_key: key }, values) {
                    self.reached.take(None, &plain);
                }
            }
        }
        for (key, values) in self.rows(Keyspace::Control, &[keys::tag::REQUEST, b'c']) {
            for plain in self.open(&control, &ControlPlace { vault: self.vault, row_key: key }, values) {
                self.reached.take(None, &plain);
                self.request(&RequestCaseId::from_bytes(key[2..].try_into().unwrap()), &plain);
            }
        }
    }

    /// The texts in a request, under each key of its member.
    fn request(&mut self, request: &RequestCaseId, plain: &Plaintext) {
        let case: serde_json::Value = serde_json::from_slice(plain.expose()).unwrap();
        let (Some(member), Some(texts)) = (case["member"].as_str(), case["texts"].as_str()) else { return };
        let member: MemberId = member.parse().unwrap();
        let envelope = data_encoding::BASE64.decode(texts.as_bytes()).unwrap();
        let place = RequestPlace { vault: self.vault, member: &member, request };
        let mks = self.reached.members.get(&member).map(|keys| keys.mk.clone()).unwrap_or_default();
        for mk in mks {
            let note = *Key::<Member>::from_key_bytes(&mk).notes().note.expose_key_bytes();
            if let Some(plain) = open(&note, &place, &envelope) {
                self.reached.opened += 1;
                self.reached.take(Some((member, None)), &plain);
            }
        }
    }
}

fn open<P: Place>(key: &Secret, place: &P, envelope: &[u8]) -> Option<Plaintext> {
    crypto::open(&Key::<P::Key>::from_key_bytes(key), place, envelope).ok()
}

fn node(key: &[u8]) -> NodeName {
    let [_, subtree, level, index @ ..] = key else { panic!("a node's key") };
    (*subtree, *level, u32::from_be_bytes(index.try_into().unwrap()))
}
