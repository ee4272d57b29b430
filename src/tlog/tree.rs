//! A growing tree that yields its tiles: frontier and tiles in one pass, each hash computed once.

use super::frontier::Frontier;
use super::hash::Hash;

/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;
/// Levels of tiles a tree of 2^64 leaves would have.
pub const TILE_LEVELS_MAX: usize = 64 / TILE_HEIGHT as usize;

/// A full tile: 256 hashes side by side, at height `8 * level` of the tree. Level 0 holds leaf hashes, level 1 the roots
/// of level 0's full tiles, and so on.
///
/// Tiles that are not full are not stored: their hashes follow from leaves and from the tiles below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The level of the tile.
    pub level: u8,
    /// Position among the tiles of its level.
    pub index: u64,
    /// 256 hashes.
    pub hashes: Vec<u8>,
}

/// Where the tree grows: its frontier, and the tiles that are not yet full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    frontier: Frontier,
    /// Hashes waiting for their tile to be full, by level of tiles.
    growing: Vec<Vec<u8>>,
}

impl Tree {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { frontier: Frontier::new(), growing: Vec::new() }
    }

    pub(super) fn from_parts(frontier: Frontier, growing: Vec<Vec<u8>>) -> Self {
        Self { frontier, growing }
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Appends a leaf hash; tiles that are full with it go to `full`, lower levels first.
    pub fn append(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        let leaves_before = self.frontier.size();
        let growing = &mut self.growing;
        self.frontier.append(leaf, |height, hash| {
            if height % TILE_HEIGHT == 0 {
                grow(growing, height / TILE_HEIGHT, leaves_before, hash, full);
            }
        });
    }
}

/// Adds the root of a complete subtree of height `8 * level` to the tile of that level.
fn grow(growing: &mut Vec<Vec<u8>>, level: u8, leaves_before: u64, hash: &Hash, full: &mut Vec<Tile>) {
    let position = usize::from(level);
    if growing.len() <= position {
        growing.resize_with(position + 1, Vec::new);
    }
    let Some(hashes) = growing.get_mut(position) else { return }; // resized above
    if hashes.capacity() == 0 {
        hashes.reserve_exact(TILE_WIDTH * size_of::<Hash>());
    }
    hashes.extend_from_slice(hash);
    if hashes.len() == TILE_WIDTH * size_of::<Hash>() {
        // The leaf being appended is the last one under this tile, so the shift drops exactly the tile's own leaves.
        let index = leaves_before.checked_shr(u32::from(TILE_HEIGHT) * (u32::from(level) + 1)).unwrap_or(0);
        full.push(Tile { level, index, hashes: std::mem::take(hashes) });
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::*;

    /// The tiles of level 0 and 1, computed from nothing but the list of leaves.
    fn naive_tiles(leaves: &[Hash]) -> Vec<(u8, u64, Vec<u8>)> {
        let mut hashes = leaves.to_vec();
        let mut tiles = Vec::new();
        for level in 0.. {
            let full: Vec<&[Hash]> = hashes.chunks_exact(TILE_WIDTH).collect();
            if full.is_empty() {
                break;
            }
            tiles.extend((0..).zip(&full).map(|(index, tile)| (level, index, tile.concat())));
            hashes = full.iter().map(|tile| naive::root(tile)).collect();
        }
        tiles
    }

    fn grown_tiles(leaves: &[Hash]) -> (Tree, Vec<(u8, u64, Vec<u8>)>) {
        let mut tree = Tree::new();
        let mut full = Vec::new();
        for leaf in leaves {
            tree.append(*leaf, &mut full);
        }
        (tree, full.into_iter().map(|tile| (tile.level, tile.index, tile.hashes)).collect())
    }

    #[test]
    fn tiles_agree_with_the_definition() {
        for size in [0, 1, 255, 256, 257, 511, 512, 1000] {
            let leaves = naive::leaves(size);
            let (tree, tiles) = grown_tiles(&leaves);
            assert_eq!(tree.root(), naive::root(&leaves));
            assert_eq!(tiles, naive_tiles(&leaves), "size {size}");
        }
    }

    #[test]
    fn a_tile_of_level_one_follows_the_tile_below_that_fills_it() {
        let leaves = naive::leaves(65_536 + 300);
        let (tree, mut tiles) = grown_tiles(&leaves);
        assert_eq!(tree.root(), naive::root(&leaves));
        assert_eq!((tiles[256].0, tiles[256].1), (1, 0));
        tiles.sort();
        assert_eq!(tiles, naive_tiles(&leaves));
    }
}
