//! Alerts: what somebody should hear of now.
//!
//! Each is a line of the log, and what it tells is in the ledger as a leaf; where a receiver is set it is also handed to
//! `jobs`, which sends it. The queue for that is bounded: when nobody takes from it, the oldest goes. An alert holds ids
//! and names of our own only.
//!
//! Form and signature are those of Standard Webhooks (version 1): the content that is signed is `id.timestamp.body`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};
use serde::Serialize;

use crate::clock::Timestamp;
use crate::crypto::WebhookKey;
use crate::policy::Action;
use crate::types::{Ctx, RequestId, Role, TokenId, VaultId};

use super::super::Vault;

/// Alerts that wait for the receiver at most.
pub const ALERTS_WAITING_MAX: usize = 1_000;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// A canary was touched.
    CanaryTouched,
    /// The use of member data was stopped.
    Frozen,
    /// Such a stop was lifted.
    Unfrozen,
    /// A window for bulk reads was opened.
    WindowOpened,
    /// A token wanted to read in bulk without a window.
    WindowClosed,
    /// A token wanted to touch more members than it may.
    QuotaExceeded,
    /// A token was denied often within a minute.
    DeniedBurst,
}

impl AlertKind {
    /// Its name in the log and in the webhook.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CanaryTouched => "canary_touched",
            Self::Frozen => "frozen",
            Self::Unfrozen => "unfrozen",
            Self::WindowOpened => "window_opened",
            Self::WindowClosed => "window_closed",
            Self::QuotaExceeded => "quota_exceeded",
            Self::DeniedBurst => "denied_burst",
        }
    }
}

/// The body of a webhook.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    vault: &'a VaultId,
    /// Who acted.
    token: TokenId,
    role: Role,
    request: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    /// Whom it concerns: the scope of a freeze, the token of a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
}

/// An alert for the receiver.
pub struct Alert {
    /// The same at each attempt, so that a receiver can tell a repetition.
    pub id: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// What guards did in this life of the vault.
#[derive(Default)]
pub(crate) struct Counters {
    canary_touches: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
}

/// What guards did in this life of the vault, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardCounts {
    /// Canaries that were touched.
    pub canary_touches: u64,
    /// Requests refused because of a quota or for want of a window.
    pub refused: u64,
    /// Alerts that wait for the receiver.
    pub alerts_waiting: u64,
    /// Alerts the receiver took.
    pub alerts_sent: u64,
    /// Alerts the receiver did not take, however often.
    pub alerts_failed: u64,
    /// Alerts that went out of a full queue.
    pub alerts_dropped: u64,
    /// Freezes that stand.
    pub freezes: u64,
}

impl Counters {
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// Alerts on their way to the receiver.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// `None`: there is no receiver, and nothing is kept for one.
    key: Option<WebhookKey>,
    alerts: VecDeque<Alert>,
    closed: bool,
}

impl Vault {
    /// Sets the secret that alerts are signed with. From now on they are kept for [`Self::next_alert`].
    pub fn set_alert_key(&self, key: WebhookKey) {
        self.guards().outbox.waiting.lock().key = Some(key);
    }

    /// Waits for the next alert. `None` once [`Self::close_alerts`] was called.
    pub fn next_alert(&self) -> Option<Alert> {
        let outbox = &self.guards().outbox;
        let mut waiting = outbox.waiting.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(alert) = waiting.alerts.pop_front() {
                return Some(alert);
            }
            outbox.bell.wait(&mut waiting);
        }
    }

    /// Ends the waiting for alerts; those that were not sent stay in log and ledger.
    pub fn close_alerts(&self) {
        let outbox = &self.guards().outbox;
        outbox.waiting.lock().closed = true;
        outbox.bell.notify_all();
    }

    /// The timestamp and the signature of an attempt to send, as headers have them.
    pub fn sign_alert(&self, alert: &Alert) -> Option<(String, String)> {
        let timestamp = (self.now().as_millis() / 1_000).to_string();
        let waiting = self.guards().outbox.waiting.lock();
        let parts: [&[u8]; 5] = [alert.id.as_bytes(), b".", timestamp.as_bytes(), b".", &alert.body];
        let tag = waiting.key.as_ref()?.sign(&parts);
        Some((timestamp, format!("v1,{}", data_encoding::BASE64.encode(&tag))))
    }

    /// Notes what became of an alert.
    pub fn alert_ended(&self, sent: bool) {
        let counters = &self.guards().counters;
        if sent { &counters.sent } else { &counters.failed }.fetch_add(1, Ordering::Relaxed);
    }

    /// What guards did so far.
    pub fn guard_counts(&self) -> GuardCounts {
        let (guards, read) = (self.guards(), |counter: &AtomicU64| counter.load(Ordering::Relaxed));
        GuardCounts {
            canary_touches: read(&guards.counters.canary_touches),
            refused: read(&guards.counters.refused),
            alerts_waiting: guards.outbox.waiting.lock().alerts.len() as u64,
            alerts_sent: read(&guards.counters.sent),
            alerts_failed: read(&guards.counters.failed),
            alerts_dropped: read(&guards.counters.dropped),
            freezes: guards.freezes.load().count(),
        }
    }

    /// Raises an alert: a line of the log, and a webhook where there is a receiver.
    pub(super) fn raise(&self, kind: AlertKind, ctx: &Ctx, action: Option<Action>, subject: Option<String>) {
        let (code, action) = (kind.as_str(), action.map(Action::as_str));
        let (token, role, request) = (&ctx.actor.token, ctx.actor.role, &ctx.request);
        let subject = subject.as_deref();
        if kind == AlertKind::CanaryTouched {
            self.guards().counters.canary_touches.fetch_add(1, Ordering::Relaxed);
            tracing::error!(code, %token, %role, action, %request, "a canary was touched");
        } else {
            tracing::warn!(code, %token, %role, action, subject, %request, "an alert was raised");
        }
        let data = Data { vault: self.id(), token: *token, role, request: *request, action, subject };
        let body = Body { kind: code, timestamp: self.now(), data };
        self.queue(&body);
    }

    fn queue(&self, body: &Body<'_>) {
        let guards = self.guards();
        let mut waiting = guards.outbox.waiting.lock();
        if waiting.key.is_none() || waiting.closed {
            return;
        }
        // Without randomness nothing else works either; the log has the alert.
        let (Ok(body), Ok(id)) = (serde_json::to_vec(body), self.random::<16>()) else { return };
        if waiting.alerts.len() >= ALERTS_WAITING_MAX {
            waiting.alerts.pop_front();
            guards.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
        waiting.alerts.push_back(Alert { id: format!("msg_{}", data_encoding::HEXLOWER.encode(&id)), body });
        guards.outbox.bell.notify_one();
    }
}
