//! The right edge of the tree: all that is needed to append a leaf and to know the root.

use super::hash::{Hash, empty_root, node_hash};

/// The roots of the complete subtrees a tree of `size` leaves consists of, largest (leftmost) first: one for each bit
/// that is set in `size`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// Takes stored peaks; `None` if their number does not fit the size.
    pub(super) fn from_peaks(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (u32::try_from(peaks.len()) == Ok(size.count_ones())).then_some(Self { size, peaks })
    }

    /// The peaks, largest subtree first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf hash. `complete` sees every subtree this leaf completes, lowest first, with its height; the leaf
    /// itself is the subtree of height 0.
    pub fn append(&mut self, leaf: Hash, mut complete: impl FnMut(u8, &Hash)) {
        let mut hash = leaf;
        let mut height = 0;
        complete(height, &hash);
        // Each bit set at the low end of the old size is a complete left sibling, as in adding one to a binary number.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            height += 1;
            complete(height, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree: the peaks folded from the right.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{leaf_hash, naive};
    use super::*;

    /// The leaves and roots every Certificate Transparency implementation tests itself with.
    const CT_LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const CT_ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn roots_of_the_certificate_transparency_vectors() {
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root().as_slice(), hex(CT_ROOTS[0]));
        for (leaf, root) in CT_LEAVES.iter().zip(&CT_ROOTS[1..]) {
            frontier.append(leaf_hash(&hex(leaf)), |_, _| {});
            assert_eq!(frontier.root().as_slice(), hex(root), "size {}", frontier.size());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_frontier_agrees_with_the_definition(size in 0u64..700) {
            let leaves = naive::leaves(size);
            let mut frontier = Frontier::new();
            for leaf in &leaves {
                frontier.append(*leaf, |_, _| {});
            }
            prop_assert_eq!(frontier.size(), size);
            prop_assert_eq!(frontier.root(), naive::root(&leaves));
        }
    }

    #[test]
    fn each_completed_subtree_is_shown_once_with_its_height() {
        let mut seen = Vec::new();
        let mut frontier = Frontier::new();
        for leaf in naive::leaves(8) {
            frontier.append(leaf, |height, _| seen.push(height));
        }
        assert_eq!(seen, [0, 0, 1, 0, 0, 1, 2, 0, 0, 1, 0, 0, 1, 2, 3]);
    }
}
