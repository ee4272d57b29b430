//! List members, and the records of one member: a page at a time, in the order of row keys.
//!
//! Both orders are random to the reader (ids are random, records lie under keyed tokens), stable, and reveal nothing.

use std::ops::ControlFlow;

use crate::codec::Event;
use crate::codec::keys;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::store::{KeyRange, Keyspace};
use crate::types::{Ctx, MemberId};

use super::act::{Act, Decision, Prepared};
use super::api::{Listing, Page, RecordEntry};
use super::cursor::{LISTING_MEMBERS, LISTING_RECORDS};
use super::evidence::AccessDetail;
use super::pipeline::{Case, Opened};
use super::records::Stored;
use super::{Error, Vault, consent};

impl Vault {
    /// Lists the ids of members.
    ///
    /// # Errors
    /// `invalid_cursor`; a denial of the policy.
    pub fn list_members<'v>(&'v self, ctx: &'v Ctx, page: &'v Page) -> Act<'v, Listing<MemberId>> {
        Act::new(self, move || prepare_members(&Case::open(self, ctx), page))
    }

    /// Lists the records of a member in the compartments this caller may list: names and metadata, no content.
    ///
    /// # Errors
    /// `not_found`, `gone`, `invalid_cursor`; a denial of the policy.
    pub fn list_records<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        page: &'v Page,
    ) -> Act<'v, Listing<RecordEntry>> {
        Act::new(self, move || prepare_records(&Case::open(self, ctx), member, page))
    }
}

/// One page of rows of a keyspace, and whether there are more after it.
struct Rows {
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    more: bool,
}

fn rows(case: &Case<'_>, keyspace: Keyspace, range: &KeyRange, limit: usize) -> Result<Rows, Error> {
    let mut found = Rows { rows: Vec::with_capacity(limit.min(Page::LIMIT_MAX)), more: false };
    case.vault.engine().scan(keyspace, range, &mut |key, row| {
        if found.rows.len() == limit {
            found.more = true;
            return ControlFlow::Break(());
        }
        found.rows.push((key.to_vec(), row.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn range(case: &Case<'_>, listing: u8, prefix: &[u8], page: &Page) -> Result<KeyRange, Error> {
    let range = KeyRange::prefix(prefix);
    Ok(match &page.cursor {
        // A cursor of another member's records lies outside this range, and yields nothing.
        Some(cursor) => range.after(&case.vault.read_cursor(listing, cursor)?),
        None => range,
    })
}

fn next(case: &Case<'_>, listing: u8, found: &Rows) -> Option<String> {
    found.rows.last().filter(|_| found.more).map(|(key, _)| case.vault.issue_cursor(listing, key))
}

fn prepare_members(case: &Case<'_>, page: &Page) -> Decision<Listing<MemberId>> {
    case.decide_plain(Action::MemberList)?;
    let found = rows(case, Keyspace::Control, &range(case, LISTING_MEMBERS, &[keys::tag::MEMBER], page)?, page.limit)?;
    let items = found.rows.iter().map(|(key, _)| keys::parse_member(key)).collect::<Result<_, _>>()?;
    case.shows(found.rows.len());
    let change = case.vault.event(case.ctx, Event::MemberList, case.now);
    Ok(Prepared::logged(Listing { items, next: next(case, LISTING_MEMBERS, &found) }, change))
}

fn prepare_records(case: &Case<'_>, member: &MemberId, page: &Page) -> Decision<Listing<RecordEntry>> {
    let opened = case.open_member(Action::RecordList, member, None)?;
    let range = range(case, LISTING_RECORDS, member.as_bytes(), page)?;
    // What an import brought has no row: it stands before all that have one.
    let brought = if page.cursor.is_none() { consent::imported_first(case, &opened, member)? } else { None };
    let found = rows(case, Keyspace::Records, &range, page.limit.saturating_sub(usize::from(brought.is_some())))?;
    let mut items = Vec::with_capacity(page.limit.min(Page::LIMIT_MAX));
    items.extend(brought.filter(|stored| opened.permit.reaches(&stored.record.compartment)).map(entry));
    for (key, row) in &found.rows {
        let stored = case.opened_row(&opened, member, key, row)?;
        if opened.permit.reaches(&stored.record.compartment) {
            items.push(entry(stored));
        }
    }
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = case.vault.access(case.ctx, Event::RecordList, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    // A page of that one alone goes on where the rows begin.
    let begin = || found.more.then(|| case.vault.issue_cursor(LISTING_RECORDS, member.as_bytes()));
    let next = next(case, LISTING_RECORDS, &found).or_else(begin);
    Ok(Prepared::logged(Listing { items, next }, change))
}

pub(crate) fn entry(stored: Stored) -> RecordEntry {
    let Stored { version, record, .. } = stored;
    RecordEntry {
        compartment: record.compartment,
        name: record.name,
        version,
        created_at: record.created,
        updated_at: record.updated,
        meta: record.meta,
    }
}

impl Case<'_> {
    /// Opens a record found by a scan of an opened member's rows.
    pub(crate) fn opened_row(
        &self,
        opened: &Opened,
        member: &MemberId,
        key: &[u8],
        row: &[u8],
    ) -> Result<Stored, Error> {
        let (_, number, token) = keys::parse_record(key)?;
        let keys = opened
            .body
            .compartment_numbered(number)
            .ok_or(Error::Internal("a live record lies in a live compartment"))?;
        self.vault.or_moved(opened, member, self.vault.open_record(member, keys, &token, row))
    }

    /// All records of an opened member, whole. Bounded by what one member can hold.
    pub(crate) fn all_records(&self, opened: &Opened, member: &MemberId) -> Result<Vec<Stored>, Error> {
        self.records_in(opened, member, &KeyRange::prefix(*member.as_bytes()))
    }

    /// The records of an opened member within a range of its rows, whole.
    pub(crate) fn records_in(
        &self,
        opened: &Opened,
        member: &MemberId,
        range: &KeyRange,
    ) -> Result<Vec<Stored>, Error> {
        let found = rows(self, Keyspace::Records, range, usize::MAX)?;
        found.rows.iter().map(|(key, row)| self.opened_row(opened, member, key, row)).collect()
    }
}
