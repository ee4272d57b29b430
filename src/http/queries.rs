//! Records of all members by their metadata: find, change, delete; a page at a time.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Json, ObjectOf, Paging};
use super::problem::Problem;
use super::{reply, schema as shape};
use crate::vault::api::{MetaEdit, RecordFilter};

pub(super) async fn query(
    caller: Caller,
    Paging(page): Paging,
    Json(body): Json<shape::RecordSelection>,
) -> Result<Response, Problem> {
    let ObjectOf(filter) = body.filter;
    let filter = RecordFilter::from(filter);
    let listing = caller.aside(move |vault, ctx| vault.query_records(ctx, &filter, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn update(
    caller: Caller,
    Paging(page): Paging,
    Json(body): Json<shape::RecordsUpdate>,
) -> Result<Response, Problem> {
    let (ObjectOf(filter), ObjectOf(change)) = (body.filter, body.change);
    let (filter, edit) = (RecordFilter::from(filter), MetaEdit::from(change));
    let done = caller.aside(move |vault, ctx| vault.update_records(ctx, &filter, &edit, &page)).await?;
    reply::json(StatusCode::OK, &done)
}

pub(super) async fn delete(
    caller: Caller,
    Paging(page): Paging,
    Json(body): Json<shape::RecordSelection>,
) -> Result<Response, Problem> {
    let ObjectOf(filter) = body.filter;
    let filter = RecordFilter::from(filter);
    let done = caller.aside(move |vault, ctx| vault.delete_records(ctx, &filter, &page)).await?;
    reply::json(StatusCode::OK, &done)
}
