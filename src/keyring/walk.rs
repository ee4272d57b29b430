//! From the root to a leaf: opens the nodes on the path, and keeps what it opened in bounded caches.
//!
//! All that is cached belongs to one epoch of the tree and lies in one [`Epoch`] value. A seal puts another in its place;
//! the old one, with every key in it, is wiped when the last reader lets go of it. So there is nothing to invalidate, and
//! a slow reader cannot put an old key into a new cache.
//!
//! Only keys of shards, buckets and inner nodes are ever cached. Keys of members never are.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use quick_cache::sync::Cache;

use super::shape::Subshape;
use super::tree::{self, NodeAt};
use super::{KeyringError, Unreadable};
use crate::codec::NodeBody;
use crate::crypto::Key;
use crate::store::Reader;
use crate::types::VaultId;
use crate::types::place::{Bucket, KeyKind, Node, Shard};

/// Nodes whose children are nodes. A vault for a billion members has 1,307 of them; all are kept, so that a miss below
/// costs one open. About 10 KiB each, 20 MiB at most. (The cache is split and its parts fill unevenly: hence the room.)
const INNER_NODES_CACHED_MAX: usize = 2_048;
/// Nodes whose children are shard keys. There are 256 at the usual depth, all kept; at the greatest depth 65,536, one in
/// eight kept. At most 80 MiB, reached only by vaults beyond 4 million members.
const SHARD_NODES_CACHED_MAX: usize = 8_192;
/// Nodes whose children are bucket keys. A vault for a million members has 267, all kept; at most 20 MiB.
const BUCKET_NODES_CACHED_MAX: usize = 2_048;

/// The keys of the 256 children of one node.
struct Children<K: KeyKind>(Box<[Key<K>; 256]>);

impl<K: KeyKind> Children<K> {
    fn of(node: &NodeBody, at: NodeAt) -> Result<Self, KeyringError> {
        let keys: Option<Vec<Key<K>>> = (0..256).map(|index| node.child(index)).collect();
        let keys = keys.and_then(|keys| keys.into_boxed_slice().try_into().ok());
        keys.map(Self).ok_or_else(|| at.unreadable(Unreadable::Shape))
    }
}

/// One key of an opened node, kept alive by holding the node. Behaves as the key.
pub struct TreeKey<K: KeyKind> {
    node: Arc<Children<K>>,
    child: u8,
}

impl<K: KeyKind> Deref for TreeKey<K> {
    type Target = Key<K>;

    #[allow(clippy::indexing_slicing, reason = "a u8 is within 256")]
    fn deref(&self) -> &Key<K> {
        &self.node.0[usize::from(self.child)]
    }
}

/// The tree as of one epoch, as far as it was opened.
pub(super) struct Epoch {
    pub(super) number: u64,
    root: Key<Node>,
    /// The keys of the top nodes, children of the root node.
    tops: OnceLock<Vec<Key<Node>>>,
    inner: Cache<NodeAt, Arc<Children<Node>>>,
    shards: Cache<u32, Arc<Children<Shard>>>,
    buckets: Cache<(u8, u32), Arc<Children<Bucket>>>,
}

impl Epoch {
    pub(super) fn new(number: u64, root: Key<Node>) -> Self {
        Self {
            number,
            root,
            tops: OnceLock::new(),
            inner: Cache::new(INNER_NODES_CACHED_MAX),
            shards: Cache::new(SHARD_NODES_CACHED_MAX),
            buckets: Cache::new(BUCKET_NODES_CACHED_MAX),
        }
    }

    /// The root of the tree.
    pub(super) const fn root(&self) -> &Key<Node> {
        &self.root
    }

    /// The key of a shard. Warm, this is one look-up and one reference count.
    pub(super) fn shard(
        &self,
        reader: &dyn Reader,
        vault: &VaultId,
        shape: Subshape,
        shard: u32,
    ) -> Result<TreeKey<Shard>, KeyringError> {
        self.leaf(reader, vault, shape, shard, &self.shards, |node| node)
    }

    /// The key of a bucket.
    pub(super) fn bucket(
        &self,
        reader: &dyn Reader,
        vault: &VaultId,
        shape: Subshape,
        bucket: u32,
    ) -> Result<TreeKey<Bucket>, KeyringError> {
        self.leaf(reader, vault, shape, bucket, &self.buckets, |node| (shape.subtree.0, node))
    }

    fn leaf<K: KeyKind, C: Clone + Eq + std::hash::Hash>(
        &self,
        reader: &dyn Reader,
        vault: &VaultId,
        shape: Subshape,
        leaf: u32,
        cache: &Cache<C, Arc<Children<K>>>,
        cached_as: impl FnOnce(u32) -> C,
    ) -> Result<TreeKey<K>, KeyringError> {
        if leaf >= shape.leaves {
            return Err(KeyringError::NoSuchLeaf);
        }
        let (index, child) = shape.step(shape.depth.saturating_sub(1), leaf);
        let name = cached_as(index);
        if let Some(node) = cache.get(&name) {
            return Ok(TreeKey { node, child });
        }
        let node = Arc::new(self.open_leaf_node(reader, vault, shape, leaf)?);
        cache.insert(name, Arc::clone(&node));
        Ok(TreeKey { node, child })
    }

    /// Walks down to the node whose child is `leaf`.
    fn open_leaf_node<K: KeyKind>(
        &self,
        reader: &dyn Reader,
        vault: &VaultId,
        shape: Subshape,
        leaf: u32,
    ) -> Result<Children<K>, KeyringError> {
        let top = self.top(reader, vault, shape)?;
        let mut key: Option<TreeKey<Node>> = None;
        let last = shape.depth.saturating_sub(1);
        for level in 0..last {
            let (index, child) = shape.step(level, leaf);
            let at = NodeAt { subtree: shape.subtree, level, index };
            let node = self.inner(reader, vault, at, key.as_deref().unwrap_or(top))?;
            key = Some(TreeKey { node, child });
        }
        let (index, _) = shape.step(last, leaf);
        let at = NodeAt { subtree: shape.subtree, level: last, index };
        Children::of(&tree::open_node(reader, vault, at, key.as_deref().unwrap_or(top))?, at)
    }

    fn inner(
        &self,
        reader: &dyn Reader,
        vault: &VaultId,
        at: NodeAt,
        key: &Key<Node>,
    ) -> Result<Arc<Children<Node>>, KeyringError> {
        if let Some(node) = self.inner.get(&at) {
            return Ok(node);
        }
        let node = Arc::new(Children::of(&tree::open_node(reader, vault, at, key)?, at)?);
        self.inner.insert(at, Arc::clone(&node));
        Ok(node)
    }

    fn top(&self, reader: &dyn Reader, vault: &VaultId, shape: Subshape) -> Result<&Key<Node>, KeyringError> {
        let tops = match self.tops.get() {
            Some(tops) => tops,
            None => {
                let node = tree::open_node(reader, vault, NodeAt::ROOT, &self.root)?;
                let opened = (0..node.count()).map_while(|index| node.child(index)).collect();
                self.tops.get_or_init(|| opened)
            }
        };
        let key = tops.get(usize::from(shape.subtree.0));
        key.ok_or_else(|| NodeAt::ROOT.unreadable(Unreadable::Shape))
    }
}
