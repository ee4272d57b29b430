//! The walks of reports: over the leaves of the log, and over the living members with their keys.

use std::ops::ControlFlow;

use crate::codec::keys;
use crate::codec::leaf::LeafHead;
use crate::keyring::MemberBody;
use crate::policy::Permit;
use crate::store::{KeyRange, Keyspace};
use crate::tables;
use crate::types::MemberId;

use super::super::pipeline::Case;
use super::super::{Error, Vault};

/// What is done with each leaf: its index, its beginning, its bytes.
pub(super) type EachLeaf<'a> = &'a mut dyn FnMut(u64, LeafHead, &[u8]) -> Result<(), Error>;
/// What is done with each member and its keys.
pub(super) type EachMember<'a> = &'a mut dyn FnMut(&MemberId, Option<&MemberBody>) -> Result<(), Error>;

/// Leaves read in one scan, so that none holds a snapshot for long.
const LEAVES_EACH: u64 = 10_000;

impl Vault {
    /// Calls `each` for every leaf before `end`, oldest first.
    pub(super) fn each_leaf(&self, end: u64, each: EachLeaf<'_>) -> Result<(), Error> {
        let mut start = 0;
        while start < end {
            let next = end.min(start.saturating_add(LEAVES_EACH));
            let range = KeyRange { start: keys::leaf(start).to_vec(), end: Some(keys::leaf(next).to_vec()) };
            let mut outcome = Ok(());
            self.engine().scan(Keyspace::Ledger, &range, &mut |key, bytes| {
                let read = || each(keys::parse_leaf(key)?, LeafHead::parse(bytes)?, bytes);
                outcome = { read }();
                if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            outcome?;
            start = next;
        }
        Ok(())
    }
}

impl Case<'_> {
    /// Calls `each` for every living member, with its keys under a permit for such a report. Members come in the order of
    /// their ids; one whose row does not open is told as `None`.
    pub(super) fn each_member(&self, _permit: &Permit, each: EachMember<'_>) -> Result<(), Error> {
        let mut after = None;
        loop {
            let chunk = tables::member::ids(self.vault.engine(), after.as_ref(), tables::SCAN_ROWS_MAX)?;
            for member in &chunk.items {
                match self.keys_of(member)? {
                    Keys::Gone => {}
                    Keys::Unreadable => each(member, None)?,
                    Keys::Open(body) => each(member, Some(&body))?,
                }
            }
            after = chunk.items.last().copied().filter(|_| chunk.more);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn keys_of(&self, member: &MemberId) -> Result<Keys, Error> {
        let (engine, keyring) = (self.vault.engine(), self.vault.keyring());
        loop {
            let epoch = keyring.epoch();
            let Some(row) = tables::member::row(engine, member)? else { return Ok(Keys::Gone) };
            match keyring.open_member(engine, member, &row) {
                Ok(body) => return Ok(Keys::Open(Box::new(body))),
                // The row was read before a seal and opened after it.
                Err(_) if keyring.turned_since(epoch) => {}
                Err(_) => return Ok(Keys::Unreadable),
            }
        }
    }
}

/// What became of the keys of a listed member.
enum Keys {
    /// Erased meanwhile.
    Gone,
    /// The row is damaged.
    Unreadable,
    /// Open.
    Open(Box<MemberBody>),
}
