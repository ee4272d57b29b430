//! Find records of all members by their metadata: a page at a time, in time proportional to what is found.
//!
//! A posting is a hint, the record is the truth: each record on the way is opened, and what it says now decides. So
//! what is shown was so when it was looked at, whatever is written meanwhile; and a record that is meant from beginning to
//! end is found, unless its expiry moves it behind the place where the walk is. Content is never shown.
//!
//! To see what is known about somebody's records is an access: each member on a page gets an entry in its own history,
//! as if its records had been listed. Changing and deleting by the same filter is in [`bulk`].

mod bulk;
mod plan;

use crate::codec::Event;
use crate::codec::keys;
use crate::keyring::MemberBody;
use crate::ledger::Reliance;
use crate::policy::{Action, Facts, Permit};
use crate::tables;
use crate::tables::record::RecordKey;
use crate::types::record::limits;
use crate::types::{Ctx, MemberId, RecordName};

use super::act::{Act, Decision, Prepared};
use super::api::{Listing, Page, RecordFilter, RecordFound};
use super::cursor::LISTING_QUERY;
use super::evidence::AccessDetail;
use super::list::entry;
use super::pipeline::Case;
use super::records::Stored;
use super::{Error, Vault};
use plan::Plan;

/// Records looked at for one page: a page may end short of its limit, and go on behind.
const LOOKED_AT_MAX: usize = 10_000;
/// Records on the way that are listed at a time, at least.
const STEPS_MIN: usize = 16;
/// How often a record is looked at anew that changes while it is.
const LOOKS_MAX: usize = 4;

impl Vault {
    /// Lists the records that `filter` means, in the compartments this caller may query: names and metadata, no content.
    ///
    /// # Errors
    /// `invalid_request` for a filter that leads nowhere or passes a limit; `invalid_cursor`, also for one of another
    /// filter; a denial of the policy.
    pub fn query_records<'v>(
        &'v self,
        ctx: &'v Ctx,
        filter: &'v RecordFilter,
        page: &'v Page,
    ) -> Act<'v, Listing<RecordFound>> {
        Act::new(self, move || prepare(&Case::open(self, ctx), filter, page))
    }
}

fn prepare(case: &Case<'_>, filter: &RecordFilter, page: &Page) -> Decision<Listing<RecordFound>> {
    let permit = case.decide(Action::RecordQuery, filter.member.as_ref(), None, &Facts::NONE)?;
    let mut change = case.vault.event(case.ctx, Event::RecordQuery, case.now);
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut items: Vec<RecordFound> = Vec::new();
    let mut members = 0;
    let next = case.walk(&permit, filter, page, &mut |member, body, stored| {
        if items.last().is_none_or(|last| last.member != *member) {
            change.absorb(case.vault.access(case.ctx, Event::RecordList, member, &body.mk, &detail)?);
            change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
            case.watch(Action::RecordQuery, member, &body.mk, &body.standing);
            members += 1;
        }
        items.push(RecordFound { member: *member, entry: entry(stored) });
        Ok(())
    })?;
    case.shows(members);
    Ok(Prepared::logged(Listing { items, next }, change))
}

/// Sees one record that is meant, with the keys of its member.
type Take<'t> = dyn FnMut(&MemberId, &MemberBody, Stored) -> Result<(), Error> + 't;

impl Case<'_> {
    /// Shows the records of one page to `take`. The cursor of the next page, if there is one.
    fn walk(
        &self,
        permit: &Permit,
        filter: &RecordFilter,
        page: &Page,
        take: &mut Take<'_>,
    ) -> Result<Option<String>, Error> {
        check(filter)?;
        let engine = self.vault.engine();
        let asked = serde_json::to_vec(filter).map_err(|_| Error::Internal("a filter is serialisable"))?;
        let cursor = page.cursor.as_deref();
        let mut after = cursor.map(|cursor| self.vault.read_bound_cursor(LISTING_QUERY, &asked, cursor)).transpose()?;
        let plan = Plan::of(self.vault, filter, after.as_deref())?;
        let (mut taken, mut looked_at) = (0, 0);
        loop {
            let wanted = page.limit.saturating_sub(taken).max(STEPS_MIN);
            let steps = plan.steps(engine, after.as_deref(), wanted)?;
            let mut present = None;
            for (key, record) in steps.items {
                if taken == page.limit || looked_at == LOOKED_AT_MAX {
                    return Ok(after.map(|key| self.vault.issue_bound_cursor(LISTING_QUERY, &asked, &key)));
                }
                looked_at += 1;
                after = Some(key);
                if !plan.is_elsewhere(engine, &record)? {
                    continue;
                }
                let (member, ..) = keys::parse_record(&record)?;
                let Some((body, stored)) = self.look(&mut present, &member, &record)? else { continue };
                let (compartment, name) = (&stored.record.compartment, &stored.record.name);
                if permit.reaches(compartment) && filter.matches(&member, compartment, name, &stored.record.meta) {
                    taken += 1;
                    take(&member, body, stored)?;
                }
            }
            if !steps.more {
                return Ok(None);
            }
        }
    }

    /// Opens a record on the way, if it is still there. Neighbours are often of one member, whose keys are opened once.
    fn look<'p>(
        &self,
        present: &'p mut Option<(MemberId, MemberBody)>,
        member: &MemberId,
        key: &RecordKey,
    ) -> Result<Option<(&'p MemberBody, Stored)>, Error> {
        let (_, number, token) = keys::parse_record(key)?;
        for look in 1.. {
            if present.as_ref().is_none_or(|(of, _)| of != member) {
                *present = self.keys_on_the_way(member)?.map(|body| (*member, body));
            }
            let Some((_, body)) = &*present else { return Ok(None) };
            let Some(row) = tables::record::row(self.vault.engine(), key)? else { return Ok(None) };
            let live = body.compartment_numbered(number).filter(|keys| !keys.is_erased());
            let opened = live.map(|keys| self.vault.open_record(member, keys, &token, &row)).transpose();
            match opened {
                Ok(Some(stored)) => return Ok(present.as_ref().map(|(_, body)| (body, stored))),
                // Erased, or sealed under a key that came later than those in hand: look again.
                Ok(None) | Err(_) if look < LOOKS_MAX => *present = None,
                Ok(None) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The keys of a member on the way; `None` if it is not there any more.
    fn keys_on_the_way(&self, member: &MemberId) -> Result<Option<MemberBody>, Error> {
        let (engine, keyring) = (self.vault.engine(), self.vault.keyring());
        loop {
            let epoch = keyring.epoch();
            let Some(row) = tables::member::row(engine, member)? else { return Ok(None) };
            match keyring.open_member(engine, member, &row) {
                Ok(body) => return Ok(Some(body)),
                // The row was read before a seal and opened after it.
                Err(_) if keyring.turned_since(epoch) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn check(filter: &RecordFilter) -> Result<(), Error> {
    let texts = [&filter.source, &filter.category, &filter.shared_with];
    if texts.into_iter().flatten().any(|text| text.len() > limits::META_TEXT_BYTES_MAX) {
        return Err(Error::invalid("/filter", "a text of metadata has at most 128 bytes"));
    }
    if filter.name_prefix.as_ref().is_some_and(|prefix| prefix.len() > RecordName::LEN_MAX) {
        return Err(Error::invalid("/filter/name_prefix", "a record name has at most 64 characters"));
    }
    Ok(())
}
