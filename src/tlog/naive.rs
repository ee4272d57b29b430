//! The definition of RFC 9162, section 2.1.1, word for word and slow: what the fast code is tested against.

use super::hash::{Hash, empty_root, leaf_hash, node_hash};

/// Distinct leaf hashes.
pub(super) fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// The Merkle tree hash of a list.
pub(super) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        many => {
            let split = many.len().next_power_of_two() / 2;
            node_hash(&root(&many[..split]), &root(&many[split..]))
        }
    }
}
