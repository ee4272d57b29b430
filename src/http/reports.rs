//! Reports over the whole log.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Json, Review};
use super::problem::Problem;
use super::{reply, schema};
use crate::code::Code;
use crate::vault::api::Page;
use crate::vault::report::{BreachQuery, Suspect};

pub(super) async fn breach(caller: Caller, Json(body): Json<schema::BreachQuery>) -> Result<Response, Problem> {
    let suspect = match (body.token, body.role) {
        (Some(token), None) => Suspect::Token(token),
        (None, Some(role)) => Suspect::Role(role.0),
        _ => return Err(Problem::because(Code::InvalidRequest, "name either a token or a role")),
    };
    let limit = body.limit.unwrap_or(Page::LIMIT_DEFAULT);
    let query = BreachQuery { suspect, since: body.since, until: body.until, cursor: body.cursor, limit };
    let report = caller.aside(move |vault, ctx| vault.breach_report(ctx, &query).wait()).await?;
    reply::json(StatusCode::OK, &report)
}

pub(super) async fn audit(caller: Caller, Review(query): Review) -> Result<Response, Problem> {
    let report = caller.aside(move |vault, ctx| vault.audit_report(ctx, &query).wait()).await?;
    reply::json(StatusCode::OK, &report)
}
