//! Data keys of a member's compartments: a new one in place of the old.

use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::extract::{Caller, Segments};
use super::problem::Problem;
use super::reply;
use super::route::{Mounted, Route};
use super::schema as shape;
use crate::code::Code;
use crate::types::{Compartment, MemberId};

pub(super) fn routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::POST,
            "/v1/members/{id}/compartments/{compartment}/rotations",
            "rotateDataKey",
            "Seal a compartment's records under a new data key. Where `done` is false, send it again.",
        )
        .gives::<shape::KeyRotation>(StatusCode::OK, &[])
        .faults(&[&[Code::NotFound, Code::Gone, Code::Conflict]])
        .by(rotate),
    ]
}

async fn rotate(
    caller: Caller,
    Segments((id, compartment)): Segments<(MemberId, Compartment)>,
) -> Result<Response, Problem> {
    let rotation = caller.aside(move |vault, ctx| vault.rotate_dek(ctx, &id, &compartment).wait()).await?;
    reply::json(StatusCode::OK, &rotation)
}
