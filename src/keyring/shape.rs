//! How deep the key tree is and how many buckets the index has: chosen once, from the number of members expected.
//!
//! Pure arithmetic. The shape is stored in the vault's meta row and never changes while the vault lives.
//!
//! A leaf of the tree is a shard (member subtree) or a bucket (index subtrees). Its path is its number read in base 256:
//! at level 0 the highest digit chooses the child of the subtree's top node.

use super::KeyringError;
use crate::types::place::Subtree;
use crate::types::{IdentifierKind, MemberId};

/// Children of every node but the root.
pub const FAN_OUT: u32 = 256;
/// A seal rewraps whole shards: beyond this many members a shard, one more level (8 KiB) is cheaper than their rows, and
/// the cost of one erasure stays within twice that of the smallest vault.
const MEMBERS_PER_SHARD_MAX: u64 = 64;
/// Full buckets chain a second page, which costs every lookup there a second read. At 50 of 64 slots on average about
/// one bucket in fifty does, and the pages are four fifths full.
const MEMBERS_PER_BUCKET: u64 = 50;
/// Fewer buckets than this would let a rewritten page point at few people.
const BUCKETS_MIN: u32 = 64;
/// Deepest member subtree: 16.7 million shards.
const DEPTH_MAX: u8 = 3;
/// The usual member subtree: 65,536 shards.
const DEPTH_MIN: u8 = 2;
/// The largest vault a tree of the greatest depth serves.
pub const MEMBERS_EXPECTED_MAX: u64 = MEMBERS_PER_SHARD_MAX << (8 * DEPTH_MAX);
/// Levels needed for any 32-bit number of buckets.
const INDEX_DEPTH_MAX: u8 = 4;

/// The depth of the member subtree and the size of each index field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeShape {
    depth: u8,
    buckets: [u32; 3],
}

impl TreeShape {
    /// The shape for a vault that will hold about `members` members.
    pub fn for_members(members: u64) -> Result<Self, KeyringError> {
        if members > MEMBERS_EXPECTED_MAX {
            return Err(KeyringError::TooManyMembers { expected: members });
        }
        let depth = if members <= MEMBERS_PER_SHARD_MAX << (8 * DEPTH_MIN) { DEPTH_MIN } else { DEPTH_MAX };
        let buckets = u32::try_from(members.div_ceil(MEMBERS_PER_BUCKET)).unwrap_or(u32::MAX).max(BUCKETS_MIN);
        Ok(Self { depth, buckets: [buckets; 3] })
    }

    /// The shape of an existing vault, as its meta row has it.
    pub fn from_meta(depth: u8, buckets: [u32; 3]) -> Result<Self, KeyringError> {
        if depth == 0 || depth > DEPTH_MAX || buckets.contains(&0) {
            return Err(KeyringError::ImpossibleShape);
        }
        Ok(Self { depth, buckets })
    }

    /// Levels of inner nodes in the member subtree.
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// Buckets of each identifier field, in the order of [`IdentifierKind::ALL`].
    pub const fn all_buckets(&self) -> [u32; 3] {
        self.buckets
    }

    /// Buckets of one identifier field.
    pub const fn buckets(&self, kind: IdentifierKind) -> u32 {
        let [email, phone, external_id] = self.buckets;
        match kind {
            IdentifierKind::Email => email,
            IdentifierKind::Phone => phone,
            IdentifierKind::ExternalId => external_id,
        }
    }

    /// The shard of a member: the leading bits of its random id.
    pub const fn shard_of(&self, member: &MemberId) -> u32 {
        let [a, b, c, d, ..] = *member.as_bytes();
        u32::from_be_bytes([a, b, c, d]) >> (32 - 8 * self.depth as u32)
    }

    /// The first and the last id a member of this shard can have.
    pub(super) fn members_of(&self, shard: u32) -> (MemberId, MemberId) {
        // The shard's number has 8 * depth bits, at most 24.
        let prefix = (shard << (32 - 8 * u32::from(self.depth))).to_be_bytes();
        let end = |filler: u8| {
            let mut id = [filler; MemberId::LEN];
            id.iter_mut().zip(prefix).take(usize::from(self.depth)).for_each(|(to, from)| *to = from);
            MemberId::from_bytes(id)
        };
        (end(0), end(u8::MAX))
    }

    /// One subtree; `None` if there is no such.
    pub(super) fn subshape(&self, subtree: Subtree) -> Option<Subshape> {
        self.subtrees().find(|shape| shape.subtree == subtree)
    }

    /// How many leaves each subtree has.
    pub fn leaves(&self) -> impl Iterator<Item = (Subtree, u32)> {
        self.subtrees().map(|shape| (shape.subtree, shape.leaves))
    }

    /// The member subtree.
    pub(super) const fn members(&self) -> Subshape {
        // A depth of at most 3 keeps the number of shards within 32 bits.
        Subshape { subtree: Subtree::MEMBERS, depth: self.depth, leaves: 1 << (8 * self.depth as u32) }
    }

