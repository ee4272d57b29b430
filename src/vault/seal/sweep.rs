//! A sweep: rounds until everything that was marked when it began has new keys, then the certificates.

use parking_lot::MutexGuard;

use crate::store::Reader;
use crate::tables;
use crate::types::ErasureId;
use crate::types::place::Subtree;

use super::super::{Error, Vault};
use super::certify::Certified;
use super::round::Round;
use super::waiting::Waiting;
use super::{SealReport, Step};

/// Leaves re-keyed in one round: some thousand rows and a megabyte, so that writers wait for milliseconds.
pub const ROUND_LEAVES_MAX: usize = 256;

impl Vault {
    /// Whether anything waits for a seal.
    pub(super) fn seal_is_due(&self) -> Result<bool, Error> {
        let pending = tables::pending::list(self.engine(), None, 1)?;
        Ok(!pending.items.is_empty() || !tables::dirty::list(self.engine(), None, 1)?.items.is_empty())
    }

    /// One sweep, by whoever has the turn.
    ///
    /// Marks are set in the same commit as the fence of an erasure. So a mark of an erasure that was pending when the
    /// sweep began is met on the one way through all marks, or it was removed by a round that came after the fence. Either
    /// round knew of the erasure when it wrote the pages: it looked at the marks and at what waits in one moment, and took
    /// no mark of a bucket away that was set again after that.
    pub(super) fn sweep(&self, turn: &MutexGuard<'_, ()>) -> Result<SealReport, Error> {
        self.finish_round()?;
        let pending = self.pending_erasures()?;
        let mut report = SealReport { epoch: self.keyring().epoch(), ..SealReport::default() };
        let (mut after, mut waiting) = (None, Waiting::default());
        loop {
            let marked = tables::dirty::list(self.engine(), after, ROUND_LEAVES_MAX)?;
            let Some(last) = marked.items.last().copied() else { break };
            waiting = self.seal_leaves(turn, &marked.items, waiting, &mut report)?;
            if !marked.more {
                break;
            }
            after = Some(last);
        }
        self.certify_pending(&pending, &mut report)?;
        tracing::info!(
            epoch = report.epoch,
            rounds = report.rounds,
            leaves = report.leaves,
            sealed = report.sealed,
            waiting = report.waiting_for.len(),
            "sealed"
        );
        Ok(report)
    }

    /// All steps but the last, for these leaves.
    fn seal_leaves(
        &self,
        _turn: &MutexGuard<'_, ()>,
        leaves: &[(Subtree, u32)],
        waiting: Waiting,
        report: &mut SealReport,
    ) -> Result<Waiting, Error> {
        let mut round = Round::new(self, leaves, waiting);
        for step in Step::ORDER.into_iter().filter(|step| *step != Step::Certify) {
            #[cfg(feature = "sabotage")]
            if step == Step::Drop && crate::sabotage::is(crate::sabotage::Fault::CertifyBeforeDrop) {
                self.certify_pending(&self.pending_erasures()?, report)?;
            }
            round.take(step)?;
            self.step_taken(step)?;
        }
        round.add_to(report);
        Ok(round.into_waiting())
    }

    /// The last step, once, for everything that was fenced before the sweep.
    pub(super) fn certify_pending(&self, pending: &[ErasureId], report: &mut SealReport) -> Result<(), Error> {
        report.epoch = self.keyring().epoch();
        match self.certify(pending)? {
            Certified::Sealed(count) => report.sealed = count,
            Certified::WaitingFor(holders) => report.waiting_for = holders,
        }
        if report.sealed > 0 { self.step_taken(Step::Certify) } else { Ok(()) }
    }

    /// Brings a round that an earlier process committed to its end.
    pub(crate) fn resume_seal(&self, epoch: u64) -> Result<(), Error> {
        let rotation = tables::rotation::read(self.engine(), epoch)?;
        let leaves = rotation.ok_or(Error::Internal("a committed round has its rotation row"))?.leaves;
        let mut round = Round::resumed(self, epoch, leaves)?;
        let rest = Step::ORDER.into_iter().skip_while(|step| *step != Step::Verify);
        for step in rest.filter(|step| *step != Step::Certify) {
            round.take(step)?;
            self.step_taken(step)?;
        }
        Ok(())
    }

    /// Certifies erasures whose keys are off the tree already: the process before ended just short of it, or a holder
    /// was away.
    pub(crate) fn certify_what_is_ready(&self) -> Result<(), Error> {
        if !tables::dirty::list(self.engine(), None, 1)?.items.is_empty() {
            return Ok(());
        }
        let pending = self.pending_erasures()?;
        self.certify_pending(&pending, &mut SealReport::default())
    }

    /// Erasures that wait, at this moment.
    pub(crate) fn pending_erasures(&self) -> Result<Vec<ErasureId>, Error> {
        pending_in(self.engine())
    }

    /// Ends a round that was committed and could not be finished by this process: no room for its capsule, a keyring
    /// that could not be written. Until it is, no other can begin.
    fn finish_round(&self) -> Result<(), Error> {
        match self.seals().slot().read()?.next {
            Some((epoch, _)) if epoch == self.keyring().epoch() => self.resume_seal(epoch),
            _ => Ok(()),
        }
    }

    /// Tells whoever watches; a break ends the seal here, as a crash would.
    pub(super) fn step_taken(&self, step: Step) -> Result<(), Error> {
        match &self.seals().watch {
            Some(watch) if watch(step).is_break() => {
                Err(Error::Internal("the seal was ended after a step, for a test"))
            }
            _ => Ok(()),
        }
    }
}

/// Erasures that wait, as `reader` sees it.
pub(super) fn pending_in(reader: &dyn Reader) -> Result<Vec<ErasureId>, Error> {
    let mut pending = Vec::new();
    loop {
        let chunk = tables::pending::list(reader, pending.last(), tables::SCAN_ROWS_MAX)?;
        pending.extend(chunk.items);
        if !chunk.more {
            return Ok(pending);
        }
    }
}
