//! The vault itself: policy and status for those who may, health, counters and this document for anyone.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::extract::Caller;
use super::problem::Problem;
use super::trail::Trail;
use super::{guard_metrics, reply, schema};

pub(super) async fn policy(caller: Caller) -> Result<Response, Problem> {
    let policy = caller.vault().policy_text(&caller.ctx).settled().await?;
    reply::json(StatusCode::OK, &policy)
}

pub(super) async fn status(caller: Caller) -> Result<Response, Problem> {
    let status = caller.aside(|vault, ctx| vault.status(ctx).wait()).await?;
    reply::json(StatusCode::OK, &status)
}

pub(super) async fn health() -> Result<Response, Problem> {
    reply::json(StatusCode::OK, &schema::Health { status: "ok" })
}

pub(super) async fn ready(State(trail): State<Trail>) -> Result<Response, Problem> {
    trail.shared().vault.ready()?;
    health().await
}

pub(super) async fn metrics(State(trail): State<Trail>) -> Response {
    let shared = trail.shared();
    let mut text = shared.metrics.text(&shared.routes, shared.in_flight(), shared.vault.ready().is_ok());
    text.push_str(&guard_metrics::text(&shared.vault.guard_counts()));
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

pub(super) async fn openapi() -> Response {
    let media_type = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, media_type)], super::openapi::document()).into_response()
}
