//! Segments: how many members fit a question, or their pseudonyms. The question is answered inside; no record leaves.
//!
//! Below a floor neither is told, and counts are rounded down. That blunts single questions; it does not protect against
//! somebody who asks many and compares them, and is no differential privacy. What the caller may not see of a record it
//! cannot ask about, and members who do not agree to the purpose are not looked at.

mod predicate;

pub use predicate::{DEPTH_MAX, PATH_MAX, Predicate, SIZE_MAX, TEXT_BYTES_MAX};

use std::sync::atomic::Ordering;

use serde_json::{Map, Value};

use crate::codec::Event;
use crate::policy::{Action, Treatment, pseudonym_text};
use crate::types::{Compartment, Ctx, FieldName, MemberId, RecordName};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::{Page, SegmentCount, SegmentPage};
use super::super::evidence::AccessDetail;
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::cursor::{Phase, Place, Question};
use super::{Crowd, Person, Step, length};

/// Counts are rounded down to a multiple of this.
pub const COUNT_STEP: u64 = 5;
/// The floor where the settings say no other.
pub const FLOOR_DEFAULT: u64 = 20;
/// The lowest floor that can be set: below it a count would point at somebody.
pub const FLOOR_MIN: u64 = 5;
/// The numbers of these listings in cursors.
const COUNTING: u8 = 2;
const LISTING: u8 = 3;

/// Which members.
pub struct SegmentQuery {
    compartment: Compartment,
    name: RecordName,
    predicate: Predicate,
    /// The question's text, to which a cursor belongs.
    text: String,
    cursor: Option<String>,
}

impl SegmentQuery {
    /// The members of whom `question` is so of the record `name` in `compartment`; `cursor` is where an earlier reply to
    /// the same question ended.
    ///
    /// # Errors
    /// `invalid_request` for what is no question.
    pub fn new(
        compartment: Compartment,
        name: RecordName,
        question: &Map<String, Value>,
        cursor: Option<String>,
    ) -> Result<Self, Error> {
        let predicate = Predicate::parse(question)?;
        let text = serde_json::to_string(question).map_err(|_| Error::Internal("a JSON object is serialisable"))?;
        Ok(Self { compartment, name, predicate, text, cursor })
    }
}

impl Vault {
    /// Sets the floor, at least [`FLOOR_MIN`].
    pub fn set_segment_floor(&self, floor: u64) {
        self.0.segment_floor.store(floor.max(FLOOR_MIN), Ordering::Relaxed);
    }

    fn segment_floor(&self) -> u64 {
        self.0.segment_floor.load(Ordering::Relaxed)
    }

    /// Counts the members who fit. No member's history has it, because nothing of any was shown.
    ///
    /// # Errors
    /// `purpose_required` without a purpose; `invalid_request` for a question about a field this role does not see;
    /// `invalid_cursor`; a denial of the policy.
    pub fn count_segment<'v>(&'v self, ctx: &'v Ctx, query: &'v SegmentQuery) -> Act<'v, SegmentCount> {
        Act::new(self, move || prepare_count(&Case::open(self, ctx), query))
    }

    /// A page of the pseudonyms of those who fit; each page is in the history of each.
    ///
    /// # Errors
    /// As [`Vault::count_segment`], and `conflict` where members change their mind faster than pages are made.
    pub fn segment_members<'v>(&'v self, ctx: &'v Ctx, query: &'v SegmentQuery, limit: usize) -> Act<'v, SegmentPage> {
        let mut tried = 0;
        Act::new(self, move || {
            let limit = length(limit.min(Page::LIMIT_MAX), tried);
            tried += 1;
            prepare_members(&Case::open(self, ctx), query, limit)
        })
    }
}

/// A question under a permit.
struct Asked<'c> {
    crowd: Crowd<'c>,
    predicate: &'c Predicate,
    fields: Vec<FieldName>,
}

impl<'c> Asked<'c> {
    fn open(case: &'c Case<'c>, query: &'c SegmentQuery) -> Result<Self, super::super::act::Refusal> {
        let crowd = Crowd::open(case, Action::SegmentRead, &query.compartment, &query.name)?;
        let fields = query.predicate.fields();
        let view = crowd.view()?;
        let seen =
            |field: &FieldName| matches!(view.treatment(field.as_str()), Treatment::Clear | Treatment::Masked(_));
        if !fields.iter().all(seen) {
            let problem = "the question is about a field that this role does not see for this purpose";
            return Err(Error::invalid("/where", problem).into());
        }
        Ok(Self { crowd, predicate: &query.predicate, fields })
    }

