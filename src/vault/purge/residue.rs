//! What an erasure leaves behind for the purge: by which bytes a file is known that still holds what was erased.
//!
//! Written in the commit of the fence, for afterwards nobody could tell. Taken when the erasure is decided: a record
//! written between then and the commit is removed with the others and not looked for; it lies in the same ranges.

use crate::codec::{RecordRow, ResidueRow, rows};
use crate::ledger::Change;
use crate::store::Keyspace;
use crate::tables;
use crate::types::{ErasureId, MemberId, MetaField};

use super::super::pipeline::Opened;
use super::super::{Error, Vault};

/// Records of one member that are looked for one by one. The ranges in which all of them lie are cleaned in any case.
pub const RESIDUE_RECORDS_MAX: usize = 256;

impl Vault {
    /// Puts the residue of an erasure into its change. `pages` are the pages of the index that it rewrites.
    pub(crate) fn put_residue(
        &self,
        change: &mut Change,
        id: &ErasureId,
        (member, scope): (&MemberId, Option<u16>),
        opened: &Opened,
        pages: &[[u8; 6]],
    ) -> Result<(), Error> {
        let mut residue = ResidueRow::default();
        residue.place(number(tables::member::KEYSPACE), &tables::member::key(member));
        residue.envelope(rows::sealed(&opened.row)?);
        for key in pages {
            residue.place(number(tables::page::KEYSPACE), key);
            // A page that another change has rewritten since makes a conflict, and this is done again.
            if let Some(row) = self.engine().get(tables::page::KEYSPACE, key)? {
                residue.envelope(rows::sealed(&row)?);
            }
        }
        if scope.is_none() {
            let prefix = opened.body.mk.notes().access_prefix;
            residue.place(number(tables::access::KEYSPACE), &prefix);
            residue.key(&prefix);
        }
        tables::record::each_of(self.engine(), member, scope, RESIDUE_RECORDS_MAX, &mut |key, row| {
            residue.place(number(tables::record::KEYSPACE), key);
            residue.key(key);
            if let Ok(row) = RecordRow::parse(row) {
                residue.envelope(row.envelope);
            }
        })?;
        // Postings, also those of earlier metadata, end with the key of their record: clean wherever they could lie.
        if tables::posting::is_marked(self.engine(), member)? {
            residue.place(number(tables::posting::KEYSPACE), &tables::posting::mark(member));
            for field in MetaField::ALL {
                residue.place(number(tables::posting::KEYSPACE), &tables::posting::prefix_of(field));
            }
        }
        change.put(tables::residue::KEYSPACE, tables::residue::key(id), residue.encode());
        Ok(())
    }
}

/// A keyspace as a residue names it: its position among them.
fn number(keyspace: Keyspace) -> u8 {
    keyspace.index().to_le_bytes()[0]
}
