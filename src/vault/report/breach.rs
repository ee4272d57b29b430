//! The blast radius of a token or a role: which members, which fields, for which purposes, how often.
//!
//! Members and fields are exactly those of the log. What cannot be told is counted: entries that no living member claims
//! are of members erased since, or of accesses that an old backup did not hold when it was restored.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use crate::clock::Timestamp;
use crate::code::Code;
use crate::codec::leaf::LeafHead;
use crate::codec::{Event, Leaf, LeafKind};
use crate::crypto;
use crate::policy::Action;
use crate::types::{Ctx, MemberId, Purpose, Role, TokenId};

use super::super::act::{Act, Decision, Prepared};
use super::super::cursor::LISTING_BREACH;
use super::super::history::Accesses;
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::tally::{ALL, MemberTouched, Tally};

/// Entries of the log one report considers.
pub const ENTRIES_MAX: usize = 2_000_000;
/// Members one page of a report lists.
pub const MEMBERS_LISTED_MAX: usize = 10_000;

/// Whose acts are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// Those of one token.
    Token(TokenId),
    /// Those of all tokens of a role, and of the operator at the machine acting in it.
    Role(Role),
}

/// What is to be reported.
#[derive(Clone, Debug)]
pub struct BreachQuery {
    /// Whose acts.
    pub suspect: Suspect,
    /// From when, to the minute.
    pub since: Timestamp,
    /// Up to when, to the minute; now if `None`.
    pub until: Option<Timestamp>,
    /// Where the list of members goes on.
    pub cursor: Option<String>,
    /// Members listed at most, 1 to [`MEMBERS_LISTED_MAX`].
    pub limit: usize,
}

/// What a token or a role touched. The counts are of the whole period, whatever page of the members is listed.
#[derive(Clone, Debug, Serialize)]
pub struct BreachReport {
    /// The token, if it is one token's report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// The role, if it is that of a role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// From when.
    pub since: Timestamp,
    /// Up to when.
    pub until: Timestamp,
    /// When the report was made.
    pub made_at: Timestamp,
    /// How long the log was then.
    pub log_size: u64,
    /// Entries of the log, by what was done.
    pub acts: BTreeMap<&'static str, u64>,
    /// Those about one member, by the stated purpose; `-` where none was.
    pub purposes: BTreeMap<String, u64>,
    /// Living members that were touched.
    pub members: u64,
    /// Entries about them.
    pub accesses: u64,
    /// Entries about one member that no living member claims: it was erased since.
    pub erased_since: u64,
    /// Members whose keys do not open, so that nobody can say whether they were touched.
    pub unreadable: u64,
    /// How many members had each field seen, by compartment: clear or masked; `*` where all there were.
    pub fields: BTreeMap<String, BTreeMap<String, u64>>,
    /// The members, by id: one page of them.
    pub items: Vec<MemberTouched>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Vault {
    /// What a token or a role touched in a period.
    ///
    /// # Errors
    /// `limit_reached` for more than [`ENTRIES_MAX`] entries; `invalid_request`, `invalid_cursor`; a denial of the policy.
    pub fn breach_report<'v>(&'v self, ctx: &'v Ctx, query: &'v BreachQuery) -> Act<'v, BreachReport> {
        Act::new(self, move || prepare(&Case::open(self, ctx), query))
    }
}

fn prepare(case: &Case<'_>, query: &BreachQuery) -> Decision<BreachReport> {
    let permit = case.decide_plain(Action::BreachRead)?;
    let vault = case.vault;
    let until = query.until.unwrap_or(case.now);
    if until < query.since {
        return Err(Error::invalid("/until", "a period ends after it began").into());
    }
    if query.limit == 0 || query.limit > MEMBERS_LISTED_MAX {
        return Err(Error::invalid("/limit", "limit is a number from 1 to 10,000").into());
    }
    let after = query.cursor.as_deref().map(|cursor| vault.read_cursor(LISTING_BREACH, cursor)).transpose()?;
    let after = after.map(|key| key.try_into().map(MemberId::from_bytes)).transpose().map_err(|_| Error::Invalid {
        code: Code::InvalidCursor,
        at: "cursor",
        problem: "this cursor was not issued for this report; start again without one",
    })?;
    let mut trace = Trace::of(case, query.suspect, (query.since.as_minutes(), until.as_minutes()))?;
    let mut report = BreachReport {
        token: if let Suspect::Token(token) = query.suspect { Some(token) } else { None },
        role: if let Suspect::Role(role) = query.suspect { Some(role) } else { None },
        since: query.since,
        until,
        made_at: case.now,
        log_size: trace.size,
        acts: BTreeMap::new(),
        purposes: BTreeMap::new(),
        members: 0,
        accesses: 0,
        erased_since: 0,
        unreadable: 0,
        fields: BTreeMap::new(),
        items: Vec::new(),
        next: None,
    };
    case.each_member(&permit, &mut |member, body| {
        let Some(body) = body else {
            report.unreadable += 1;
            return Ok(());
        };
        let accesses = Accesses::of(vault, member, &body.mk);
        let Some(touched) = trace.touched(*member, &accesses)? else { return Ok(()) };
        report.count(&touched);
        if after.is_none_or(|after| *member > after) {
            if report.items.len() < query.limit {
                report.items.push(touched);
            } else if report.next.is_none() {
                let last = report.items.last().map_or(*member, |last| last.member);
                report.next = Some(vault.issue_cursor(LISTING_BREACH, last.as_bytes()));
            }
        }
        Ok(())
    })?;
    trace.finish(&mut report);
    let bytes = serde_json::to_vec(&report).map_err(|_| Error::Internal("a report is serialisable"))?;
    let change = vault.event(case.ctx, Event::BreachReport(crypto::sha256(&[&bytes])), case.now);
    Ok(Prepared::durable(report, change))
}

