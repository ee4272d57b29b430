//! Who may do what, over HTTP: every route, every caller, every state of the member; `tests/golden/http_matrix.txt`.
//!
//! A change of policy is a diff of that file that a person from legal can read. Each cell is a request to a vault in
//! memory about a member made for that cell, so no cell depends on another.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use membervault::http;
use membervault::testkit::vault::{START, ctx, ctx_for};
use membervault::types::{Ctx, IdentityMethod, MemberId, Right, Role};
use membervault::vault::api::{Expect, NewHold, NewMember, NewRequest, NewToken, RecordAddress, RecordWrite};
use membervault::vault::request::{Check, Fulfil};
use serde_json::{Map, Value, json};
use support::desk::{Ask, Desk};

/// A member that never was.
const NOBODY: &str = "6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11";

/// The state of the member that a request is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Live,
    Absent,
    Erased,
    Held,
    /// The compartment `orders` was erased, the member lives.
    PartErased,
}

const STATES: [(State, &str); 5] = [
    (State::Live, "live"),
    (State::Absent, "absent"),
    (State::Erased, "erased"),
    (State::Held, "held"),
    (State::PartErased, "orders erased"),
];

/// Who asks.
#[derive(Clone, Copy)]
enum Caller {
    Nobody,
    Expired,
    Revoked,
    Of(Role, Option<&'static str>),
    /// The member itself.
    Own,
    /// A member asking about another.
    Other,
}

const CALLERS: [(Caller, &str); 17] = [
    (Caller::Nobody, "no token"),
    (Caller::Expired, "an expired token"),
    (Caller::Revoked, "a revoked token"),
    (Caller::Of(Role::Crm, None), "crm"),
    (Caller::Of(Role::Crm, Some("support")), "crm for support"),
    (Caller::Of(Role::Support, None), "support"),
    (Caller::Of(Role::Support, Some("support")), "support for support"),
    (Caller::Of(Role::Support, Some("newsletter")), "support for newsletter"),
    (Caller::Of(Role::Marketing, None), "marketing"),
    (Caller::Of(Role::Marketing, Some("newsletter")), "marketing for newsletter"),
    (Caller::Of(Role::Analyst, None), "analyst"),
    (Caller::Of(Role::Analyst, Some("analytics")), "analyst for analytics"),
    (Caller::Of(Role::Ops, None), "ops"),
    (Caller::Of(Role::Compliance, None), "compliance"),
    (Caller::Own, "the member"),
    (Caller::Other, "another member"),
    (Caller::Of(Role::Admin, None), "admin"),
];

/// A request to try: the route, what fills its braces after the member, its body.
struct Try {
    method: &'static str,
    template: &'static str,
    rest: &'static [&'static str],
    body: Option<Value>,
}

