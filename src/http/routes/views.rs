//! Routes by which less than everything is seen: links.

use axum::http::{Method, StatusCode};

use super::super::shares;
use super::{Mounted, OF_A_CHANGE, OF_A_MEMBER, Route, SAME_ID, shape};
use crate::code::Code;
use crate::http::route::Link;

const SHARES: &str = "/v1/members/{id}/shares";

const TO_A_SHARE: &[Link] =
    &[("listShares", &[SAME_ID]), ("revokeShare", &[SAME_ID, ("share", "$response.body#/info/id")])];

/// What data map and member may say of the stated purpose.
const OF_A_PURPOSE: &[Code] = &[
    Code::ConsentMissing,
    Code::Objected,
    Code::Restricted,
    Code::AutomatedDecision,
    Code::RecipientNotAllowed,
    Code::Frozen,
];

pub(super) fn routes() -> Vec<Mounted> {
    share_routes()
}

fn share_routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::POST,
            "/v1/members/{id}/records/{compartment}/{name}/shares",
            "createShare",
            "Make a link by which one recipient reads chosen fields of a record. Its secret is shown this once.",
        )
        .body::<shape::NewShare>()
        .gives::<shape::IssuedShare>(StatusCode::CREATED, &[])
        .leads_to(TO_A_SHARE)
        .faults(&[OF_A_MEMBER, OF_A_CHANGE, OF_A_PURPOSE])
        .by(shares::create),
        Route::new(Method::GET, SHARES, "listShares", "The links of a member that have not ended, without secrets.")
            .gives::<shape::ShareList>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER])
            .by(shares::list),
        Route::new(Method::DELETE, "/v1/members/{id}/shares/{share}", "revokeShare", "End a link.")
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(shares::revoke),
        Route::new(
            Method::POST,
            "/v1/shares/open",
            "openShare",
            "What a link shows now. Takes no token: the secret is in the body.",
        )
        .public()
        .body::<shape::ShareOpening>()
        .gives::<shape::SharedRecord>(StatusCode::OK, &[])
        .faults(&[
            OF_A_PURPOSE,
            OF_A_MEMBER,
            &[
                Code::InvalidRequest,
                Code::UnknownField,
                Code::Forbidden,
                Code::PurposeUnknown,
                Code::PurposeNotAllowed,
                Code::RateLimited,
                Code::Overloaded,
                Code::ShuttingDown,
                Code::Conflict,
            ],
        ])
        .by(shares::open),
    ]
}
