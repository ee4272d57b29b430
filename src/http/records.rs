//! Records of a member: list, read, store, change, delete.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Condition, Fields, Json, ObjectOf, Paging, Segments};
use super::problem::Problem;
use super::{reply, schema};
use crate::types::{Compartment, MemberId, RecordName};
use crate::vault::api::{RecordAddress, RecordPatch, RecordQuery, RecordWrite};

type Address = Segments<(MemberId, Compartment, RecordName)>;

impl From<Address> for RecordAddress {
    fn from(Segments((member, compartment, name)): Address) -> Self {
        Self { member, compartment, name }
    }
}

pub(super) async fn list(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Paging(page): Paging,
) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.list_records(ctx, &id, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn read(caller: Caller, address: Address, Fields(fields): Fields) -> Result<Response, Problem> {
    let query = RecordQuery { address: address.into(), fields };
    let view = caller.vault().read_record(&caller.ctx, &query).settled().await?;
    reply::record(&view)
}

pub(super) async fn put(
    caller: Caller,
    address: Address,
    Condition(expect): Condition,
    Json(body): Json<schema::RecordPut>,
) -> Result<Response, Problem> {
    let address = RecordAddress::from(address);
    let location = format!("/v1/members/{}/records/{}/{}", address.member, address.compartment, address.name);
    let write = RecordWrite { address, data: body.data.0, meta: body.meta.map(|ObjectOf(meta)| meta), expect };
    let written = caller.vault().put_record(&caller.ctx, &write).settled().await?;
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    let response = reply::tagged(reply::json(status, &written)?, written.version);
    Ok(if written.created { reply::located(response, location) } else { response })
}

pub(super) async fn patch(
    caller: Caller,
    address: Address,
    Condition(expect): Condition,
    Json(body): Json<schema::RecordPatch>,
) -> Result<Response, Problem> {
    let patch =
        RecordPatch { address: address.into(), patch: body.data.0, meta: body.meta.map(|ObjectOf(meta)| meta), expect };
    let written = caller.vault().patch_record(&caller.ctx, &patch).settled().await?;
    Ok(reply::tagged(reply::json(StatusCode::OK, &written)?, written.version))
}

pub(super) async fn delete(
    caller: Caller,
    address: Address,
    Condition(expect): Condition,
) -> Result<Response, Problem> {
    caller.vault().delete_record(&caller.ctx, &address.into(), expect).settled().await?;
    Ok(reply::empty())
}
