//! Carrying a request out. Each kind ends in an act that the policy decides like any other, for whoever carries it out.
//!
//! | kind | what is done |
//! |---|---|
//! | access, portability | the bundle can be fetched, for [`super::BUNDLE_DAYS`] days |
//! | rectify | staff names the records that are right now, by their versions |
//! | restrict, object | the member's standing changes, with an entry in its history |
//! | erase | the member is erased, in the same commit; a legal hold stands against it and is noted |
//! | those about many | see `bulk` |

use crate::codec::RecordRow;
use crate::policy::Action;
use crate::tables;
use crate::types::{Ctx, RequestCaseId, Right, RightState, RightStep};

use super::super::act::{Act, Decision, Prepared, Refusal};
use super::super::api::{Corrected, Request};
use super::super::consent::as_requested;
use super::super::erase::erasing;
use super::super::pipeline;
use super::super::{Error, Vault};
use super::open::check_note;
use super::step::Desk;
use super::{CORRECTED_MAX, bulk};

/// That a request is carried out.
#[derive(Default)]
pub struct Fulfil {
    /// The records that were corrected; for that kind only, and then at least one.
    pub corrected: Vec<Corrected>,
    /// What is to be remembered of it.
    pub note: Option<String>,
}

impl Vault {
    /// Carries a request out. One about many members goes on until all are dealt with, and can be taken up again where
    /// it was cut off.
    ///
    /// # Errors
    /// `request_state` where it is closed or nobody checked who asks; `second_person` where one must approve and none
    /// did; `legal_hold` where one stands against erasing, which is noted in the request; `invalid_request`,
    /// `not_found`; a denial of the policy.
    pub fn fulfil_request(&self, ctx: &Ctx, id: &RequestCaseId, input: &Fulfil) -> Result<Request, Error> {
        loop {
            let page = match Act::new(self, || prepare(pipeline::Case::open(self, ctx), id, input)).wait()? {
                Outcome::Done(request) => return Ok(*request),
                Outcome::Page(page) => page,
            };
            let dealt_with = bulk::deal_with(self, ctx, page)?;
            let request = bulk::write_down(self, ctx, id, &dealt_with)?;
            if !request.state.is_live() {
                return Ok(request);
            }
        }
    }
}

/// What the decision came to.
enum Outcome {
    /// The request is carried out.
    Done(Box<Request>),
    /// These members are next.
    Page(bulk::Page),
}

fn prepare(case: pipeline::Case<'_>, id: &RequestCaseId, input: &Fulfil) -> Decision<Outcome> {
    let desk = Desk::at(case, id, Action::RequestDecide)?;
    check_note("/note", input.note.as_deref())?;
    match (desk.kind(), input.corrected.len()) {
        (Right::Rectify, 1..=CORRECTED_MAX) | (Right::Access | Right::Portability, 0) => {}
        (Right::Rectify, _) => {
            return Err(Error::invalid("/corrected", "name the 1 to 32 records that were corrected").into());
        }
        (_, 0) => {}
        (_, _) => return Err(Error::invalid("/corrected", "only a correction names records").into()),
    }
    if !desk.kind().is_bulk() {
        desk.demand(desk.case().identity.is_some(), "nobody has checked who asks; record the check first")?;
    }
    desk.demand_second_person()?;
    match desk.kind() {
        Right::Access | Right::Portability => done(desk, input),
        Right::Rectify => corrected(desk, input),
        Right::Restrict | Right::Object => standing(desk, input),
        Right::Erase => erase(desk),
        Right::EraseBulk | Right::ExportBulk => Ok(Prepared::unlogged(Outcome::Page(bulk::Page::next(desk.case())))),
    }
}

fn fulfilled(desk: &mut Desk<'_>) {
    desk.new.state = RightState::Fulfilled;
    desk.new.fulfilled_at = Some(desk.now());
}

fn done(mut desk: Desk<'_>, input: &Fulfil) -> Decision<Outcome> {
    fulfilled(&mut desk);
    let change = desk.step(RightStep::Fulfilled, input.note.as_deref())?;
    Ok(Prepared::durable(Outcome::Done(Box::new(desk.view())), change))
}

/// Staff says which records are right now. That they are there, and have come that far, is looked up; their content is
/// not.
fn corrected(mut desk: Desk<'_>, input: &Fulfil) -> Decision<Outcome> {
    let engine = desk.asked.vault.engine();
    for named in &input.corrected {
        let (member, opened) = desk.member().ok_or_else(Error::not_found)?;
        let Some(keys) = opened.compartment(&named.compartment)? else { return Err(not_corrected().into()) };
        let token = opened.body.mk.record_token(&named.compartment, &named.name);
        let row = tables::record::row(engine, &tables::record::key(member, keys.number, &token))?;
        let row = row.ok_or_else(not_corrected)?;
        if RecordRow::parse(&row)?.version < named.version {
            return Err(not_corrected().into());
        }
    }
    desk.texts().corrected.clone_from(&input.corrected);
    done(desk, input)
}

const fn not_corrected() -> Error {
    Error::invalid("/corrected", "there is no such record, or it has not come to this version")
}

fn standing(mut desk: Desk<'_>, input: &Fulfil) -> Decision<Outcome> {
    let purposes = if desk.kind() == Right::Object { desk.texts().purposes.clone() } else { Vec::new() };
    fulfilled(&mut desk);
    let mut change = desk.step(RightStep::Fulfilled, input.note.as_deref())?;
    let reply = Outcome::Done(Box::new(desk.view()));
    let Desk { asked, member, .. } = desk;
    let (member, mut opened) = member.ok_or_else(Error::not_found)?;
    // The policy is asked for the act itself as well: whoever decides requests need not be allowed to change how members
    // stand.
    asked.open_member(Action::StandingWrite, &member, None)?;
    if let Some(mut changed) = as_requested(&asked, &mut opened, &member, &purposes)? {
        changed.absorb(change);
        change = changed;
    }
    Ok(Prepared::durable(reply, change))
}

/// Erases the member; that settles all its requests, this one as fulfilled.
fn erase(mut desk: Desk<'_>) -> Decision<Outcome> {
    let member = desk.member().map(|(member, _)| *member).ok_or_else(Error::not_found)?;
    match erasing(&desk.asked, &member, None) {
        Ok((erasure, change)) => {
            let settled = desk.case().settled(&desk.asked, &erasure.id);
            let view = settled.view(*desk.id(), &desk.asked, super::case::Texts::default());
            Ok(Prepared::durable(Outcome::Done(Box::new(view)), change))
        }
        Err(refusal) if refusal.is_hold() => Err(held(&mut desk, refusal)),
        Err(refusal) => Err(refusal),
    }
}

/// How often a request notes that a hold stood against it: asking again and again must not use up its steps.
const HELD_NOTED_MAX: usize = 8;

/// That a hold stood against it is written into the request, with the denial.
fn held(desk: &mut Desk<'_>, refusal: Refusal) -> Refusal {
    let noted = desk.case().steps.iter().filter(|step| step.what == RightStep::Held).count();
    if noted >= HELD_NOTED_MAX {
        return refusal;
    }
    match desk.step(RightStep::Held, None) {
        Ok(step) => refusal.noting(step),
        Err(_) => refusal,
    }
}
