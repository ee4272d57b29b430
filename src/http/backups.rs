//! Backups: begin one, and see how far it is. Where they go is a setting, never part of a request.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Segments};
use super::problem::Problem;
use super::reply;
use crate::types::BackupId;

pub(super) async fn start(caller: Caller) -> Result<Response, Problem> {
    let backup = caller.vault().start_backup(&caller.ctx).settled().await?;
    let response = reply::json(StatusCode::ACCEPTED, &backup)?;
    Ok(reply::located(response, format_args!("/v1/backups/{}", backup.id)))
}

pub(super) async fn list(caller: Caller) -> Result<Response, Problem> {
    let listing = caller.aside(|vault, ctx| vault.list_backups(ctx).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn read(caller: Caller, Segments((id,)): Segments<(BackupId,)>) -> Result<Response, Problem> {
    let backup = caller.aside(move |vault, ctx| vault.backup(ctx, &id).wait()).await?;
    reply::json(StatusCode::OK, &backup)
}