/// Requests about a member. The first brace of each is the member.
fn about_a_member() -> Vec<Try> {
    const MEMBER: &str = "/v1/members/{id}";
    const RECORD: &str = "/v1/members/{id}/records/{compartment}/{name}";
    const HOLD: &str = "/v1/members/{id}/hold";
    const CONSENT: &str = "/v1/members/{id}/consents/{purpose}";
    const PREFERENCES: &str = "/v1/members/{id}/preferences";
    const OBJECTION: &str = "/v1/members/{id}/objections/{purpose}";
    const RESTRICTION: &str = "/v1/members/{id}/restriction";
    const AUTOMATED: &str = "/v1/members/{id}/automated-decisions";
    const SHARES_OF_A_RECORD: &str = "/v1/members/{id}/records/{compartment}/{name}/shares";
    let share = || json!({"recipient": "carrier", "fields": ["name"], "expires_at": START.plus_millis(60_000)});
    let consent = json!({"notice": {"version": "1", "text": "We write to you."}, "method": "web_form"});
    let to = |method, template, rest, body| Try { method, template, rest, body };
    let mut tries = vec![
        to("GET", MEMBER, &[], None),
        to("PATCH", MEMBER, &[], Some(json!({"profile": {"language": "de"}}))),
        to("DELETE", MEMBER, &[], None),
        to("GET", "/v1/members/{id}/export", &[], None),
        to("GET", "/v1/members/{id}/records", &[], None),
        to("GET", "/v1/members/{id}/history", &[], None),
        to("GET", "/v1/members/{id}/disclosures", &[], None),
        to("POST", "/v1/members/{id}/disclosures", &[], Some(disclosure())),
    ];
    const ADDRESSES: [&[&str]; 3] = [&["core", "profile"], &["marketing", "interests"], &["orders", "1"]];
    for rest in ADDRESSES {
        tries.push(to("GET", RECORD, rest, None));
        tries.push(to("PUT", RECORD, rest, Some(json!({"data": {"a": 1}}))));
        tries.push(to("PATCH", RECORD, rest, Some(json!({"data": {"a": 2}}))));
        tries.push(to("DELETE", RECORD, rest, None));
    }
    tries.extend([
        to("DELETE", "/v1/members/{id}/compartments/{compartment}", &["marketing"], None),
        to("DELETE", "/v1/members/{id}/compartments/{compartment}", &["orders"], None),
        to("POST", "/v1/members/{id}/compartments/{compartment}/rotations", &["orders"], None),
        to("PUT", HOLD, &[], Some(json!({"reason": "litigation"}))),
        to("GET", HOLD, &[], None),
        to("DELETE", HOLD, &[], None),
        to("POST", "/v1/members/{id}/token", &[], Some(json!({}))),
        to("PATCH", "/v1/members/{id}/correction", &[], Some(json!({"data": {"name": "Ada L."}}))),
        to("GET", "/v1/members/{id}/bundle", &[], None),
        to("POST", "/v1/members/{id}/requests", &[], Some(json!({"kind": "access"}))),
        to("GET", "/v1/members/{id}/requests", &[], None),
        to("PUT", "/v1/members/{id}/canary", &[], None),
        to("DELETE", "/v1/members/{id}/canary", &[], None),
        to("GET", "/v1/members/{id}/consents", &[], None),
        to("PUT", CONSENT, &["newsletter"], Some(consent)),
        to("DELETE", CONSENT, &["newsletter"], None),
        to("GET", "/v1/members/{id}/consents/{purpose}/receipt", &["newsletter"], None),
        to("GET", PREFERENCES, &[], None),
        to("PUT", PREFERENCES, &[], Some(json!({"channels": ["email"]}))),
        to("PUT", OBJECTION, &["newsletter"], Some(json!({}))),
        to("DELETE", OBJECTION, &["newsletter"], None),
        to("PUT", RESTRICTION, &[], Some(json!({}))),
        to("DELETE", RESTRICTION, &[], None),
        to("PUT", AUTOMATED, &[], Some(json!({}))),
        to("DELETE", AUTOMATED, &[], None),
        to("POST", SHARES_OF_A_RECORD, &["core", "profile"], Some(share())),
        to("GET", "/v1/members/{id}/shares", &[], None),
        to("DELETE", "/v1/members/{id}/shares/{share}", &["00000000-0000-4000-8000-000000000000"], None),
    ]);
    tries
}

/// Nobody is registered, so whoever may record it is told that.
fn disclosure() -> Value {
    json!({"recipient": "nobody", "compartment": "core", "record": "profile", "purpose": "service"})
}

