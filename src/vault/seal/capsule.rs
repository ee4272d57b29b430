//! The redo capsule of a round: made from the rows in the database, so that it can be made again after a crash.

use std::ops::ControlFlow;

use crate::codec::{Capsule, CapsuleClear, CapsuleRow};
use crate::crypto;
use crate::ledger;
use crate::store::{KeyRange, Keyspace, Reader};
use crate::tables;
use crate::types::place::Subtree;

use super::super::{Error, Vault};
use super::sweep::pending_in;

/// Leaves of the ledger a capsule holds at most: some seconds of a busy vault. A disk that lost more than this, and the
/// seal with it, is beyond a redo.
const CAPSULE_LEAVES_MAX: u64 = 16 * 1024;
/// Marks of leaves that wait for a later round. Where more wait, the sweep goes on over every leaf there is.
const CAPSULE_MARKS_MAX: usize = 4096;

impl Vault {
    /// Everything on these leaves of the tree, the nodes above them, the erasures that wait, and the end of the ledger.
    pub(super) fn capsule(&self, epoch: u64, leaves: &[(Subtree, u32)]) -> Result<Vec<u8>, Error> {
        // One moment for all of it: members are erased while this is made, and a fence must come with its leaf.
        let snapshot = self.engine().snapshot()?;
        let reader = &*snapshot;
        let head = ledger::StoredLog(reader).head()?;
        let rotation = tables::rotation::read(reader, epoch)?.ok_or(Error::Internal("a round has its rotation row"))?;
        let mut copy = Copying { reader, rows: Vec::new(), clears: Vec::new() };
        for key in self.keyring().node_keys(leaves) {
            copy.row(tables::node::KEYSPACE, key)?;
        }
        copy.row(tables::meta::KEYSPACE, tables::meta::EPOCH_KEY.to_vec())?;
        copy.row(tables::rotation::KEYSPACE, tables::rotation::key(epoch).to_vec())?;
        for (subtree, leaf) in leaves {
            let (keyspace, range) = self.keyring().rows_of_leaf(*subtree, *leaf);
            copy.range(keyspace, &range)?;
            let mark = tables::dirty::key(*subtree, *leaf);
            copy.range(tables::dirty::KEYSPACE, &KeyRange::prefix(mark))?;
        }
        copy_marks(&mut copy)?;
        let first_leaf = self.seals().slot().read()?.ledger_size.max(head.size.saturating_sub(CAPSULE_LEAVES_MAX));
        copy_pending(&mut copy, first_leaf)?;
        let capsule = Capsule {
            vault: *self.id(),
            epoch,
            new_root: rotation.new_root,
            ledger_root: head.root,
            first_leaf,
            leaves: ledger::leaves(reader, first_leaf, head.size)?,
            clears: copy.clears,
            rows: copy.rows,
        };
        let mut file = capsule.encode()?;
        let hash = crypto::sha256(&[&file]);
        file.extend_from_slice(&hash);
        Ok(file)
    }
}

/// What else waits to be re-keyed, so that no erasure among the pending passes for one whose leaves are done.
fn copy_marks(copy: &mut Copying<'_>) -> Result<(), Error> {
    for (key, row) in tables::dirty::marks(copy.reader, CAPSULE_MARKS_MAX)? {
        copy.rows.push(CapsuleRow { keyspace: number(tables::dirty::KEYSPACE), key, row });
    }
    Ok(())
}

/// The erasures that wait, with their fences: the batch they came in may be lost as well. Not those from before
/// `first_leaf`: a ledger that has lost so much is beyond a redo, so where there is one they are there.
fn copy_pending(copy: &mut Copying<'_>, first_leaf: u64) -> Result<(), Error> {
    for id in pending_in(copy.reader)? {
        let row = tables::erasure::read(copy.reader, &id)?.ok_or(Error::Internal("an erasure has its row"))?;
        if row.leaf < first_leaf {
            continue;
        }
        copy.row(tables::pending::KEYSPACE, tables::pending::key(&id).to_vec())?;
        copy.row(tables::erasure::KEYSPACE, tables::erasure::key(&id).to_vec())?;
        copy.row(tables::fence::KEYSPACE, tables::fence::key(&row.member, row.compartment).to_vec())?;
    }
    Ok(())
}

struct Copying<'a> {
    reader: &'a dyn Reader,
    rows: Vec<CapsuleRow>,
    clears: Vec<CapsuleClear>,
}

impl Copying<'_> {
    fn row(&mut self, keyspace: Keyspace, key: Vec<u8>) -> Result<(), Error> {
        if let Some(row) = self.reader.get(keyspace, &key)? {
            self.rows.push(CapsuleRow { keyspace: number(keyspace), key, row: row.to_vec() });
        }
        Ok(())
    }

    fn range(&mut self, keyspace: Keyspace, range: &KeyRange) -> Result<(), Error> {
        let end = range.end.clone().ok_or(Error::Internal("a leaf of the tree has a bounded range of rows"))?;
        self.clears.push(CapsuleClear { keyspace: number(keyspace), start: range.start.clone(), end });
        self.reader.scan(keyspace, range, &mut |key, row| {
            self.rows.push(CapsuleRow { keyspace: number(keyspace), key: key.to_vec(), row: row.to_vec() });
            ControlFlow::Continue(())
        })?;
        Ok(())
    }
}

/// A keyspace as a capsule names it: its position among them.
fn number(keyspace: Keyspace) -> u8 {
    keyspace.index().to_le_bytes()[0]
}

/// The keyspace of a number in a capsule.
pub(in crate::vault) fn keyspace(number: u8) -> Option<Keyspace> {
    Keyspace::ALL.into_iter().find(|keyspace| keyspace.index() == usize::from(number))
}
