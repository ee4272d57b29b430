//! The tree as it was, from stored tiles and the few leaves behind them.

use super::frontier::Frontier;
use super::hash::Hash;
use super::tree::{TILE_HEIGHT, TILE_LEVELS_MAX, TILE_WIDTH, Tree};

/// Where a rebuild reads from. An item that is not there is the source's own error.
pub trait HashSource {
    /// What can go wrong with reading.
    type Error;

    /// The hash of the leaf `index`.
    fn leaf(&mut self, index: u64) -> Result<Hash, Self::Error>;

    /// The 256 hashes of a full tile.
    fn tile(&mut self, level: u8, index: u64) -> Result<Vec<Hash>, Self::Error>;

    /// The root of a full tile. It never changes, so a source may remember it.
    fn tile_root(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        self.tile(level, index).map(|hashes| root_of_hashes(&hashes))
    }
}

/// The root over the hashes of a tile, or of the beginning of one.
pub(super) fn root_of_hashes(hashes: &[Hash]) -> Hash {
    frontier_of(hashes).root()
}

/// Rebuilds the tree of `size` leaves.
///
/// Reads at most 255 leaves and 255 tiles of each level, whatever the size. The caller compares the root with the one it
/// stored: the rebuilt tree is only as right as the tiles.
pub fn rebuild<S: HashSource>(size: u64, source: &mut S) -> Result<Tree, S::Error> {
    let mut peaks = Vec::new();
    let mut growing = Vec::new();
    for level in 0..TILE_LEVELS_MAX {
        let complete = size >> (level * usize::from(TILE_HEIGHT));
        if complete == 0 {
            break;
        }
        let hashes = growing_tile(level, complete, source)?;
        // Higher levels lie further left.
        peaks.splice(0..0, frontier_of(&hashes).peaks().iter().copied());
        growing.push(hashes.concat());
    }
    let frontier = Frontier::from_peaks(size, peaks).unwrap_or_default(); // the counts agree by construction
    Ok(Tree::from_parts(frontier, growing))
}

/// The hashes of the last, not full tile of a level on which `complete` subtrees are complete.
fn growing_tile<S: HashSource>(level: usize, complete: u64, source: &mut S) -> Result<Vec<Hash>, S::Error> {
    let first = complete - complete % TILE_WIDTH as u64;
    (first..complete)
        .map(|index| match u8::try_from(level).unwrap_or(u8::MAX).checked_sub(1) {
            None => source.leaf(index),
            Some(below) => source.tile_root(below, index),
        })
        .collect()
}

fn frontier_of(hashes: &[Hash]) -> Frontier {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.append(*hash, |_, _| {});
    }
    frontier
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use super::super::{Tile, naive};
    use super::*;

    struct Stored {
        leaves: Vec<Hash>,
        tiles: HashMap<(u8, u64), Vec<Hash>>,
        leaves_read: usize,
    }

    impl HashSource for Stored {
        type Error = Infallible;

        fn leaf(&mut self, index: u64) -> Result<Hash, Infallible> {
            self.leaves_read += 1;
            Ok(self.leaves[usize::try_from(index).unwrap()])
        }

        fn tile(&mut self, level: u8, index: u64) -> Result<Vec<Hash>, Infallible> {
            Ok(self.tiles[&(level, index)].clone())
        }
    }

    fn keep(tiles: &mut HashMap<(u8, u64), Vec<Hash>>, full: &mut Vec<Tile>) {
        for tile in full.drain(..) {
            let hashes = tile.hashes.chunks_exact(32).map(|hash| hash.try_into().unwrap()).collect();
            tiles.insert((tile.level, tile.index), hashes);
        }
    }

    #[test]
    fn a_rebuilt_tree_is_the_tree() {
        let leaves = naive::leaves(66_100);
        let mut stored = Stored { leaves: leaves.clone(), tiles: HashMap::new(), leaves_read: 0 };
        let mut tree = Tree::new();
        let mut full = Vec::new();
        let sizes = [0u64, 1, 2, 255, 256, 257, 300, 512, 1023, 65_535, 65_536, 65_537, 66_048, 66_099];
        for leaf in &leaves {
            if sizes.contains(&tree.size()) {
                let mut rebuilt = rebuild(tree.size(), &mut stored).unwrap();
                assert_eq!(rebuilt.root(), tree.root(), "size {}", tree.size());
                // They stay the same when they grow.
                let mut grown = tree.clone();
                let (mut one, mut other) = (Vec::new(), Vec::new());
                for extra in naive::leaves(300) {
                    grown.append(extra, &mut one);
                    rebuilt.append(extra, &mut other);
                }
                assert_eq!((grown.root(), one), (rebuilt.root(), other), "size {}", tree.size());
            }
            tree.append(*leaf, &mut full);
            keep(&mut stored.tiles, &mut full);
        }
        assert!(stored.leaves_read <= sizes.len() * 255);
    }
}