    /// The subtree of one identifier field.
    pub(super) const fn index(&self, kind: IdentifierKind) -> Subshape {
        let leaves = self.buckets(kind);
        let mut depth = 1;
        while depth < INDEX_DEPTH_MAX && (FAN_OUT as u64).pow(depth as u32) < leaves as u64 {
            depth += 1;
        }
        Subshape { subtree: Subtree(kind.number()), depth, leaves }
    }

    /// Every subtree there is.
    pub(super) fn subtrees(&self) -> impl Iterator<Item = Subshape> {
        let shape = *self;
        std::iter::once(shape.members()).chain(IdentifierKind::ALL.into_iter().map(move |kind| shape.index(kind)))
    }

    /// Nodes of the whole tree, the root among them.
    pub fn nodes(&self) -> u64 {
        1 + self.subtrees().map(|subtree| subtree.nodes()).sum::<u64>()
    }
}

/// One subtree: which, how deep, how many leaves in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subshape {
    pub(super) subtree: Subtree,
    pub(super) depth: u8,
    pub(super) leaves: u32,
}

impl Subshape {
    /// The node at `level` on the way to `leaf`, and the child of it that leads on.
    pub(super) fn step(&self, level: u8, leaf: u32) -> (u32, u8) {
        let below = u32::from(self.depth.saturating_sub(level).saturating_sub(1));
        let child_number = u64::from(leaf) >> (8 * below);
        // Shifting a 32-bit number leaves a 32-bit number.
        let node = u32::try_from(child_number >> 8).unwrap_or(u32::MAX);
        (node, child_number.to_le_bytes()[0])
    }

    /// Nodes at `level` that lead to a leaf in use; those at the edge have idle children.
    pub(super) fn nodes_at(&self, level: u8) -> u64 {
        let below = u32::from(self.depth.saturating_sub(level));
        u64::from(self.leaves).div_ceil(1 << (8 * below))
    }

    fn nodes(&self) -> u64 {
        (0..self.depth).map(|level| self.nodes_at(level)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(members: u64) -> (u8, u32, u8, u64) {
        let shape = TreeShape::for_members(members).unwrap();
        (shape.depth(), shape.all_buckets()[0], shape.index(IdentifierKind::Email).depth, shape.nodes())
    }

    #[test]
    fn the_shape_grows_with_the_expected_members() {
        assert_eq!(shape(0), (2, 64, 1, 1 + 257 + 3));
        assert_eq!(shape(10_000), (2, 200, 1, 1 + 257 + 3));
        assert_eq!(shape(1_000_000), (2, 20_000, 2, 1 + 257 + 3 * (1 + 79)));
        assert_eq!(shape(1 << 22).0, 2);
        assert_eq!(shape((1 << 22) + 1).0, 3);
        assert_eq!(shape(1_000_000_000), (3, 20_000_000, 4, 65_794 + 3 * (1 + 2 + 306 + 78_125)));
        assert_eq!(shape(MEMBERS_EXPECTED_MAX).0, 3);
        assert!(TreeShape::for_members(MEMBERS_EXPECTED_MAX + 1).is_err());
    }

    #[test]
    fn a_stored_shape_is_checked() {
        assert!(TreeShape::from_meta(1, [1, 2, 3]).is_ok());
        for (depth, buckets) in [(0, [1; 3]), (4, [1; 3]), (255, [1; 3]), (2, [1, 0, 1])] {
            assert!(TreeShape::from_meta(depth, buckets).is_err(), "{depth} {buckets:?}");
        }
    }

    #[test]
    fn the_leading_bits_of_the_id_choose_the_shard() {
        let member = MemberId::from_bytes([0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
        for (depth, shard) in [(1, 0xab), (2, 0xabcd), (3, 0x00ab_cdef)] {
            assert_eq!(TreeShape::from_meta(depth, [1; 3]).unwrap().shard_of(&member), shard);
        }
    }

    #[test]
    fn a_shard_has_the_ids_that_begin_with_it() {
        let shape = TreeShape::from_meta(2, [1; 3]).unwrap();
        let (first, last) = shape.members_of(0xabcd);
        assert_eq!(first.as_bytes()[..3], [0xab, 0xcd, 0]);
        assert_eq!(last.as_bytes()[..3], [0xab, 0xcd, 0xff]);
        assert_eq!((shape.shard_of(&first), shape.shard_of(&last)), (0xabcd, 0xabcd));
        assert_eq!(
            TreeShape::from_meta(3, [1; 3]).unwrap().members_of(0xabcdef).1.as_bytes()[..4],
            [0xab, 0xcd, 0xef, 0xff]
        );
    }

    #[test]
    fn a_path_is_the_number_in_base_256() {
        let path = |depth, leaf| {
            let shape = Subshape { subtree: Subtree::MEMBERS, depth, leaves: u32::MAX };
            (0..depth).map(|level| shape.step(level, leaf)).collect::<Vec<_>>()
        };
        assert_eq!(path(1, 0x07), [(0, 7)]);
        assert_eq!(path(2, 0x0102), [(0, 1), (1, 2)]);
        assert_eq!(path(3, 0x01_02_03), [(0, 1), (1, 2), (0x0102, 3)]);
        assert_eq!(path(4, 0xfffe_fdfc), [(0, 0xff), (0xff, 0xfe), (0xfffe, 0xfd), (0x00ff_fefd, 0xfc)]);
    }
}
