//! The key tree on disk: one envelope for each node, holding the keys of its children.
//!
//! Every node is made with the vault. A node that is absent later is damage, never a part of the tree that was not needed
//! yet: otherwise removing a row would make the vault grow a fresh, empty branch in silence.

use super::shape::{FAN_OUT, Subshape, TreeShape};
use super::{KeyringError, Unreadable};
use crate::codec::node::{NODE_CHILDREN, ROOT_CHILDREN};
use crate::codec::{NodeBody, rows};
use crate::crypto::{self, ENVELOPE_OVERHEAD, Entropy, Key, Suite};
use crate::store::{Batch, Reader, StoreError};
use crate::tables;
use crate::types::VaultId;
use crate::types::place::{Node, NodePlace, Subtree};

/// A tree of the greatest depth has 65,794 nodes of 8 KiB; batches of this size keep planting it in little memory.
const PLANT_BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeAt {
    pub(super) subtree: Subtree,
    pub(super) level: u8,
    pub(super) index: u32,
}

impl NodeAt {
    pub(super) const ROOT: Self = Self { subtree: Subtree::ROOT, level: 0, index: 0 };

    fn place(self, vault: &VaultId) -> NodePlace<'_> {
        NodePlace { vault, subtree: self.subtree, level: self.level, index: self.index }
    }

    fn missing(self) -> KeyringError {
        let Self { subtree, level, index } = self;
        KeyringError::NodeMissing { subtree, level, index }
    }

    pub(super) fn unreadable(self, source: impl Into<Unreadable>) -> KeyringError {
        let Self { subtree, level, index } = self;
        KeyringError::NodeUnreadable { subtree, level, index, source: source.into() }
    }
}

/// Makes every node of a new vault, all keys fresh, and hands them over in batches of bounded size.
///
/// Parents come after their children and the root comes last: if planting is cut short there is no root, and the vault is
/// seen to be unfinished.
pub(super) fn plant(
    vault: &VaultId,
    suite: Suite,
    shape: &TreeShape,
    root: &Key<Node>,
    entropy: &dyn Entropy,
    write: &mut dyn FnMut(Batch) -> Result<(), StoreError>,
) -> Result<(), KeyringError> {
    let mut planting = Planting { vault, suite, entropy, batch: Batch::default(), bytes: 0, write };
    let tops = planting.draw(ROOT_CHILDREN)?;
    for subtree in shape.subtrees() {
        let at = NodeAt { subtree: subtree.subtree, level: 0, index: 0 };
        let key = child(&tops, usize::from(subtree.subtree.0), NodeAt::ROOT)?;
        planting.branch(subtree, at, &key)?;
    }
    planting.put(NodeAt::ROOT, root, &tops)?;
    planting.hand_over()
}

/// Opens the node at `at` under its own key.
pub(super) fn open_node(
    reader: &dyn Reader,
    vault: &VaultId,
    at: NodeAt,
    key: &Key<Node>,
) -> Result<NodeBody, KeyringError> {
    let row = tables::node::row(reader, at.subtree, at.level, at.index)?.ok_or_else(|| at.missing())?;
    let envelope = rows::sealed(&row).map_err(|error| at.unreadable(error))?;
    let plain = crypto::open(key, &at.place(vault), envelope).map_err(|error| at.unreadable(error))?;
    let node = NodeBody::parse(plain).map_err(|error| at.unreadable(error))?;
    let children = if at == NodeAt::ROOT { ROOT_CHILDREN } else { NODE_CHILDREN };
    if node.count() == usize::from(children) { Ok(node) } else { Err(at.unreadable(Unreadable::Shape)) }
}

fn child(node: &NodeBody, index: usize, at: NodeAt) -> Result<Key<Node>, KeyringError> {
    node.child(index).ok_or_else(|| at.unreadable(Unreadable::Shape))
}

struct Planting<'a> {
    vault: &'a VaultId,
    suite: Suite,
    entropy: &'a dyn Entropy,
    batch: Batch,
    bytes: usize,
    write: &'a mut dyn FnMut(Batch) -> Result<(), StoreError>,
}

impl Planting<'_> {
    /// The node at `at` and all below it. Goes as deep as the tree, at most four levels.
    fn branch(&mut self, shape: Subshape, at: NodeAt, key: &Key<Node>) -> Result<(), KeyringError> {
        let node = self.draw(NODE_CHILDREN)?;
        let level = at.level.saturating_add(1);
        let nodes_below = if level < shape.depth { shape.nodes_at(level) } else { 0 };
        for number in 0..FAN_OUT {
            let index = at.index.saturating_mul(FAN_OUT).saturating_add(number);
            if u64::from(index) < nodes_below {
                let below = child(&node, usize::from(number.to_le_bytes()[0]), at)?;
                self.branch(shape, NodeAt { subtree: at.subtree, level, index }, &below)?;
            }
        }
        self.put(at, key, &node)
    }

    fn draw(&self, children: u16) -> Result<NodeBody, KeyringError> {
        Ok(NodeBody::generate(children, |keys| self.entropy.fill(keys))?)
    }

    fn put(&mut self, at: NodeAt, key: &Key<Node>, node: &NodeBody) -> Result<(), KeyringError> {
        let plain = node.expose();
        let mut row = rows::begin_sealed(plain.len().saturating_add(ENVELOPE_OVERHEAD));
        crypto::seal_into(self.suite, key, &at.place(self.vault), plain, self.entropy, &mut row)?;
        self.bytes = self.bytes.saturating_add(row.len());
        self.batch.put(tables::node::KEYSPACE, tables::node::key(at.subtree, at.level, at.index), row);
        if self.bytes >= PLANT_BATCH_BYTES_MAX { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), KeyringError> {
        self.bytes = 0;
        (self.write)(std::mem::take(&mut self.batch))?;
        Ok(())
    }
}
