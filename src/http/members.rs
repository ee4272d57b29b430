//! Members: create, list, find, read, change, erase, export.

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::extract::{Caller, Condition, Fields, IdempotencyKey, Json, ObjectOf, Paging, Segments, Wait};
use super::problem::Problem;
use super::{reply, schema, seals};
use crate::types::MemberId;
use crate::vault;
use crate::vault::api::{NewMember, RecordAddress, RecordPatch, RecordQuery};

pub(super) async fn create(
    caller: Caller,
    IdempotencyKey(idempotency_key): IdempotencyKey,
    Json(body): Json<schema::NewMember>,
) -> Result<Response, Problem> {
    let member = NewMember {
        profile: body.profile.0,
        meta: body.meta.map(|ObjectOf(meta)| meta).unwrap_or_default(),
        idempotency_key,
    };
    let consents: Vec<_> = body.consents.into_iter().map(|ObjectOf(first)| first.into()).collect();
    let act = caller.vault().create_member_with(&caller.ctx, &member, &consents);
    let created = act.settled().await.map_err(in_profile)?;
    let response = reply::tagged(reply::json(StatusCode::CREATED, &created)?, created.version);
    Ok(reply::located(response, format_args!("/v1/members/{}", created.id)))
}

pub(super) async fn list(caller: Caller, Paging(page): Paging) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.list_members(ctx, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn look_up(caller: Caller, Json(body): Json<schema::Lookup>) -> Result<Response, Problem> {
    let found = caller.vault().lookup(&caller.ctx, body.kind.0, &body.value).settled().await;
    let id = found.map_err(|error| Problem::of(error, "/value"))?;
    reply::json(StatusCode::OK, &schema::Found { id })
}

pub(super) async fn read(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Fields(fields): Fields,
) -> Result<Response, Problem> {
    let query = RecordQuery { address: RecordAddress::profile(id), fields };
    let view = caller.vault().read_record(&caller.ctx, &query).settled().await?;
    reply::member(id, &view)
}

pub(super) async fn patch(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Condition(expect): Condition,
    Json(body): Json<schema::MemberPatch>,
) -> Result<Response, Problem> {
    let patch = RecordPatch {
        address: RecordAddress::profile(id),
        patch: body.profile.0,
        meta: body.meta.map(|ObjectOf(meta)| meta),
        expect,
    };
    let written = caller.vault().patch_record(&caller.ctx, &patch).settled().await.map_err(in_profile)?;
    Ok(reply::tagged(reply::json(StatusCode::OK, &written)?, written.version))
}

pub(super) async fn erase(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    wait: Wait,
) -> Result<Response, Problem> {
    let erasure = caller.vault().erase(&caller.ctx, &id, None).settled().await?;
    seals::erased(caller, erasure, wait).await
}

pub(super) async fn export(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    let export = caller.aside(move |vault, ctx| vault.export_member(ctx, &id).wait()).await?;
    let response = reply::json(StatusCode::OK, &export)?;
    Ok(reply::with_header(response, header::CONTENT_DISPOSITION, r#"attachment; filename="member.json""#))
}

/// A refusal of a profile, in the words of these routes.
fn in_profile(error: vault::Error) -> Problem {
    Problem::of(error, "/profile")
}
