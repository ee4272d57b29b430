//! The last step: log the seal and set the erasures to `sealed`, once no holder has an old root any more.

use crate::codec::event::{SEAL_TAGS_MAX, SealEvent};
use crate::codec::{ErasureRow, ErasureStage, Event};
use crate::keyring::{Holder, KeyringBody, KeyringSlot};
use crate::ledger::{Change, Durability, LateRow};
use crate::store::Batch;
use crate::tables;
use crate::types::slot::{HolderState, HolderStatement};
use crate::types::{ErasureId, HolderName};

use super::super::{Error, Vault};

/// Accesses of one member that are removed one by one; more go as a range, which every later look has to step over.
const SINGLY_MAX: usize = 512;
/// With so many accesses to be removed, a part is full: some milliseconds of writing.
const ACCESSES_EACH: usize = 4096;

/// What came of it.
pub(super) enum Certified {
    /// So many erasures are sealed.
    Sealed(u64),
    /// These holders have not dropped the old root; nothing is sealed.
    WaitingFor(Vec<HolderName>),
}

impl Vault {
    /// Seals these erasures, whose keys must be off the tree.
    pub(super) fn certify(&self, pending: &[ErasureId]) -> Result<Certified, Error> {
        if pending.is_empty() {
            return Ok(Certified::Sealed(0));
        }
        let body = self.seals().slot().read()?;
        #[cfg(feature = "sabotage")]
        let body = {
            let mut body = body;
            if crate::sabotage::hides_old_root() {
                (body.next, body.epoch) = (None, self.keyring().epoch());
            }
            body
        };
        if body.next.is_some() || body.epoch != self.keyring().epoch() {
            return Err(Error::Internal("the old root was not dropped"));
        }
        let away = self.share_with_holders(&body);
        if !away.is_empty() {
            tracing::warn!(holders = ?away, "erasures wait for holders of the keyring that are away");
            return Ok(Certified::WaitingFor(away));
        }
        let mut rows = Vec::with_capacity(pending.len());
        for id in pending {
            let row = tables::erasure::read(self.engine(), id)?;
            rows.push((*id, row.ok_or(Error::Internal("a pending erasure has its row"))?));
        }
        rows.sort_by_key(|(_, row)| row.tag);
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            rest = self.certify_part(rest, &body)?;
        }
        Ok(Certified::Sealed(rows.len() as u64))
    }

    /// One leaf, and the erasures it is about: the first of these, as many as one leaf names, or as have so many accesses
    /// that writers do not wait long. Gives the others back.
    fn certify_part<'r>(
        &self,
        rows: &'r [(ErasureId, ErasureRow)],
        body: &KeyringBody,
    ) -> Result<&'r [(ErasureId, ErasureRow)], Error> {
        let (mut batch, mut count) = (Batch::new(), 0);
        for (id, _) in rows.iter().take(SEAL_TAGS_MAX) {
            self.forget_accesses(id, &mut batch)?;
            count += 1;
            if batch.len() >= ACCESSES_EACH {
                break;
            }
        }
        let (part, rest) = rows.split_at(count);
        let now = self.now();
        let rotation = tables::rotation::read(self.engine(), body.epoch)?
            .ok_or(Error::Internal("an erasure is sealed by a rotation"))?;
        let seal = SealEvent {
            epoch: body.epoch,
            old_root: rotation.old_root,
            new_root: rotation.new_root,
            level: self.seals().slot().level(),
            holders: self.holder_statements(body)?,
            tags: part.iter().map(|(_, row)| row.tag).collect(),
        };
        let mut change: Change = self.event(&self.own_ctx()?, Event::Seal(seal), now);
        change.rows(batch);
        for (id, row) in part {
            let row = ErasureRow { stage: ErasureStage::Sealed, epoch: body.epoch, sealed: now, ..*row };
            change.late(LateRow {
                keyspace: tables::erasure::KEYSPACE,
                key: tables::erasure::key(id).to_vec(),
                value: row.encode(),
                index_at: ErasureRow::SEAL_LEAF_AT,
            });
            change.delete(tables::pending::KEYSPACE, tables::pending::key(id));
        }
        self.ledger().submit(change, Durability::Synced).wait()?;
        Ok(rest)
    }

    /// Removes the details of the accesses of a member that was erased. Nothing was added to them since its fence.
    fn forget_accesses(&self, erasure: &ErasureId, batch: &mut Batch) -> Result<(), Error> {
        let Some(prefix) = tables::pending::accesses(self.engine(), erasure)? else { return Ok(()) };
        let (keyspace, range) = (tables::access::KEYSPACE, tables::access::range_of(&prefix));
        let keys = tables::access::keys_of(self.engine(), &prefix, SINGLY_MAX)?;
        match range.end {
            Some(end) if keys.len() > SINGLY_MAX => {
                batch.delete_range(keyspace, range.start, end);
            }
            _ => keys.into_iter().for_each(|key| {
                batch.delete(keyspace, key);
            }),
        }
        Ok(())
    }

    /// What the holders said: all that are registered acknowledged, or this would not be written. Whoever was ever given
    /// up is named for good: its root leads to old keys of leaves, under which rows were written later too.
    fn holder_statements(&self, body: &KeyringBody) -> Result<Vec<HolderStatement>, Error> {
        let said = |name: HolderName, state| HolderStatement { name, state };
        let registered = body.holders.iter().map(|holder| said(holder.name.clone(), HolderState::Acknowledged));
        let given_up = tables::residual::all(self.engine())?.into_iter();
        Ok(registered.chain(given_up.map(|(name, _)| said(name, HolderState::Revoked))).collect())
    }

    /// Brings every holder to hold what the keyring holds. Names those that could not be.
    pub(crate) fn share_with_holders(&self, body: &KeyringBody) -> Vec<HolderName> {
        share(&*self.seals().slot(), body)
    }

    pub(super) fn is_sealed(&self, id: &ErasureId) -> Result<bool, Error> {
        let row = tables::erasure::read(self.engine(), id)?.ok_or_else(Error::not_found)?;
        Ok(row.stage >= ErasureStage::Sealed)
    }
}

/// Brings every holder to hold what the slot holds. Names those that could not be.
pub(in crate::vault) fn share(slot: &dyn KeyringSlot, body: &KeyringBody) -> Vec<HolderName> {
    let behind = |holder: &&Holder| match slot.share(holder) {
        Ok(()) => false,
        Err(error) => {
            tracing::warn!(holder = %holder.name, %error, "a holder of the keyring could not be brought up to date");
            true
        }
    };
    body.holders.iter().filter(behind).map(|holder| holder.name.clone()).collect()
}
