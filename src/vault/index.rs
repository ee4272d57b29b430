//! The identifiers of a member in the sealed index, kept in step with its profile.

use serde_json::{Map, Value};

use crate::codec::Pieces;
use crate::keyring::{IndexEdit, Insertion, PageEdit};
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::types::place::Subtree;
use crate::types::{Identifier, IdentifierKind, MemberId};

use super::purge::residue;
use super::{Error, Vault, input};

/// A page of the index that a change rewrites, or lets the seal rewrite.
pub(crate) struct Rewritten {
    /// Its key.
    pub(crate) key: [u8; 6],
    /// By which bytes a file is known that holds it as it was; `None` for a new one, and for one that the seal writes.
    pub(crate) was: Option<Pieces>,
}

impl Vault {
    /// Enters the identifiers that `new` has and `old` had not, and removes those that `old` had and `new` has not. The
    /// pages that are rewritten.
    ///
    /// # Errors
    /// `identifier_taken`; `invalid_identifier` for one of `new`.
    pub(crate) fn reindex(
        &self,
        change: &mut Change,
        member: &MemberId,
        old: Option<&Map<String, Value>>,
        new: Option<&Map<String, Value>>,
    ) -> Result<Vec<Rewritten>, Error> {
        let old = old.map(input::identifiers).transpose()?.unwrap_or_default();
        let new = new.map(input::identifiers).transpose()?.unwrap_or_default();
        let mut edit = self.keyring().edit_index(self.engine());
        for gone in old.iter().filter(|entry| !holds(&new, entry)) {
            edit.remove(gone.kind(), &self.keyring().index_place(gone), member)?;
        }
        for entry in new.iter().filter(|entry| !holds(&old, entry)) {
            self.enter(&mut edit, entry, member)?;
        }
        self.put_pages(change, edit.finish(self.entropy())?)
    }

    /// Removes these identifiers of a member. The pages that are rewritten.
    pub(crate) fn unindex(
        &self,
        change: &mut Change,
        member: &MemberId,
        identifiers: &[Identifier],
    ) -> Result<Vec<Rewritten>, Error> {
        let mut edit = self.keyring().edit_index(self.engine());
        for gone in identifiers {
            edit.remove(gone.kind(), &self.keyring().index_place(gone), member)?;
        }
        self.put_pages(change, edit.finish(self.entropy())?)
    }

    /// Removes a member from every page of the index, whatever its identifiers were. The pages rewritten.
    pub(crate) fn expel(&self, change: &mut Change, member: &MemberId) -> Result<Vec<Rewritten>, Error> {
        let mut edit = self.keyring().edit_index(self.engine());
        for kind in IdentifierKind::ALL {
            for bucket in self.keyring().buckets_naming(self.engine(), kind, member)? {
                edit.expel(kind, bucket, member)?;
            }
        }
        self.put_pages(change, edit.finish(self.entropy())?)
    }

    /// Marks the buckets with the identifiers of a member that is erased as a whole. From the fence on its entries are
    /// those of nobody; they go with the seal, which writes these pages anyhow. The pages where the entries begin.
    pub(crate) fn depart(&self, change: &mut Change, identifiers: &[Identifier]) -> Result<Vec<Rewritten>, Error> {
        let departs = |identifier: &Identifier| {
            let (field, bucket) = (identifier.kind().number(), self.keyring().index_place(identifier).bucket);
            self.mark_bucket(change, Subtree(field), bucket)?;
            Ok(Rewritten { key: tables::page::key(field, bucket, 0), was: None })
        };
        identifiers.iter().map(departs).collect()
    }

    /// Marks a bucket for the next seal. Not with who is gone: a row that says so would outlive the seal in old files, and
    /// tie the buckets of one member together.
    fn mark_bucket(&self, change: &mut Change, field: Subtree, bucket: u32) -> Result<(), Error> {
        let mark = self.random::<{ tables::dirty::MARK_LEN }>()?;
        change.put(tables::dirty::KEYSPACE, tables::dirty::key(field, bucket), mark);
        Ok(())
    }

    fn enter(&self, edit: &mut IndexEdit<'_>, entry: &Identifier, member: &MemberId) -> Result<(), Error> {
        match edit.insert(entry.kind(), &self.keyring().index_place(entry), member)? {
            Insertion::Done | Insertion::Present => Ok(()),
            Insertion::Taken(_) => Err(Error::IdentifierTaken { kind: entry.kind() }),
        }
    }

    /// Puts a finished edit into a change, with the pages it stands on and the marks for the next seal. The pages that are
    /// rewritten.
    pub(crate) fn put_pages(&self, change: &mut Change, edit: PageEdit) -> Result<Vec<Rewritten>, Error> {
        let PageEdit { pages, dirty, epoch, left } = edit;
        residue::left(change, &left);
        if !pages.is_empty() {
            change.relies_on(Reliance::Epoch(epoch));
        }
        let mut rewritten = Vec::new();
        for page in pages {
            let keyspace = tables::page::KEYSPACE;
            change.relies_on(Reliance::Row { keyspace, key: page.key.to_vec(), stamp: page.was });
            if let Some(row) = page.row {
                change.put(keyspace, page.key, row);
                rewritten.push(Rewritten { key: page.key, was: page.pieces });
            }
        }
        for (subtree, leaf) in dirty {
            self.mark_bucket(change, subtree, leaf)?;
        }
        Ok(rewritten)
    }
}

fn holds(identifiers: &[Identifier], wanted: &Identifier) -> bool {
    identifiers.iter().any(|one| one.kind() == wanted.kind() && one.normal() == wanted.normal())
}
