//! Links: made and ended by those of the house, opened by their recipients.

use axum::http::StatusCode;
use axum::response::Response;
use zeroize::Zeroizing;

use super::extract::{Anyone, Caller, Json, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::{Compartment, MemberId, RecordName, ShareId};
use crate::vault::api::{NewShare, RecordAddress};

pub(super) async fn create(
    caller: Caller,
    Segments((member, compartment, name)): Segments<(MemberId, Compartment, RecordName)>,
    Json(body): Json<schema::NewShare>,
) -> Result<Response, Problem> {
    let share = NewShare {
        address: RecordAddress { member, compartment, name },
        recipient: body.recipient.0,
        fields: body.fields.into_iter().map(|field| field.0).collect(),
        expires_at: body.expires_at,
        opens_max: body.opens_max,
    };
    let issued = caller.vault().create_share(&caller.ctx, &share).settled().await?;
    reply::json(StatusCode::CREATED, &schema::IssuedLink { secret: &issued.secret, info: &issued.info })
}

pub(super) async fn list(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    let shares = caller.vault().shares(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &shares)
}

pub(super) async fn revoke(
    caller: Caller,
    Segments((member, id)): Segments<(MemberId, ShareId)>,
) -> Result<Response, Problem> {
    caller.vault().revoke_share(&caller.ctx, &member, &id).settled().await?;
    Ok(reply::empty())
}

pub(super) async fn open(anyone: Anyone, Json(body): Json<schema::ShareOpening>) -> Result<Response, Problem> {
    let secret = Zeroizing::new(body.secret);
    let shown = anyone.vault().open_share(&secret, anyone.request()).settled().await?;
    reply::json(StatusCode::OK, &shown)
}
