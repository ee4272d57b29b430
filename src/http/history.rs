//! The history of a member, and to whom its data was given.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Json, Paging, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::MemberId;
use crate::vault::api::NewDisclosure;

pub(super) async fn read(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Paging(page): Paging,
) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.history(ctx, &id, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn disclosures(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Paging(page): Paging,
) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.disclosures(ctx, &id, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn disclose(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Json(body): Json<schema::NewDisclosure>,
) -> Result<Response, Problem> {
    let schema::NewDisclosure { recipient, compartment, record, fields, purpose, at } = body;
    let new = NewDisclosure { recipient, compartment, record, fields, purpose, at };
    let disclosure = caller.vault().record_disclosure(&caller.ctx, &id, &new).settled().await?;
    reply::json(StatusCode::CREATED, &disclosure)
}
