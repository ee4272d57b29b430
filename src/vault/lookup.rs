//! Find a member by an identifier, through the sealed index: never by a scan.

use crate::codec::Event;
use crate::codec::leaf::NO_DETAIL;
use crate::ledger::Reliance;
use crate::policy::{Action, MemberState};
use crate::types::{Ctx, IdentifierKind, MemberId};

use super::act::{Act, Decision, Prepared, Refusal};
use super::evidence::AccessDetail;
use super::pipeline::Case;
use super::{Error, Vault, input};

impl Vault {
    /// Finds the member with this identifier. `value` is normalised here and kept nowhere.
    ///
    /// # Errors
    /// `not_found` where there is none; `invalid_identifier`; a denial of the policy.
    pub fn lookup<'v>(&'v self, ctx: &'v Ctx, kind: IdentifierKind, value: &'v str) -> Act<'v, MemberId> {
        Act::new(self, move || prepare(&Case::open(self, ctx), kind, value))
    }
}

fn prepare(case: &Case<'_>, kind: IdentifierKind, value: &str) -> Decision<MemberId> {
    case.decide_plain(Action::MemberLookup)?;
    let identifier = input::identifier(kind, value)?;
    let vault = case.vault;
    let member = vault.keyring().find(vault.engine(), &identifier)?;
    let found = match &member {
        Some(member) => Some(case.find(member)?).filter(|found| found.state == MemberState::Live),
        None => None,
    };
    // An entry whose member is gone is an entry that is gone: the fence comes before its removal everywhere.
    let (Some(member), Some(row)) = (member, found.and_then(|found| found.row)) else {
        let evidence = vault.event(case.ctx, Event::MemberLookup(NO_DETAIL), case.now);
        return Err(Refusal::logged(Error::not_found(), evidence));
    };
    let body = vault.keyring().open_member(vault.engine(), &member, &row)?;
    case.watch(Action::MemberLookup, &member, &body.mk, &body.standing);
    let detail = AccessDetail { fields: Some(vec![kind.as_str()]), ..AccessDetail::of_member(case.ctx, case.now) };
    let mut change = vault.access(case.ctx, Event::MemberLookup, &member, &body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member });
    Ok(Prepared::logged(member, change))
}
