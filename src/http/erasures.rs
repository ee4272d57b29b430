//! Erasures: of one compartment (a member's is in `members`), and how far each has come.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Paging, Segments, Wait};
use super::problem::Problem;
use super::{reply, seals};
use crate::types::{Compartment, ErasureId, MemberId};

pub(super) async fn erase_compartment(
    caller: Caller,
    Segments((id, compartment)): Segments<(MemberId, Compartment)>,
    wait: Wait,
) -> Result<Response, Problem> {
    let erasure = caller.vault.erase(&caller.ctx, &id, Some(&compartment)).settled().await?;
    seals::erased(caller, erasure, wait).await
}

pub(super) async fn list(caller: Caller, Paging(page): Paging) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.list_erasures(ctx, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

pub(super) async fn read(caller: Caller, Segments((id,)): Segments<(ErasureId,)>) -> Result<Response, Problem> {
    let erasure = caller.vault.erasure(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &erasure)
}
