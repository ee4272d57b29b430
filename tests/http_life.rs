//! The life of a member over HTTP, every reply held against the OpenAPI document.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use membervault::types::Role;
use serde_json::{Value, json};
use support::desk::{Ask, Desk, Reply};

const MEMBER: &str = "/v1/members/{id}";
const RECORD: &str = "/v1/members/{id}/records/{compartment}/{name}";
const HOLD: &str = "/v1/members/{id}/hold";

/// A desk and tokens for those who work at it.
struct Office {
    desk: Desk,
    crm: String,
    compliance: String,
}

impl Office {
    fn open() -> Self {
        let desk = Desk::new();
        let (crm, compliance) = (desk.token(Role::Crm, None), desk.token(Role::Compliance, None));
        Self { desk, crm, compliance }
    }

    async fn crm(&self, ask: Ask<'_>) -> Reply {
        let headers = [ask.headers, &[("authorization", self.crm.as_str())]].concat();
        self.desk.send(Ask { headers: &headers, ..ask }).await
    }

    async fn compliance(&self, ask: Ask<'_>) -> Reply {
        let headers = [ask.headers, &[("authorization", self.compliance.as_str())]].concat();
        self.desk.send(Ask { headers: &headers, ..ask }).await
    }

    /// Creates a member with this profile and gives its id.
    async fn member(&self, profile: Value) -> String {
        let ask = Ask {
            method: "POST",
            template: "/v1/members",
            body: Some(json!({ "profile": profile })),
            ..Ask::default()
        };
        let reply = self.crm(ask).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}

fn get<'a>(template: &'a str, values: &'a [&'a str]) -> Ask<'a> {
    Ask { method: "GET", template, values, ..Ask::default() }
}

fn delete<'a>(template: &'a str, values: &'a [&'a str]) -> Ask<'a> {
    Ask { method: "DELETE", template, values, ..Ask::default() }
}

#[tokio::test]
async fn a_profile_is_created_read_and_changed() {
    let office = Office::open();
    let profile = json!({"email": "ada@example.org", "name": "Ada", "notes": {"a": [1, null]}});
    let body = json!({"profile": profile, "meta": {"source": "web", "purposes": ["support"]}});
    let created = office.crm(Ask { method: "POST", template: "/v1/members", body: Some(body), ..Ask::default() }).await;
    assert_eq!((created.status.as_u16(), created.header("etag")), (201, "\"1\""));
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), format!("/v1/members/{id}"));

    let read = office.crm(get(MEMBER, &[&id])).await;
    assert_eq!((read.status.as_u16(), read.header("etag")), (200, "\"1\""));
    assert_eq!((&read.json()["profile"], &read.json()["meta"]["source"]), (&profile, &json!("web")));
    assert_eq!(read.header("cache-control"), "no-store");
    assert_eq!(read.header("x-content-type-options"), "nosniff");

    let part = office.crm(Ask { query: "?fields=name,absent", ..get(MEMBER, &[&id]) }).await;
    assert_eq!(part.json()["profile"], json!({"name": "Ada"}));

    let patch = |version| Ask {
        method: "PATCH",
        template: MEMBER,
        headers: version,
        body: Some(json!({"profile": {"name": null, "phone": "+49 30 901820"}})),
        ..Ask::default()
    };
    let values = [id.as_str()];
    let stale = office.crm(Ask { values: &values, ..patch(&[("if-match", "\"9\"")]) }).await;
    assert_eq!((stale.status.as_u16(), stale.code()), (412, "version_mismatch".to_owned()));
    let patched = office.crm(Ask { values: &values, ..patch(&[("if-match", "\"1\"")]) }).await;
    assert_eq!((patched.status.as_u16(), patched.header("etag")), (200, "\"2\""));
    let read = office.crm(get(MEMBER, &[&id])).await.json();
    assert_eq!(read["profile"]["name"], Value::Null);
    assert_eq!(read["profile"]["phone"], "+49 30 901820");
}

#[tokio::test]
async fn a_member_is_found_by_an_identifier_and_an_identifier_has_one_member() {
    let office = Office::open();
    let id = office.member(json!({"email": "ada@example.org"})).await;
    let ask = |method, template, body| Ask { method, template, body: Some(body), ..Ask::default() };
    let lookup = |value| ask("POST", "/v1/members/lookup", json!({"kind": "email", "value": value}));
    assert_eq!(office.crm(lookup("Ada@EXAMPLE.org")).await.json(), json!({ "id": id }));
    assert_eq!(office.crm(lookup("bob@example.org")).await.code(), "not_found");
    let refused = office.crm(lookup("not an address")).await;
    assert_eq!((refused.code().as_str(), &refused.json()["fields"]), ("invalid_identifier", &json!(["/value"])));

    let twice = office.crm(ask("POST", "/v1/members", json!({"profile": {"email": "ADA@example.org"}}))).await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "identifier_taken".to_owned()));
    assert_eq!(twice.json()["fields"], json!(["/profile/email"]));
}