/// Requests about no member, or about whichever is found.
fn about_the_vault() -> Vec<Try> {
    let segment =
        || json!({"compartment": "core", "name": "profile", "where": {"field": "loyalty_tier", "eq": "gold"}});
    let to = |method, template, body| Try { method, template, rest: &[], body };
    vec![
        to("POST", "/v1/members", Some(json!({"profile": {"name": "Bob"}}))),
        to("GET", "/v1/members", None),
        to("POST", "/v1/members/lookup", Some(json!({"kind": "email", "value": "nobody@example.org"}))),
        to("POST", "/v1/records/query", Some(json!({"filter": {"category": "a"}}))),
        to("POST", "/v1/records/update", Some(json!({"filter": {"category": "a"}, "change": {"clear": ["source"]}}))),
        to("POST", "/v1/records/delete", Some(json!({"filter": {"category": "a"}}))),
        to("GET", "/v1/erasures", None),
        to("GET", "/v1/erasures/{id}", None),
        to("GET", "/v1/requests", None),
        to("POST", "/v1/requests/bulk", Some(json!({"kind": "erase_bulk", "members": [NOBODY], "reason": "a try"}))),
        to("GET", "/v1/requests/{id}", None),
        to("POST", "/v1/requests/{id}/identity", Some(json!({"method": "account"}))),
        to("POST", "/v1/requests/{id}/extension", Some(json!({"months": 1, "reason": "many letters"}))),
        to("POST", "/v1/requests/{id}/approval", None),
        to("POST", "/v1/requests/{id}/refusal", Some(json!({"ground": "excessive"}))),
        to("POST", "/v1/requests/{id}/fulfilment", Some(json!({}))),
        to("POST", "/v1/requests/{id}/withdrawal", None),
        to("GET", "/v1/requests/{id}/bundle", None),
        to("POST", "/v1/seals", None),
        to("POST", "/v1/purges", None),
        to("GET", "/v1/erasures/{id}/certificate", None),
        to("POST", "/v1/keyring/rotations", None),
        to("GET", "/v1/log/checkpoint", None),
        to("GET", "/v1/log/checkpoint/cosigned", None),
        to("GET", "/v1/log/tile/{path}", None),
        to("GET", "/v1/log/proof/{index}", None),
        to("POST", "/v1/log/cosignatures", None),
        to("POST", "/v1/tokens", Some(json!({"role": "crm", "label": "another"}))),
        to("GET", "/v1/tokens", None),
        to("DELETE", "/v1/tokens/{id}", None),
        to("POST", "/v1/freezes", Some(json!({"scope": "token:ffffffffffffffff", "reason": "no such token"}))),
        to("GET", "/v1/freezes", None),
        to("DELETE", "/v1/freezes/{scope}", None),
        to("POST", "/v1/windows", Some(json!({"token": "ffffffffffffffff", "reason": "no such token", "minutes": 1}))),
        to("GET", "/v1/windows", None),
        to("DELETE", "/v1/windows/{token}", None),
        to("POST", "/v1/backups", None),
        to("GET", "/v1/backups", None),
        to("GET", "/v1/backups/{id}", None),
        to("GET", "/v1/audience", None),
        to("POST", "/v1/segments/count", Some(segment())),
        to("POST", "/v1/segments/members", Some(segment())),
        to("POST", "/v1/shares/open", Some(json!({"secret": "mvs1_"}))),
        to("GET", "/v1/policy", None),
        to("GET", "/v1/retention/plan", None),
        to("POST", "/v1/retention/runs", None),
        to("GET", "/v1/schema", None),
        to("GET", "/v1/schema/{sha256}", None),
        to("POST", "/v1/schema/reload", None),
        to("GET", "/v1/status", None),
        to("GET", "/v1/recipients", None),
        to("GET", "/v1/recipients/{name}", None),
        to("PUT", "/v1/recipients/{name}", Some(json!({"kind": "processor", "organisation": "Carrier AG"}))),
        to("DELETE", "/v1/recipients/{name}", None),
        to("POST", "/v1/breach/report", Some(json!({"role": "crm", "since": "2026-01-01T00:00:00Z"}))),
        to("GET", "/v1/audit/report", None),
        to("GET", "/v1/openapi.json", None),
        to("GET", "/openapi.json", None),
        to("GET", "/healthz", None),
        to("GET", "/readyz", None),
        to("GET", "/metrics", None),
    ]
}

/// The hash of a data map there never was.
const NO_MAP: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const HEAD: &str = "\
# Who may do what: every route, every caller, every state of the member; status and code.
# One cell in a row: the same in every state. `-`: there is no such caller. See tests/http_matrix.rs.
";

struct Walk {
    desk: Desk,
    crm: Ctx,
    compliance: Ctx,
    expired: String,
    revoked: String,
    /// An erasure to ask about.
    erasure: String,
}

