//! Alerts, to a receiver that listens on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use membervault::crypto::WebhookKey;
use membervault::jobs::{ATTEMPTS_MAX, Jobs, Schedule};
use membervault::testkit::vault::ctx;
use membervault::types::{FreezeScope, Role};
use membervault::vault::guard::alert::ALERTS_WAITING_MAX;
use serde_json::Value;

use crate::house::{House, support};

const SECRET: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Listens, and answers each request with the next of `statuses`.
struct Receiver {
    listener: TcpListener,
}

/// What came.
struct Received {
    head: Vec<String>,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let line = self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{name} in {:?}", self.head))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Checked as a receiver does, with the same secret.
    fn is_genuine(&self) -> bool {
        let (id, timestamp) = (self.header("webhook-id").as_bytes(), self.header("webhook-timestamp").as_bytes());
        let tag = WebhookKey::parse(SECRET).unwrap().sign(&[id, b".", timestamp, b".", self.body.as_bytes()]);
        self.header("webhook-signature") == format!("v1,{}", data_encoding::BASE64.encode(&tag))
    }
}

impl Receiver {
    fn open() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn schedule(&self) -> Schedule {
        let url = format!("http://{}/alerts", self.listener.local_addr().unwrap());
        let alerts = Some((url.parse().unwrap(), Duration::from_millis(1)));
        Schedule { seal_interval: None, purge_interval: None, retention_interval: None, alerts }
    }

    /// Takes one request and answers it.
    fn take(&self, status: &str) -> Received {
        let (mut stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let mut received = Received { head, body: String::new() };
        let mut body = vec![0; received.header("content-length").parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        received.body = String::from_utf8(body).unwrap();
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
        received
    }
}

/// A vault with a canary that signs its alerts.
fn house(seed: u64) -> House {
    let house = House::open(seed);
    house.test.vault.set_canary(&ctx(Role::Compliance), &house.member, true).wait().unwrap();
    house.test.vault.set_alert_key(WebhookKey::parse(SECRET).unwrap());
    house
}

#[test]
fn an_alert_comes_signed_and_names_nobody() {
    let (house, receiver) = (house(1), Receiver::open());
    let jobs = Jobs::start(house.test.vault.clone(), receiver.schedule()).unwrap();
    house.read(&house.crm).unwrap();
    let came = receiver.take("204 No Content");
    assert_eq!(came.head[0], "POST /alerts HTTP/1.1");
    assert!(came.is_genuine(), "{:?}", came.head);
    let body = came.json();
    assert_eq!((&body["type"], &body["data"]["action"]), (&"canary_touched".into(), &"record.read".into()));
    assert_eq!(body["data"]["token"], house.crm.actor.token.to_string());
    assert_eq!(body["timestamp"], "2026-01-01T00:00:00Z");
    assert!(!came.body.contains(&house.member.to_string()) && !came.body.contains("Ada"), "{}", came.body);
    jobs.stop();
}

#[test]
fn what_is_refused_is_sent_again_as_the_same_alert() {
    let (house, receiver) = (house(2), Receiver::open());
    let jobs = Jobs::start(house.test.vault.clone(), receiver.schedule()).unwrap();
    house.freeze(&ctx(Role::Compliance), FreezeScope::Role(Role::Support)).unwrap();
    let first = receiver.take("503 Service Unavailable");
    let second = receiver.take("200 OK");
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!((first.body.as_str(), second.is_genuine()), (second.body.as_str(), true));
    let body = first.json();
    assert_eq!((&body["type"], &body["data"]["subject"]), (&"frozen".into(), &"role:support".into()));
    house.release(&ctx(Role::Compliance), FreezeScope::Role(Role::Support)).unwrap();
    assert_eq!(receiver.take("200 OK").json()["type"], "unfrozen", "and then the next one, in order");
    jobs.stop();
    assert_eq!(house.test.vault.guard_counts().alerts_sent, 2);
}

#[test]
fn what_nobody_takes_is_given_up_and_the_next_one_has_its_turn() {
    let (house, receiver) = (house(3), Receiver::open());
    let jobs = Jobs::start(house.test.vault.clone(), receiver.schedule()).unwrap();
    house.read(&house.crm).unwrap();
    house.freeze(&ctx(Role::Compliance), FreezeScope::All).unwrap();
    for _ in 0..ATTEMPTS_MAX {
        assert_eq!(receiver.take("500 Internal Server Error").json()["type"], "canary_touched");
    }
    assert_eq!(receiver.take("200 OK").json()["type"], "frozen");
    jobs.stop();
    let counts = house.test.vault.guard_counts();
    assert_eq!((counts.alerts_failed, counts.alerts_sent, counts.alerts_waiting), (1, 1, 0));
}

#[test]
fn a_full_queue_drops_the_oldest_and_without_a_receiver_nothing_waits() {
    let house = house(4);
    for _ in 0..ALERTS_WAITING_MAX + 2 {
        house.read(&house.crm).unwrap();
    }
    let counts = house.test.vault.guard_counts();
    assert_eq!((counts.alerts_waiting, counts.alerts_dropped), (ALERTS_WAITING_MAX as u64, 2));
    assert_eq!(counts.canary_touches, ALERTS_WAITING_MAX as u64 + 2, "log and ledger have them all");
    let unheard = House::open(5);
    unheard.freeze(&ctx(Role::Compliance), FreezeScope::All).unwrap();
    assert_eq!(unheard.test.vault.guard_counts().alerts_waiting, 0);
}

#[test]
fn refusals_that_come_in_a_burst_or_pass_a_bound_are_alerts_once() {
    let house = house(6);
    house.bounds(1, 0, 3);
    let clerk = support(&house.test, None);
    let unstated = membervault::types::Ctx { purpose: None, ..clerk.clone() };
    (0..9).for_each(|_| drop(house.read(&unstated)));
    (0..9).for_each(|_| drop(house.read(&clerk)));
    house.test.clock.advance_millis(60_000);
    (0..9).for_each(|_| drop(house.read(&unstated)));
    let mut kinds = Vec::new();
    while house.test.vault.guard_counts().alerts_waiting > 0 {
        let alert = house.test.vault.next_alert().unwrap();
        kinds.push(serde_json::from_slice::<Value>(&alert.body).unwrap()["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, ["denied_burst", "canary_touched", "quota_exceeded", "denied_burst"]);
}
