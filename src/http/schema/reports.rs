//! Schemas of reports over the whole log.

#![allow(dead_code, reason = "some of these types only describe")]

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use super::requests::SMALL_BODY_BYTES_MAX;
use super::transparency::ShownPart;
use crate::clock::Timestamp;
use crate::http::extract::{RequestBody, Word};
use crate::types::{Role, TokenId};

impl RequestBody for BreachQuery {
    const BYTES_MAX: usize = SMALL_BODY_BYTES_MAX;
}

/// Whose acts are to be reported: those of a token, or of all tokens of a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "support", "since": "2026-01-01T00:00:00Z"}))]
pub(in crate::http) struct BreachQuery {
    /// The token.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{16}$")]
    pub(in crate::http) token: Option<TokenId>,
    /// The role, in place of a token.
    #[schema(
        value_type = Option<String>,
        pattern = "^(crm|support|marketing|analyst|ops|compliance|member|admin)$"
    )]
    pub(in crate::http) role: Option<Word<Role>>,
    /// From when, to the minute.
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::http) since: Timestamp,
    /// Up to when, to the minute; now if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::http) until: Option<Timestamp>,
    /// Where the list of members goes on.
    pub(in crate::http) cursor: Option<String>,
    /// Members listed at most; 100 if absent.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 10_000)]
    pub(in crate::http) limit: Option<usize>,
}

shapes! {
    /// What a token or a role touched. The counts are of the whole period, whatever page of the members is listed.
    struct BreachReport {
        /// The token, if it is one token's report.
        #[schema(nullable = false)]
        token: Option<String>,
        /// The role, if it is that of a role.
        #[schema(nullable = false)]
        role: Option<String>,
        /// From when.
        #[schema(format = DateTime)]
        since: String,
        /// Up to when.
        #[schema(format = DateTime)]
        until: String,
        /// When the report was made.
        #[schema(format = DateTime)]
        made_at: String,
        /// How long the log was then.
        log_size: u64,
        /// Entries of the log, by what was done.
        acts: BTreeMap<String, u64>,
        /// Those about one member, by the stated purpose; `-` where none was.
        purposes: BTreeMap<String, u64>,
        /// Living members that were touched.
        members: u64,
        /// Entries about them.
        accesses: u64,
        /// Entries about one member that no living member claims: it was erased since.
        erased_since: u64,
        /// Members whose keys do not open, so that nobody can say whether they were touched.
        unreadable: u64,
        /// How many members had each field seen, by compartment; `*` where all there were.
        fields: BTreeMap<String, BTreeMap<String, u64>>,
        /// The members, by id: one page of them.
        items: Vec<MemberTouched>,
        /// The cursor of the next page; absent on the last.
        #[schema(nullable = false)]
        next: Option<String>,
    }

    /// A member that was touched.
    struct MemberTouched {
        /// The member.
        #[schema(format = "uuid")]
        member: String,
        /// How often.
        accesses: u64,
        /// First when.
        #[schema(format = DateTime)]
        first_at: String,
        /// Last when.
        #[schema(format = DateTime)]
        last_at: String,
        /// What was done, and how often.
        acts: BTreeMap<String, u64>,
        /// For which purposes; `-` where none was stated.
        purposes: Vec<String>,
        /// What was seen, record by record; `*` for any. Nothing, where it was only written, listed or changed.
        seen: Vec<ShownPart>,
    }

    /// The report for the regular review of access.
    struct AuditReport {
        /// From when.
        #[schema(format = DateTime)]
        since: String,
        /// When it was made: the end of the period.
        #[schema(format = DateTime)]
        made_at: String,
        /// How long the log was then.
        log_size: u64,
        /// After how many days without an entry a token counts as dormant.
        dormant_days: u32,
        /// How many tokens each finding has.
        findings: BTreeMap<String, u64>,
        /// The valid tokens, oldest first.
        tokens: Vec<TokenReview>,
        /// The roles.
        roles: Vec<RoleReview>,
        /// Purposes of the policy that nobody stated in the period.
        unused_purposes: Vec<String>,
        /// Refusals, most of them first.
        denied: Vec<Denied>,
    }

    /// A valid token under review.
    struct TokenReview {
        /// The token.
        id: String,
        /// Its role.
        role: String,
        /// The operator's note.
        label: String,
        /// Whose it is.
        #[schema(nullable = false)]
        organisation: Option<String>,
        /// To whom its reads go.
        #[schema(nullable = false)]
        recipient: Option<String>,
        /// Since when.
        #[schema(format = DateTime)]
        created_at: String,
        /// Until when.
        #[schema(format = DateTime)]
        expires_at: String,
        /// Its last entry in the log, to the minute.
        #[schema(format = DateTime, nullable = false)]
        last_used_at: Option<String>,
        /// What it did in the period.
        acts: BTreeMap<String, u64>,
        /// What is odd: `never_used`, `dormant`, `no_organisation`, `ends_late`, `unknown_recipient`, `no_agreement`.
        #[schema(nullable = false)]
        findings: Option<Vec<String>>,
    }

    /// What the policy allows a role and nobody in it did in the period.
    struct RoleReview {
        /// The role.
        role: String,
        /// Its valid tokens.
        tokens: u64,
        /// Acts it may do and did not, as far as the log tells.
        unused_actions: Vec<String>,
        /// Purposes it may state.
        purposes: Vec<String>,
        /// Fields the policy names and shows to it, and none of its reads had; only where it was asked for.
        #[schema(nullable = false)]
        unused_fields: Option<Vec<String>>,
    }

    /// Refusals of one kind.
    struct Denied {
        /// Who was refused.
        token: String,
        /// Its role, while it is known.
        #[schema(nullable = false)]
        role: Option<String>,
        /// What it asked for.
        action: String,
        /// The code of the refusal.
        reason: String,
        /// How often.
        count: u64,
    }
}
