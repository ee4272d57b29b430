//! What becomes of a member's requests when it is erased: settled in the same commit, and left without a text.

use crate::codec::Event;
use crate::codec::leaf::NO_DETAIL;
use crate::ledger::{Change, Reliance};
use crate::tables;
use crate::types::{ErasureId, MemberId, RequestCaseId, Right, RightState, RightStep};

use super::super::pipeline;
use super::super::{Error, Vault};
use super::case::{Case, StoredStep, by};

impl Case {
    /// As it is once its member is erased. The request to be erased is fulfilled, whoever erased; of the others there is
    /// nothing left to decide. What was said goes with the member, also of those that were closed before.
    pub(super) fn settled(&self, case: &pipeline::Case<'_>, erasure: &ErasureId) -> Self {
        let mut settled = Self { texts: None, ..self.clone() };
        if !self.state.is_live() {
            return settled;
        }
        let (state, what) = match self.kind {
            Right::Erase => (RightState::Fulfilled, RightStep::Fulfilled),
            _ => (RightState::Lapsed, RightStep::Lapsed),
        };
        if self.kind == Right::Erase {
            settled.erasure = Some(*erasure);
            settled.fulfilled_at = Some(case.now);
        }
        settled.state = state;
        // Not bounded like other steps: it is the last, and an erasure must not fail over it.
        settled.steps.push(StoredStep { at: case.now, by: by(case.ctx), what });
        settled
    }
}

impl Vault {
    /// Settles the requests of a member within the change that erases it. A request that is opened or changed at the
    /// same time makes the erasure be decided anew, so none is forgotten.
    pub(crate) fn settle_requests(
        &self,
        case: &pipeline::Case<'_>,
        change: &mut Change,
        member: &MemberId,
        erasure: &ErasureId,
    ) -> Result<(), Error> {
        let (ids, stamp) = self.cases_of(member)?;
        change.relies_on(Reliance::Row {
            keyspace: tables::request::KEYSPACE,
            key: tables::request::of_member_key(member).to_vec(),
            stamp,
        });
        for id in &ids {
            self.settle(case, change, id, erasure)?;
        }
        Ok(())
    }

    fn settle(
        &self,
        case: &pipeline::Case<'_>,
        change: &mut Change,
        id: &RequestCaseId,
        erasure: &ErasureId,
    ) -> Result<(), Error> {
        let Some(read) = self.read_case(id)? else { return Ok(()) };
        let settled = read.case.settled(case, erasure);
        let sealed = self.seal_case(id, &settled)?;
        if read.case.state.is_live() {
            // Of the member nothing is left that could seal a detail.
            let mut step = self.event(case.ctx, Event::RequestStep(NO_DETAIL), case.now);
            step.decided_at(case.mark);
            change.absorb(step);
        }
        sealed.put(change, id, &settled, Some(&read));
        Ok(())
    }
}
