//! Routes by which a member learns who used its data and to whom it went, and those of the register of recipients.

use axum::http::{Method, StatusCode};

use super::super::route::{Mounted, Route};
use super::super::{history, recipients, reports};
use super::{ETAG, OF_A_CHANGE, OF_A_MEMBER, OF_A_PAGE, PAGING, shape};
use crate::code::Code;

const DISCLOSURES: &str = "/v1/members/{id}/disclosures";
const RECIPIENT: &str = "/v1/recipients/{name}";

pub(super) fn routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::GET,
            "/v1/members/{id}/history",
            "readHistory",
            "Who used a member's data, when, which fields, for which purpose, and to whom they went.",
        )
        .query(PAGING)
        .gives::<shape::History>(StatusCode::OK, &[])
        .faults(&[OF_A_MEMBER, OF_A_PAGE])
        .by(history::read),
        Route::new(Method::GET, DISCLOSURES, "listDisclosures", "To which recipients data of a member was given.")
            .query(PAGING)
            .gives::<shape::DisclosureList>(StatusCode::OK, &[])
            .faults(&[OF_A_MEMBER, OF_A_PAGE])
            .by(history::disclosures),
        Route::new(Method::POST, DISCLOSURES, "recordDisclosure", "Record that data of a member was given away.")
            .body::<shape::NewDisclosure>()
            .gives::<shape::Disclosure>(StatusCode::CREATED, &[])
            .faults(&[OF_A_MEMBER, OF_A_CHANGE, &[Code::NoAgreement, Code::RecipientNotAllowed]])
            .by(history::disclose),
        Route::new(Method::GET, "/v1/recipients", "listRecipients", "The register of recipients, by name.")
            .query(PAGING)
            .gives::<shape::RecipientList>(StatusCode::OK, &[])
            .faults(&[OF_A_PAGE])
            .by(recipients::list),
        Route::new(Method::GET, RECIPIENT, "readRecipient", "A recipient in the register.")
            .gives::<shape::Recipient>(StatusCode::OK, ETAG)
            .faults(&[&[Code::NotFound]])
            .by(recipients::read),
        Route::new(Method::PUT, RECIPIENT, "putRecipient", "Put a recipient into the register.")
            .conditional()
            .body::<shape::RecipientPut>()
            .gives::<shape::Recipient>(StatusCode::OK, ETAG)
            .gives::<shape::Recipient>(StatusCode::CREATED, ETAG)
            .faults(&[OF_A_CHANGE])
            .by(recipients::put),
        Route::new(Method::DELETE, RECIPIENT, "deleteRecipient", "Take a recipient out of the register.")
            .conditional()
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[&[Code::NotFound], OF_A_CHANGE])
            .by(recipients::delete),
        Route::new(
            Method::POST,
            "/v1/breach/report",
            "reportBreach",
            "Which members and fields a token or a role touched in a period, for which purposes, how often.",
        )
        .body::<shape::BreachQuery>()
        .gives::<shape::BreachReport>(StatusCode::OK, &[])
        .faults(&[OF_A_PAGE, &[Code::LimitReached]])
        .by(reports::breach),
        Route::new(
            Method::GET,
            "/v1/audit/report",
            "reportAudit",
            "For the regular review of access: dormant tokens, acts and fields never used, refusals, unused purposes.",
        )
        .query(&["since", "dormant_days", "fields"])
        .gives::<shape::AuditReport>(StatusCode::OK, &[])
        .by(reports::audit),
    ]
}
