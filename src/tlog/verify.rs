//! Checking proofs against roots: RFC 9162, sections 2.1.3.2 and 2.1.4.2. Knows nothing but the hashes it is given.
//!
//! A proof alone does not bind the size of the tree (7 and 8 leaves can give proofs of one shape): size and root belong
//! together because a checkpoint signs both.

use super::hash::{Hash, node_hash};

/// Whether `proof` shows that the leaf with this hash has this index in the tree of `size` leaves with this root.
#[must_use]
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, root: &Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut position, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            hash = node_hash(sibling, &hash);
            (position, last) = at_next_left_edge(position, last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `new` leaves with `new_root` begins with that of `old` leaves and `old_root`.
///
/// `old` is at least 1: of an empty tree nothing needs a proof, and none is accepted.
#[must_use]
pub fn verify_consistency(old: u64, new: u64, old_root: &Hash, new_root: &Hash, proof: &[Hash]) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    // A tree that is one complete subtree is its own first hash.
    let path: Vec<&Hash> =
        if old.is_power_of_two() { std::iter::once(old_root).chain(proof).collect() } else { proof.iter().collect() };
    let Some((first, rest)) = path.split_first() else { return false };
    let skip = (old - 1).trailing_ones();
    let (mut position, mut last) = ((old - 1) >> skip, (new - 1) >> skip);
    let (mut of_old, mut of_new) = (**first, **first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            of_old = node_hash(hash, &of_old);
            of_new = node_hash(hash, &of_new);
            (position, last) = at_next_left_edge(position, last);
        } else {
            of_new = node_hash(&of_new, hash);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    last == 0 && of_old == *old_root && of_new == *new_root
}

/// Passes the levels at which a node on the right edge has no sibling and stands for its parent.
const fn at_next_left_edge(mut position: u64, mut last: u64) -> (u64, u64) {
    while position & 1 == 0 && position != 0 {
        (position, last) = (position >> 1, last >> 1);
    }
    (position, last)
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::*;

    /// The seven leaves of the example of RFC 9162, section 2.1.5: a, b, c, d, e, f, j and the nodes over them.
    fn example() -> (Vec<Hash>, Hash) {
        let leaves = naive::leaves(7);
        let root = naive::root(&leaves);
        (leaves, root)
    }

    #[test]
    fn the_examples_of_the_specification() {
        let (d, root) = example();
        let (g, h, i) = (node_hash(&d[0], &d[1]), node_hash(&d[2], &d[3]), node_hash(&d[4], &d[5]));
        let (k, l) = (node_hash(&g, &h), node_hash(&i, &d[6]));
        assert!(verify_inclusion(0, 7, &d[0], &root, &[d[1], h, l]));
        assert!(verify_inclusion(3, 7, &d[3], &root, &[d[2], g, l]));
        assert!(verify_inclusion(4, 7, &d[4], &root, &[d[5], d[6], k]));
        assert!(verify_inclusion(6, 7, &d[6], &root, &[i, k]));
        assert!(verify_consistency(3, 7, &naive::root(&d[..3]), &root, &[d[2], d[3], g, l]));
        assert!(verify_consistency(4, 7, &k, &root, &[l]));
        assert!(verify_consistency(6, 7, &naive::root(&d[..6]), &root, &[i, d[6], k]));
        assert!(verify_consistency(7, 7, &root, &root, &[]));
    }

    #[test]
    fn nothing_that_was_changed_holds() {
        let (d, root) = example();
        let (g, h) = (node_hash(&d[0], &d[1]), node_hash(&d[2], &d[3]));
        let l = node_hash(&node_hash(&d[4], &d[5]), &d[6]);
        let proof = [d[2], g, l];
        assert!(verify_inclusion(3, 7, &d[3], &root, &proof));
        for (index, size) in [(2, 7), (4, 7), (3, 4), (3, 16), (3, 3), (7, 7), (3, 0), (u64::MAX, 7), (3, u64::MAX)] {
            assert!(!verify_inclusion(index, size, &d[3], &root, &proof), "{index} in {size}");
        }
        assert!(!verify_inclusion(3, 7, &d[2], &root, &proof) && !verify_inclusion(3, 7, &d[3], &h, &proof));
        assert!(!verify_inclusion(3, 7, &d[3], &root, &proof[..2]));
        assert!(!verify_inclusion(3, 7, &d[3], &root, &[d[2], g, l, g]));
        assert!(!verify_inclusion(3, 7, &d[3], &root, &[g, d[2], l]));

        let (old, proof) = (naive::root(&d[..3]), [d[2], d[3], g, l]);
        assert!(verify_consistency(3, 7, &old, &root, &proof));
        for (from, to) in [(2, 7), (4, 7), (0, 7), (7, 3), (3, 3), (3, u64::MAX)] {
            assert!(!verify_consistency(from, to, &old, &root, &proof), "{from} to {to}");
        }
        assert!(!verify_consistency(3, 7, &root, &root, &proof) && !verify_consistency(3, 7, &old, &old, &proof));
        assert!(!verify_consistency(3, 7, &old, &root, &proof[..3]) && !verify_consistency(3, 7, &old, &root, &[]));
        assert!(!verify_consistency(7, 7, &root, &root, &[g]) && !verify_consistency(0, 7, &old, &root, &[]));
    }

    #[test]
    fn a_single_leaf_is_its_own_proof() {
        let leaf = naive::leaves(1)[0];
        assert!(verify_inclusion(0, 1, &leaf, &leaf, &[]) && !verify_inclusion(0, 1, &leaf, &leaf, &[leaf]));
    }
}
