//! Column families: in which of RocksDB's trees a row lies.
//!
//! A keyspace is one family, but for the ledger, which is two: leaves in one, tiles and head in the other. Leaves alone
//! only ever grow at their end, so no two table files of theirs overlap, and RocksDB moves such files from level to level
//! instead of merging them. With the head among them, which every batch writes anew, each file would reach from its first
//! leaf to the head and overlap all that follow.
//!
//! Called by `rocks.rs` for every row and range; above it nobody knows families.

use std::borrow::Cow;

use crate::store::{KeyRange, Keyspace};

/// The first key of the ledger that is not a leaf's: leaves begin with `L`, tiles with `T`, the head with `Z`.
const AFTER_LEAVES: &[u8] = b"M";

/// A tree of RocksDB's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Of the keyspace of this name.
    Control,
    /// Of the keyspace of this name.
    Index,
    /// Of the keyspace of this name.
    Records,
    /// Of the ledger: its leaves.
    Leaves,
    /// Of the ledger: tiles and head.
    Tree,
    /// Of the keyspace of this name.
    Access,
}

impl Family {
    /// Every family, in the order of [`Family::position`].
    pub(super) const ALL: [Self; 6] =
        [Self::Control, Self::Index, Self::Records, Self::Leaves, Self::Tree, Self::Access];

    /// The name on disk.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Control => Keyspace::Control.name(),
            Self::Index => Keyspace::Index.name(),
            Self::Records => Keyspace::Records.name(),
            Self::Leaves => Keyspace::Ledger.name(),
            Self::Tree => "ledger_tree",
            Self::Access => Keyspace::Access.name(),
        }
    }

    /// The place in [`Family::ALL`].
    pub(super) const fn position(self) -> usize {
        self as usize
    }

    /// Where the row of a key lies.
    pub(super) fn of(keyspace: Keyspace, key: &[u8]) -> Self {
        match keyspace {
            Keyspace::Control => Self::Control,
            Keyspace::Index => Self::Index,
            Keyspace::Records => Self::Records,
            Keyspace::Ledger if key < AFTER_LEAVES => Self::Leaves,
            Keyspace::Ledger => Self::Tree,
            Keyspace::Access => Self::Access,
        }
    }

    /// The families of a keyspace, in the order of their keys.
    pub(super) const fn all_of(keyspace: Keyspace) -> &'static [Self] {
        match keyspace {
            Keyspace::Control => &[Self::Control],
            Keyspace::Index => &[Self::Index],
            Keyspace::Records => &[Self::Records],
            Keyspace::Ledger => &[Self::Leaves, Self::Tree],
            Keyspace::Access => &[Self::Access],
        }
    }

    /// The families that a range of a keyspace lies in, in the order of their keys, and which part of it lies in each.
    pub(super) fn parts(keyspace: Keyspace, range: &KeyRange) -> impl Iterator<Item = (Self, Cow<'_, KeyRange>)> {
        let families = Self::all_of(keyspace).iter();
        families.map(|family| (*family, family.part_of(range))).filter(|(_, part)| !part.is_empty())
    }

    fn part_of(self, range: &KeyRange) -> Cow<'_, KeyRange> {
        match self {
            Self::Leaves if range.end.as_deref().is_none_or(|end| end > AFTER_LEAVES) => {
                Cow::Owned(KeyRange { start: range.start.clone(), end: Some(AFTER_LEAVES.to_vec()) })
            }
            Self::Tree if range.start.as_slice() < AFTER_LEAVES => {
                Cow::Owned(KeyRange { start: AFTER_LEAVES.to_vec(), end: range.end.clone() })
            }
            _ => Cow::Borrowed(range),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rocksdb::WaitForCompactOptions;

    use super::super::{Opening, RocksEngine, RocksSettings};
    use super::*;
    use crate::codec::keys;
    use crate::store::{Batch, Durability, Engine};

    fn ledger(range: &KeyRange) -> Vec<(Family, KeyRange)> {
        Family::parts(Keyspace::Ledger, range).map(|(family, part)| (family, part.into_owned())).collect()
    }

    #[test]
    fn families_have_their_own_names_and_positions() {
        for (position, family) in Family::ALL.into_iter().enumerate() {
            assert_eq!(family.position(), position);
            assert!(Family::ALL.iter().filter(|other| other.name() == family.name()).count() == 1);
        }
        let of_keyspaces: Vec<_> = Keyspace::ALL.into_iter().flat_map(Family::all_of).copied().collect();
        assert_eq!(of_keyspaces, Family::ALL);
    }

    #[test]
    fn leaves_lie_by_themselves() {
        for index in [0, 7, u64::MAX] {
            assert_eq!(Family::of(Keyspace::Ledger, &keys::leaf(index)), Family::Leaves);
            assert_eq!(Family::of(Keyspace::Ledger, &keys::tile(u8::MAX, index)), Family::Tree);
        }
        assert_eq!(Family::of(Keyspace::Ledger, &keys::LEDGER_HEAD), Family::Tree);
        assert_eq!(Family::of(Keyspace::Access, &keys::leaf(0)), Family::Access);
    }

    #[test]
    fn a_range_is_cut_where_the_leaves_end() {
        let leaves = KeyRange::new(keys::leaf(3), keys::leaf(9));
        assert_eq!(ledger(&leaves), [(Family::Leaves, leaves.clone())]);
        let all_leaves = KeyRange::prefix([keys::ledger_tag::LEAF]);
        assert_eq!(ledger(&all_leaves), [(Family::Leaves, all_leaves.clone())]);
        let tiles = KeyRange::prefix([keys::ledger_tag::TILE]);
        assert_eq!(ledger(&tiles), [(Family::Tree, tiles.clone())]);
        let (from_leaf, tree) = (KeyRange::new(keys::leaf(3), "M"), KeyRange { start: b"M".to_vec(), end: None });
        let from_leaf_on = KeyRange { start: keys::leaf(3).to_vec(), end: None };
        assert_eq!(ledger(&from_leaf_on), [(Family::Leaves, from_leaf), (Family::Tree, tree)]);
        assert_eq!(ledger(&KeyRange::new("M", "L")), []);
        assert_eq!(ledger(&KeyRange::new("Z", "L")), []);
        let all = KeyRange::all();
        let elsewhere: Vec<_> = Family::parts(Keyspace::Control, &all).collect();
        assert_eq!(elsewhere, [(Family::Control, Cow::Borrowed(&all))]);
    }

    #[test]
    fn a_leaf_is_written_to_one_table_file_and_stays_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let engine = RocksEngine::open(&RocksSettings::new(directory.path().join("db"), Opening::Fresh)).unwrap();
        let of_leaves = || {
            let files = engine.db.live_files().unwrap().into_iter();
            files.filter(|file| file.column_family_name == Family::Leaves.name()).collect::<Vec<_>>()
        };
        let mut written = BTreeSet::new();
        for index in 0..12 {
            let mut batch = Batch::new();
            batch.put(Keyspace::Ledger, keys::leaf(index), [7; 97]).put(Keyspace::Ledger, keys::LEDGER_HEAD, [0; 41]);
            engine.write(batch, Durability::Buffered).unwrap();
            engine.flush().unwrap();
            engine.db.wait_for_compact(&WaitForCompactOptions::default()).unwrap();
            written.extend(of_leaves().into_iter().map(|file| file.name));
        }
        let now = of_leaves();
        assert!(now.iter().any(|file| file.level > 0), "some were moved");
        assert_eq!(now.into_iter().map(|file| file.name).collect::<BTreeSet<_>>(), written, "none was merged");
        assert_eq!(written.len(), 12);
    }
}
