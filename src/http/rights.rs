//! What a member may ask for: requests with a clock, and the member's own centre.

use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::extract::{Caller, Condition, Json, Paging, Queue, Segments};
use super::problem::Problem;
use super::route::{Link, Mounted, Route};
use super::{reply, schema};
use crate::code::Code;
use crate::types::{Compartment, MemberId, RecordName, RequestCaseId};
use crate::vault::api::{self, RecordAddress, RecordPatch};
use crate::vault::request::{Check, Extend, Fulfil, Refuse};

const OF_MEMBER: &str = "/v1/members/{id}/requests";
const BULK: &str = "/v1/requests/bulk";
const REQUEST: &str = "/v1/requests/{id}";

const ID: (&str, &str) = ("id", "$response.body#/id");
const TO_A_REQUEST: &[Link] = &[
    ("readRequest", &[ID]),
    ("checkRequest", &[ID]),
    ("extendRequest", &[ID]),
    ("approveRequest", &[ID]),
    ("refuseRequest", &[ID]),
    ("fulfilRequest", &[ID]),
    ("withdrawRequest", &[ID]),
];

const OF_A_MEMBER: &[Code] = &[Code::NotFound, Code::Gone];
const OF_A_CHANGE: &[Code] = &[Code::Conflict, Code::LimitReached];
/// Refusals of a step of a request.
const OF_A_STEP: &[Code] = &[Code::NotFound, Code::Gone, Code::Conflict, Code::LimitReached, Code::RequestState];

/// The routes, in the order of the documentation.
pub(super) fn routes() -> Vec<Mounted> {
    let mut routes = centre();
    routes.extend(requests());
    routes.extend(steps());
    routes
}

fn centre() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::POST,
            "/v1/members/{id}/token",
            "createMemberToken",
            "Create a short-lived token for a member.",
        )
        .body::<schema::NewMemberToken>()
        .gives::<schema::IssuedToken>(StatusCode::CREATED, &[])
        .faults(&[OF_A_MEMBER, OF_A_CHANGE])
        .by(create_token),
        Route::new(
            Method::PATCH,
            "/v1/members/{id}/correction",
            "correctRecord",
            "The member corrects what the data map lets it, by a merge patch (RFC 7396).",
        )
        .conditional()
        .body::<schema::Correction>()
        .gives::<schema::Written>(StatusCode::OK, &["ETag"])
        .faults(&[OF_A_MEMBER, OF_A_CHANGE, &[Code::NotCorrectable, Code::InvalidIdentifier, Code::IdentifierTaken]])
        .by(correct),
    ]
}

fn requests() -> Vec<Mounted> {
    vec![
        Route::new(Method::POST, OF_MEMBER, "openRequest", "Open a request of a member for one of its rights.")
            .body::<schema::NewRequest>()
            .gives::<schema::MemberRequest>(StatusCode::CREATED, &["Location"])
            .leads_to(TO_A_REQUEST)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(open),
        Route::new(
            Method::GET,
            OF_MEMBER,
            "listMemberRequests",
            "The requests of a member, oldest first, without texts.",
        )
        .gives::<schema::MemberRequestList>(StatusCode::OK, &[])
        .faults(&[OF_A_MEMBER])
        .by(of_member),
        Route::new(Method::GET, "/v1/requests", "listRequests", "The queue of requests: those due first come first.")
            .query(&["state", "kind", "due_before", "cursor", "limit"])
            .gives::<schema::MemberRequestList>(StatusCode::OK, &[])
            .faults(&[&[Code::InvalidCursor]])
            .by(list),
        Route::new(Method::POST, BULK, "openBulkRequest", "Open a request of staff about many members.")
            .body::<schema::NewBulkRequest>()
            .gives::<schema::MemberRequest>(StatusCode::CREATED, &["Location"])
            .leads_to(TO_A_REQUEST)
            .faults(&[OF_A_CHANGE, &[Code::NotFound]])
            .by(open_bulk),
        Route::new(Method::GET, REQUEST, "readRequest", "One request, with all its steps.")
            .gives::<schema::MemberRequest>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER])
            .by(read),
    ]
}

fn steps() -> Vec<Mounted> {
    let step = |path, id, about| {
        Route::new(Method::POST, path, id, about)
            .gives::<schema::MemberRequest>(StatusCode::OK, &[])
            .faults(&[OF_A_STEP])
    };
    vec![
        step("/v1/requests/{id}/identity", "checkRequest", "Record that it was checked who asks.")
            .body::<schema::RequestCheck>()
            .by(check),
        step("/v1/requests/{id}/extension", "extendRequest", "Move the deadline, once, with the reason.")
            .body::<schema::RequestExtend>()
            .by(extend),
        step("/v1/requests/{id}/approval", "approveRequest", "Approve a request, as a second person.")
            .faults(&[&[Code::SecondPerson]])
            .by(approve),
        step("/v1/requests/{id}/refusal", "refuseRequest", "Refuse a request, with the ground.")
            .body::<schema::RequestRefuse>()
            .by(refuse),
        step("/v1/requests/{id}/fulfilment", "fulfilRequest", "Carry a request out.")
            .body::<schema::RequestFulfil>()
            .faults(&[&[Code::SecondPerson, Code::LegalHold]])
            .by(fulfil),
        step("/v1/requests/{id}/withdrawal", "withdrawRequest", "Take a request back.").by(withdraw),
    ]
}