#[tokio::test]
async fn an_idempotency_key_creates_once() {
    let office = Office::open();
    let create = |name: &str| Ask {
        method: "POST",
        template: "/v1/members",
        headers: &[("idempotency-key", "first")],
        body: Some(json!({"profile": {"name": name}})),
        ..Ask::default()
    };
    let first = office.crm(create("Ada")).await.json();
    assert_eq!(office.crm(create("Ada")).await.json(), first);
    let other = office.crm(create("Bob")).await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "idempotency_mismatch".to_owned()));
    assert_eq!(office.crm(get("/v1/members", &[])).await.json()["items"], json!([first["id"]]));
}

#[tokio::test]
async fn records_are_stored_listed_changed_and_deleted() {
    let office = Office::open();
    let id = office.member(json!({"name": "Ada"})).await;
    let values = [id.as_str(), "orders", "2026-1"];
    let write = |method, headers, body| Ask {
        method,
        template: RECORD,
        values: &values,
        headers,
        body: Some(body),
        ..Ask::default()
    };
    let put = |headers| write("PUT", headers, json!({"data": {"total": 42}, "meta": {"category": "order"}}));
    let created = office.crm(put(&[("if-none-match", "*")])).await;
    assert_eq!((created.status.as_u16(), created.header("etag")), (201, "\"1\""));
    assert_eq!(created.header("location"), format!("/v1/members/{id}/records/orders/2026-1"));
    assert_eq!(office.crm(put(&[("if-none-match", "*")])).await.code(), "version_mismatch");
    assert_eq!(office.crm(put(&[])).await.status, 200);
    let patched = office.crm(write("PATCH", &[("if-match", "*")], json!({"data": {"paid": true}}))).await;
    assert_eq!(patched.header("etag"), "\"3\"");
    let read = office.crm(get(RECORD, &values)).await.json();
    assert_eq!((&read["data"], &read["meta"]), (&json!({"total": 42, "paid": true}), &json!({"category": "order"})));

    let listed = office.crm(get("/v1/members/{id}/records", &[&id])).await.json();
    let mut names: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["2026-1", "profile"]);
    let export = office.crm(get("/v1/members/{id}/export", &[&id])).await;
    assert_eq!(export.json()["records"].as_array().map(Vec::len), Some(2));
    assert!(export.header("content-disposition").starts_with("attachment"));

    let deleted = office.crm(Ask { headers: &[("if-match", "\"3\"")], ..delete(RECORD, &values) }).await;
    assert_eq!((deleted.status.as_u16(), deleted.text()), (204, String::new()));
    assert_eq!(office.crm(get(RECORD, &values)).await.code(), "not_found");
}

#[tokio::test]
async fn a_listing_goes_page_by_page() {
    let office = Office::open();
    let mut created = Vec::new();
    for _ in 0..5 {
        created.push(office.member(json!({})).await);
    }
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = office.crm(Ask { query: &query, ..get("/v1/members", &[]) }).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    created.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, created);
    let foreign = office.crm(Ask { query: "?cursor=abc", ..get("/v1/members", &[]) }).await;
    assert_eq!(foreign.code(), "invalid_cursor");
}

#[tokio::test]
async fn a_hold_stands_before_an_erasure_and_an_erasure_is_for_ever() {
    let office = Office::open();
    let id = office.member(json!({"email": "ada@example.org"})).await;
    let member = [id.as_str()];
    let hold = Ask {
        method: "PUT",
        template: HOLD,
        values: &member,
        body: Some(json!({"reason": "litigation", "reference": "case-17"})),
        ..Ask::default()
    };
    assert_eq!(office.compliance(hold).await.json()["reason"], "litigation");
    assert_eq!(office.compliance(get(HOLD, &member)).await.json()["reference"], "case-17");
    let held = office.compliance(delete(MEMBER, &member)).await;
    assert_eq!((held.status.as_u16(), held.code()), (409, "legal_hold".to_owned()));
    assert_eq!(office.compliance(delete(HOLD, &member)).await.status, 204);
    assert_eq!(office.compliance(get(HOLD, &member)).await.code(), "not_found");

    let erased = office.compliance(delete(MEMBER, &member)).await;
    assert_eq!((erased.status.as_u16(), &erased.json()["stage"]), (202, &json!("fenced")));
    let erasure = erased.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(erased.header("location"), format!("/v1/erasures/{erasure}"));
    assert_eq!(office.compliance(get("/v1/erasures/{id}", &[&erasure])).await.json(), erased.json());
    let listed = office.compliance(get("/v1/erasures", &[])).await.json();
    assert_eq!(listed["items"], json!([erased.json()]));

    for ask in [get(MEMBER, &member), get("/v1/members/{id}/records", &member), get("/v1/members/{id}/export", &member)]
    {
        let gone = office.crm(ask).await;
        assert_eq!((gone.status.as_u16(), gone.code()), (410, "gone".to_owned()));
    }
    let again = office.compliance(delete(MEMBER, &member)).await;
    assert_eq!(again.code(), "gone");
}

