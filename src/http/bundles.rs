//! Bundles: all that is held of a member, as an archive.

use axum::http::{Method, StatusCode, header};
use axum::response::Response;

use super::extract::{Caller, MemberOf, Segments};
use super::problem::Problem;
use super::reply;
use super::route::{Mounted, Route};
use super::routes::binary;
use crate::code::Code;
use crate::types::{MemberId, RequestCaseId};
use crate::vault::bundle::Bundle;

const ARCHIVE: &str = "application/zip";

/// The routes, in the order of the documentation.
pub(super) fn routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::GET,
            "/v1/members/{id}/bundle",
            "readMemberBundle",
            "Everything held of a member, as a signed archive that people and machines can read.",
        )
        .gives_plain(StatusCode::OK, Some((binary(), ARCHIVE)))
        .faults(&[&[Code::NotFound, Code::Gone]])
        .by(of_member),
        Route::new(
            Method::GET,
            "/v1/requests/{id}/bundle",
            "readRequestBundle",
            "The archive that answers a request, for 30 days after it was fulfilled.",
        )
        .query(&["member"])
        .gives_plain(StatusCode::OK, Some((binary(), ARCHIVE)))
        .faults(&[&[Code::NotFound, Code::Gone, Code::RequestState]])
        .by(of_request),
    ]
}

async fn of_member(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    let bundle = caller.aside(move |vault, ctx| vault.member_bundle(ctx, &id).wait()).await?;
    Ok(archive(&bundle))
}

async fn of_request(
    caller: Caller,
    Segments((id,)): Segments<(RequestCaseId,)>,
    MemberOf(member): MemberOf,
) -> Result<Response, Problem> {
    let bundle = caller.aside(move |vault, ctx| vault.request_bundle(ctx, &id, member.as_ref()).wait()).await?;
    Ok(archive(&bundle))
}

fn archive(bundle: &Bundle) -> Response {
    let name = bundle.file_name();
    let response = reply::private(ARCHIVE, bundle.archive());
    reply::with_header(response, header::CONTENT_DISPOSITION, format_args!("attachment; filename=\"{name}\""))
}