impl Walk {
    fn start() -> Self {
        let desk = Desk::new();
        let (crm, compliance) = (ctx_for(Role::Crm, "support"), ctx(Role::Compliance));
        let ending = NewToken { expires_at: Some(START.plus_millis(1_000)), ..NewToken::new(Role::Crm, "ends soon") };
        let vault = &desk.vault.vault;
        let issued = vault.create_token(&ctx(Role::Admin), &ending).wait().unwrap();
        let expired = format!("Bearer {}", issued.secret.as_str());
        let later = NewToken { expires_at: None, ..ending };
        let issued = vault.create_token(&ctx(Role::Admin), &later).wait().unwrap();
        vault.revoke_token(&ctx(Role::Admin), &issued.info.id).wait().unwrap();
        let revoked = format!("Bearer {}", issued.secret.as_str());
        desk.vault.clock.advance_millis(2_000);
        let mut walk = Self { desk, crm, compliance, expired, revoked, erasure: String::new() };
        let member = walk.member(State::Live);
        let erasure = walk.desk.vault.vault.erase(&walk.compliance, &member, None).wait().unwrap();
        walk.erasure = erasure.id.to_string();
        walk
    }

    /// A member in this state, with records in three compartments.
    fn member(&self, state: State) -> MemberId {
        let vault = &self.desk.vault.vault;
        if state == State::Absent {
            return MemberId::from_random([0xab; 16]);
        }
        let profile = Map::from_iter([("name".to_owned(), json!("Ada")), ("language".to_owned(), json!("en"))]);
        let new = NewMember { profile, meta: Default::default(), idempotency_key: None };
        let id = vault.create_member(&self.crm, &new).wait().unwrap().id;
        for (compartment, name) in [("marketing", "interests"), ("orders", "1")] {
            let write = RecordWrite {
                address: RecordAddress {
                    member: id,
                    compartment: compartment.parse().unwrap(),
                    name: name.parse().unwrap(),
                },
                data: Map::new(),
                meta: None,
                expect: Expect::Any,
            };
            vault.put_record(&self.crm, &write).wait().unwrap();
        }
        match state {
            State::Live | State::Absent => {}
            State::Erased => {
                vault.erase(&self.compliance, &id, None).wait().unwrap();
            }
            State::PartErased => {
                let orders = "orders".parse().unwrap();
                vault.erase(&self.compliance, &id, Some(&orders)).wait().unwrap();
            }
            State::Held => {
                let hold = NewHold { reason: "litigation".to_owned(), reference: None };
                vault.set_hold(&self.compliance, &id, &hold).wait().unwrap();
            }
        }
        id
    }

    /// A request of this member, as somebody of the staff opened it.
    fn request(&self, member: &MemberId, template: &str) -> String {
        let vault = &self.desk.vault.vault;
        let new = NewRequest { kind: Right::Access, purposes: Vec::new(), note: None };
        let id = vault.open_request(&self.crm, member, &new).wait().unwrap().id;
        if template.ends_with("fulfilment") || template.ends_with("bundle") {
            let check = Check { method: IdentityMethod::Account, note: None };
            vault.check_request(&self.compliance, &id, &check).wait().unwrap();
        }
        if template.ends_with("bundle") {
            vault.fulfil_request(&self.compliance, &id, &Fulfil::default()).unwrap();
        }
        id.to_string()
    }

    /// A bearer token for `caller`. A member's token is made while its member lives, as in life.
    fn bearer(&self, caller: Caller, member: Option<MemberId>) -> Option<String> {
        match caller {
            Caller::Nobody => None,
            Caller::Expired => Some(self.expired.clone()),
            Caller::Revoked => Some(self.revoked.clone()),
            Caller::Of(role, _) => Some(self.desk.token(role, None)),
            Caller::Own => member.map(|member| self.desk.token(Role::Member, Some(member))),
            Caller::Other => Some(self.desk.token(Role::Member, Some(self.member(State::Live)))),
        }
    }

    /// Sends `attempt` as `caller` and gives the cell.
    async fn cell(&self, attempt: &Try, caller: Caller, bearer: Option<&str>, first: Option<&str>) -> String {
        let mut headers = Vec::new();
        headers.extend(bearer.map(|bearer| ("authorization", bearer)));
        if let Caller::Of(_, Some(purpose)) = caller {
            headers.push(("membervault-purpose", purpose));
        }
        let values: Vec<&str> = first.into_iter().chain(attempt.rest.iter().copied()).collect();
        let ask = Ask {
            method: attempt.method,
            template: attempt.template,
            values: &values,
            headers: &headers,
            body: attempt.body.clone(),
            query: if attempt.template == "/v1/audience" { "?compartment=core&name=profile" } else { "" },
        };
        let reply = self.desk.send(ask).await;
        match reply.code().as_str() {
            "-" => reply.status.as_u16().to_string(),
            code => format!("{} {code}", reply.status.as_u16()),
        }
    }

