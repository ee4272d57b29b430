//! The decision. See [`Denial`] for the order of refusals and why it is a promise.

use super::table::{NO_PURPOSE, RowIndex};
use super::{Action, Denial, Facts, MemberState, Permit, Policy, Request};
use crate::types::Role;

/// Decides the request. Pure: the same policy, request and facts give the same answer.
pub fn decide(policy: &Policy, request: &Request<'_>, facts: &Facts) -> Result<Permit, Denial> {
    let table = policy.table(request.actor.role).ok_or(Denial::Forbidden)?;
    let row = match request.compartment {
        Some(compartment) if is_within_compartment(request.action) => table.row(compartment),
        None if request.action.takes_compartment() => return Err(Denial::Forbidden),
        _ => RowIndex::WHOLE,
    };
    let cells = table.cells(row, request.action);
    let slot = slot(policy, request, cells)?;
    bound(request)?;
    standing(request.action, facts)?;
    let only = (row != RowIndex::WHOLE).then_some(row);
    Ok(Permit::new(table.clone(), request.action, slot, only, request.member.copied()))
}

fn is_within_compartment(action: Action) -> bool {
    action.takes_compartment() || action.spans_compartments()
}

/// What the policy says, whoever the member is.
fn slot(policy: &Policy, request: &Request<'_>, cells: &[Option<u16>]) -> Result<usize, Denial> {
    if cells.iter().all(Option::is_none) {
        return Err(Denial::Forbidden);
    }
    let (slot, otherwise) = match request.purpose {
        None => (NO_PURPOSE, Denial::PurposeRequired),
        Some(purpose) => (policy.slot(purpose).ok_or(Denial::PurposeUnknown)?, Denial::PurposeNotAllowed),
    };
    match cells.get(slot) {
        Some(Some(_)) => Ok(slot),
        _ => Err(otherwise),
    }
}

/// A token bound to a member speaks of that member only; a token of role `member` is always bound.
fn bound(request: &Request<'_>) -> Result<(), Denial> {
    let allowed = match &request.actor.member {
        Some(own) => request.member == Some(own),
        None => request.actor.role != Role::Member,
    };
    if allowed { Ok(()) } else { Err(Denial::OtherMember) }
}

/// What is known of the member.
fn standing(action: Action, facts: &Facts) -> Result<(), Denial> {
    if action.needs_live_member() {
        match facts.member {
            MemberState::Live => {}
            MemberState::Absent => return Err(Denial::NotFound),
            MemberState::Erased => return Err(Denial::Gone),
        }
    }
    if action.takes_compartment() && facts.compartment_erased {
        return Err(Denial::Gone);
    }
    if action.minds_hold() && facts.held {
        return Err(Denial::LegalHold);
    }
    Ok(())
}