    fn fits(&self, person: &Person) -> Result<bool, Error> {
        Ok(self.predicate.holds(&self.crowd.project(person, &self.fields)?.object))
    }

    /// Counts on from `place`, up to `enough`.
    fn count(&self, place: Option<&Place>, enough: u64) -> Result<(u64, Option<MemberId>), Error> {
        let mut counted = place.map_or(0, |place| place.counted);
        let walked = self.crowd.walk(place.map(|place| place.last), |person| {
            counted += u64::from(self.fits(&person)?);
            Ok(if counted >= enough { Step::Stop } else { Step::GoOn })
        })?;
        Ok((counted, walked.last.filter(|_| walked.more && counted < enough)))
    }
}

fn question(case: &Case<'_>, listing: u8, query: &SegmentQuery) -> Question {
    let parts = [query.compartment.as_str(), query.name.as_str(), &query.text];
    Question::of(case, listing, &parts.map(str::as_bytes))
}

fn prepare_count(case: &Case<'_>, query: &SegmentQuery) -> Decision<SegmentCount> {
    let vault = case.vault;
    let asked = Asked::open(case, query)?;
    let question = question(case, COUNTING, query);
    let from = query.cursor.as_deref().map(|cursor| vault.open_place(&question, cursor)).transpose()?;
    let (counted, last) = asked.count(from.as_ref(), u64::MAX)?;
    let floor = vault.segment_floor();
    let mut reply = SegmentCount { floor, step: COUNT_STEP, ..SegmentCount::default() };
    match last {
        Some(last) => {
            reply.next = Some(vault.seal_place(&question, &Place { last, counted, phase: Phase::Counting })?);
        }
        None if counted < floor => reply.below_floor = true,
        None => reply.count = Some(counted - counted % COUNT_STEP),
    }
    let change = vault.event(case.ctx, Event::SegmentRead, case.now);
    Ok(Prepared::logged(reply, change))
}

/// First it is counted whether there are enough, then they are shown, from the first on.
fn prepare_members(case: &Case<'_>, query: &SegmentQuery, limit: usize) -> Decision<SegmentPage> {
    let vault = case.vault;
    let asked = Asked::open(case, query)?;
    let question = question(case, LISTING, query);
    let from = query.cursor.as_deref().map(|cursor| vault.open_place(&question, cursor)).transpose()?;
    let floor = vault.segment_floor();
    let mut reply = SegmentPage { floor, ..SegmentPage::default() };
    let mut change = vault.event(case.ctx, Event::SegmentRead, case.now);
    change.decided_at(case.mark);
    let showing = from.filter(|place| place.phase == Phase::Showing);
    if showing.is_none() {
        let (counted, last) = asked.count(from.as_ref(), floor)?;
        if let Some(last) = last {
            reply.next = Some(vault.seal_place(&question, &Place { last, counted, phase: Phase::Counting })?);
            return Ok(Prepared::logged(reply, change));
        }
        if counted < floor {
            reply.below_floor = true;
            return Ok(Prepared::logged(reply, change));
        }
    }
    let walked = asked.crowd.walk(showing.map(|place| place.last), |person| {
        if !asked.fits(&person)? {
            return Ok(Step::GoOn);
        }
        // No value was shown; that the member fits tells something of each field the question is about.
        let detail = AccessDetail {
            fields: Some(Vec::new()),
            masked: asked.fields.iter().map(FieldName::as_str).collect(),
            ..AccessDetail::of_record(case.ctx, case.now, &person.address, person.stored.version)
        };
        asked.crowd.record(&mut change, person.address.member, &person.opened, &detail)?;
        reply.items.push(pseudonym_text(&asked.crowd.pseudonym(&person.opened)));
        Ok(if reply.items.len() >= limit { Step::Stop } else { Step::GoOn })
    })?;
    let next = walked.last.filter(|_| walked.more).map(|last| Place { last, counted: 0, phase: Phase::Showing });
    reply.next = next.map(|place| vault.seal_place(&question, &place)).transpose()?;
    case.shows(reply.items.len());
    Ok(Prepared::logged(reply, change))
}
