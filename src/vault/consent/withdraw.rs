//! A consent is withdrawn: by one call without a body, and it no longer counts on the next read anywhere.

use crate::codec::Event;
use crate::policy::Action;
use crate::types::{Ctx, MemberId, Purpose};

use super::super::Vault;
use super::super::act::{Act, Decision, Prepared};
use super::super::pipeline::Case;
use super::standing::{declared, unchanged};
use super::{Happening, HistoryEntry, MemberStanding, history};

impl Vault {
    /// Records that a member no longer agrees to a purpose. Where it does not agree now, nothing changes; that it was
    /// asked is in the log all the same. The purpose of a consent that stands need not be declared any more, and no limit
    /// stands against it.
    ///
    /// # Errors
    /// `purpose_unknown` for a purpose the policy does not declare and the member did not agree to; `not_found`, `gone`;
    /// a denial of the policy.
    pub fn withdraw_consent<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        purpose: &'v Purpose,
    ) -> Act<'v, MemberStanding> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, purpose))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, purpose: &Purpose) -> Decision<MemberStanding> {
    let mut opened = case.open_member(Action::ConsentWrite, member, None)?;
    // Also one that has ended is taken away: a clock that goes back must not bring it back.
    if !opened.body.standing.keeps_consent(purpose) {
        // A slip of the pen must not be answered as a withdrawal.
        declared(case, purpose)?;
        let reply = MemberStanding::at(&opened.body.standing, case.now);
        return unchanged(case, &opened, member, Event::ConsentChange, reply);
    }
    let before = history::begin(case, &mut opened);
    // Taking away never fails for want of room.
    let _less = opened.body.standing.set_consent(purpose, None);
    let reply = MemberStanding::at(&opened.body.standing, case.now);
    let entry = HistoryEntry::of(case, Happening::Withdrawn, &[purpose]);
    let change = history::append(case, &mut opened, member, &before, Event::ConsentChange, &entry)?;
    Ok(Prepared::durable(reply, change))
}
