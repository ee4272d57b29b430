//! What guards against misuse: freezes, windows for bulk reads, canaries.

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::extract::{Caller, Json, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::{FreezeScope, MemberId, TokenId};
use crate::vault::api::guard::{NewFreeze, NewWindow};

pub(super) async fn freeze(caller: Caller, Json(body): Json<schema::NewFreeze>) -> Result<Response, Problem> {
    let freeze = NewFreeze { scope: body.scope.0, reason: body.reason };
    let set = caller.vault().set_freeze(&caller.ctx, &freeze).settled().await?;
    let response = reply::json(StatusCode::CREATED, &set)?;
    Ok(reply::with_header(response, header::LOCATION, format_args!("/v1/freezes/{}", set.id)))
}

pub(super) async fn freezes(caller: Caller) -> Result<Response, Problem> {
    let listing = caller.vault().list_freezes(&caller.ctx).settled().await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn unfreeze(
    caller: Caller,
    Segments((scope,)): Segments<(FreezeScope,)>,
) -> Result<Response, Problem> {
    caller.vault().release_freeze(&caller.ctx, &scope).settled().await?;
    Ok(reply::empty())
}

pub(super) async fn open_window(caller: Caller, Json(body): Json<schema::NewWindow>) -> Result<Response, Problem> {
    let window = NewWindow { token: body.token, reason: body.reason, minutes: body.minutes };
    let opened = caller.vault().open_window(&caller.ctx, &window).settled().await?;
    let response = reply::json(StatusCode::CREATED, &opened)?;
    Ok(reply::with_header(response, header::LOCATION, format_args!("/v1/windows/{}", opened.token)))
}

pub(super) async fn windows(caller: Caller) -> Result<Response, Problem> {
    let listing = caller.vault().list_windows(&caller.ctx).settled().await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn close_window(
    caller: Caller,
    Segments((token,)): Segments<(TokenId,)>,
) -> Result<Response, Problem> {
    caller.vault().close_window(&caller.ctx, &token).settled().await?;
    Ok(reply::empty())
}

pub(super) async fn set_canary(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    caller.vault().set_canary(&caller.ctx, &id, true).settled().await?;
    Ok(reply::empty())
}

pub(super) async fn unset_canary(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    caller.vault().set_canary(&caller.ctx, &id, false).settled().await?;
    Ok(reply::empty())
}
