//! What guards against misuse: freezes.

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::extract::{Caller, Json, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::FreezeScope;
use crate::vault::api::guard::NewFreeze;

pub(super) async fn freeze(caller: Caller, Json(body): Json<schema::NewFreeze>) -> Result<Response, Problem> {
    let freeze = NewFreeze { scope: body.scope.0, reason: body.reason };
    let set = caller.vault.set_freeze(&caller.ctx, &freeze).settled().await?;
    let response = reply::json(StatusCode::CREATED, &set)?;
    Ok(reply::with_header(response, header::LOCATION, format_args!("/v1/freezes/{}", set.id)))
}

pub(super) async fn freezes(caller: Caller) -> Result<Response, Problem> {
    let listing = caller.vault.list_freezes(&caller.ctx).settled().await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn unfreeze(
    caller: Caller,
    Segments((scope,)): Segments<(FreezeScope,)>,
) -> Result<Response, Problem> {
    caller.vault.release_freeze(&caller.ctx, &scope).settled().await?;
    Ok(reply::empty())
}
