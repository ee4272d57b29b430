//! Many members at once: those who agree, and segments of them.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Fields, Json, OfEach, Paging};
use super::problem::Problem;
use super::{reply, schema};
use crate::code::Code;
use crate::vault::api::Page;
use crate::vault::crowd::audience::AudienceQuery;
use crate::vault::crowd::segment::SegmentQuery;

pub(super) async fn audience(
    caller: Caller,
    OfEach(compartment, name): OfEach,
    Fields(fields): Fields,
    Paging(page): Paging,
) -> Result<Response, Problem> {
    let query = AudienceQuery { compartment, name, fields };
    let listing = caller.aside(move |vault, ctx| vault.audience(ctx, &query, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn count(caller: Caller, Json(body): Json<schema::SegmentCounting>) -> Result<Response, Problem> {
    let query = SegmentQuery::new(body.compartment.0, body.name.0, &body.question.0, body.cursor)?;
    let count = caller.aside(move |vault, ctx| vault.count_segment(ctx, &query).wait()).await?;
    reply::json(StatusCode::OK, &count)
}

pub(super) async fn members(caller: Caller, Json(body): Json<schema::SegmentListing>) -> Result<Response, Problem> {
    let limit = body.limit.unwrap_or(Page::LIMIT_DEFAULT);
    if !(1..=Page::LIMIT_MAX).contains(&limit) {
        let problem = format!("limit is a number from 1 to {}", Page::LIMIT_MAX);
        return Err(Problem::because(Code::InvalidRequest, problem).at("/limit"));
    }
    let query = SegmentQuery::new(body.compartment.0, body.name.0, &body.question.0, body.cursor)?;
    let page = caller.aside(move |vault, ctx| vault.segment_members(ctx, &query, limit).wait()).await?;
    reply::json(StatusCode::OK, &page)
}
