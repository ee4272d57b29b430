//! The identifiers of a member in the sealed index, kept in step with its profile.

use serde_json::{Map, Value};

use crate::codec::Pieces;
use crate::keyring::{IndexEdit, Insertion, PageEdit};
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::types::{Identifier, IdentifierKind, MemberId};

use super::{Error, Vault, input};

/// A page of the index that a change rewrites.
pub(crate) struct Rewritten {
    /// Its key.
    pub(crate) key: [u8; 6],
    /// By which bytes a file is known that holds it as it was; `None` for a new one.
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
        Ok(self.put_pages(change, edit.finish(self.entropy())?))
    }

    /// Removes a member from every page of the index, whatever its identifiers were. The pages rewritten.
    pub(crate) fn expel(&self, change: &mut Change, member: &MemberId) -> Result<Vec<Rewritten>, Error> {
        let mut edit = self.keyring().edit_index(self.engine());
        for kind in IdentifierKind::ALL {
            for bucket in self.keyring().buckets_naming(self.engine(), kind, member)? {
                edit.expel(kind, bucket, member)?;
            }
        }
        Ok(self.put_pages(change, edit.finish(self.entropy())?))
    }

    fn enter(&self, edit: &mut IndexEdit<'_>, entry: &Identifier, member: &MemberId) -> Result<(), Error> {
        match edit.insert(entry.kind(), &self.keyring().index_place(entry), member)? {
            Insertion::Done | Insertion::Present => Ok(()),
            Insertion::Taken(_) => Err(Error::IdentifierTaken { kind: entry.kind() }),
        }
    }

    /// Puts a finished edit into a change, with the pages it stands on and the marks for the next seal. The pages that are
    /// rewritten.
    pub(crate) fn put_pages(&self, change: &mut Change, edit: PageEdit) -> Vec<Rewritten> {
        let PageEdit { pages, dirty, epoch } = edit;
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
            change.put(tables::dirty::KEYSPACE, tables::dirty::key(subtree, leaf), Vec::new());
        }
        rewritten
    }
}

fn holds(identifiers: &[Identifier], wanted: &Identifier) -> bool {
    identifiers.iter().any(|one| one.kind() == wanted.kind() && one.normal() == wanted.normal())
}