#[tokio::test]
async fn one_compartment_is_erased_and_the_rest_lives() {
    let office = Office::open();
    let id = office.member(json!({"name": "Ada"})).await;
    let record = [id.as_str(), "orders", "1"];
    let put =
        Ask { method: "PUT", template: RECORD, values: &record, body: Some(json!({"data": {}})), ..Ask::default() };
    assert_eq!(office.crm(put).await.status, 201);
    let compartment = "/v1/members/{id}/compartments/{compartment}";
    let erased = office.compliance(delete(compartment, &[&id, "orders"])).await;
    assert_eq!((erased.status.as_u16(), &erased.json()["scope"]), (202, &json!("compartment")));
    assert_eq!(office.crm(get(RECORD, &record)).await.code(), "gone");
    assert_eq!(office.crm(get(MEMBER, &[&id])).await.status, 200);
}

#[tokio::test]
async fn tokens_are_issued_listed_and_revoked() {
    let office = Office::open();
    let admin = office.desk.token(Role::Admin, None);
    let headers = [("authorization", admin.as_str())];
    let create = Ask {
        method: "POST",
        template: "/v1/tokens",
        headers: &headers,
        body: Some(json!({"role": "support", "label": "help desk", "rate_per_s": 1})),
        ..Ask::default()
    };
    let issued = office.desk.send(create).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
    let bearer = format!("Bearer {}", issued.json()["token"].as_str().unwrap());
    let id = issued.json()["info"]["id"].as_str().unwrap().to_owned();
    let as_support = [("authorization", bearer.as_str())];
    let status = || Ask { headers: &as_support, ..get("/v1/status", &[]) };
    assert_eq!(office.desk.send(status()).await.code(), "forbidden");
    let limited = office.desk.send(status()).await;
    assert_eq!((limited.status.as_u16(), limited.header("retry-after")), (429, "1"));

    let listed = office.desk.send(Ask { headers: &headers, ..get("/v1/tokens", &[]) }).await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(4));
    let revoked = office.desk.send(Ask { headers: &headers, ..delete("/v1/tokens/{id}", &[&id]) }).await;
    assert_eq!(revoked.status, 204);
    assert_eq!(office.desk.send(status()).await.code(), "unauthenticated");
}

#[tokio::test]
async fn the_vault_tells_how_it_is() {
    let office = Office::open();
    let (admin, ops) = (office.desk.token(Role::Admin, None), office.desk.token(Role::Ops, None));
    let policy = office.desk.send(Ask { headers: &[("authorization", &admin)], ..get("/v1/policy", &[]) }).await;
    assert!(policy.json()["toml"].as_str().unwrap().contains("crm"));
    let status = office.desk.send(Ask { headers: &[("authorization", &ops)], ..get("/v1/status", &[]) }).await;
    assert_eq!(status.json()["policy_sha256"], policy.json()["sha256"]);
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/openapi.json"] {
        assert_eq!(office.desk.send(get(path, &[])).await.status, 200, "{path}");
    }
    let id = office.member(json!({"name": "Ada"})).await;
    office.crm(get(MEMBER, &[&id])).await;
    let metrics = office.desk.send(get("/metrics", &[])).await.text();
    assert!(
        metrics.contains("requests_total{method=\"GET\",route=\"/v1/members/{id}\",status=\"2xx\"} 1\n"),
        "{metrics}"
    );
    assert!(!metrics.contains(&id), "no id in a label");
    office.desk.vault.vault.close().unwrap();
    assert_eq!(office.desk.send(get("/readyz", &[])).await.code(), "shutting_down");
}

#[tokio::test]
async fn an_erasure_can_be_waited_for_until_it_is_sealed() {
    let office = Office::open();
    let id = office.member(json!({"email": "grace@example.org"})).await;
    let other = office.member(json!({"email": "hedy@example.org"})).await;
    let fenced = office.compliance(delete(MEMBER, &[&other])).await;
    assert_eq!((fenced.status.as_u16(), &fenced.json()["stage"]), (202, &json!("fenced")));
    let unknown = office.compliance(Ask { query: "?wait=fenced", ..delete(MEMBER, &[&id]) }).await;
    assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (400, "invalid_request"));

    let sealed = office.compliance(Ask { query: "?wait=sealed", ..delete(MEMBER, &[&id]) }).await;
    assert_eq!(sealed.status, 200, "{}", sealed.text());
    let erasure = sealed.json();
    assert_eq!((&erasure["stage"], &erasure["sealed"]["epoch"]), (&json!("sealed"), &json!(2)));
    let fenced = fenced.json();
    let came_along = office.compliance(get("/v1/erasures/{id}", &[fenced["id"].as_str().unwrap()])).await;
    assert_eq!(came_along.json()["stage"], "sealed", "one seal for all that wait");

    let seal = Ask { method: "POST", template: "/v1/seals", ..Ask::default() };
    let report = office.compliance(seal).await;
    assert_eq!(report.status, 200);
    assert_eq!((&report.json()["rounds"], &report.json()["sealed"]), (&json!(0), &json!(0)));
    let refused = office.crm(Ask { method: "POST", template: "/v1/seals", ..Ask::default() }).await;
    assert_eq!(refused.status, 403);
}
