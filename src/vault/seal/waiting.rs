//! The erasures that wait for a seal, as a sweep learns of them: whose entries the pages it writes are made without.
//!
//! Reads rows, opens none and writes none. Called by the rounds of a sweep, each of which catches up before it begins.

use std::collections::HashSet;

use crate::keyring::Departing;
use crate::store::Reader;
use crate::tables;
use crate::types::{ErasureId, MemberId};

use super::super::{Error, Vault};
use super::sweep::pending_in;

/// What is known so far.
#[derive(Default)]
pub(crate) struct Waiting {
    seen: HashSet<ErasureId>,
    departing: Departing,
}

impl Waiting {
    /// Takes in the erasures that came since.
    pub(super) fn catch_up(&mut self, reader: &dyn Reader) -> Result<(), Error> {
        for id in pending_in(reader)? {
            if self.seen.insert(id) {
                let row = tables::erasure::read(reader, &id)?;
                let row = row.ok_or(Error::Internal("a pending erasure has its row"))?;
                if row.compartment.is_none() {
                    self.departing.insert(row.member, id);
                }
            }
        }
        Ok(())
    }

    /// The members that were erased as a whole.
    pub(super) const fn departing(&self) -> &Departing {
        &self.departing
    }
}

impl Vault {
    /// Whether a member was erased and the index may still have its entries, which count for nothing.
    pub(crate) fn departs(&self, member: &MemberId) -> Result<bool, Error> {
        match tables::fence::member(self.engine(), member)? {
            Some(erasure) => Ok(tables::pending::waits(self.engine(), &erasure)?),
            None => Ok(false),
        }
    }
}
