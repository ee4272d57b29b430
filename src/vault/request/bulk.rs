//! Requests about many members: dealt with a page at a time, each erasure a commit and an id of its own.
//!
//! What became of a page is written down before the next begins. Cut off in between, the same page is dealt with again:
//! those that are gone by then count under the erasure that their fences name, so nobody is erased twice or left out.

use std::collections::BTreeSet;

use crate::code::{Code, Coded};
use crate::policy::{Action, MemberState};
use crate::tables;
use crate::types::{Ctx, MemberId, RequestCaseId, Right, RightState, RightStep};

use super::super::act::{Act, Prepared};
use super::super::api::{MemberOutcome, OutcomeKind, Request};
use super::super::pipeline;
use super::super::{Error, Vault};
use super::BULK_PAGE;
use super::case::Case;
use super::step::Desk;

/// The members that are next.
pub(super) struct Page {
    kind: Right,
    members: Vec<MemberId>,
}

impl Page {
    /// The next members of a request.
    pub(super) fn next(case: &Case) -> Self {
        let known: BTreeSet<_> = case.outcomes.iter().map(|outcome| outcome.member).collect();
        let left = case.members.iter().filter(|member| !known.contains(*member));
        Self { kind: case.kind, members: left.take(BULK_PAGE).copied().collect() }
    }
}

/// Deals with a page.
pub(super) fn deal_with(vault: &Vault, ctx: &Ctx, page: Page) -> Result<Vec<MemberOutcome>, Error> {
    let deal = |member: &MemberId| match page.kind {
        Right::EraseBulk => erase(vault, ctx, member),
        _ => look(vault, ctx, member),
    };
    page.members.iter().map(deal).collect()
}

fn erase(vault: &Vault, ctx: &Ctx, member: &MemberId) -> Result<MemberOutcome, Error> {
    let outcome = |outcome, erasure| MemberOutcome { member: *member, outcome, erasure };
    match vault.erase(ctx, member, None).wait() {
        Ok(erasure) => Ok(outcome(OutcomeKind::Erased, Some(erasure.id))),
        Err(error) => match error.code() {
            Code::Gone => Ok(outcome(OutcomeKind::GoneBefore, tables::fence::member(vault.engine(), member)?)),
            Code::LegalHold => Ok(outcome(OutcomeKind::Held, None)),
            Code::NotFound => Ok(outcome(OutcomeKind::NotFound, None)),
            _ => Err(error),
        },
    }
}

/// Taking out is done when a bundle is fetched; here it is only seen whether there is anything.
fn look(vault: &Vault, ctx: &Ctx, member: &MemberId) -> Result<MemberOutcome, Error> {
    let outcome = |outcome, erasure| Ok(MemberOutcome { member: *member, outcome, erasure });
    match pipeline::Case::open(vault, ctx).find(member)?.state {
        MemberState::Live => outcome(OutcomeKind::Ready, None),
        MemberState::Erased => outcome(OutcomeKind::GoneBefore, tables::fence::member(vault.engine(), member)?),
        MemberState::Absent => outcome(OutcomeKind::NotFound, None),
    }
}

/// Writes down what became of a page. Of two that dealt with the same page, the first to say so is believed.
pub(super) fn write_down(
    vault: &Vault,
    ctx: &Ctx,
    id: &RequestCaseId,
    dealt_with: &[MemberOutcome],
) -> Result<Request, Error> {
    let act = Act::new(vault, || {
        let mut desk = Desk::of_staff(pipeline::Case::open(vault, ctx), id, Action::RequestDecide)?;
        if !desk.case().state.is_live() {
            return Ok(Prepared::unlogged(desk.view()));
        }
        let known: BTreeSet<_> = desk.case().outcomes.iter().map(|outcome| outcome.member).collect();
        let fresh = dealt_with.iter().filter(|outcome| !known.contains(&outcome.member)).cloned();
        desk.new.outcomes.extend(fresh);
        let all = desk.new.outcomes.len() >= desk.new.members.len();
        if all {
            desk.new.state = RightState::Fulfilled;
            desk.new.fulfilled_at = Some(desk.now());
        }
        desk.take(if all { RightStep::Fulfilled } else { RightStep::Progressed }, None)
    });
    act.wait()
}
