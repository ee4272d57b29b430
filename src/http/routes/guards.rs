//! The routes that guard against misuse.

use axum::http::{Method, StatusCode};

use super::{LOCATION, Link, Mounted, OF_A_CHANGE, Route, shape};
use crate::code::Code;
use crate::http::guards;

const TO_A_FREEZE: &[Link] = &[("releaseFreeze", &[("scope", "$response.body#/id")])];

pub(super) fn routes() -> Vec<Mounted> {
    vec![
        Route::new(
            Method::POST,
            "/v1/freezes",
            "setFreeze",
            "Stop the use of member data: by a token, a role, or all.",
        )
        .body::<shape::NewFreeze>()
        .gives::<shape::Freeze>(StatusCode::CREATED, LOCATION)
        .leads_to(TO_A_FREEZE)
        .faults(&[OF_A_CHANGE, &[Code::NotFound]])
        .by(guards::freeze),
        Route::new(Method::GET, "/v1/freezes", "listFreezes", "List the stops that stand.")
            .gives::<shape::FreezeList>(StatusCode::OK, &[])
            .by(guards::freezes),
        Route::new(Method::DELETE, "/v1/freezes/{scope}", "releaseFreeze", "Lift a stop.")
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[OF_A_CHANGE, &[Code::NotFound]])
            .by(guards::unfreeze),
    ]
}
