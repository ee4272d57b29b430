//! The regular review of access: which tokens sleep, which roles may more than they use, who was refused what.
//!
//! From the log alone, which names nobody; only which fields were used is asked of the members' own access rows, and only
//! where it is wanted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::clock::Timestamp;
use crate::code::Coded as _;
use crate::codec::Event;
use crate::crypto;
use crate::policy::{Action, Denial, Permit, Policy};
use crate::types::{Ctx, Purpose, RecipientName, Role, TokenId};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::TokenInfo;
use super::super::history::Accesses;
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::tally::ALL;
use super::usage::{JUDGED, OfToken, Usage};

/// The period of a review when its reader does not say: 90 days.
pub const PERIOD_DEFAULT_MS: u64 = 90 * DAY_MS;
/// Days without an entry after which a token sleeps, when its reader does not say.
pub const DORMANT_DAYS_DEFAULT: u32 = 30;
/// The most of such days.
pub const DORMANT_DAYS_MAX: u32 = 3_650;
/// Days from now after which an end of a token is late.
pub const LATE_END_DAYS: u64 = 180;

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// What is to be reviewed.
#[derive(Clone, Copy, Debug)]
pub struct AuditQuery {
    /// From when, to the minute; [`PERIOD_DEFAULT_MS`] ago if `None`.
    pub since: Option<Timestamp>,
    /// Days without an entry after which a token sleeps.
    pub dormant_days: u32,
    /// Whether to tell which fields of its policy a role never saw. Opens every member's keys once.
    pub fields: bool,
}

/// What is odd about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It was never used.
    NeverUsed,
    /// It was not used for long.
    Dormant,
    /// It does not say whose it is.
    NoOrganisation,
    /// It lives for long yet.
    EndsLate,
    /// The recipient it acts for is not in the register.
    UnknownRecipient,
    /// There is no agreement in force with the recipient it acts for.
    NoAgreement,
}

impl Finding {
    /// What it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NeverUsed => "never used since it was issued",
            Self::Dormant => "not used for long: revoke it, or say why it waits",
            Self::NoOrganisation => "does not say whose it is: members who ask are told a role only",
            Self::EndsLate => "lives for more than half a year yet",
            Self::UnknownRecipient => "acts for a recipient that is not in the register",
            Self::NoAgreement => "acts for a recipient without an agreement in force",
        }
    }
}

/// A valid token under review.
#[derive(Clone, Debug, Serialize)]
pub struct TokenReview {
    /// The token.
    pub id: TokenId,
    /// Its role.
    pub role: Role,
    /// The operator's note.
    pub label: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// To whom its reads go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<RecipientName>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// Its last entry in the log, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// What it did in the period.
    pub acts: BTreeMap<&'static str, u64>,
    /// What is odd.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// A role under review: what the policy allows it and nobody in it did in the period.
#[derive(Clone, Debug, Serialize)]
pub struct RoleReview {
    /// The role.
    pub role: Role,
    /// Its valid tokens.
    pub tokens: u64,
    /// Acts it may do and did not, as far as the log tells.
    pub unused_actions: Vec<&'static str>,
    /// Purposes it may state; those nobody at all stated are in [`AuditReport::unused_purposes`].
    pub purposes: Vec<Purpose>,
    /// Fields the policy names and shows to it, and none of its reads had; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_fields: Option<Vec<String>>,
}

/// Refusals of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct Denied {
    /// Who was refused.
    pub token: TokenId,
    /// Its role, while it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What it asked for.
    pub action: &'static str,
    /// The code of the refusal.
    pub reason: &'static str,
    /// How often.
    pub count: u64,
}

/// The report for the regular review of access.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// From when.
    pub since: Timestamp,
    /// When it was made: the end of the period.
    pub made_at: Timestamp,
    /// How long the log was then.
    pub log_size: u64,
    /// After how many days without an entry a token counts as dormant.
    pub dormant_days: u32,
    /// How many tokens each finding has.
    pub findings: BTreeMap<Finding, u64>,
    /// The valid tokens, oldest first.
    pub tokens: Vec<TokenReview>,
    /// The roles.
    pub roles: Vec<RoleReview>,
    /// Purposes of the policy that nobody stated in the period.
    pub unused_purposes: Vec<Purpose>,
    /// Refusals, most of them first.
    pub denied: Vec<Denied>,
}

impl Vault {
    /// The report for the regular review of access.
    ///
    /// # Errors
    /// A denial of the policy.
    pub fn audit_report<'v>(&'v self, ctx: &'v Ctx, query: &'v AuditQuery) -> Act<'v, AuditReport> {
        Act::new(self, move || prepare(&Case::open(self, ctx), query))
    }
}

fn prepare(case: &Case<'_>, query: &AuditQuery) -> Decision<AuditReport> {
    let permit = case.decide_plain(Action::AuditRead)?;
    let vault = case.vault;
    let ago = case.now.as_millis().saturating_sub(PERIOD_DEFAULT_MS);
    let since = query.since.unwrap_or(Timestamp::from_millis(ago));
    let usage = Usage::of(vault, since.as_minutes())?;
    let seen = query.fields.then(|| fields_seen(case, &permit, &usage)).transpose()?;
    let mut tokens = Vec::new();
    for info in vault.tokens().infos() {
        if info.revoked_at.is_none() && info.expires_at > case.now {
            tokens.push(review_token(case, info, &usage, query.dormant_days)?);
        }
    }
    let mut findings = BTreeMap::new();
    tokens.iter().flat_map(|token| &token.findings).for_each(|found| *findings.entry(*found).or_default() += 1);
    let policy = vault.policy();
    let used = acts_of_roles(case, &usage);
    let report = AuditReport {
        since,
        made_at: case.now,
        log_size: usage.size,
        dormant_days: query.dormant_days,
        findings,
        roles: Role::ALL.into_iter().map(|role| review_role(&policy, role, (&tokens, &used), seen.as_ref())).collect(),
        tokens,
        unused_purposes: policy
            .purposes()
            .map(|(purpose, _)| purpose)
            .filter(|purpose| !usage.purposes.contains(*purpose))
            .cloned()
            .collect(),
        denied: denied(case, &usage),
    };
    let bytes = serde_json::to_vec(&report).map_err(|_| Error::Internal("a report is serialisable"))?;
    let change = vault.event(case.ctx, Event::AuditReport(crypto::sha256(&[&bytes])), case.now);
    Ok(Prepared::durable(report, change))
}

