//! Erasures: of one compartment (a member's is in `members`), and how far each has come.

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::extract::{Caller, PLAIN_TEXT, Paging, Segments, Wait};
use super::problem::Problem;
use super::{reply, seals};
use crate::types::{Compartment, ErasureId, MemberId};
use crate::vault::certificate::Certificate;

pub(super) async fn erase_compartment(
    caller: Caller,
    Segments((id, compartment)): Segments<(MemberId, Compartment)>,
    wait: Wait,
) -> Result<Response, Problem> {
    let erasure = caller.vault().erase(&caller.ctx, &id, Some(&compartment)).settled().await?;
    seals::erased(caller, erasure, wait).await
}

pub(super) async fn list(caller: Caller, Paging(page): Paging) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.list_erasures(ctx, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn read(caller: Caller, Segments((id,)): Segments<(ErasureId,)>) -> Result<Response, Problem> {
    let erasure = caller.vault().erasure(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &erasure)
}

pub(super) async fn certificate(caller: Caller, Segments((id,)): Segments<(ErasureId,)>) -> Result<Response, Problem> {
    let note = caller.aside(move |vault, ctx| vault.certificate(ctx, &id).wait()).await?;
    let name = Certificate::file_name(&id);
    let response = reply::bytes(PLAIN_TEXT, note.into_bytes());
    Ok(reply::with_header(response, header::CONTENT_DISPOSITION, format_args!("attachment; filename=\"{name}\"")))
}
