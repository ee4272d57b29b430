//! The three routes, every reply held against the OpenAPI document.

use membervault::types::Role;
use serde_json::{Value, json};

use super::support::desk::{Ask, Desk, Reply};

const QUERY: &str = "/v1/records/query";
const UPDATE: &str = "/v1/records/update";
const DELETE: &str = "/v1/records/delete";

async fn post(desk: &Desk, token: &str, template: &str, query: &str, body: Value) -> Reply {
    let headers = [("authorization", token)];
    desk.send(Ask { method: "POST", template, query, headers: &headers, body: Some(body), ..Ask::default() }).await
}

#[tokio::test]
async fn records_are_found_changed_and_deleted() {
    let desk = Desk::new();
    let crm = desk.token(Role::Crm, None);
    for number in 0..3 {
        let meta = json!({"category": "trial", "purposes": ["service"], "expires_at": "2027-01-01T00:00:00Z"});
        let body = json!({"profile": {"name": format!("member {number}")}, "meta": meta});
        assert_eq!(post(&desk, &crm, "/v1/members", "", body).await.status, 201);
    }
    let filter = json!({"filter": {"category": "trial", "expires_before": "2028-01-01T00:00:00Z"}});
    let first = post(&desk, &crm, QUERY, "?limit=2", filter.clone()).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(first.json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(first.json()["items"][0]["meta"]["category"], "trial");
    assert_eq!(first.json()["items"][0]["name"], "profile");
    let next = first.json()["next"].as_str().unwrap().to_owned();
    assert!(!next.contains("trial"));
    let rest = post(&desk, &crm, QUERY, &format!("?limit=2&cursor={next}"), filter.clone()).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), rest.get("next")), (1, None));

    let change = json!({
        "set": {"source": "web", "expires_at": "2029-01-01T00:00:00Z"},
        "clear": ["category"],
        "add": {"objections": ["newsletter"]},
        "remove": {"purposes": ["service"]},
    });
    let body = json!({"filter": {"category": "trial"}, "change": change});
    let done = post(&desk, &crm, UPDATE, "", body).await;
    assert_eq!(done.json(), json!({"changed": 3, "skipped": 0, "held": 0, "refused": 0}), "{}", done.text());
    let objecting = json!({"filter": {"objection": "newsletter"}});
    let found = post(&desk, &crm, QUERY, "", objecting.clone()).await.json();
    let expected = json!({"source": "web", "objections": ["newsletter"], "expires_at": "2029-01-01T00:00:00Z"});
    assert_eq!(found["items"][0]["meta"], expected);

    let done = post(&desk, &crm, DELETE, "?limit=2", objecting.clone()).await.json();
    assert_eq!(done["changed"], 2);
    assert!(done["next"].is_string());
    let left = post(&desk, &crm, QUERY, "", objecting).await.json();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_understood_is_refused_without_repeating_it() {
    let desk = Desk::new();
    let (crm, support) = (desk.token(Role::Crm, None), desk.token(Role::Support, None));
    let cases = [
        (QUERY, "", json!({}), "invalid_request"),
        (QUERY, "", json!({"filter": {}}), "invalid_request"),
        (QUERY, "", json!({"filter": {"compartment": "core"}}), "invalid_request"),
        (QUERY, "", json!({"filter": ["category", "canary"]}), "invalid_request"),
        (QUERY, "", json!({"filter": {"canary": 1}}), "unknown_field"),
        (QUERY, "", json!({"filter": {"purpose": "Canary Canary"}}), "invalid_request"),
        (QUERY, "", json!({"filter": {"expires_before": "canary"}}), "invalid_request"),
        (QUERY, "?category=canary", json!({"filter": {"category": "a"}}), "unknown_field"),
        (QUERY, "?cursor=canary", json!({"filter": {"category": "a"}}), "invalid_cursor"),
        (QUERY, "?limit=501", json!({"filter": {"category": "a"}}), "invalid_request"),
        (UPDATE, "", json!({"filter": {"category": "a"}}), "invalid_request"),
        (UPDATE, "", json!({"filter": {"category": "a"}, "change": {}}), "invalid_request"),
        (UPDATE, "", json!({"filter": {"category": "a"}, "change": {"clear": ["canary"]}}), "invalid_request"),
        (UPDATE, "", json!({"filter": {"category": "a"}, "change": {"set": {"canary": 1}}}), "unknown_field"),
        (UPDATE, "", json!({"filter": {"category": "a"}, "change": {"add": {"source": ["canary"]}}}), "unknown_field"),
        (DELETE, "", json!({"filter": {"category": "a"}, "change": {}}), "unknown_field"),
        (DELETE, "", json!({"filter": {}}), "invalid_request"),
    ];
    for (template, query, body, code) in cases {
        let reply = post(&desk, &crm, template, query, body.clone()).await;
        assert_eq!(reply.code(), code, "{template} {body} {}", reply.text());
        assert!(!reply.text().contains("canary"), "{}", reply.text());
    }
    let reply = post(&desk, &support, QUERY, "", json!({"filter": {"category": "a"}})).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (403, "forbidden"));
}
