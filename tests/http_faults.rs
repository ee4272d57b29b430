//! The store behind HTTP: where it fails, a documented refusal that says nothing of the inside, and never a panic; where
//! many come together, one write for all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use membervault::http::Settings;
use membervault::store::StoreError;
use membervault::store::memory::MemoryEngine;
use membervault::testkit::faults::{Fault, FaultEngine, Verb};
use membervault::testkit::vault::TestVault;
use membervault::types::Role;
use serde_json::json;
use support::desk::{Ask, Desk, Reply};

/// A desk whose store fails on command, a CRM's token, and a member.
struct Frail {
    desk: Desk,
    store: Arc<FaultEngine<MemoryEngine>>,
    crm: String,
    member: String,
}

impl Frail {
    async fn new(settings: Settings) -> Self {
        let store = Arc::new(FaultEngine::new(MemoryEngine::new()));
        let desk = Desk::over(TestVault::over(7, store.clone()), &settings);
        let crm = desk.token(Role::Crm, None);
        let mut frail = Self { desk, store, crm, member: String::new() };
        frail.member = frail.send(create("first")).await.json()["id"].as_str().unwrap().to_owned();
        frail
    }

    async fn send(&self, ask: Ask<'_>) -> Reply {
        let headers = [ask.headers, &[("authorization", self.crm.as_str())]].concat();
        self.desk.send(Ask { headers: &headers, ..ask }).await
    }

    async fn read(&self) -> Reply {
        self.send(Ask { method: "GET", template: "/v1/members/{id}", values: &[&self.member], ..Ask::default() }).await
    }
}

fn create(key: &str) -> Ask<'_> {
    let headers: &[(&str, &str)] = match key {
        "first" => &[("idempotency-key", "first")],
        _ => &[("idempotency-key", "second")],
    };
    let body = Some(json!({"profile": {"name": "Ada"}}));
    Ask { method: "POST", template: "/v1/members", headers, body, ..Ask::default() }
}

fn cause(kind: io::ErrorKind) -> Arc<io::Error> {
    Arc::new(io::Error::new(kind, "canary: the words of the engine"))
}

/// A refusal because of the store says its code and nothing of the inside.
fn check_silent(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{}", reply.text());
    assert_eq!(reply.json().get("detail"), None, "{}", reply.text());
    assert!(!reply.text().contains("canary"));
}

#[tokio::test]
async fn a_read_that_fails_is_a_refusal_and_the_next_succeeds() {
    let frail = Frail::new(Settings::default()).await;
    assert_eq!(frail.read().await.status, 200);
    let damaged = StoreError::Corrupt { doing: "reading", source: cause(io::ErrorKind::InvalidData) };
    for after in 0.. {
        frail.store.heal();
        frail.store.inject(Fault::next(Verb::Get, damaged.clone()).after(after).and_all_later());
        let reply = frail.read().await;
        if reply.status.is_success() {
            assert!(after > 0, "a read reads something");
            break;
        }
        check_silent(&reply, 500, "corrupt");
    }
    frail.store.heal();
    assert_eq!(frail.read().await.status, 200);
}

#[tokio::test]
async fn a_full_disk_stops_the_writes_and_shows_in_readiness() {
    let frail = Frail::new(Settings::default()).await;
    let full = StoreError::DiskFull { doing: "writing", source: cause(io::ErrorKind::StorageFull) };
    frail.store.inject(Fault::next(Verb::Write, full).and_all_later());
    check_silent(&frail.send(create("second")).await, 507, "disk_full");
    frail.store.heal();
    // What became of the failed write is not known before the vault is opened again, so nothing more is taken.
    check_silent(&frail.send(create("second")).await, 507, "disk_full");
    check_silent(&frail.read().await, 507, "disk_full");
    let ask = |template| Ask { method: "GET", template, ..Ask::default() };
    check_silent(&frail.desk.send(ask("/readyz")).await, 507, "disk_full");
    assert_eq!(frail.desk.send(ask("/healthz")).await.status, 200);
    assert!(frail.desk.send(ask("/metrics")).await.text().contains("membervault_ready 0\n"));
}

#[tokio::test]
async fn a_commit_that_hangs_is_a_timeout_and_is_done_once() {
    let frail = Frail::new(Settings { request_timeout: Duration::from_millis(50), ..Settings::default() }).await;
    frail.store.pause(Verb::Sync);
    assert_eq!(frail.send(create("second")).await.code(), "timeout");
    frail.store.resume(Verb::Sync);
    let created = frail.send(create("second")).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let ask = Ask { method: "GET", template: "/v1/members", ..Ask::default() };
    assert_eq!(frail.send(ask).await.json()["items"].as_array().map(Vec::len), Some(2), "the hung one and no other");
}

#[tokio::test]
async fn after_the_end_everything_is_refused_as_such() {
    let frail = Frail::new(Settings::default()).await;
    frail.desk.vault.vault.close().unwrap();
    check_silent(&frail.send(create("second")).await, 503, "shutting_down");
    check_silent(&frail.read().await, 503, "shutting_down");
}

/// A handler that was polled once more before it waits would commit at once, alone: a read cost a tenth more.
#[tokio::test]
async fn reads_that_come_together_share_a_commit() {
    let frail = Frail::new(Settings::default()).await;
    let before = frail.store.calls(Verb::Write);
    let replies = tokio::join!(frail.read(), frail.read(), frail.read(), frail.read());
    let (first, second, third, fourth) = replies;
    assert!([first, second, third, fourth].iter().all(|reply| reply.status.is_success()));
    assert_eq!(frail.store.calls(Verb::Write) - before, 1);
}
