//! Legal holds: while one stands, the member cannot be erased.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Json, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::MemberId;
use crate::vault::api::NewHold;

pub(super) async fn set(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Json(body): Json<schema::NewHold>,
) -> Result<Response, Problem> {
    let hold = NewHold { reason: body.reason, reference: body.reference };
    let hold = caller.vault().set_hold(&caller.ctx, &id, &hold).settled().await?;
    reply::json(StatusCode::OK, &hold)
}

pub(super) async fn read(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    let hold = caller.vault().hold(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &hold)
}

pub(super) async fn release(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    caller.vault().release_hold(&caller.ctx, &id).settled().await?;
    Ok(reply::empty())
}
