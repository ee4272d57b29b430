//! The steps of a request that change nothing but the request: check, extend, approve, refuse, withdraw.

use crate::codec::Event;
use crate::ledger::{Change, Reliance};
use crate::policy::{Action, Denial, Facts, MemberState};
use crate::types::{Ctx, IdentityMethod, MemberId, RefusalGround, RequestCaseId, Right, RightState, RightStep};

use super::super::act::{Act, Decision, Prepared, Refusal};
use super::super::api::{Request, RequestApproval, RequestExtension, RequestIdentity, RequestRefusal};
use super::super::evidence::AccessDetail;
use super::super::pipeline::{self, Opened};
use super::super::{Error, Vault};
use super::case::{Case, Read, Texts, by};
use super::open::{bulk_step, check_note};
use super::{DEADLINE_MONTHS, EXTENSION_MONTHS_MAX};

/// That it was checked who asks.
pub struct Check {
    /// How.
    pub method: IdentityMethod,
    /// What is to be remembered of it.
    pub note: Option<String>,
}

/// That a deadline moves.
pub struct Extend {
    /// By how many months.
    pub months: u32,
    /// Why; the member is to be told.
    pub reason: String,
}

/// That a request is refused.
pub struct Refuse {
    /// Why.
    pub ground: RefusalGround,
    /// In words; required where the ground is `other`.
    pub text: Option<String>,
}

impl Vault {
    /// Records that it was checked that the member asks.
    ///
    /// # Errors
    /// `request_state` where it is closed, was checked, or is about many members; `invalid_request`, `not_found`; a
    /// denial of the policy.
    pub fn check_request<'v>(&'v self, ctx: &'v Ctx, id: &'v RequestCaseId, check: &'v Check) -> Act<'v, Request> {
        Act::new(self, move || {
            let mut desk = Desk::at(pipeline::Case::open(self, ctx), id, Action::RequestDecide)?;
            check_note("/note", check.note.as_deref())?;
            if check.method == IdentityMethod::Other && check.note.is_none() {
                return Err(Error::invalid("/note", "where the method is 'other', the note says how").into());
            }
            desk.demand(
                !desk.case().kind.is_bulk(),
                "a request about many members is asked by staff; nobody is checked",
            )?;
            desk.demand(desk.case().identity.is_none(), "it was checked before who asks")?;
            desk.new.identity = Some(RequestIdentity { at: desk.now(), by: by(ctx), method: check.method });
            if desk.new.state == RightState::Open {
                desk.new.state = RightState::IdentityChecked;
            }
            desk.take(RightStep::IdentityChecked, check.note.as_deref())
        })
    }

    /// Moves the deadline, once, by up to two months after the first.
    ///
    /// # Errors
    /// `request_state` where it is closed, was extended, or is overdue; `invalid_request`, `not_found`; a denial.
    pub fn extend_request<'v>(&'v self, ctx: &'v Ctx, id: &'v RequestCaseId, input: &'v Extend) -> Act<'v, Request> {
        Act::new(self, move || {
            let mut desk = Desk::at(pipeline::Case::open(self, ctx), id, Action::RequestDecide)?;
            check_note("/reason", Some(&input.reason))?;
            if !(1..=EXTENSION_MONTHS_MAX).contains(&input.months) {
                return Err(Error::invalid("/months", "a deadline moves by one month or two").into());
            }
            desk.demand(desk.case().extension.is_none(), "the deadline was moved before; it moves once")?;
            desk.demand(
                desk.now() < desk.case().deadline,
                "the deadline is past; it is moved before that, or not at all",
            )?;
            // Counted from the opening: the last day of a short month does not shorten the next.
            desk.new.deadline = desk.case().opened_at.plus_calendar(DEADLINE_MONTHS + input.months, 0);
            desk.new.extension = Some(RequestExtension { at: desk.now(), by: by(ctx), months: input.months });
            desk.take(RightStep::Extended, Some(&input.reason))
        })
    }

