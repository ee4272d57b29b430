//! The history of a member: who used its data, when, which fields, for which purpose, and to whom they went.
//!
//! Nothing is kept for it that is not evidence anyway: the leaf says what was done, by which token, for which purpose; the
//! access row, sealed under the member's own keys, says the rest. So the history dies with the member. What was denied is
//! not in it: a denial names no member, not even under a key.
//!
//! Reading the history is an act on the member like any other and stands in the history from then on.

pub(crate) mod access;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::code::Code;
use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::types::{Compartment, Ctx, MemberId, Purpose, RecipientName, RecordName, RecordVersion, Role, TokenId};

pub use access::Part;
pub(crate) use access::{Accesses, StoredDetail};

use super::act::{Act, Decision, Prepared};
use super::api::{Listing, Page};
use super::cursor::LISTING_HISTORY;
use super::evidence::AccessDetail;
use super::pipeline::{Case, Opened};
use super::{Error, Vault};

/// One act on a member's data.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryEntry {
    /// Its leaf in the ledger, by which its evidence is found.
    pub leaf: u64,
    /// When: to the millisecond, or to the minute where only the ledger knows.
    pub at: Timestamp,
    /// What was done, by the name of the ledger's entry, such as `record.read`.
    pub what: &'static str,
    /// In which role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// By whose people or machines, where their token says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// By which token. A member is not shown those of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// For which purpose, where one was stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// To which recipient outside it went, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<RecipientName>,
    /// In which compartment, where the act was on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compartment: Option<Compartment>,
    /// On which record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordName>,
    /// The version that was read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<RecordVersion>,
    /// The fields that were shown as they are, after policy and consent; absent where all there were. For a look-up, the
    /// kind of identifier that was asked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// The fields of which a glimpse or a pseudonym was shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// Record by record, where several were shown and not all of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Part>,
}

impl Vault {
    /// The history of a member, oldest first. A listing shows what had happened when its first page was asked for.
    ///
    /// # Errors
    /// `not_found`, `gone`, `invalid_cursor`; a denial of the policy.
    pub fn history<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId, page: &'v Page) -> Act<'v, Listing<HistoryEntry>> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, page))
    }
}

/// Where a page begins, and the length of the ledger when its listing began: what is read of the history while it is
/// listed comes after that, so the listing ends.
struct Stretch {
    after: Option<u64>,
    until: u64,
}

impl Stretch {
    fn of(case: &Case<'_>, member: &MemberId, page: &Page) -> Result<Self, Error> {
        let vault = case.vault;
        let Some(cursor) = &page.cursor else { return Ok(Self { after: None, until: vault.ledger().size() }) };
        let key = vault.read_cursor(LISTING_HISTORY, cursor)?;
        let read = || {
            let (of, rest) = key.split_first_chunk::<16>()?;
            let (after, rest) = rest.split_first_chunk::<8>()?;
            let until = rest.try_into().ok().map(u64::from_be_bytes)?;
            (of == member.as_bytes()).then_some(Self { after: Some(u64::from_be_bytes(*after)), until })
        };
        read().ok_or(Error::Invalid {
            code: Code::InvalidCursor,
            at: "cursor",
            problem: "this cursor is of another member; start again without one",
        })
    }

    fn cursor(&self, case: &Case<'_>, member: &MemberId, after: u64) -> String {
        let key = [member.as_bytes().as_slice(), &after.to_be_bytes(), &self.until.to_be_bytes()].concat();
        case.vault.issue_cursor(LISTING_HISTORY, &key)
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, page: &Page) -> Decision<Listing<HistoryEntry>> {
    let opened = case.open_member(Action::HistoryRead, member, None)?;
    let stretch = Stretch::of(case, member, page)?;
    let mut items: Vec<HistoryEntry> = Vec::with_capacity(page.limit.min(Page::LIMIT_MAX));
    let mut more = false;
    let accesses = Accesses::of(case.vault, member, &opened.body.mk);
    accesses.each(stretch.after, &mut |access| {
        more = items.len() == page.limit && access.leaf < stretch.until;
        let goes_on = items.len() < page.limit && access.leaf < stretch.until;
        if goes_on {
            items.push(entry(case, access.leaf, accesses.detail(access)?)?);
        }
        Ok(goes_on)
    })?;
    let next = items.last().filter(|_| more).map(|last| stretch.cursor(case, member, last.leaf));
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = case.vault.access(case.ctx, Event::HistoryRead, member, &opened.body.mk, &detail)?;
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    Ok(Prepared::logged(Listing { items, next }, change))
}

/// The whole history of an opened member, oldest first, as whoever asks may see it. It is as long as the member's data
/// was used often; for exports, which hold all of a member anyway.
pub(crate) fn whole(case: &Case<'_>, opened: &Opened, member: &MemberId) -> Result<Vec<HistoryEntry>, Error> {
    let accesses = Accesses::of(case.vault, member, &opened.body.mk);
    let mut all = Vec::new();
    accesses.each(None, &mut |access| {
        all.push(entry(case, access.leaf, accesses.detail(access)?)?);
        Ok(true)
    })?;
    Ok(all)
}

/// What an access row and its leaf say, as whoever asks may see it.
pub(crate) fn entry(case: &Case<'_>, index: u64, detail: StoredDetail) -> Result<HistoryEntry, Error> {
    let leaf = case.vault.leaf(index)?;
    // Rows without details are those of an import, by a token that may still be known.
    let info = detail.role.is_none().then(|| case.vault.tokens().info(&leaf.actor)).flatten();
    let role = detail.role.or(info.as_ref().map(|info| info.role));
    // A member may know in which role and for whom somebody acted, not which of the house's tokens it was.
    let is_shown = case.ctx.actor.role != Role::Member || role == Some(Role::Member);
    Ok(HistoryEntry {
        leaf: index,
        at: detail.at.unwrap_or(Timestamp::from_minutes(leaf.minute)),
        what: leaf.event.kind().as_str(),
        role,
        organisation: detail.organisation.or(info.and_then(|info| info.organisation)),
        token: is_shown.then_some(leaf.actor),
        purpose: leaf.purpose,
        recipient: detail.recipient,
        compartment: detail.compartment,
        record: detail.record,
        version: detail.version,
        fields: detail.fields,
        masked: detail.masked,
        records: detail.records,
    })
}
