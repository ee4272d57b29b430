//! The tree of the next epoch: fresh keys for every node and leaf on the way to what was removed, and the rows that
//! survive under them.
//!
//! Proposes rows and writes none; the seal of `vault` commits them. A key of the old tree that stays (a leaf nothing was
//! removed from) is copied into the new nodes; one on a dirty path never is, or old bytes would lead to it for ever
//! (Reardon et al., "Secure Data Deletion from Persistent Media", CCS 2013: rotate the whole path).

use std::collections::{BTreeMap, HashMap};

use super::shape::Subshape;
use super::tree::{self, NodeAt};
use super::{Keyring, KeyringError, PageLeft, Unreadable};
use crate::codec::{NodeBody, Page, ResidueRow, RowStamp, rows};
use crate::crypto::{self, ENVELOPE_OVERHEAD, Entropy, Key, Plaintext};
use crate::store::{KeyRange, Keyspace, Reader, successor};
use crate::tables;
use crate::types::place::{Bucket, KeyKind, MemberRowPlace, Node, NodePlace, PagePlace, Place, Shard, Subtree};
use crate::types::{ErasureId, IdentifierKind, MemberId};

/// A node's place in the control keyspace, and its row.
pub type NodeRow = (Vec<u8>, Vec<u8>);

/// A row of the next epoch, and the row of this one it was made from.
pub struct Rewrapped {
    /// Where the row is.
    pub keyspace: Keyspace,
    /// Its key.
    pub key: Vec<u8>,
    /// The stamp of the row it was made from.
    pub was: RowStamp,
    /// The row under the new key.
    pub row: Vec<u8>,
    /// Of a page of the index, the erasures whose entries it was made without.
    pub lost: Vec<PageLeft>,
}

/// Members that were erased, and the erasures: their entries go.
pub type Departing = HashMap<MemberId, ErasureId>;

/// A row made anew, and what it lost.
type Made = (Vec<u8>, Vec<PageLeft>);

/// The tree of the next epoch, as far as it differs from this one.
pub struct NextTree<'k> {
    keyring: &'k Keyring,
    root: Key<Node>,
    nodes: BTreeMap<(u8, u8, u32), NextNode>,
    leaves: BTreeMap<(Subtree, u32), LeafKey>,
}

/// A node of the next tree: its own fresh key, and the keys of its children, fresh where they are dirty.
struct NextNode {
    key: Option<Key<Node>>,
    body: NodeBody,
}

enum LeafKey {
    Shard(Key<Shard>),
    Bucket(Key<Bucket>),
}

impl Keyring {
    /// Draws the next tree: `root` is its root, `leaves` are what must be re-keyed. Opens every node on their paths as
    /// `reader` has it.
    ///
    /// # Errors
    /// `corrupt` where a node does not open; `internal` for a leaf the tree does not have.
    pub fn next_tree(
        &self,
        reader: &dyn Reader,
        leaves: &[(Subtree, u32)],
        root: Key<Node>,
        entropy: &dyn Entropy,
    ) -> Result<NextTree<'_>, KeyringError> {
        let mut next = NextTree { keyring: self, root, nodes: BTreeMap::new(), leaves: BTreeMap::new() };
        let epoch = self.epoch.load();
        let top = tree::open_node(reader, &self.vault, NodeAt::ROOT, epoch.root())?;
        next.nodes.insert(name(NodeAt::ROOT), NextNode { key: None, body: top });
        for (subtree, leaf) in leaves {
            next.grow(reader, self.shape.subshape(*subtree).ok_or(KeyringError::NoSuchLeaf)?, *leaf, entropy)?;
        }
        Ok(next)
    }
}

