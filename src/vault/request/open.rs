//! Opening a request: by the member, whose token shows who asks, or by staff.

use std::collections::BTreeSet;

use crate::codec::Event;
use crate::ledger::{Change, Reliance};
use crate::policy::{Action, Denial, Facts, MemberState};
use crate::types::{Ctx, IdentityMethod, MemberId, RequestCaseId, Right, RightState, Role};

use super::super::act::{Act, Decision, Prepared, Refusal};
use super::super::api::{NewBulkRequest, NewRequest, Request, RequestIdentity};
use super::super::consent::declared;
use super::super::evidence::AccessDetail;
use super::super::pipeline;
use super::super::{Error, Vault};
use super::case::{Case, Read, Texts, by};
use super::{BULK_MEMBERS_MAX, LISTED_PER_MEMBER_MAX, LIVE_PER_MEMBER_MAX, NOTE_BYTES_MAX, PURPOSES_MAX};

impl Vault {
    /// Opens a request of a member. Its clock runs from now.
    ///
    /// # Errors
    /// `invalid_request` for a kind that is about many members, purposes where there must be none (or none where there
    /// must be one), a note out of bounds; `limit_reached`; `not_found`, `gone`; a denial of the policy.
    pub fn open_request<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId, input: &'v NewRequest) -> Act<'v, Request> {
        Act::new(self, move || prepare(&pipeline::Case::open(self, ctx), member, input))
    }

    /// Opens a request of staff about many members.
    ///
    /// # Errors
    /// `invalid_request` for a kind that is about one member, no members or too many of them, or no reason; a denial of
    /// the policy.
    pub fn open_bulk_request<'v>(&'v self, ctx: &'v Ctx, input: &'v NewBulkRequest) -> Act<'v, Request> {
        Act::new(self, move || prepare_bulk(&pipeline::Case::open(self, ctx), input))
    }
}

/// A note within its bounds.
pub(super) fn check_note(at: &'static str, note: Option<&str>) -> Result<(), Error> {
    match note {
        Some(note) if note.trim().is_empty() || note.len() > NOTE_BYTES_MAX => {
            Err(Error::invalid(at, "a text has 1 to 2000 bytes; leave it out where there is nothing to say"))
        }
        _ => Ok(()),
    }
}

fn check(input: &NewRequest) -> Result<(), Error> {
    if input.kind.is_bulk() {
        return Err(Error::invalid("/kind", "a request about many members is opened at /v1/requests/bulk"));
    }
    check_note("/note", input.note.as_deref())?;
    match (input.kind, input.purposes.len()) {
        (Right::Object, 0) => Err(Error::invalid("/purposes", "an objection names the purposes objected to")),
        (Right::Object, 1..=PURPOSES_MAX) => Ok(()),
        (Right::Object, _) => Err(Error::invalid("/purposes", "an objection names at most 32 purposes")),
        (_, 0) => Ok(()),
        (_, _) => Err(Error::invalid("/purposes", "only an objection names purposes")),
    }
}

fn prepare(case: &pipeline::Case<'_>, member: &MemberId, input: &NewRequest) -> Decision<Request> {
    let opened = case.open_member(Action::RequestOpen, member, None)?;
    check(input)?;
    input.purposes.iter().try_for_each(|purpose| declared(case, purpose))?;
    let vault = case.vault;
    let id = RequestCaseId::from_random(vault.random()?);
    let mut new = Case { member: Some(*member), ..Case::opened(input.kind, case.ctx, case.now) };
    if case.ctx.actor.role == Role::Member {
        new.identity = Some(RequestIdentity { at: case.now, by: by(case.ctx), method: IdentityMethod::OwnToken });
        new.state = RightState::IdentityChecked;
    }
    let texts = Texts {
        purposes: distinct(&input.purposes),
        notes: input.note.iter().map(|note| (0, note.clone())).collect(),
        ..Texts::default()
    };
    vault.seal_texts(&mut new, &id, member, &opened.body, &texts)?;

    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = vault.access(case.ctx, Event::RequestStep, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    let (mut ids, stamp) = vault.cases_of(member)?;
    make_room(vault, &mut ids)?;
    ids.push(id);
    vault.put_cases_of(&mut change, member, &ids, stamp)?;
    vault.seal_case(&id, &new)?.put(&mut change, &id, &new, None);
    Ok(Prepared::durable(new.view(id, case, texts), change))
}

/// Refuses one request too many; takes the oldest closed one from the list of a member where that is full.
fn make_room(vault: &Vault, ids: &mut Vec<RequestCaseId>) -> Result<(), Error> {
    if ids.len() < LIVE_PER_MEMBER_MAX {
        return Ok(());
    }
    let mut live = 0;
    let mut oldest_closed = None;
    for (position, id) in ids.iter().enumerate() {
        if vault.read_case(id)?.is_some_and(|read| read.case.state.is_live()) {
            live += 1;
        } else {
            oldest_closed = oldest_closed.or(Some(position));
        }
    }
    if live >= LIVE_PER_MEMBER_MAX {
        return Err(Error::LimitReached { limit: "a member has at most 16 requests that are not closed; close some" });
    }
    if let Some(position) = oldest_closed.filter(|_| ids.len() >= LISTED_PER_MEMBER_MAX) {
        ids.remove(position);
    }
    Ok(())
}

fn prepare_bulk(case: &pipeline::Case<'_>, input: &NewBulkRequest) -> Decision<Request> {
    may_open_bulk(case, input)?;
    if !input.kind.is_bulk() {
        return Err(Error::invalid("/kind", "about many members one asks for erase_bulk or export_bulk").into());
    }
    if input.members.is_empty() || input.members.len() > BULK_MEMBERS_MAX {
        return Err(Error::invalid("/members", "name 1 to 1000 members").into());
    }
    check_note("/reason", Some(&input.reason))?;
    let vault = case.vault;
    let id = RequestCaseId::from_random(vault.random()?);
    let new = Case {
        members: distinct(&input.members),
        reason: Some(input.reason.clone()),
        ..Case::opened(input.kind, case.ctx, case.now)
    };
    let change = bulk_step(case, &id, &new, None)?;
    Ok(Prepared::durable(new.view(id, case, Texts::default()), change))
}

/// Who may open a request for a member may open one for many, but not with a member's token. Whether each of them is
/// there is seen when it is dealt with.
fn may_open_bulk(case: &pipeline::Case<'_>, input: &NewBulkRequest) -> Result<(), Refusal> {
    let facts = Facts { member: MemberState::Live, ..Facts::NONE };
    case.decide(Action::RequestOpen, input.members.first(), None, &facts)?;
    if case.ctx.actor.member.is_some() {
        return Err(Error::Denied(Denial::Forbidden).into());
    }
    Ok(())
}

/// The change of a step of a request about many members.
pub(super) fn bulk_step(
    case: &pipeline::Case<'_>,
    id: &RequestCaseId,
    new: &Case,
    read: Option<&Read>,
) -> Result<Change, Error> {
    let sealed = case.vault.seal_case(id, new)?;
    let mut change = case.vault.event(case.ctx, Event::RequestStep(sealed.commitment), case.now);
    change.decided_at(case.mark);
    sealed.put(&mut change, id, new, read);
    Ok(change)
}

fn distinct<T: Clone + Ord>(items: &[T]) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.iter().filter(|item| seen.insert((*item).clone())).cloned().collect()
}
