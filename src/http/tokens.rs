//! API tokens: create, list, revoke.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Json, Paging, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::TokenId;
use crate::vault::api::NewToken;

pub(super) async fn create(caller: Caller, Json(body): Json<schema::NewToken>) -> Result<Response, Problem> {
    let schema::NewToken { role, label, member, expires_at, rate_per_s, organisation, recipient, .. } = body;
    let (members_per_hour, members_per_day) = (body.members_per_hour, body.members_per_day);
    let token = NewToken {
        role: role.0,
        label,
        member,
        expires_at,
        rate_per_s,
        members_per_hour,
        members_per_day,
        organisation,
        recipient,
    };
    let issued = caller.vault().create_token(&caller.ctx, &token).settled().await?;
    reply::json(StatusCode::CREATED, &schema::Issued { token: &issued.secret, info: &issued.info })
}

pub(super) async fn list(caller: Caller, Paging(page): Paging) -> Result<Response, Problem> {
    let listing = caller.vault().list_tokens(&caller.ctx, &page).settled().await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn revoke(caller: Caller, Segments((id,)): Segments<(TokenId,)>) -> Result<Response, Problem> {
    caller.vault().revoke_token(&caller.ctx, &id).settled().await?;
    Ok(reply::empty())
}
