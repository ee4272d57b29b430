//! Consents over HTTP, as a member's own centre, a clerk and a shop would, every reply held against the document.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use membervault::types::Role;
use serde_json::{Value, json};
use support::desk::{Ask, Desk, Reply};

const CONSENTS: &str = "/v1/members/{id}/consents";
const CONSENT: &str = "/v1/members/{id}/consents/{purpose}";
const RECEIPT: &str = "/v1/members/{id}/consents/{purpose}/receipt";
const PREFERENCES: &str = "/v1/members/{id}/preferences";

struct Office {
    desk: Desk,
    crm: String,
}

impl Office {
    fn open() -> Self {
        let desk = Desk::new();
        let crm = desk.token(Role::Crm, None);
        Self { desk, crm }
    }

    async fn ask(&self, ask: Ask<'_>) -> Reply {
        let headers = [ask.headers, &[("authorization", self.crm.as_str())]].concat();
        self.desk.send(Ask { headers: &headers, ..ask }).await
    }

    async fn member(&self, body: Value) -> String {
        let reply = self.ask(Ask { method: "POST", template: "/v1/members", body: Some(body), ..Ask::default() }).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}

fn consent() -> Value {
    json!({"notice": {"version": "2026-01", "text": "We write to you.", "language": "en"}, "method": "web_form"})
}

fn to<'a>(method: &'a str, template: &'a str, values: &'a [&'a str], body: Option<Value>) -> Ask<'a> {
    Ask { method, template, values, body, ..Ask::default() }
}

#[tokio::test]
async fn the_life_of_a_consent() {
    let office = Office::open();
    let id = office.member(json!({"profile": {"email": "ada@example.org"}})).await;
    let newsletter = [id.as_str(), "newsletter"];
    let given = office.ask(to("PUT", CONSENT, &newsletter, Some(consent()))).await;
    assert_eq!((given.status.as_u16(), &given.json()["consents"][0]["purpose"]), (200, &json!("newsletter")));
    let receipt = office.ask(to("GET", RECEIPT, &newsletter, None)).await;
    assert_eq!(receipt.header("content-disposition"), "attachment; filename=\"consent.receipt\"");
    assert!(receipt.text().contains("dpv:ConsentGiven") && !receipt.text().contains("ada"));
    let withdrawn = office.ask(to("DELETE", CONSENT, &newsletter, None)).await;
    assert_eq!((withdrawn.status.as_u16(), &withdrawn.json()["consents"]), (200, &json!([])));
    let consents = office.ask(to("GET", CONSENTS, &[&id], None)).await.json();
    assert_eq!(consents["consents"][0]["state"], "withdrawn");
    assert_eq!(consents["history"].as_array().unwrap().len(), 2);
    let first = office.ask(Ask { query: "?entry=1", ..to("GET", RECEIPT, &newsletter, None) }).await;
    assert!(first.text().contains("dpv:ConsentGiven") && !first.text().contains("dpv:ConsentWithdrawn"));
    for query in ["?entry=0", "?entry=x", "?entry=-1", "?entry=99999999999"] {
        assert_eq!(office.ask(Ask { query, ..to("GET", RECEIPT, &newsletter, None) }).await.code(), "invalid_request");
    }
    for (query, code) in [("?shred=maybe", "invalid_request"), ("?shred=true", "-")] {
        assert_eq!(office.ask(Ask { query, ..to("DELETE", CONSENT, &newsletter, None) }).await.code(), code);
    }
}

#[tokio::test]
async fn what_is_pre_given_or_incomplete_is_no_consent() {
    let office = Office::open();
    let id = office.member(json!({"profile": {}})).await;
    let with = |field: &str, value: Value| {
        let mut body = consent();
        body[field] = value;
        body
    };
    for (body, code) in [
        (with("preticked", json!(true)), "unknown_field"),
        (with("preticked", json!(false)), "unknown_field"),
        (with("default", json!(true)), "unknown_field"),
        (with("explicit", json!("yes")), "invalid_request"),
        (with("method", json!("silence")), "invalid_request"),
        (with("notice", json!({"version": "1"})), "invalid_request"),
        (with("notice", Value::Null), "invalid_request"),
        (with("expires_at", json!("2020-01-01T00:00:00Z")), "invalid_request"),
        (json!({}), "invalid_request"),
    ] {
        let reply = office.ask(to("PUT", CONSENT, &[&id, "newsletter"], Some(body.clone()))).await;
        assert_eq!(reply.code(), code, "{body}");
    }
    let unneeded = office.ask(to("PUT", CONSENT, &[&id, "service"], Some(consent()))).await;
    assert_eq!((unneeded.status.as_u16(), unneeded.code().as_str()), (409, "consent_not_needed"));
    let consents = office.ask(to("GET", CONSENTS, &[&id], None)).await.json();
    assert_eq!((&consents["consents"], &consents["history"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn a_member_is_created_with_consents_and_speaks_for_itself() {
    let office = Office::open();
    let mut first = consent();
    first["purpose"] = json!("newsletter");
    let id = office.member(json!({"profile": {"name": "Ada"}, "consents": [first]})).await;
    let own = office.desk.token(Role::Member, Some(id.parse().unwrap()));
    let headers = [("authorization", own.as_str())];
    let read = office.desk.send(Ask { headers: &headers, ..to("GET", CONSENTS, &[&id], None) }).await;
    assert_eq!(read.json()["consents"][0]["state"], "given");
    let gone = office.desk.send(Ask { headers: &headers, ..to("DELETE", CONSENT, &[&id, "newsletter"], None) }).await;
    assert_eq!(gone.status, 200);
    let history = office.ask(to("GET", CONSENTS, &[&id], None)).await.json()["history"].clone();
    assert_eq!((&history[0]["role"], &history[1]["role"]), (&json!("crm"), &json!("member")));
    let other = office.member(json!({"profile": {}})).await;
    let stranger = office.desk.send(Ask { headers: &headers, ..to("GET", CONSENTS, &[&other], None) }).await;
    assert_eq!(stranger.code(), "not_found");
}

#[tokio::test]
async fn stances_and_preferences() {
    let office = Office::open();
    let id = office.member(json!({"profile": {}})).await;
    for (template, values, field) in [
        ("/v1/members/{id}/restriction", vec![id.as_str()], "restricted"),
        ("/v1/members/{id}/automated-decisions", vec![id.as_str()], "refuses_automated_decisions"),
    ] {
        let said = office.ask(to("PUT", template, &values, Some(json!({"reason": "asked"})))).await;
        assert_eq!(said.json()[field], true);
        assert_eq!(office.ask(to("DELETE", template, &values, None)).await.json()[field], false);
    }
    let objection = "/v1/members/{id}/objections/{purpose}";
    let said = office.ask(to("PUT", objection, &[&id, "analytics"], Some(json!({})))).await;
    assert_eq!(said.json()["objections"], json!(["analytics"]));
    let lifted = office.ask(to("DELETE", objection, &[&id, "analytics"], None)).await;
    assert_eq!(lifted.json()["objections"], json!([]));

    assert_eq!(office.ask(to("GET", PREFERENCES, &[&id], None)).await.code(), "not_found");
    let body = json!({"channels": ["email"], "topics": [], "language": "en"});
    let stored = office.ask(to("PUT", PREFERENCES, &[&id], Some(body))).await;
    assert_eq!(stored.header("etag"), "\"1\"");
    let headers = [("if-match", "\"7\"")];
    let stale = office.ask(Ask { headers: &headers, ..to("PUT", PREFERENCES, &[&id], Some(json!({}))) }).await;
    assert_eq!(stale.code(), "version_mismatch");
    let read = office.ask(to("GET", PREFERENCES, &[&id], None)).await;
    assert_eq!((read.header("etag"), &read.json()["channels"]), ("\"1\"", &json!(["email"])));
}
