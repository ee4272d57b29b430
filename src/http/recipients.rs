//! The register of recipients.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Condition, Json, Paging, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::RecipientName;

pub(super) async fn list(caller: Caller, Paging(page): Paging) -> Result<Response, Problem> {
    let listing = caller.vault().list_recipients(&caller.ctx, &page).settled().await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn read(caller: Caller, Segments((name,)): Segments<(RecipientName,)>) -> Result<Response, Problem> {
    let entry = caller.vault().recipient(&caller.ctx, &name).settled().await?;
    Ok(reply::tagged(reply::json(StatusCode::OK, &entry)?, entry.version))
}

pub(super) async fn put(
    caller: Caller,
    Segments((name,)): Segments<(RecipientName,)>,
    Condition(expect): Condition,
    Json(body): Json<schema::RecipientPut>,
) -> Result<Response, Problem> {
    let recipient = body.into();
    let entry = caller.vault().put_recipient(&caller.ctx, &name, &recipient, expect).settled().await?;
    let status = if entry.version == crate::types::RecordVersion::FIRST { StatusCode::CREATED } else { StatusCode::OK };
    Ok(reply::tagged(reply::json(status, &entry)?, entry.version))
}

pub(super) async fn delete(
    caller: Caller,
    Segments((name,)): Segments<(RecipientName,)>,
    Condition(expect): Condition,
) -> Result<Response, Problem> {
    caller.vault().delete_recipient(&caller.ctx, &name, expect).settled().await?;
    Ok(reply::empty())
}
