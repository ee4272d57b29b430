//! Routes by which less than everything is seen: links, those who agree, segments.

use axum::http::{Method, StatusCode};

use super::super::{crowds, shares};
use super::{Mounted, OF_A_CHANGE, OF_A_MEMBER, OF_A_PAGE, Route, SAME_ID, shape};
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

/// What stands against reading many members.
const OF_A_CROWD: &[Code] = &[Code::RecipientNotAllowed, Code::Frozen, Code::WindowClosed, Code::Conflict];

pub(super) fn routes() -> Vec<Mounted> {
    let mut routes = share_routes();
    routes.extend(crowd_routes());
    routes
}

fn crowd_routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::GET,
            "/v1/audience",
            "readAudience",
            "A record of each member who agrees to the stated purpose, as far as this token may see it.",
        )
        .query(&["compartment", "name", "fields", "cursor", "limit"])
        .gives::<shape::Audience>(StatusCode::OK, &[])
        .faults(&[OF_A_CROWD, OF_A_PAGE])
        .by(crowds::audience),
        Route::new(
            Method::POST,
            "/v1/segments/count",
            "countSegment",
            "How many of the members who agree to the stated purpose fit a question; never how many below the floor.",
        )
        .body::<shape::SegmentCounting>()
        .gives::<shape::SegmentCount>(StatusCode::OK, &[])
        .faults(&[OF_A_CROWD, OF_A_PAGE])
        .by(crowds::count),
        Route::new(
            Method::POST,
            "/v1/segments/members",
            "listSegment",
            "Pseudonyms of the members who agree to the stated purpose and fit a question; of none below the floor.",
        )
        .body::<shape::SegmentListing>()
        .gives::<shape::SegmentPage>(StatusCode::OK, &[])
        .faults(&[OF_A_CROWD, OF_A_PAGE])
        .by(crowds::members),
    ]
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
