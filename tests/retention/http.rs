//! Over HTTP: plan, run and certificate, as the document promises them.

use axum::http::StatusCode;
use membervault::http::Settings;
use membervault::types::{RecordMeta, Role};
use serde_json::{Value, json};

use super::house::desk::{Ask, Desk, Reply};
use super::support::{DAY, address, create, put, put_with, vault};

async fn send(desk: &Desk, method: &str, template: &str, values: &[&str], query: &str, token: &str) -> Reply {
    let headers = [("authorization", token)];
    desk.send(Ask { method, template, values, query, headers: &headers, body: None }).await
}

#[tokio::test]
async fn a_plan_a_run_and_a_certificate() {
    let test = vault(50);
    let (ada, bob) = (create(&test.vault, "ada"), create(&test.vault, "bob"));
    put(&test.vault, bob, "tickets", "1");
    test.clock.advance_millis(40 * DAY);
    put_with(&test.vault, address(bob, "notes", "x"), json!({"a": 1}), RecordMeta::default()).unwrap();
    let desk = Desk::over(test, &Settings::default());
    let compliance = desk.token(Role::Compliance, None);
    let plan = send(&desk, "GET", "/v1/retention/plan", &[], "?limit=10", &compliance).await;
    assert_eq!(plan.status, StatusCode::OK);
    let mut items = plan.json()["items"].as_array().unwrap().clone();
    items.sort_by_key(|item| item["what"].as_str().map(ToOwned::to_owned));
    let [tickets, phone] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(
        (&tickets["member"], &tickets["what"], &tickets["compartment"]),
        (&json!(bob), &json!("compartment"), &json!("tickets"))
    );
    assert_eq!(
        (&tickets["rule"], &tickets["of"], &tickets["period"]),
        (&json!("retention"), &json!("tickets/*"), &json!("P10D"))
    );
    assert_eq!((&phone["member"], &phone["fields"]), (&json!(ada), &json!(["phone"])));
    assert!(!plan.text().contains("49301234567"), "never content");
    let run = send(&desk, "POST", "/v1/retention/runs", &[], "", &compliance).await;
    assert_eq!(run.status, StatusCode::OK);
    let removed = run.json()["removed"].as_array().unwrap().clone();
    assert_eq!((removed.len(), run.json()["keys_rotated"].as_u64(), run.json().get("next")), (2, Some(1), None));
    let id = removed.iter().find_map(|one| one["erasure"].as_str()).unwrap();
    assert_eq!(send(&desk, "POST", "/v1/seals", &[], "", &compliance).await.status, StatusCode::OK);
    let certificate = send(&desk, "GET", "/v1/erasures/{id}/certificate", &[id], "", &compliance).await;
    assert!(certificate.text().contains(id));
    let after: Value = send(&desk, "GET", "/v1/retention/plan", &[], "", &compliance).await.json();
    assert_eq!((&after["items"], &after["examined"]), (&json!([]), &json!(2)));
    // Who may not, may not.
    let crm = desk.token(Role::Crm, None);
    assert_eq!(send(&desk, "GET", "/v1/retention/plan", &[], "", &crm).await.code(), "forbidden");
    assert_eq!(send(&desk, "POST", "/v1/retention/runs", &[], "?limit=0", &compliance).await.code(), "invalid_request");
}
