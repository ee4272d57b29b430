//! The index is of today, the profiles are of the backup: every bucket is brought to what the profiles say.

use super::{Error, Restored};
use crate::crypto::IndexEntryPlace;
use crate::keyring::{IndexEdit, Insertion, PageEdit};
use crate::store::{Batch, Durability};
use crate::tables;
use crate::types::{Identifier, IdentifierKind, MemberId};
use crate::vault::Vault;

/// Buckets that are edited at a time.
const BUCKETS: usize = 256;

/// The entries that the profiles call for: some 40 bytes each while a restore runs.
#[derive(Default)]
pub(super) struct Expected {
    entries: Vec<Entry>,
    profiles: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    kind: IdentifierKind,
    bucket: u32,
    token: [u8; 16],
    member: MemberId,
}

impl Entry {
    const fn place(&self) -> IndexEntryPlace {
        IndexEntryPlace { bucket: self.bucket, token: self.token }
    }
}

impl Expected {
    pub(super) fn learn(&mut self, vault: &Vault, member: &MemberId, identifiers: &[Identifier]) {
        self.profiles += 1;
        self.entries.extend(identifiers.iter().map(|identifier| {
            let IndexEntryPlace { bucket, token } = vault.keyring().index_place(identifier);
            Entry { kind: identifier.kind(), bucket, token, member: *member }
        }));
    }

    pub(super) const fn profiles(&self) -> u64 {
        self.profiles
    }

    /// The entries of one bucket.
    fn of(&self, kind: IdentifierKind, bucket: u32) -> &[Entry] {
        let at = |bucket| self.entries.partition_point(|entry| (entry.kind, u64::from(entry.bucket)) < (kind, bucket));
        let bucket = u64::from(bucket);
        self.entries.get(at(bucket)..at(bucket + 1)).unwrap_or_default()
    }
}

/// Removes entries that no profile has, enters those that are missing. A page that loses one is marked for the next seal.
pub(super) fn reconcile(vault: &Vault, mut expected: Expected, done: &mut Restored) -> Result<(), Error> {
    expected.entries.sort_unstable();
    for kind in IdentifierKind::ALL {
        let buckets: Vec<u32> = (0..vault.keyring().shape().buckets(kind)).collect();
        for some in buckets.chunks(BUCKETS) {
            let mut edit = vault.keyring().edit_index(vault.engine());
            for bucket in some {
                settle(vault, &mut edit, kind, *bucket, expected.of(kind, *bucket), done)?;
            }
            write(vault, edit.finish(vault.entropy())?)?;
        }
    }
    Ok(())
}

fn settle(
    vault: &Vault,
    edit: &mut IndexEdit<'_>,
    kind: IdentifierKind,
    bucket: u32,
    expected: &[Entry],
    done: &mut Restored,
) -> Result<(), Error> {
    for (token, member) in vault.keyring().entries_in(vault.engine(), kind, bucket)? {
        let entry = Entry { kind, bucket, token, member };
        // The next seal takes it out, and notes for the purge where it was.
        if expected.binary_search(&entry).is_err() && vault.departs(&member)? {
            continue;
        }
        if expected.binary_search(&entry).is_err() && edit.remove(kind, &entry.place(), &member)? {
            done.index_removed += 1;
        }
    }
    for entry in expected {
        match edit.insert(kind, &entry.place(), &entry.member)? {
            Insertion::Present => {}
            Insertion::Done => done.index_entered += 1,
            Insertion::Taken(_) => done.index_taken += 1,
        }
    }
    Ok(())
}

/// Writes pages and marks. Not a change with a leaf of its own: the vault is shut until the leaf of the restore.
fn write(vault: &Vault, edit: PageEdit) -> Result<(), Error> {
    let mut batch = Batch::new();
    for page in edit.pages {
        if let Some(row) = page.row {
            batch.put(tables::page::KEYSPACE, page.key, row);
        }
    }
    for (subtree, leaf) in edit.dirty {
        let mark = vault.random::<{ tables::dirty::MARK_LEN }>()?;
        batch.put(tables::dirty::KEYSPACE, tables::dirty::key(subtree, leaf), mark);
    }
    if batch.is_empty() { Ok(()) } else { Ok(vault.engine().write(batch, Durability::Buffered)?) }
}