fn review_token(case: &Case<'_>, info: TokenInfo, usage: &Usage, dormant_days: u32) -> Result<TokenReview, Error> {
    let none = OfToken::default();
    let used = usage.tokens.get(&info.id);
    let last_used_at = used.map(|used| Timestamp::from_minutes(used.last));
    let mut findings = Vec::new();
    let idle = case.now.millis_since(last_used_at.unwrap_or(info.created_at));
    if idle >= u64::from(dormant_days).saturating_mul(DAY_MS) {
        findings.push(if last_used_at.is_none() { Finding::NeverUsed } else { Finding::Dormant });
    }
    if info.organisation.is_none() && info.role != Role::Member {
        findings.push(Finding::NoOrganisation);
    }
    if info.expires_at.millis_since(case.now) > LATE_END_DAYS.saturating_mul(DAY_MS) {
        findings.push(Finding::EndsLate);
    }
    if let Some(recipient) = &info.recipient {
        match case.vault.registered(recipient)? {
            None => findings.push(Finding::UnknownRecipient),
            Some((entry, _)) if entry.recipient.agreement_at(case.now).is_none() => findings.push(Finding::NoAgreement),
            Some(_) => {}
        }
    }
    Ok(TokenReview {
        id: info.id,
        role: info.role,
        label: info.label,
        organisation: info.organisation,
        recipient: info.recipient,
        created_at: info.created_at,
        expires_at: info.expires_at,
        last_used_at,
        acts: used.unwrap_or(&none).acts.iter().map(|(action, count)| (action.as_str(), *count)).collect(),
        findings,
    })
}

/// What was done in each role, by whatever token that is still known: also those that ended.
fn acts_of_roles(case: &Case<'_>, usage: &Usage) -> BTreeSet<(Role, Action)> {
    let known = usage.tokens.iter().filter_map(|(id, used)| Some((case.vault.tokens().info(id)?.role, used)));
    known.flat_map(|(role, used)| used.acts.keys().map(move |action| (role, *action))).collect()
}

fn review_role(
    policy: &Policy,
    role: Role,
    (tokens, used): (&[TokenReview], &BTreeSet<(Role, Action)>),
    seen: Option<&FieldsSeen>,
) -> RoleReview {
    let is_unused = |action: &Action| JUDGED.contains(action) && !used.contains(&(role, *action));
    let unused = policy.actions_of(role).into_iter().filter(is_unused);
    let unused_fields = seen.map(|seen| {
        let seen = seen.get(&role);
        let is_seen = |field: &str| seen.is_some_and(|seen| seen.contains(field) || seen.contains(ALL));
        let fields = policy.fields_of(role).into_iter().filter(|field| !is_seen(field.as_str()));
        fields.map(ToString::to_string).collect()
    });
    RoleReview {
        role,
        tokens: tokens.iter().filter(|token| token.role == role).count() as u64,
        unused_actions: unused.map(Action::as_str).collect(),
        purposes: policy.purposes_of(role).into_iter().cloned().collect(),
        unused_fields,
    }
}

/// The fields each role saw in the period; `*` for all there were.
type FieldsSeen = BTreeMap<Role, BTreeSet<String>>;

fn fields_seen(case: &Case<'_>, permit: &Permit, usage: &Usage) -> Result<FieldsSeen, Error> {
    let mut seen = FieldsSeen::new();
    let Some(first) = usage.first else { return Ok(seen) };
    case.each_member(permit, &mut |member, body| {
        let Some(body) = body else { return Ok(()) };
        let accesses = Accesses::of(case.vault, member, &body.mk);
        accesses.each(first.checked_sub(1), &mut |access| {
            if !usage.shows(access.leaf) {
                return Ok(access.leaf < usage.size);
            }
            // What does not open is passed over: this is a review, not evidence.
            let Ok(detail) = accesses.detail(access) else { return Ok(true) };
            let Some(role) = detail.role else { return Ok(true) };
            let seen = seen.entry(role).or_default();
            if detail.records.is_empty() {
                seen.extend(detail.fields.unwrap_or_else(|| vec![ALL.to_owned()]));
            }
            seen.extend(detail.masked);
            for part in detail.records {
                seen.extend(part.fields.unwrap_or_else(|| vec![ALL.to_owned()]));
                seen.extend(part.masked);
            }
            Ok(true)
        })
    })?;
    Ok(seen)
}

fn denied(case: &Case<'_>, usage: &Usage) -> Vec<Denied> {
    let one = |(&(token, action, reason), &count): (&(TokenId, u8, u8), &u64)| Denied {
        token,
        role: case.vault.tokens().info(&token).map(|info| info.role),
        action: Action::from_number(action).map_or("unknown", Action::as_str),
        reason: Denial::from_number(reason).map_or("unknown", |reason| reason.code().as_str()),
        count,
    };
    let mut denied: Vec<_> = usage.denied.iter().map(one).collect();
    denied.sort_by_key(|denied| std::cmp::Reverse(denied.count));
    denied
}
