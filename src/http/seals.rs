//! Seals: on demand, and waiting for one.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::{Caller, Wait};
use super::problem::Problem;
use super::reply;
use crate::vault::api::{Erasure, Stage};

pub(super) async fn run(caller: Caller) -> Result<Response, Problem> {
    let report = caller.aside(|vault, ctx| vault.seal(ctx)).await?;
    reply::json(StatusCode::OK, &report)
}

pub(super) async fn rotate_master(caller: Caller) -> Result<Response, Problem> {
    let report = caller.aside(|vault, ctx| vault.rotate_to_next_master(ctx)).await?;
    reply::json(StatusCode::OK, &report)
}

/// The reply to an erasure: at once, or when it is sealed. Where a holder of the keyring is waited for, the erasure stays
/// fenced and the reply says so by its status.
pub(super) async fn erased(caller: Caller, erasure: Erasure, Wait(wait): Wait) -> Result<Response, Problem> {
    let erasure = match wait {
        None => erasure,
        Some(_) => caller.aside(move |vault, _| vault.seal_erasure(&erasure.id)).await?,
    };
    let status = if erasure.stage == Stage::Fenced { StatusCode::ACCEPTED } else { StatusCode::OK };
    let response = reply::json(status, &erasure)?;
    Ok(reply::located(response, format_args!("/v1/erasures/{}", erasure.id)))
}
