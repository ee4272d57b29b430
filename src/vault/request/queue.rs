//! Reading requests: one, those of a member, and what is due.

use crate::policy::Action;
use crate::tables;
use crate::tables::request::RequestList;
use crate::types::{Ctx, MemberId, RequestCaseId};

use super::super::act::{Act, Decision, Prepared, Refusal};
use super::super::api::{Listing, Page, QueueQuery, Request};
use super::super::cursor::LISTING_REQUESTS;
use super::super::pipeline::{self, Opened};
use super::super::{Error, Vault};
use super::step::Desk;

impl Vault {
    /// One request, with what was said in words as long as its member lives.
    ///
    /// # Errors
    /// `not_found`; a denial of the policy.
    pub fn request<'v>(&'v self, ctx: &'v Ctx, id: &'v RequestCaseId) -> Act<'v, Request> {
        Act::new(self, move || {
            let desk = Desk::of_anyone(pipeline::Case::open(self, ctx), id, Action::RequestRead)?;
            Ok(Prepared::unlogged(desk.view()))
        })
    }

    /// The requests of one member, oldest first, without texts.
    ///
    /// # Errors
    /// `not_found`, `gone`; a denial of the policy.
    pub fn requests_of<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, Listing<Request>> {
        Act::new(self, move || {
            let case = pipeline::Case::open(self, ctx);
            case.open_member(Action::RequestOpen, member, None)?;
            let mut items = Vec::new();
            for id in self.cases_of(member)?.0 {
                items.extend(self.read_case(&id)?.map(|read| read.case.entry(id, &case)));
            }
            Ok(Prepared::unlogged(Listing { items, next: None }))
        })
    }

    /// A request as it is now, for a verb that needs to know it.
    pub(crate) fn request_now(
        &self,
        case: pipeline::Case<'_>,
        id: &RequestCaseId,
        action: Action,
    ) -> Result<Request, Refusal> {
        Ok(Desk::of_anyone(case, id, action)?.view())
    }

    /// All requests listed under a member, with what was said in words; for whoever may take out all that is held of it.
    pub(crate) fn requests_in_full(
        &self,
        case: &pipeline::Case<'_>,
        opened: &Opened,
        member: &MemberId,
    ) -> Result<Vec<Request>, Error> {
        let mut requests = Vec::new();
        for id in self.cases_of(member)?.0 {
            if let Some(read) = self.read_case(&id)? {
                let texts = self.open_texts(&read.case, &id, member, &opened.body)?;
                requests.push(read.case.view(id, case, texts));
            }
        }
        Ok(requests)
    }

    /// The queue, those due first first, without texts. Costs as much as it shows; only where state and kind are both
    /// asked for, a page may show less than it looked at, and be empty before the last.
    ///
    /// # Errors
    /// `invalid_cursor`; a denial of the policy.
    pub fn list_requests<'v>(
        &'v self,
        ctx: &'v Ctx,
        query: &'v QueueQuery,
        page: &'v Page,
    ) -> Act<'v, Listing<Request>> {
        Act::new(self, move || prepare_list(&pipeline::Case::open(self, ctx), query, page))
    }
}

fn prepare_list(case: &pipeline::Case<'_>, query: &QueueQuery, page: &Page) -> Decision<Listing<Request>> {
    case.decide_plain(Action::RequestRead)?;
    let vault = case.vault;
    let after = page.cursor.as_deref().map(|cursor| vault.read_cursor(LISTING_REQUESTS, cursor)).transpose()?;
    let list = match (query.state, query.kind) {
        (Some(state), _) => RequestList::In(state),
        (None, Some(kind)) => RequestList::LiveOf(kind),
        (None, None) => RequestList::Live,
    };
    let found = tables::request::queued(vault.engine(), list, query.due_before, after.as_deref(), page.limit)?;
    let mut items = Vec::with_capacity(found.items.len());
    for (_, id) in &found.items {
        let read = vault.read_case(id)?.ok_or(Error::Internal("a request in a list is there"))?;
        if query.kind.is_none_or(|kind| kind == read.case.kind) {
            items.push(read.case.entry(*id, case));
        }
    }
    let last = found.items.last().filter(|_| found.more);
    let next = last.map(|(key, _)| vault.issue_cursor(LISTING_REQUESTS, key));
    Ok(Prepared::unlogged(Listing { items, next }))
}
