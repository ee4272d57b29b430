//! The data map: the one in force, those that were, and putting another in force.

use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::extract::{Caller, Segments};
use super::problem::Problem;
use super::reply;
use super::route::{Link, Mounted, Route};
use super::schema as shape;
use crate::code::Code;
use crate::vault::schema::MapHash;

const TO_AN_EARLIER_MAP: &[Link] = &[("readEarlierSchema", &[("sha256", "$response.body#/earlier/0/sha256")])];

/// The routes of the data map.
pub(super) fn routes() -> Vec<Mounted> {
    vec![
        Route::new(Method::GET, "/v1/schema", "readSchema", "The data map in force, and which were in force before.")
            .gives::<shape::DataMap>(StatusCode::OK, &[])
            .leads_to(TO_AN_EARLIER_MAP)
            .by(read),
        Route::new(
            Method::GET,
            "/v1/schema/{sha256}",
            "readEarlierSchema",
            "A data map that is or was in force, by the SHA-256 of its file.",
        )
        .gives::<shape::DataMap>(StatusCode::OK, &[])
        .faults(&[&[Code::NotFound]])
        .by(read_earlier),
        Route::new(
            Method::POST,
            "/v1/schema/reload",
            "reloadSchema",
            "Put the data map of the settings in force as it is written now; a bad file changes nothing.",
        )
        .gives::<shape::DataMapChange>(StatusCode::OK, &[])
        .faults(&[&[Code::InvalidSchema, Code::NotConfigured, Code::Conflict]])
        .by(reload),
    ]
}

async fn read(caller: Caller) -> Result<Response, Problem> {
    let map = caller.aside(|vault, ctx| vault.schema(ctx).wait()).await?;
    reply::json(StatusCode::OK, &map)
}

async fn read_earlier(caller: Caller, Segments((hash,)): Segments<(MapHash,)>) -> Result<Response, Problem> {
    let map = caller.aside(move |vault, ctx| vault.schema_of(ctx, &hash).wait()).await?;
    reply::json(StatusCode::OK, &map)
}

async fn reload(caller: Caller) -> Result<Response, Problem> {
    let change = caller.aside(|vault, ctx| vault.reload_schema(ctx)).await?;
    reply::json(StatusCode::OK, &change)
}
