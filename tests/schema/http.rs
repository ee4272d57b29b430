//! Over HTTP: refusals name the place, and the map is read and reloaded as the document promises.

use axum::http::StatusCode;
use membervault::http::Settings;
use membervault::schema::DataMap;
use membervault::types::Role;
use serde_json::{Value, json};

use super::house::desk::{Ask, Desk, Reply};
use super::support::{create, map_text, strict};

async fn send(desk: &Desk, method: &str, template: &str, values: &[&str], token: &str, body: Option<Value>) -> Reply {
    let headers = [("authorization", token)];
    desk.send(Ask { method, template, values, query: "", headers: &headers, body }).await
}

#[tokio::test]
async fn a_refusal_names_the_place_and_not_the_value() {
    let test = strict(60);
    let id = create(&test.vault, json!({"name": "Ada"})).unwrap().to_string();
    let desk = Desk::over(test, &Settings::default());
    let crm = desk.token(Role::Crm, None);
    let record = "/v1/members/{id}/records/{compartment}/{name}";
    for (method, template, values, body, code, place) in [
        ("POST", "/v1/members", vec![], json!({"profile": {"iban": "DE1"}}), "unknown_field", "/profile/iban"),
        (
            "PATCH",
            "/v1/members/{id}",
            vec![&*id],
            json!({"profile": {"iban": "DE1"}}),
            "unknown_field",
            "/profile/iban",
        ),
        (
            "PATCH",
            "/v1/members/{id}",
            vec![&*id],
            json!({"profile": {"country": "DE1"}}),
            "invalid_request",
            "/profile/country",
        ),
        ("PUT", record, vec![&*id, "marketing", "x"], json!({"data": {"iban": "DE1"}}), "unknown_field", "/data/iban"),
        ("PUT", record, vec![&*id, "orders", "1"], json!({"data": {"iban": "DE1"}}), "unknown_field", "/data"),
        ("PUT", record, vec![&*id, "marketing", "x"], json!({"data": {"DE1": 1}}), "unknown_field", "/data"),
    ] {
        let reply = send(&desk, method, template, &values, &crm, Some(body)).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, code), "{}", reply.text());
        assert!(reply.text().contains(&format!("\"{place}\"")) && !reply.text().contains("DE1"), "{}", reply.text());
    }
}

#[tokio::test]
async fn the_map_is_read_and_reloaded() {
    let test = strict(61);
    let desk = Desk::over(test, &Settings::default());
    let ops = desk.token(Role::Ops, None);
    assert_eq!(send(&desk, "POST", "/v1/schema/reload", &[], &ops, None).await.code(), "not_configured");
    let text = map_text(&[("retention   = \"P3Y\"", "retention = \"P2Y\"")]);
    desk.vault.vault.set_map_source(std::sync::Arc::new(move || Ok(DataMap::parse(&text).unwrap())));
    let change = send(&desk, "POST", "/v1/schema/reload", &[], &ops, None).await.json();
    assert_eq!(change["changed"], true);
    let map = send(&desk, "GET", "/v1/schema", &[], &ops, None).await.json();
    assert_eq!((&map["sha256"], &map["strict"]), (&change["sha256"], &json!(false)));
    let before = map["earlier"][0]["sha256"].as_str().unwrap();
    let earlier = send(&desk, "GET", "/v1/schema/{sha256}", &[before], &ops, None).await.json();
    assert_eq!(earlier["strict"], true);
    assert_eq!(send(&desk, "GET", "/v1/schema/{sha256}", &["x"], &ops, None).await.code(), "invalid_name");
}
