//! The small world: six secrets under four leaves, two groups and a root, and which key was ever stored under which.
//!
//! ```text
//! root ─┬─ group 0 ─┬─ leaf 0: row of A, row of B
//!       │           └─ leaf 1: row of C, row of D (inserted while things happen)
//!       └─ group 1 ─┬─ leaf 2: A's entry in a page of the index, another member's entry
//!                   └─ leaf 3: empty
//! ```

/// Versions a key may have: the first, and one for each attempt to seal.
pub const VERSIONS: u8 = 4;
pub const GROUPS: usize = 2;
pub const LEAVES: usize = 4;
pub const ITEMS: usize = 6;

/// The row of a member or its entry in a page: a secret below one leaf.
pub const ROW_A: usize = 0;
pub const ROW_D: usize = 3;
/// The leaf that each item lies under.
pub const LEAF_OF: [usize; ITEMS] = [0, 0, 1, 1, 2, 2];

pub const fn group_of(leaf: usize) -> usize {
    leaf / 2
}

/// Members that may be erased. Two neighbours, B and the other entry, must survive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    A,
    C,
    D,
}

impl Member {
    pub const ALL: [Self; 3] = [Self::A, Self::C, Self::D];

    pub const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The items that are this member's, as a set.
    pub const fn items(self) -> u8 {
        match self {
            Self::A => 0b01_0001,
            Self::C => 0b00_0100,
            Self::D => 0b00_1000,
        }
    }

    /// The leaves an erasure makes dirty, as a set.
    pub const fn leaves(self) -> u8 {
        match self {
            Self::A => 0b0101,
            Self::C | Self::D => 0b0010,
        }
    }
}

/// The items of a set of members.
pub fn items_of(members: u8) -> u8 {
    Member::ALL.into_iter().filter(|member| members & member.bit() != 0).fold(0, |items, member| items | member.items())
}

/// Every edge ever written: bit set means that the one key was once stored under the other. Files may be deleted, the
/// edges stay: the adversary keeps every byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct History(u128);

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} edges", self.0.count_ones())
    }
}

const FOUR: u128 = (1 << VERSIONS) - 1;
const LEAF_EDGES: usize = 32;
const ITEM_EDGES: usize = 96;

impl History {
    pub fn group_under_root(&mut self, group: usize, version: u8, root: u8) {
        self.set(usize::from(root) * 8 + group * 4 + usize::from(version));
    }

    pub fn leaf_under_group(&mut self, leaf: usize, version: u8, group_version: u8) {
        self.set(LEAF_EDGES + leaf * 16 + usize::from(group_version) * 4 + usize::from(version));
    }

    pub fn item_under_leaf(&mut self, item: usize, leaf_version: u8) {
        self.set(ITEM_EDGES + item * 4 + usize::from(leaf_version));
    }

    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn set(&mut self, bit: usize) {
        self.0 |= 1 << bit;
    }

    /// Four bits beginning at `bit`: the versions at the far end of four edges.
    fn four(self, bit: usize) -> u8 {
        ((self.0 >> bit) & FOUR).to_le_bytes()[0]
    }

    /// The items that can be opened with these versions of the root, over everything ever written.
    pub fn reached(self, roots: u8) -> u8 {
        let mut groups = [0_u8; GROUPS];
        for root in versions(roots) {
            for (group, known) in groups.iter_mut().enumerate() {
                *known |= self.four(usize::from(root) * 8 + group * 4);
            }
        }
        let mut leaves = [0_u8; LEAVES];
        for (leaf, known) in leaves.iter_mut().enumerate() {
            for version in versions(groups[group_of(leaf)]) {
                *known |= self.four(LEAF_EDGES + leaf * 16 + usize::from(version) * 4);
            }
        }
        (0..ITEMS)
            .filter(|item| self.four(ITEM_EDGES + item * 4) & leaves[LEAF_OF[*item]] != 0)
            .fold(0, |items, item| items | 1 << item)
    }
}

fn versions(set: u8) -> impl Iterator<Item = u8> {
    (0..VERSIONS).filter(move |version| set & (1 << version) != 0)
}