    /// Approves, as a second person.
    ///
    /// # Errors
    /// `second_person` for whoever opened it; `request_state` where it is closed or was approved; `not_found`; a denial.
    pub fn approve_request<'v>(&'v self, ctx: &'v Ctx, id: &'v RequestCaseId) -> Act<'v, Request> {
        Act::new(self, move || {
            let mut desk = Desk::at(pipeline::Case::open(self, ctx), id, Action::RequestApprove)?;
            if desk.case().opened_by.token == Some(ctx.actor.token) {
                return Err(Error::SecondPerson("whoever opened a request cannot approve it; ask a colleague").into());
            }
            desk.demand(desk.case().approval.is_none(), "it was approved before")?;
            desk.new.approval = Some(RequestApproval { at: desk.now(), by: by(ctx) });
            desk.new.state = RightState::Approved;
            desk.take(RightStep::Approved, None)
        })
    }

    /// Refuses, with the ground.
    ///
    /// # Errors
    /// `request_state` where it is closed; `invalid_request`, `not_found`; a denial of the policy.
    pub fn refuse_request<'v>(&'v self, ctx: &'v Ctx, id: &'v RequestCaseId, input: &'v Refuse) -> Act<'v, Request> {
        Act::new(self, move || {
            let mut desk = Desk::at(pipeline::Case::open(self, ctx), id, Action::RequestDecide)?;
            check_note("/text", input.text.as_deref())?;
            if input.ground == RefusalGround::Other && input.text.is_none() {
                return Err(Error::invalid("/text", "where the ground is 'other', the text says why").into());
            }
            desk.new.refusal = Some(RequestRefusal { at: desk.now(), by: by(ctx), ground: input.ground });
            desk.new.state = RightState::Refused;
            desk.take(RightStep::Refused, input.text.as_deref())
        })
    }

    /// Takes a request back: the member its own, staff any.
    ///
    /// # Errors
    /// `request_state` where it is closed; `not_found`; a denial of the policy.
    pub fn withdraw_request<'v>(&'v self, ctx: &'v Ctx, id: &'v RequestCaseId) -> Act<'v, Request> {
        Act::new(self, move || {
            let mut desk = Desk::of_anyone(pipeline::Case::open(self, ctx), id, Action::RequestDecide)?.live()?;
            desk.new.state = RightState::Withdrawn;
            desk.take(RightStep::Withdrawn, None)
        })
    }
}

/// A request on the desk: read, decided about, and being changed.
pub(super) struct Desk<'a> {
    pub(super) asked: pipeline::Case<'a>,
    id: &'a RequestCaseId,
    read: Read,
    /// The member and its keys, where the request is about one that lives.
    pub(super) member: Option<(MemberId, Opened)>,
    texts: Texts,
    /// As it will be.
    pub(super) new: Case,
}

impl<'a> Desk<'a> {
    /// Reads a live request for a step of staff, which needs `action`.
    pub(super) fn at(asked: pipeline::Case<'a>, id: &'a RequestCaseId, action: Action) -> Result<Self, Refusal> {
        Self::of_staff(asked, id, action)?.live()
    }

    /// Reads a request, live or closed, for staff.
    pub(super) fn of_staff(asked: pipeline::Case<'a>, id: &'a RequestCaseId, action: Action) -> Result<Self, Refusal> {
        // A member's token is refused here: what is decided about its requests is not for the member.
        asked.decide_plain(action)?;
        let read = asked.vault.read_case(id)?.ok_or_else(Error::not_found)?;
        Self::opened(asked, id, action, read)
    }

    /// Reads a request, live or closed, for staff, which needs `action`; or for a member, whose right to ask for things
    /// is what it needs. A request of another member is then not found.
    pub(super) fn of_anyone(asked: pipeline::Case<'a>, id: &'a RequestCaseId, action: Action) -> Result<Self, Refusal> {
        let Some(own) = asked.ctx.actor.member else { return Self::of_staff(asked, id, action) };
        let facts = Facts { member: asked.find(&own)?.state, ..Facts::NONE };
        asked.decide(Action::RequestOpen, Some(&own), None, &facts)?;
        let read = asked.vault.read_case(id)?.filter(|read| read.case.member == Some(own));
        Self::opened(asked, id, Action::RequestOpen, read.ok_or_else(Error::not_found)?)
    }

    /// Itself, unless it is closed.
    pub(super) fn live(self) -> Result<Self, Refusal> {
        self.demand(self.read.case.state.is_live(), "the request is closed")?;
        Ok(self)
    }