    async fn cell_about(&self, attempt: &Try, caller: Caller, state: State) -> String {
        // The member of a member's token must live when the token is made; the state comes after.
        let own = matches!(caller, Caller::Own);
        if own && state == State::Absent {
            return "-".to_owned();
        }
        let (member, bearer) = if own && state == State::Erased {
            let member = self.member(State::Live);
            let bearer = self.bearer(caller, Some(member));
            self.desk.vault.vault.erase(&self.compliance, &member, None).wait().unwrap();
            (member, bearer)
        } else {
            let member = self.member(state);
            (member, self.bearer(caller, Some(member)))
        };
        self.cell(attempt, caller, bearer.as_deref(), Some(&member.to_string())).await
    }
}

#[tokio::test]
async fn the_matrix_is_this() {
    let walk = Walk::start();
    let mut text = String::from(HEAD);
    for attempt in about_a_member() {
        let mut fill = attempt.rest.iter();
        let path: String = attempt
            .template
            .split('/')
            .map(|part| match part {
                "{compartment}" | "{name}" | "{purpose}" => *fill.next().unwrap(),
                part => part,
            })
            .collect::<Vec<_>>()
            .join("/");
        let states: String = STATES.iter().map(|(_, name)| format!(" {name:24}")).collect();
        write!(text, "\n{} {path}\n{:26}{}\n", attempt.method, "", states.trim_end()).unwrap();
        for (caller, name) in CALLERS {
            let mut cells = Vec::new();
            for (state, _) in STATES {
                cells.push(walk.cell_about(&attempt, caller, state).await);
            }
            let distinct: BTreeSet<_> = cells.iter().filter(|cell| *cell != "-").collect();
            cells.truncate(if distinct.len() == 1 { 1 } else { STATES.len() });
            let cells: String = cells.iter().map(|cell| format!(" {cell:24}")).collect();
            writeln!(text, "  {name:24}{}", cells.trim_end()).unwrap();
        }
    }
    for attempt in about_the_vault() {
        write!(text, "\n{} {}\n", attempt.method, attempt.template).unwrap();
        let mut rows = Vec::new();
        for (caller, name) in CALLERS.into_iter().filter(|(caller, _)| !matches!(caller, Caller::Other)) {
            let member = walk.member(State::Live);
            let bearer = walk.bearer(caller, Some(member));
            let token = walk.desk.token_id(Role::Crm);
            let request = walk.request(&member, attempt.template);
            let first = match attempt.template {
                template if template.starts_with("/v1/requests/{id}") => Some(request.as_str()),
                "/v1/erasures/{id}" | "/v1/backups/{id}" => Some(walk.erasure.as_str()),
                "/v1/recipients/{name}" => Some("carrier"),
                "/v1/windows/{token}" | "/v1/tokens/{id}" => Some(token.as_str()),
                "/v1/freezes/{scope}" => Some("role:admin"),
                "/v1/log/tile/{path}" => Some("0/000.p/1"),
                "/v1/log/proof/{index}" => Some("0"),
                "/v1/schema/{sha256}" => Some(NO_MAP),
                _ => None,
            };
            rows.push((name, walk.cell(&attempt, caller, bearer.as_deref(), first).await));
        }
        if rows.iter().all(|(_, cell)| *cell == rows[0].1) {
            rows = vec![("anyone", rows.swap_remove(0).1)];
        }
        for (name, cell) in rows {
            writeln!(text, "  {name:24} {cell}").unwrap();
        }
    }
    support::golden("http_matrix.txt", &text);
}

#[test]
fn the_matrix_leaves_no_route_out() {
    let routes: BTreeSet<_> = http::routes().into_iter().map(|(method, path)| (method, path.to_owned())).collect();
    let tried: BTreeSet<_> = about_a_member()
        .iter()
        .chain(&about_the_vault())
        .map(|attempt| (attempt.method.to_owned(), attempt.template.to_owned()))
        .collect();
    assert_eq!(tried, routes);
}
