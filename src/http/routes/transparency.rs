//! Routes by which a member learns who used its data.

use axum::http::{Method, StatusCode};

use super::super::history;
use super::super::route::{Mounted, Route};
use super::{OF_A_MEMBER, OF_A_PAGE, PAGING, shape};

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
    ]
}