    /// With the member's keys, where the request is about one that lives.
    fn opened(asked: pipeline::Case<'a>, id: &'a RequestCaseId, action: Action, read: Read) -> Result<Self, Refusal> {
        let vault = asked.vault;
        let member = match read.case.member {
            Some(member) if asked.find(&member)?.state == MemberState::Live => {
                Some((member, asked.open_member(action, &member, None)?))
            }
            _ => None,
        };
        let texts = match &member {
            Some((member, opened)) => vault.open_texts(&read.case, id, member, &opened.body)?,
            None => Texts::default(),
        };
        let new = read.case.clone();
        Ok(Self { asked, id, read, member, texts, new })
    }

    /// As it was read.
    pub(super) const fn case(&self) -> &Case {
        &self.read.case
    }

    /// The moment of the step.
    pub(super) const fn now(&self) -> crate::clock::Timestamp {
        self.asked.now
    }

    /// The member with its keys, where the request is about one that lives.
    pub(super) const fn member(&self) -> Option<&(MemberId, Opened)> {
        self.member.as_ref()
    }

    /// What was said in words.
    pub(super) const fn texts(&mut self) -> &mut Texts {
        &mut self.texts
    }

    /// As callers see it now.
    pub(super) fn view(&self) -> Request {
        self.new.view(*self.id, &self.asked, self.texts.clone())
    }

    /// Refuses the step where something does not hold.
    pub(super) fn demand(&self, holds: bool, otherwise: &'static str) -> Result<(), Error> {
        if holds { Ok(()) } else { Err(Error::RequestState(otherwise)) }
    }

    /// Takes the step.
    pub(super) fn take(mut self, what: RightStep, note: Option<&str>) -> Decision<Request> {
        let change = self.step(what, note)?;
        Ok(Prepared::durable(self.view(), change))
    }

    /// The change of the step.
    pub(super) fn step(&mut self, what: RightStep, note: Option<&str>) -> Result<Change, Error> {
        let (vault, ctx) = (self.asked.vault, self.asked.ctx);
        if let Some(note) = note {
            self.texts.notes.insert(self.new.steps.len(), note.to_owned());
        }
        self.new.step(ctx, self.asked.now, what)?;
        if self.new.kind.is_bulk() {
            return bulk_step(&self.asked, self.id, &self.new, Some(&self.read));
        }
        // Erasing a member settles its requests, so a live one has a member that lives.
        let (member, opened) = self.member.as_ref().ok_or(Error::Denied(Denial::Gone))?;
        vault.seal_texts(&mut self.new, self.id, member, &opened.body, &self.texts)?;
        let detail = AccessDetail::of_member(ctx, self.asked.now);
        let mut change = vault.access(ctx, Event::RequestStep, member, &opened.body.mk, &detail)?;
        change.decided_at(self.asked.mark);
        change.relies_on(Reliance::NoErasureSince { generation: self.asked.generation, member: *member });
        vault.seal_case(self.id, &self.new)?.put(&mut change, self.id, &self.new, Some(&self.read));
        Ok(change)
    }

    /// Whether a second person has agreed, where one must. Two persons have: whoever approved, and somebody else of the
    /// staff who opened the request or carries it out.
    pub(super) fn demand_second_person(&self) -> Result<(), Error> {
        if !self.asked.vault.needs_second_person(self.read.case.kind) {
            return Ok(());
        }
        let opener = self.read.case.opened_by;
        let approval = self.read.case.approval.as_ref();
        let approved = approval.ok_or(Error::SecondPerson("a second person must approve this request first"))?;
        let another = Some(self.asked.ctx.actor.token) != approved.by.token
            || (opener.role != crate::types::Role::Member && opener.token != approved.by.token);
        if another {
            Ok(())
        } else {
            Err(Error::SecondPerson("whoever approved this request cannot carry it out alone; ask a colleague"))
        }
    }

    /// What is asked for.
    pub(super) const fn kind(&self) -> Right {
        self.read.case.kind
    }

    /// Which request.
    pub(super) const fn id(&self) -> &'a RequestCaseId {
        self.id
    }
}
