//! Erasures that the log knows, held against the keys that are there.
//!
//! The log names nobody. But whoever has the keys of a member can compute the tags that its erasures would leave, and so
//! finds, among all members present, exactly those that the log says are gone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use super::{Error, Restored, Restoring};
use crate::code::Code;
use crate::codec::keys;
use crate::codec::{Event, Leaf, LeafKind};
use crate::keyring::MemberBody;
use crate::store::{KeyRange, Keyspace, Reader};
use crate::types::{ErasureId, MemberId, Role};
use crate::vault::Vault;

/// The erasures of a log, and those members that have keys in spite of them.
#[derive(Default)]
pub(super) struct Erasures {
    by_tag: HashMap<[u8; 32], ErasureId>,
    found: RefCell<Vec<Found>>,
}

/// A member, or a compartment of one, that the log says is gone.
struct Found {
    member: MemberId,
    compartment: Option<u16>,
    erasure: ErasureId,
}

impl Erasures {
    /// Reads the log, and holds the backup against what the log says of it.
    pub(super) fn of(log: &dyn Reader, restoring: &Restoring<'_>, done: &mut Restored) -> Result<Self, Error> {
        let mut erasures = Self::default();
        let mut other_manifest = false;
        each_leaf(log, 0, &[LeafKind::EraseIntent, LeafKind::Backup], &mut |leaf| match leaf.event {
            Event::EraseIntent { erasure, tag, .. } => erasures.learn(tag, erasure),
            Event::Backup { backup, manifest } if backup == restoring.backup => {
                done.backup_is_logged = true;
                other_manifest |= manifest != restoring.manifest_sha256;
            }
            _ => {}
        })?;
        if other_manifest {
            let problem =
                "the manifest of the backup is not the one that the log names: it was changed; use another backup";
            return Err(Error::Mismatch { code: Code::Corrupt, problem });
        }
        Ok(erasures)
    }

    /// Reads the log.
    pub(super) fn in_log(log: &dyn Reader) -> Result<Self, Error> {
        let mut erasures = Self::default();
        each_leaf(log, 0, &[LeafKind::EraseIntent], &mut |leaf| {
            if let Event::EraseIntent { erasure, tag, .. } = leaf.event {
                erasures.learn(tag, erasure);
            }
        })?;
        Ok(erasures)
    }

    fn learn(&mut self, tag: [u8; 32], erasure: ErasureId) {
        self.by_tag.entry(tag).or_insert(erasure);
    }

    /// Looks for the tags of a member whose keys are open.
    pub(super) fn examine(&self, member: &MemberId, body: &MemberBody) {
        let compartments = body.compartments.iter().filter(|keys| !keys.is_erased()).map(|keys| Some(keys.number));
        for compartment in std::iter::once(None).chain(compartments) {
            if let Some(erasure) = self.by_tag.get(&body.mk.erasure_tag(compartment)) {
                self.found.borrow_mut().push(Found { member: *member, compartment, erasure: *erasure });
                if compartment.is_none() {
                    return; // the rest goes with it
                }
            }
        }
    }

    /// Erases again what was found. How many there were.
    pub(super) fn erase_again(self, vault: &Vault) -> Result<u32, Error> {
        let found = self.found.into_inner();
        let ctx = vault.local(Role::Compliance)?;
        for Found { member, compartment, erasure } in &found {
            tracing::warn!(%erasure, "keys were there of what the log says was erased; erasing again");
            vault.erase_again(&ctx, member, *compartment, erasure)?;
        }
        Ok(u32::try_from(found.len()).unwrap_or(u32::MAX))
    }
}

/// The leaves of a log from `first` on, in order; of these kinds only, since most leaves are reads and need not be parsed.
pub(super) fn each_leaf(
    log: &dyn Reader,
    first: u64,
    kinds: &[LeafKind],
    each: &mut dyn FnMut(Leaf),
) -> Result<(), Error> {
    let range = KeyRange::new(keys::leaf(first), keys::leaf(u64::MAX));
    let mut failed = None;
    log.scan(Keyspace::Ledger, &range, &mut |_, leaf| {
        // The kind is the second byte.
        let kind = leaf.get(1).copied().and_then(LeafKind::from_number);
        if kind.is_some_and(|kind| kinds.contains(&kind)) {
            match Leaf::parse(leaf) {
                Ok(leaf) => each(leaf),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}