impl NextTree<'_> {
    /// Draws the path to one leaf, as far as no other leaf drew it before.
    fn grow(
        &mut self,
        reader: &dyn Reader,
        shape: Subshape,
        leaf: u32,
        entropy: &dyn Entropy,
    ) -> Result<(), KeyringError> {
        if leaf >= shape.leaves {
            return Err(KeyringError::NoSuchLeaf);
        }
        let (mut parent, mut slot) = (NodeAt::ROOT, usize::from(shape.subtree.0));
        for level in 0..shape.depth {
            let (index, child) = shape.step(level, leaf);
            let at = NodeAt { subtree: shape.subtree, level, index };
            if !self.nodes.contains_key(&name(at)) {
                self.replace_node(reader, parent, slot, at, entropy)?;
            }
            (parent, slot) = (at, usize::from(child));
        }
        if !self.leaves.contains_key(&(shape.subtree, leaf)) {
            let key = if shape.subtree == Subtree::MEMBERS {
                LeafKey::Shard(self.replace_child(parent, slot, entropy)?)
            } else {
                LeafKey::Bucket(self.replace_child(parent, slot, entropy)?)
            };
            self.leaves.insert((shape.subtree, leaf), key);
        }
        Ok(())
    }

    /// Opens a node under the key its parent has for it, and gives it a fresh one.
    fn replace_node(
        &mut self,
        reader: &dyn Reader,
        parent: NodeAt,
        slot: usize,
        at: NodeAt,
        entropy: &dyn Entropy,
    ) -> Result<(), KeyringError> {
        let old: Key<Node> = self.child(parent, slot)?;
        let body = tree::open_node(reader, self.keyring.vault(), at, &old)?;
        let key = Some(self.replace_child(parent, slot, entropy)?);
        self.nodes.insert(name(at), NextNode { key, body });
        Ok(())
    }

    fn child<K: KeyKind>(&self, parent: NodeAt, slot: usize) -> Result<Key<K>, KeyringError> {
        let node = self.nodes.get(&name(parent));
        node.and_then(|node| node.body.child(slot)).ok_or_else(|| parent.unreadable(Unreadable::Shape))
    }

    fn replace_child<K: KeyKind>(
        &mut self,
        parent: NodeAt,
        slot: usize,
        entropy: &dyn Entropy,
    ) -> Result<Key<K>, KeyringError> {
        #[cfg(feature = "sabotage")]
        if crate::sabotage::keeps_key_of(K::NAME) {
            return self.child(parent, slot);
        }
        let key = Key::generate(entropy)?;
        let node = self.nodes.get_mut(&name(parent));
        let put = node.is_some_and(|node| node.body.set_child(slot, &key));
        if put { Ok(key) } else { Err(parent.unreadable(Unreadable::Shape)) }
    }

    /// The rows of the nodes, the root node among them.
    ///
    /// # Errors
    /// If randomness fails.
    pub fn node_rows(&self, entropy: &dyn Entropy) -> Result<Vec<NodeRow>, KeyringError> {
        let mut made = Vec::with_capacity(self.nodes.len());
        for ((subtree, level, index), node) in &self.nodes {
            let (subtree, level, index) = (Subtree(*subtree), *level, *index);
            let place = NodePlace { vault: self.keyring.vault(), subtree, level, index };
            let row = self.seal(node.key.as_ref().unwrap_or(&self.root), &place, node.body.expose(), entropy)?;
            made.push((tables::node::key(subtree, level, index).to_vec(), row));
        }
        Ok(made)
    }

    /// The leaves that get new keys, ascending.
    pub fn leaves(&self) -> impl Iterator<Item = (Subtree, u32)> {
        self.leaves.keys().copied()
    }

    /// Everything on the re-keyed leaves as `reader` has it, under the new keys, but for the entries of the members that
    /// `depart`. What `known` already made of the same row, without the same members, is taken from there.
    ///
    /// # Errors
    /// `corrupt` where a row does not open.
    pub fn rewrap(
        &self,
        reader: &dyn Reader,
        departing: &Departing,
        mut known: BTreeMap<(Keyspace, Vec<u8>), Rewrapped>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<Rewrapped>, KeyringError> {
        let mut all = Vec::with_capacity(known.len());
        for ((subtree, leaf), key) in &self.leaves {
            let mut take = |keyspace, row_key: &[u8], row: &[u8], fresh: &dyn Fn() -> Result<Made, KeyringError>| {
                let was = RowStamp::of(row);
                let made = known.remove(&(keyspace, row_key.to_vec())).filter(|made| made.was == was);
                all.push(match made {
                    Some(made) => made,
                    None => {
                        let (row, lost) = fresh()?;
                        Rewrapped { keyspace, key: row_key.to_vec(), was, row, lost }
                    }
                });
                Ok::<_, KeyringError>(())
            };
            match key {
                LeafKey::Shard(new) => {
                    for (member, row) in self.keyring.shard_rows(reader, *leaf)? {
                        take(tables::member::KEYSPACE, &tables::member::key(&member), &row, &|| {
                            Ok((self.rewrap_member(reader, *leaf, &member, &row, new, entropy)?, Vec::new()))
                        })?;
                    }
                }
                LeafKey::Bucket(new) => {
                    let field = subtree.0;
                    for (page, row) in tables::page::of_bucket(reader, field, *leaf)? {
                        take(tables::page::KEYSPACE, &tables::page::key(field, *leaf, page), &row, &|| {
                            self.rewrap_page(reader, (field, *leaf, page), (&row, departing), new, entropy)
                        })?;
                    }
                }
            }
        }
        Ok(all)
    }

    fn rewrap_member(
        &self,
        reader: &dyn Reader,
        shard: u32,
        member: &MemberId,
        row: &[u8],
        new: &Key<Shard>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyringError> {
        let old = self.keyring.shard_key(reader, shard)?;
        let place = MemberRowPlace { vault: self.keyring.vault(), shard, member };
        let plain = open_row(&old, &place, row).map_err(KeyringError::MemberUnreadable)?;
        self.seal(new, &place, plain.expose(), entropy)
    }

    fn rewrap_page(
        &self,
        reader: &dyn Reader,
        (field, bucket, page): (u8, u32, u8),
        (row, departing): (&[u8], &Departing),
        new: &Key<Bucket>,
        entropy: &dyn Entropy,
    ) -> Result<Made, KeyringError> {
        let kind = IdentifierKind::from_number(field).ok_or(KeyringError::NoSuchLeaf)?;
        let old = self.keyring.bucket_key(reader, kind, bucket)?;
        let place = PagePlace { vault: self.keyring.vault(), field, bucket, page };
        let unreadable = |source| KeyringError::PageUnreadable { field, bucket, page, source };
        let plain = open_row(&old, &place, row).map_err(unreadable)?;
        if departing.is_empty() {
            return Ok((self.seal(new, &place, plain.expose(), entropy)?, Vec::new()));
        }
        let mut entries = Page::parse(plain).map_err(|error| unreadable(error.into()))?;
        let was = ResidueRow::pieces_of(rows::sealed(row).unwrap_or_default());
        let key = tables::page::key(field, bucket, page);
        let gone = |(_, member): (_, MemberId)| departing.get(&member).map(|erasure| (member, *erasure));
        let mut lost = Vec::new();
        for (member, erasure) in entries.entries().filter_map(gone).collect::<Vec<_>>() {
            entries.expel(&member);
            lost.extend(was.map(|was| PageLeft { erasure, page: key, was }));
        }
        Ok((self.seal(new, &place, entries.expose(), entropy)?, lost))
    }

    fn seal<P: Place>(
        &self,
        key: &Key<P::Key>,
        place: &P,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyringError> {
        let mut row = rows::begin_sealed(plain.len().saturating_add(ENVELOPE_OVERHEAD));
        crypto::seal_into(self.keyring.suite(), key, place, plain, entropy, &mut row)?;
        Ok(row)
    }

    /// The root of the next tree, when it is in the database.
    pub fn into_root(self) -> Key<Node> {
        self.root
    }

    /// What stands for the root in the ledger.
    pub fn root_commitment(&self) -> [u8; 32] {
        self.root.commitment()
    }
}

impl Keyring {
    /// Opens everything on these leaves as the present tree has it: the read-back before an old root may go.
    ///
    /// # Errors
    /// `corrupt` where a node or a row does not open.
    pub fn verify_leaves(&self, reader: &dyn Reader, leaves: &[(Subtree, u32)]) -> Result<(), KeyringError> {
        for (subtree, leaf) in leaves {
            if *subtree == Subtree::MEMBERS {
                let _reached = self.shard_key(reader, *leaf)?;
                for (member, row) in self.shard_rows(reader, *leaf)? {
                    self.open_member(reader, &member, &row)?;
                }
            } else {
                let kind = IdentifierKind::from_number(subtree.0).ok_or(KeyringError::NoSuchLeaf)?;
                self.members_in(reader, kind, *leaf)?;
            }
        }
        Ok(())
    }

    /// Where the rows of the nodes on the way to these leaves lie, the root node first.
    pub fn node_keys(&self, leaves: &[(Subtree, u32)]) -> Vec<Vec<u8>> {
        let mut nodes = std::collections::BTreeSet::from([name(NodeAt::ROOT)]);
        for (subtree, leaf) in leaves {
            let Some(shape) = self.shape.subshape(*subtree) else { continue };
            nodes.extend((0..shape.depth).map(|level| (subtree.0, level, shape.step(level, *leaf).0)));
        }
        let key = |(subtree, level, index)| tables::node::key(Subtree(subtree), level, index).to_vec();
        nodes.into_iter().map(key).collect()
    }

    /// Where the rows lie that one leaf seals.
    pub fn rows_of_leaf(&self, subtree: Subtree, leaf: u32) -> (Keyspace, KeyRange) {
        let (keyspace, first, last) = if subtree == Subtree::MEMBERS {
            let (first, last) = self.shape.members_of(leaf);
            let key = |member| tables::member::key(member).to_vec();
            (tables::member::KEYSPACE, key(&first), key(&last))
        } else {
            let key = |page| tables::page::key(subtree.0, leaf, page).to_vec();
            (tables::page::KEYSPACE, key(0), key(u8::MAX))
        };
        (keyspace, KeyRange { start: first, end: successor(&last) })
    }

    /// Every member row of a shard.
    ///
    /// # Errors
    /// Whatever the engine answers.
    pub fn shard_rows(&self, reader: &dyn Reader, shard: u32) -> Result<Vec<(MemberId, Vec<u8>)>, KeyringError> {
        let (first, last) = self.shape.members_of(shard);
        Ok(tables::member::between(reader, &first, &last)?)
    }
}

fn open_row<P: Place>(key: &Key<P::Key>, place: &P, row: &[u8]) -> Result<Plaintext, Unreadable> {
    Ok(crypto::open(key, place, rows::sealed(row)?)?)
}

fn name(at: NodeAt) -> (u8, u8, u32) {
    (at.subtree.0, at.level, at.index)
}
