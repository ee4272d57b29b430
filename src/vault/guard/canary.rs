//! Canaries: members that are no persons. Nobody has a reason to touch one, so whoever does is looked at.
//!
//! The mark lies in the member's sealed row, so nobody who reads the database can tell a canary from a member. Whoever
//! touches one notices nothing: the alarm changes no reply, and its leaf goes into the ledger beside that of the act.

use crate::codec::{Event, RowStamp};
use crate::crypto::Key;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::store::Durability;
use crate::tables;
use crate::types::place::Member;
use crate::types::{Ctx, MemberId, Standing};

use super::super::Vault;
use super::super::act::{Act, Decision, Prepared};
use super::super::evidence::AccessDetail;
use super::super::pipeline::Case;
use super::alert::AlertKind;

impl Vault {
    /// Makes a member a canary, or an ordinary one again.
    ///
    /// # Errors
    /// `not_found`, `gone`; a denial of the policy.
    pub fn set_canary<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId, canary: bool) -> Act<'v, ()> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, canary))
    }
}

impl Case<'_> {
    /// Raises the alarm if a member whose keys were opened to use its data is a canary.
    pub(crate) fn watch(&self, action: Action, member: &MemberId, mk: &Key<Member>, standing: &Standing) {
        if !standing.canary || !action.uses_data() {
            return;
        }
        self.vault.raise(AlertKind::CanaryTouched, self.ctx, Some(action), None);
        let detail = AccessDetail::of_member(self.ctx, self.now);
        match self.vault.access(self.ctx, Event::CanaryTouch, member, mk, &detail) {
            // Not waited for: the act that follows is committed after it, and must not take longer for it.
            Ok(change) => drop(self.vault.ledger().submit(change, Durability::Buffered)),
            Err(error) => {
                tracing::error!(%error, "the touch of a canary is in the log, and could not be put into the ledger")
            }
        }
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, canary: bool) -> Decision<()> {
    let mut opened = case.open_member(Action::CanaryWrite, member, None)?;
    let vault = case.vault;
    opened.body.standing.canary = canary;
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = vault.access(case.ctx, Event::CanaryWrite, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    change.relies_on(Reliance::Row {
        keyspace: tables::member::KEYSPACE,
        key: tables::member::key(member).to_vec(),
        stamp: Some(RowStamp::of(&opened.row)),
    });
    vault.put_member(&mut change, member, &opened.body)?;
    Ok(Prepared::durable((), change))
}
