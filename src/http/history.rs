//! The history of a member.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Paging, Segments};
use super::problem::Problem;
use super::reply;
use crate::types::MemberId;

pub(super) async fn read(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Paging(page): Paging,
) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.history(ctx, &id, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}
