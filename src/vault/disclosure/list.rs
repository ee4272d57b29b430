//! What was given to whom, as the member and the house may ask.

use std::collections::HashMap;

use crate::code::Code;
use crate::codec::{Event, LeafKind};
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::types::{Ctx, MemberId, RecipientName};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::{Disclosure, DisclosureSource, Listing, Page};
use super::super::cursor::LISTING_DISCLOSURES;
use super::super::evidence::AccessDetail;
use super::super::history::{self, Accesses};
use super::super::pipeline::{Case, Opened};
use super::super::{Error, Vault, dossier};
use super::{Recorded, SERIES, shown};

/// Where a page begins: first come the recorded ones by number, then the reads by leaf, up to where the ledger ended when
/// the listing began.
struct Stretch {
    recorded_after: u32,
    read_after: Option<u64>,
    until: u64,
}

impl Vault {
    /// To whom data of a member was given: what was recorded, then what was read with tokens that act for a recipient,
    /// each oldest first.
    ///
    /// # Errors
    /// `not_found`, `gone`, `invalid_cursor`; a denial of the policy.
    pub fn disclosures<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        page: &'v Page,
    ) -> Act<'v, Listing<Disclosure>> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, page))
    }
}

impl Stretch {
    fn of(case: &Case<'_>, member: &MemberId, page: &Page) -> Result<Self, Error> {
        let Some(cursor) = &page.cursor else {
            return Ok(Self { recorded_after: 0, read_after: None, until: case.vault.ledger().size() });
        };
        let key = case.vault.read_cursor(LISTING_DISCLOSURES, cursor)?;
        let read = || {
            let (of, rest) = key.split_first_chunk::<16>()?;
            let (number, rest) = rest.split_first_chunk::<4>()?;
            let (leaf, rest) = rest.split_first_chunk::<8>()?;
            let until = u64::from_be_bytes(rest.try_into().ok()?);
            let read_after = Some(u64::from_be_bytes(*leaf)).filter(|leaf| *leaf != u64::MAX);
            (of == member.as_bytes()).then_some(Self { recorded_after: u32::from_be_bytes(*number), read_after, until })
        };
        read().ok_or(Error::Invalid {
            code: Code::InvalidCursor,
            at: "cursor",
            problem: "this cursor is of another member; start again without one",
        })
    }

    fn cursor(&self, case: &Case<'_>, member: &MemberId) -> String {
        let leaf = self.read_after.unwrap_or(u64::MAX).to_be_bytes();
        let key = [member.as_bytes().as_slice(), &self.recorded_after.to_be_bytes(), &leaf, &self.until.to_be_bytes()];
        case.vault.issue_cursor(LISTING_DISCLOSURES, &key.concat())
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, page: &Page) -> Decision<Listing<Disclosure>> {
    let opened = case.open_member(Action::HistoryRead, member, None)?;
    let mut stretch = Stretch::of(case, member, page)?;
    let mut items = Vec::with_capacity(page.limit.min(Page::LIMIT_MAX));
    let count = dossier::length(case, &opened, member, SERIES, 0)?;
    while stretch.recorded_after < count && items.len() < page.limit {
        let number = stretch.recorded_after.saturating_add(1);
        items.push(shown(case, recorded(case, &opened, member, number)?));
        stretch.recorded_after = number;
    }
    let mut more = stretch.recorded_after < count;
    if !more {
        more = reads(case, &opened, member, page.limit, &mut stretch, &mut items)?;
    }
    let next = more.then(|| stretch.cursor(case, member));
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = case.vault.access(case.ctx, Event::HistoryRead, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    Ok(Prepared::logged(Listing { items, next }, change))
}

/// All of an opened member, for whoever may take out all that is held of it.
pub(crate) fn all(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Vec<Disclosure>, Error> {
    let count = dossier::length(case, opened, member, SERIES, 0)?;
    let one = |number| recorded(case, opened, member, number).map(|recorded| shown(case, recorded));
    let mut items: Vec<_> = (1..=count).map(one).collect::<Result<_, _>>()?;
    let mut stretch = Stretch { recorded_after: count, read_after: None, until: case.vault.ledger().size() };
    reads(case, opened, member, usize::MAX, &mut stretch, &mut items)?;
    Ok(items)
}

/// One recorded disclosure.
pub(super) fn recorded(case: &Case<'_>, opened: &Opened, member: &MemberId, number: u32) -> Result<Recorded, Error> {
    let stored = dossier::read(case, opened, member, &dossier::entry_name(SERIES, number)?)?;
    dossier::content(&stored.ok_or(Error::Internal("a series of the dossier has no gaps"))?)
}

/// Adds reads by tokens of recipients; whether there are more than fit.
fn reads(
    case: &Case<'_>,
    opened: &Opened,
    member: &MemberId,
    limit: usize,
    stretch: &mut Stretch,
    items: &mut Vec<Disclosure>,
) -> Result<bool, Error> {
    let accesses = Accesses::of(case.vault, member, &opened.body.mk);
    let mut known: HashMap<RecipientName, Option<String>> = HashMap::new();
    let mut more = false;
    accesses.each(stretch.read_after, &mut |access| {
        if access.leaf >= stretch.until {
            return Ok(false);
        }
        let detail = accesses.detail(access)?;
        let Some(recipient) = detail.recipient.clone() else { return Ok(true) };
        let entry = history::entry(case, access.leaf, detail)?;
        // What was recorded is listed already.
        if entry.what == LeafKind::Disclosure.as_str() {
            return Ok(true);
        }
        if items.len() == limit {
            more = true;
            return Ok(false);
        }
        if !known.contains_key(&recipient) {
            let registered = case.vault.registered(&recipient)?;
            known.insert(recipient.clone(), registered.map(|(entry, _)| entry.recipient.organisation));
        }
        stretch.read_after = Some(access.leaf);
        items.push(Disclosure {
            source: DisclosureSource::Read,
            organisation: known.get(&recipient).cloned().flatten().or(entry.organisation),
            recipient,
            at: entry.at,
            purpose: entry.purpose,
            compartment: entry.compartment,
            record: entry.record,
            fields: entry.fields,
            masked: entry.masked,
            agreement: None,
            role: entry.role,
            token: entry.token,
            number: None,
            leaf: Some(entry.leaf),
        });
        Ok(true)
    })?;
    Ok(more)
}
