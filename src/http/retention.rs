//! Retention: what is due, and taking it.

use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::extract::{Caller, Paging};
use super::problem::Problem;
use super::reply;
use super::route::{Link, Mounted, Route};
use super::schema as shape;
use crate::code::Code;

const PAGING: &[&str] = &["cursor", "limit"];
const TO_AN_ERASURE: &[Link] = &[("readErasure", &[("id", "$response.body#/removed/0/erasure")])];

/// The routes of retention.
pub(super) fn routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::GET,
            "/v1/retention/plan",
            "readRetentionPlan",
            "What is due: what, whose, why and since when. Changes nothing. A page may be empty and have a next one.",
        )
        .query(PAGING)
        .gives::<shape::RetentionPlan>(StatusCode::OK, &[])
        .faults(&[&[Code::InvalidCursor]])
        .by(plan),
        Route::new(
            Method::POST,
            "/v1/retention/runs",
            "runRetention",
            "Take what is due, page by page; where the reply has a `next`, send it again with that cursor.",
        )
        .query(PAGING)
        .gives::<shape::RetentionReport>(StatusCode::OK, &[])
        .leads_to(TO_AN_ERASURE)
        .faults(&[&[Code::InvalidCursor]])
        .by(run),
    ]
}

async fn plan(caller: Caller, Paging(page): Paging) -> Result<Response, Problem> {
    let plan = caller.aside(move |vault, ctx| vault.retention_plan(ctx, &page)).await?;
    reply::json(StatusCode::OK, &plan)
}

async fn run(caller: Caller, Paging(page): Paging) -> Result<Response, Problem> {
    let report = caller.aside(move |vault, ctx| vault.retention_run(ctx, &page)).await?;
    reply::json(StatusCode::OK, &report)
}