async fn create_token(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Json(body): Json<schema::NewMemberToken>,
) -> Result<Response, Problem> {
    let input = api::NewMemberToken { minutes: body.minutes };
    let issued = caller.vault().create_member_token(&caller.ctx, &id, &input).settled().await?;
    reply::json(StatusCode::CREATED, &schema::Issued { token: &issued.secret, info: &issued.info })
}

async fn correct(
    caller: Caller,
    Segments((member,)): Segments<(MemberId,)>,
    Condition(expect): Condition,
    Json(body): Json<schema::Correction>,
) -> Result<Response, Problem> {
    let compartment = body.compartment.unwrap_or_else(Compartment::core);
    let name = body.name.unwrap_or_else(RecordName::profile);
    let address = RecordAddress { member, compartment, name };
    let patch = RecordPatch { address, patch: body.data.0, meta: None, expect };
    let written = caller.vault().correct_record(&caller.ctx, &patch).settled().await?;
    Ok(reply::tagged(reply::json(StatusCode::OK, &written)?, written.version))
}

async fn open(
    caller: Caller,
    Segments((id,)): Segments<(MemberId,)>,
    Json(body): Json<schema::NewRequest>,
) -> Result<Response, Problem> {
    let schema::NewRequest { kind, purposes, note } = body;
    let input = api::NewRequest { kind: kind.0, purposes, note };
    let request = caller.vault().open_request(&caller.ctx, &id, &input).settled().await?;
    created(&request)
}

async fn open_bulk(caller: Caller, Json(body): Json<schema::NewBulkRequest>) -> Result<Response, Problem> {
    let schema::NewBulkRequest { kind, members, reason } = body;
    let input = api::NewBulkRequest { kind: kind.0, members, reason };
    let request = caller.vault().open_bulk_request(&caller.ctx, &input).settled().await?;
    created(&request)
}

fn created(request: &api::Request) -> Result<Response, Problem> {
    let location = format!("/v1/requests/{}", request.id);
    Ok(reply::located(reply::json(StatusCode::CREATED, request)?, location))
}

async fn of_member(caller: Caller, Segments((id,)): Segments<(MemberId,)>) -> Result<Response, Problem> {
    let listing = caller.vault().requests_of(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &listing)
}

async fn list(caller: Caller, Queue(query): Queue, Paging(page): Paging) -> Result<Response, Problem> {
    let listing = caller.aside(move |vault, ctx| vault.list_requests(ctx, &query, &page).wait()).await?;
    reply::json(StatusCode::OK, &listing)
}

async fn read(caller: Caller, Segments((id,)): Segments<(RequestCaseId,)>) -> Result<Response, Problem> {
    let request = caller.vault().request(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &request)
}

async fn check(
    caller: Caller,
    Segments((id,)): Segments<(RequestCaseId,)>,
    Json(body): Json<schema::RequestCheck>,
) -> Result<Response, Problem> {
    let input = Check { method: body.method.0, note: body.note };
    let request = caller.vault().check_request(&caller.ctx, &id, &input).settled().await?;
    reply::json(StatusCode::OK, &request)
}

async fn extend(
    caller: Caller,
    Segments((id,)): Segments<(RequestCaseId,)>,
    Json(body): Json<schema::RequestExtend>,
) -> Result<Response, Problem> {
    let input = Extend { months: body.months, reason: body.reason };
    let request = caller.vault().extend_request(&caller.ctx, &id, &input).settled().await?;
    reply::json(StatusCode::OK, &request)
}

async fn approve(caller: Caller, Segments((id,)): Segments<(RequestCaseId,)>) -> Result<Response, Problem> {
    let request = caller.vault().approve_request(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &request)
}

async fn refuse(
    caller: Caller,
    Segments((id,)): Segments<(RequestCaseId,)>,
    Json(body): Json<schema::RequestRefuse>,
) -> Result<Response, Problem> {
    let input = Refuse { ground: body.ground.0, text: body.text };
    let request = caller.vault().refuse_request(&caller.ctx, &id, &input).settled().await?;
    reply::json(StatusCode::OK, &request)
}

async fn fulfil(
    caller: Caller,
    Segments((id,)): Segments<(RequestCaseId,)>,
    Json(body): Json<schema::RequestFulfil>,
) -> Result<Response, Problem> {
    let corrected = body.corrected.into_iter().map(|named| api::Corrected {
        compartment: named.compartment,
        name: named.name,
        version: named.version,
    });
    let input = Fulfil { corrected: corrected.collect(), note: body.note };
    let request = caller.aside(move |vault, ctx| vault.fulfil_request(ctx, &id, &input)).await?;
    reply::json(StatusCode::OK, &request)
}

async fn withdraw(caller: Caller, Segments((id,)): Segments<(RequestCaseId,)>) -> Result<Response, Problem> {
    let request = caller.vault().withdraw_request(&caller.ctx, &id).settled().await?;
    reply::json(StatusCode::OK, &request)
}
