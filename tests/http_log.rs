//! What the log says of requests: routes, codes, ids of requests and tokens. Never a member's data, never a path.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use membervault::types::Role;
use serde_json::json;
use support::desk::{Ask, Desk};
use tracing_subscriber::fmt::MakeWriter;

/// A log in memory.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Paper {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_holds_no_data_of_members() {
    let paper = Paper::default();
    // Of the whole process, so that the threads of the ledger are heard too; this test is alone in its binary.
    let log =
        tracing_subscriber::fmt().with_writer(paper.clone()).with_max_level(tracing::Level::TRACE).with_ansi(false);
    tracing::subscriber::set_global_default(log.finish()).unwrap();

    let desk = Desk::new();
    let crm = desk.token(Role::Crm, None);
    let headers = [("authorization", crm.as_str())];
    let ask = |method, template, body| Ask { method, template, headers: &headers, body, ..Ask::default() };
    let profile = json!({"email": "canary@example.org", "name": "Canary", "phone": "+49 30 901820"});
    let created = desk.send(ask("POST", "/v1/members", Some(json!({ "profile": profile })))).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let values = [id.as_str()];
    desk.send(ask("POST", "/v1/members", Some(json!({ "profile": profile })))).await;
    desk.send(ask("POST", "/v1/members/lookup", Some(json!({"kind": "email", "value": "canary@example.org"})))).await;
    desk.send(ask("POST", "/v1/members/lookup", Some(json!({"kind": "phone", "value": "canary"})))).await;
    desk.send(Ask { values: &values, ..ask("GET", "/v1/members/{id}", None) }).await;
    desk.send(Ask { values: &values, ..ask("GET", "/v1/members/{id}/export", None) }).await;
    desk.send(Ask { values: &values, ..ask("DELETE", "/v1/members/{id}", None) }).await;
    desk.send(Ask { values: &values, ..ask("GET", "/v1/members/{id}", None) }).await;
    for (method, uri, body) in [
        ("GET", "/v1/members/canary@example.org?canary=1", ""),
        ("GET", "/canary", ""),
        ("CANARY", "/v1/members", ""),
        ("POST", "/v1/members", "{\"canary\":"),
        ("POST", "/v1/members", "{\"canary\":1}"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", crm.as_str())
            .header("content-type", "application/json")
            .header("user-agent", "canary")
            .body(Body::from(body))
            .unwrap();
        desk.send_raw(request).await;
    }

    let log = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("membervault::http")).collect();
    assert_eq!(lines.len(), 13, "one line a request:\n{log}");
    assert!(log.contains("route=\"/v1/members/{id}\" status=410 code=\"gone\""), "{log}");
    let lower = log.to_lowercase();
    for secret in ["canary", "901820", id.as_str(), crm.trim_start_matches("Bearer ")] {
        assert!(!lower.contains(&secret.to_lowercase()), "the log holds {secret}:\n{log}");
    }
}
