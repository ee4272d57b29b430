//! All members who agree to a purpose: a record of each, a page at a time.
//!
//! A page is one change: one leaf for the page, and one for each member in it, with the purpose and the fields it was shown
//! for, so that each member's history has it. No page shows a member whose withdrawal, objection, restriction or erasure was
//! acknowledged before the page was committed.

use crate::codec::Event;
use crate::ledger::Change;
use crate::policy::{Action, pseudonym_text};
use crate::types::{Compartment, Ctx, FieldName, RecordName};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::{AudienceEntry, Listing, Page};
use super::super::evidence::AccessDetail;
use super::super::pipeline::Case;
use super::super::{Error, Vault, read};
use super::cursor::{Phase, Place, Question};
use super::{Crowd, Person, Step, length};

/// A page ends with the member that brings it to so many bytes of records.
pub const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The number of this listing in cursors.
const LISTING: u8 = 1;

/// Which record of each member.
pub struct AudienceQuery {
    /// In which compartment.
    pub compartment: Compartment,
    /// Under which name.
    pub name: RecordName,
    /// Only these top-level fields; `None` for all that are shown.
    pub fields: Option<Vec<FieldName>>,
}

impl Vault {
    /// A page of the members who agree to the stated purpose, or whose data may serve it without being asked.
    ///
    /// A page may be shorter than asked for, or empty, and not be the last: `next` says.
    ///
    /// # Errors
    /// `purpose_required` without a purpose; `recipient_not_allowed`, `invalid_cursor`; `conflict` where members change
    /// their mind faster than pages are made; a denial of the policy.
    pub fn audience<'v>(
        &'v self,
        ctx: &'v Ctx,
        query: &'v AudienceQuery,
        page: &'v Page,
    ) -> Act<'v, Listing<AudienceEntry>> {
        let mut tried = 0;
        Act::new(self, move || {
            let limit = length(page.limit, tried);
            tried += 1;
            prepare(&Case::open(self, ctx), query, page, limit)
        })
    }
}

fn prepare(case: &Case<'_>, query: &AudienceQuery, page: &Page, limit: usize) -> Decision<Listing<AudienceEntry>> {
    let vault = case.vault;
    let crowd = Crowd::open(case, Action::AudienceRead, &query.compartment, &query.name)?;
    let question = question(case, query);
    let from = page.cursor.as_deref().map(|cursor| vault.open_place(&question, cursor)).transpose()?;
    // Who sees pseudonyms, or acts for somebody outside, is not told ids: they are the same for all purposes.
    let by_pseudonym = crowd.view()?.needs_pseudonym() || case.ctx.actor.recipient.is_some();
    let mut change = vault.event(case.ctx, Event::AudienceRead, case.now);
    change.decided_at(case.mark);
    let (mut items, mut bytes) = (Vec::new(), 0);
    let walked = crowd.walk(from.map(|place| place.last), |person| {
        let entry = show(case, &crowd, person, query.fields.as_deref(), by_pseudonym, &mut change)?;
        bytes += entry.data.as_bytes().len();
        items.push(entry);
        Ok(if items.len() >= limit || bytes >= PAGE_BYTES_MAX { Step::Stop } else { Step::GoOn })
    })?;
    let next = walked.last.filter(|_| walked.more).map(|last| Place { last, counted: 0, phase: Phase::Showing });
    let next = next.map(|place| vault.seal_place(&question, &place)).transpose()?;
    case.shows(items.len());
    Ok(Prepared::logged(Listing { items, next }, change))
}

fn question(case: &Case<'_>, query: &AudienceQuery) -> Question {
    let fields: Vec<&str> = query.fields.iter().flatten().map(FieldName::as_str).collect();
    let parts = [query.compartment.as_str(), query.name.as_str(), &fields.join(",")];
    Question::of(case, LISTING, &parts.map(str::as_bytes))
}

/// One member of a page, and its part of the change.
fn show(
    case: &Case<'_>,
    crowd: &Crowd<'_>,
    person: Person,
    fields: Option<&[FieldName]>,
    by_pseudonym: bool,
    change: &mut Change,
) -> Result<AudienceEntry, Error> {
    let Person { address, opened, stored } = person;
    let view = read::view(case, &opened, stored, fields)?;
    let detail = AccessDetail::of_record(case.ctx, case.now, &address, view.version).showing(&view.shown);
    crowd.record(change, address.member, &opened, &detail)?;
    let pseudonym = by_pseudonym.then(|| pseudonym_text(&crowd.pseudonym(&opened)));
    let id = pseudonym.is_none().then_some(address.member);
    let (version, updated_at, data, withheld) = (view.version, view.updated_at, view.data, view.withheld);
    Ok(AudienceEntry { id, pseudonym, version, updated_at, data, withheld })
}
