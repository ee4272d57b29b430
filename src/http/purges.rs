//! Purges: begun on demand, and how the last one ended.

use axum::http::StatusCode;
use axum::response::Response;

use super::extract::Caller;
use super::problem::Problem;
use super::reply;

/// The purge goes on after the reply: it reads the whole database.
pub(super) async fn start(caller: Caller) -> Result<Response, Problem> {
    let purging = caller.vault().start_purge(&caller.ctx).settled().await?;
    reply::json(StatusCode::ACCEPTED, &purging)
}
