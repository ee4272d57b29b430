//! A vault in memory behind its HTTP edge, without a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use membervault::http::{Edge, Settings};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, RequestId, Role};
use membervault::vault::api::NewToken;
use serde_json::Value;

use super::schema;

/// A vault, its edge, and the document that promises what the edge answers.
pub(crate) struct Desk {
    pub(crate) vault: TestVault,
    pub(crate) edge: Arc<Edge>,
    document: Value,
}

/// A reply, read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The code of a refusal; `-` if it is none.
    pub(crate) fn code(&self) -> String {
        if self.status.is_success() { "-".to_owned() } else { self.json()["code"].as_str().expect("a code").to_owned() }
    }
}

impl Desk {
    /// A new vault behind an edge with `settings`.
    pub(crate) fn with(settings: &Settings) -> Self {
        Self::over(TestVault::new(7), settings)
    }

    /// This vault behind an edge with `settings`.
    pub(crate) fn over(vault: TestVault, settings: &Settings) -> Self {
        let edge = Arc::new(Edge::new(vault.vault.clone(), settings, request_ids()));
        Self { vault, edge, document: schema::document() }
    }

    /// A new vault behind an edge.
    pub(crate) fn new() -> Self {
        Self::with(&Settings::default())
    }

    /// A token of this role, as the Authorization header presents it.
    pub(crate) fn token(&self, role: Role, member: Option<MemberId>) -> String {
        let input = NewToken { member, ..NewToken::new(role, "a test") };
        let issued = self.vault.vault.create_token(&ctx(Role::Admin), &input).wait().expect("a token");
        format!("Bearer {}", issued.secret.as_str())
    }

    /// The id of a new token of this role.
    pub(crate) fn token_id(&self, role: Role) -> String {
        let input = NewToken::new(role, "a test");
        self.vault.vault.create_token(&ctx(Role::Admin), &input).wait().expect("a token").info.id.to_string()
    }

    /// Sends a request and reads the reply; nothing is checked.
    pub(crate) async fn send_raw(&self, request: Request<Body>) -> Reply {
        let response = self.edge.answer(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body in memory").to_bytes();
        if let Some(length) = parts.headers.get("content-length") {
            assert_eq!(length.to_str().expect("text"), body.len().to_string(), "the length that was announced");
        }
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request to a route and holds the reply against the document. `values` fill the template's braces.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Reply {
        let mut path = ask.template.to_owned();
        for value in ask.values {
            let open = path.find('{').expect("a brace for each value");
            let close = path.find('}').expect("a brace for each value");
            path.replace_range(open..=close, value);
        }
        let mut request = Request::builder().method(ask.method).uri(path + ask.query);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let body = match &ask.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let reply = self.send_raw(request.body(body).expect("a request")).await;
        schema::check(&self.document, (ask.method, ask.template), reply.status, &reply.headers, &reply.body);
        reply
    }
}

/// A request to a documented route.
#[derive(Default)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) template: &'a str,
    pub(crate) values: &'a [&'a str],
    pub(crate) query: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<Value>,
}

fn request_ids() -> membervault::http::RequestIds {
    let next = AtomicU64::new(1);
    Arc::new(move || {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        RequestId::from_random(bytes)
    })
}
