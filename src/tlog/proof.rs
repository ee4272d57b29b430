//! Proofs about the tree, read from tiles and leaves: that a leaf is in it, that it grew from a smaller one.
//!
//! RFC 9162, section 2.1; the hashes come in the order of the proofs of `tlog-proof`, lowest first. Reading takes a
//! [`HashSource`] of a tree at least as large as the size asked for; a tile that is not full at that size is never asked
//! for, since its hashes follow from the tiles and leaves below.

use super::hash::{Hash, empty_root, node_hash};
use super::rebuild::{HashSource, root_of_hashes};
use super::tree::{TILE_HEIGHT, TILE_LEVELS_MAX, TILE_WIDTH};

/// The root of the first `size` leaves.
pub fn root_at<S: HashSource>(size: u64, source: &mut S) -> Result<Hash, S::Error> {
    if size == 0 { Ok(empty_root()) } else { Tree { size, source }.root_of(0, size) }
}

/// The proof that leaf `index` is in the tree of `size` leaves; `None` if there is no such leaf.
pub fn inclusion_proof<S: HashSource>(index: u64, size: u64, source: &mut S) -> Result<Option<Vec<Hash>>, S::Error> {
    if index >= size {
        return Ok(None);
    }
    let mut tree = Tree { size, source };
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(tree.root_of(middle, end)?);
            end = middle;
        } else {
            proof.push(tree.root_of(start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(Some(proof))
}

/// The proof that the tree of `new` leaves begins with the tree of `old` leaves; `None` if `old` is the larger one or
/// empty, of which nothing can be proved.
pub fn consistency_proof<S: HashSource>(old: u64, new: u64, source: &mut S) -> Result<Option<Vec<Hash>>, S::Error> {
    if old == 0 || old > new {
        return Ok(None);
    }
    let mut tree = Tree { size: new, source };
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, new);
    while end > old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(tree.root_of(middle, end)?);
            end = middle;
        } else {
            proof.push(tree.root_of(start, middle)?);
            start = middle;
        }
    }
    // The old tree's last subtree; if that is the old tree as a whole, the verifier has its root.
    if start > 0 {
        proof.push(tree.root_of(start, end)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

/// The hashes of a tile of the tree of `size` leaves: 256, or the fewer it has at that size; `None` if it has none.
pub fn tile_at<S: HashSource>(level: u8, index: u64, size: u64, source: &mut S) -> Result<Option<Vec<Hash>>, S::Error> {
    if usize::from(level) >= TILE_LEVELS_MAX {
        return Ok(None);
    }
    let mut tree = Tree { size, source };
    let first = index.checked_mul(TILE_WIDTH as u64);
    let Some(first) = first.filter(|first| *first < tree.complete(level)) else { return Ok(None) };
    let count = (tree.complete(level) - first).min(TILE_WIDTH as u64);
    tree.hashes(level, first, count).map(Some)
}

/// The largest power of two below `count`, which is at least 2.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

struct Tree<'a, S> {
    size: u64,
    source: &'a mut S,
}

impl<S: HashSource> Tree<'_, S> {
    /// Complete subtrees of height `8 * level`.
    const fn complete(&self, level: u8) -> u64 {
        self.size >> (level as u32 * TILE_HEIGHT as u32)
    }

    /// The root of the leaves from `start` to before `end`, as the definition splits them: whole subtrees first.
    fn root_of(&mut self, mut start: u64, end: u64) -> Result<Hash, S::Error> {
        let mut peaks = Vec::new();
        while start < end {
            let height = (end - start).ilog2();
            peaks.push(self.subtree(height, start)?);
            start += 1 << height;
        }
        let Some(last) = peaks.pop() else { return Ok(empty_root()) };
        Ok(peaks.iter().rev().fold(last, |right, left| node_hash(left, &right)))
    }

    /// The root of the complete subtree of this height whose first leaf is `start`.
    fn subtree(&mut self, height: u32, start: u64) -> Result<Hash, S::Error> {
        let level = height / u32::from(TILE_HEIGHT);
        let first = start >> (level * u32::from(TILE_HEIGHT));
        let count = 1 << (height % u32::from(TILE_HEIGHT));
        let hashes = self.hashes(u8::try_from(level).unwrap_or(u8::MAX), first, count)?;
        Ok(root_of_hashes(&hashes))
    }

    /// Some hashes of one tile, the first of them being number `first` of its level.
    fn hashes(&mut self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, S::Error> {
        let width = TILE_WIDTH as u64;
        let tile = first / width;
        if (tile + 1).saturating_mul(width) <= self.complete(level) {
            let skip = usize::try_from(first % width).unwrap_or(TILE_WIDTH);
            let hashes = self.source.tile(level, tile)?;
            return Ok(hashes.into_iter().skip(skip).take(usize::try_from(count).unwrap_or(TILE_WIDTH)).collect());
        }
        let read = |index| match level.checked_sub(1) {
            None => self.source.leaf(index),
            Some(below) => self.source.tile_root(below, index),
        };
        (first..first + count).map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::super::verify::{verify_consistency, verify_inclusion};
    use super::super::{Tile, Tree, naive};
    use super::*;

    /// What a ledger stores: leaves, and tiles that are full. Asking for a tile that is not is a panic.
    struct Stored {
        leaves: Vec<Hash>,
        tiles: Vec<Tile>,
    }

    impl Stored {
        fn of(size: u64) -> Self {
            let leaves = naive::leaves(size);
            let (mut tree, mut tiles) = (Tree::new(), Vec::new());
            leaves.iter().for_each(|leaf| tree.append(*leaf, &mut tiles));
            Self { leaves, tiles }
        }
    }

    impl HashSource for Stored {
        type Error = Infallible;

        fn leaf(&mut self, index: u64) -> Result<Hash, Infallible> {
            Ok(self.leaves[usize::try_from(index).unwrap()])
        }

        fn tile(&mut self, level: u8, index: u64) -> Result<Vec<Hash>, Infallible> {
            let tile = self.tiles.iter().find(|tile| (tile.level, tile.index) == (level, index)).unwrap();
            Ok(tile.hashes.as_chunks::<32>().0.to_vec())
        }
    }

    /// The definitions of RFC 9162, sections 2.1.3.1 and 2.1.4.1, word for word.
    fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        match index.checked_sub(left.len()) {
            None => [naive_path(index, left), vec![naive::root(right)]].concat(),
            Some(index) => [naive_path(index, right), vec![naive::root(left)]].concat(),
        }
    }

    fn naive_subproof(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if known { Vec::new() } else { vec![naive::root(leaves)] };
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        match old.checked_sub(left.len()).filter(|rest| *rest > 0) {
            None => [naive_subproof(old, left, known), vec![naive::root(right)]].concat(),
            Some(rest) => [naive_subproof(rest, right, false), vec![naive::root(left)]].concat(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn proofs_are_those_of_the_definition_and_hold(stored in 1u64..900, cut in 0.0..1.0, at in 0.0..1.0) {
            let mut source = Stored::of(stored);
            let size = 1 + (((stored - 1) as f64) * cut) as u64;
            let index = (((size - 1) as f64) * at) as u64;
            let leaves = naive::leaves(size);
            let root = root_at(size, &mut source).unwrap();
            prop_assert_eq!(root, naive::root(&leaves));

            let proof = inclusion_proof(index, size, &mut source).unwrap().unwrap();
            prop_assert_eq!(&proof, &naive_path(index as usize, &leaves));
            prop_assert!(verify_inclusion(index, size, &leaves[index as usize], &root, &proof));

            let old = index + 1;
            let old_root = naive::root(&leaves[..old as usize]);
            let proof = consistency_proof(old, size, &mut source).unwrap().unwrap();
            prop_assert_eq!(&proof, &naive_subproof(old as usize, &leaves, true));
            prop_assert!(verify_consistency(old, size, &old_root, &root, &proof));
        }

        #[test]
        fn tiles_at_a_size_are_slices_of_the_leaves(stored in 1u64..900, cut in 0.0..1.0) {
            let mut source = Stored::of(stored);
            let size = 1 + (((stored - 1) as f64) * cut) as u64;
            let leaves = naive::leaves(size);
            for (index, tile) in leaves.chunks(TILE_WIDTH).enumerate() {
                prop_assert_eq!(tile_at(0, index as u64, size, &mut source).unwrap().unwrap(), tile);
            }
            let above: Vec<Hash> = leaves.chunks_exact(TILE_WIDTH).map(naive::root).collect();
            prop_assert_eq!(tile_at(1, 0, size, &mut source).unwrap().unwrap_or_default(), above);
            prop_assert_eq!(tile_at(0, size.div_ceil(256), size, &mut source).unwrap(), None);
        }
    }

    #[test]
    fn small_trees_completely() {
        let mut source = Stored::of(40);
        for size in 1..=40u64 {
            let leaves = naive::leaves(size);
            for index in 0..size {
                let path = inclusion_proof(index, size, &mut source).unwrap().unwrap();
                assert_eq!(path, naive_path(usize::try_from(index).unwrap(), &leaves), "{index} in {size}");
                let old = usize::try_from(index + 1).unwrap();
                let proof = consistency_proof(index + 1, size, &mut source).unwrap().unwrap();
                assert_eq!(proof, naive_subproof(old, &leaves, true), "{old} in {size}");
            }
        }
    }

    #[test]
    fn a_tree_with_tiles_of_tiles() {
        let mut source = Stored::of(66_100);
        let leaves = source.leaves.clone();
        for size in [65_535u64, 65_536, 65_537, 66_100] {
            let known = &leaves[..usize::try_from(size).unwrap()];
            assert_eq!(root_at(size, &mut source).unwrap(), naive::root(known));
            for index in [0, 255, 256, 65_000, size - 1] {
                let proof = inclusion_proof(index, size, &mut source).unwrap().unwrap();
                let leaf = &leaves[usize::try_from(index).unwrap()];
                assert!(verify_inclusion(index, size, leaf, &naive::root(known), &proof), "{index} in {size}");
            }
        }
        assert_eq!(tile_at(2, 0, 66_100, &mut source).unwrap().map(|tile| tile.len()), Some(1));
        assert_eq!(tile_at(1, 0, 65_535, &mut source).unwrap().map(|tile| tile.len()), Some(255));
        assert_eq!(tile_at(3, 0, 66_100, &mut source).unwrap(), None);
        assert_eq!(tile_at(8, 0, 66_100, &mut source).unwrap(), None);
        assert_eq!(tile_at(0, u64::MAX, 66_100, &mut source).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_proved_is_none() {
        let mut source = Stored::of(9);
        assert_eq!(inclusion_proof(9, 9, &mut source).unwrap(), None);
        assert_eq!(inclusion_proof(0, 0, &mut source).unwrap(), None);
        assert_eq!(consistency_proof(0, 9, &mut source).unwrap(), None);
        assert_eq!(consistency_proof(9, 8, &mut source).unwrap(), None);
        assert_eq!(consistency_proof(9, 9, &mut source).unwrap(), Some(Vec::new()));
        assert_eq!(root_at(0, &mut source).unwrap(), empty_root());
    }
}
