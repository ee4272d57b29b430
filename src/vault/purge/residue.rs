//! What an erasure leaves behind for the purge: by which bytes a file is known that still holds what was erased.
//!
//! Written in the commit of the fence, for afterwards nobody could tell, but for the pages of the index, which the seal
//! adds when it writes them without the entries of who was erased. Taken when the erasure is decided: a record
//! written between then and the commit is removed with the others and not looked for; it lies in the same ranges.

use crate::codec::{RecordRow, ResidueRow, rows};
use crate::keyring::PageLeft;
use crate::ledger::Change;
use crate::store::Keyspace;
use crate::tables;
use crate::types::{ErasureId, MemberId, MetaField};

use super::super::disclosure::notice::Uses;
use super::super::index::Rewritten;
use super::super::pipeline::Opened;
use super::super::{Error, Vault};

/// Records of one member that are looked for one by one. The ranges in which all of them lie are cleaned in any case.
pub const RESIDUE_RECORDS_MAX: usize = 256;

/// What an erasure removes besides records.
pub(crate) struct Removed<'a> {
    /// The keys it removes them with.
    pub(crate) opened: &'a Opened,
    /// The pages of the index that it rewrites.
    pub(crate) pages: &'a [Rewritten],
    /// The accesses, where they go too.
    pub(crate) accesses: Option<&'a Uses>,
}

impl Vault {
    /// Puts the residue of an erasure into its change, and clears the records, the postings that name them and the links:
    /// whatever there is when the fence is written.
    pub(crate) fn put_residue(
        &self,
        change: &mut Change,
        id: &ErasureId,
        (member, scope): (&MemberId, Option<u16>),
        removed: &Removed<'_>,
    ) -> Result<(), Error> {
        let mut residue = ResidueRow::default();
        residue.place(number(tables::member::KEYSPACE), &tables::member::key(member));
        residue.envelope(rows::sealed(&removed.opened.row)?);
        for page in removed.pages {
            residue.place(number(tables::page::KEYSPACE), &page.key);
            residue.known_by(page.was);
        }
        if let Some(Uses { prefix, marked, .. }) = removed.accesses {
            residue.place(number(tables::access::KEYSPACE), prefix);
            residue.key(prefix);
            if *marked {
                residue.place(number(tables::access::MARKS), &tables::access::mark(prefix));
            }
        }
        if scope.is_none() {
            self.put_links(change, member, &mut residue)?;
        }
        let mut seen = Vec::new();
        tables::record::each_of(self.engine(), member, scope, RESIDUE_RECORDS_MAX, &mut |key, row| {
            seen.push(key.to_vec());
            residue.place(number(tables::record::KEYSPACE), key);
            residue.key(key);
            if let Ok(row) = RecordRow::parse(row) {
                residue.envelope(row.envelope);
            }
        })?;
        let records = (tables::record::KEYSPACE, tables::record::range_of(member, scope));
        let postings = tables::posting::back_range(member, scope);
        // Postings, also those of earlier metadata, end with the key of their record: clean wherever they could lie.
        if tables::posting::is_marked(self.engine(), member)? {
            residue.place(number(tables::posting::KEYSPACE), &tables::posting::mark(member));
            for field in MetaField::ALL {
                residue.place(number(tables::posting::KEYSPACE), &tables::posting::prefix_of(field));
            }
            change.clear(tables::posting::KEYSPACE, postings);
        } else {
            change.clear_beside(tables::posting::KEYSPACE, postings, records.clone());
        }
        if seen.len() < RESIDUE_RECORDS_MAX {
            change.clear_seen(records.0, records.1, seen);
        } else {
            change.clear(records.0, records.1);
        }
        change.put(tables::residue::KEYSPACE, tables::residue::key(id), residue.encode());
        Ok(())
    }

    /// The links of the member, which end with it.
    fn put_links(&self, change: &mut Change, member: &MemberId, residue: &mut ResidueRow) -> Result<(), Error> {
        let links = self.forget_shares(change, member)?;
        if !links.is_empty() {
            residue.place(number(tables::share::KEYSPACE), &tables::share::of_member_key(member));
        }
        for id in &links {
            let key = tables::share::key(id);
            residue.place(number(tables::share::KEYSPACE), &key);
            residue.key(&key);
            if let Some(row) = tables::share::row(self.engine(), id)? {
                residue.known_by(rows::sealed(&row).ok().and_then(ResidueRow::pieces_of));
            }
        }
        Ok(())
    }
}

/// Adds the pages that lost the entries of erased members to what is looked for of their erasures.
pub(crate) fn left(change: &mut Change, pages: &[PageLeft]) {
    for PageLeft { erasure, page, was } in pages {
        let mut residue = ResidueRow::default();
        residue.place(number(tables::page::KEYSPACE), page);
        residue.known_by(Some(*was));
        change.put(tables::residue::KEYSPACE, tables::residue::key_of_page(erasure, page), residue.encode());
    }
}

/// A keyspace as a residue names it: its position among them.
fn number(keyspace: Keyspace) -> u8 {
    keyspace.index().to_le_bytes()[0]
}
