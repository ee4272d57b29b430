//! The two hashes of the tree, told apart by their first byte so that a leaf can never pass for a node.

use crate::crypto::sha256;

/// A leaf or node hash, SHA-256.
pub type Hash = [u8; 32];

const LEAF_PREFIX: &[u8] = &[0];
const NODE_PREFIX: &[u8] = &[1];

/// The root of the tree without leaves.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The hash of a leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[LEAF_PREFIX, leaf])
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[NODE_PREFIX, left, right])
}