/// One entry of the suspect.
struct Entry {
    leaf: u64,
    minute: u32,
    kind: LeafKind,
    /// Position among the purposes.
    purpose: u16,
    /// Whether it is about a member.
    about_member: bool,
    claim: Claim,
}

/// Whose an entry turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Nobody's so far.
    None,
    /// The suspect's, if a member's row says that it was in the role.
    IfInRole,
    /// A living member's.
    Member,
    /// The operator's, in another role.
    OtherRole,
}

/// The suspect's entries, ascending.
struct Trace {
    entries: Vec<Entry>,
    purposes: Vec<Option<Purpose>>,
    role: Option<Role>,
    size: u64,
}

impl Trace {
    fn of(case: &Case<'_>, suspect: Suspect, (first, last): (u32, u32)) -> Result<Self, Error> {
        let vault = case.vault;
        let size = vault.ledger().size();
        let role = if let Suspect::Role(role) = suspect { Some(role) } else { None };
        let mut tokens: HashSet<TokenId> = match suspect {
            Suspect::Token(token) => HashSet::from([token]),
            Suspect::Role(role) => {
                vault.tokens().infos().iter().filter(|info| info.role == role).map(|info| info.id).collect()
            }
        };
        let mut trace = Self { entries: Vec::new(), purposes: Vec::new(), role, size };
        vault.each_leaf(size, &mut |index, head, bytes| {
            if role.is_some() && head.kind == LeafKind::TokenCreate {
                // Tokens are tidied away one day; that they were issued, and in which role, stays in the log.
                if let Event::TokenCreate(token, of) = Leaf::parse(bytes)?.event {
                    tokens.extend((Some(of) == role).then_some(token));
                }
            }
            let by_operator = role.is_some() && head.actor == TokenId::LOCAL_OPERATOR;
            let within = (first..=last).contains(&head.minute);
            if within && (by_operator || tokens.contains(&head.actor)) {
                trace.push(index, head, &Leaf::parse(bytes)?, by_operator)?;
            }
            Ok(())
        })?;
        Ok(trace)
    }

    fn push(&mut self, leaf: u64, head: LeafHead, whole: &Leaf, by_operator: bool) -> Result<(), Error> {
        if self.entries.len() >= ENTRIES_MAX {
            return Err(Error::LimitReached {
                limit: "more than 2,000,000 entries of the log fall into this period; report shorter periods",
            });
        }
        let at = self.purposes.iter().position(|known| *known == whole.purpose).unwrap_or_else(|| {
            self.purposes.push(whole.purpose.clone());
            self.purposes.len() - 1
        });
        self.entries.push(Entry {
            leaf,
            minute: head.minute,
            kind: head.kind,
            purpose: u16::try_from(at).unwrap_or(u16::MAX),
            about_member: whole.reference != [0; 16],
            claim: if by_operator { Claim::IfInRole } else { Claim::None },
        });
        Ok(())
    }

    /// What the suspect did to one member; `None` if nothing.
    fn touched(&mut self, member: MemberId, accesses: &Accesses<'_>) -> Result<Option<MemberTouched>, Error> {
        let (Some(first), Some(last)) = (self.entries.first(), self.entries.last()) else { return Ok(None) };
        let (after, last) = (first.leaf.checked_sub(1), last.leaf);
        let mut tally: Option<Tally> = None;
        accesses.each(after, &mut |access| {
            if access.leaf > last {
                return Ok(false);
            }
            let Ok(at) = self.entries.binary_search_by_key(&access.leaf, |entry| entry.leaf) else { return Ok(true) };
            let Some(entry) = self.entries.get_mut(at) else { return Ok(true) };
            // A row that does not open counts as if all had been seen.
            let detail = accesses.detail(access).unwrap_or_default();
            if entry.claim == Claim::IfInRole && detail.role != self.role {
                entry.claim = Claim::OtherRole;
                return Ok(true);
            }
            entry.claim = Claim::Member;
            let purpose = purpose_of(&self.purposes, entry);
            tally.get_or_insert_with(|| Tally::new(member)).add((entry.kind, entry.minute), purpose, detail);
            Ok(true)
        })?;
        Ok(tally.map(Tally::finish))
    }

    /// Counts what no member was needed for.
    fn finish(&self, report: &mut BreachReport) {
        for entry in &self.entries {
            match entry.claim {
                Claim::OtherRole | Claim::IfInRole => continue,
                Claim::None if entry.about_member => report.erased_since += 1,
                Claim::None | Claim::Member => {}
            }
            *report.acts.entry(entry.kind.as_str()).or_default() += 1;
            if entry.about_member {
                *report.purposes.entry(purpose_of(&self.purposes, entry)).or_default() += 1;
            }
        }
    }
}

fn purpose_of(purposes: &[Option<Purpose>], entry: &Entry) -> String {
    let purpose = purposes.get(usize::from(entry.purpose)).and_then(Option::as_ref);
    purpose.map_or("-", Purpose::as_str).to_owned()
}

impl BreachReport {
    fn count(&mut self, touched: &MemberTouched) {
        self.members += 1;
        self.accesses += touched.accesses;
        let mut names: BTreeSet<(&str, &str)> = BTreeSet::new();
        for part in &touched.seen {
            match &part.fields {
                None => names.extend([(part.compartment.as_str(), ALL)]),
                Some(fields) => {
                    let fields = fields.iter().chain(&part.masked);
                    names.extend(fields.map(|field| (part.compartment.as_str(), field.as_str())));
                }
            }
        }
        for (compartment, field) in names {
            let fields = self.fields.entry(compartment.to_owned()).or_default();
            *fields.entry(field.to_owned()).or_default() += 1;
        }
    }
}
