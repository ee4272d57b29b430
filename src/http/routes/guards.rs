//! The routes that guard against misuse.

use axum::http::{Method, StatusCode};

use super::{LOCATION, Link, Mounted, OF_A_CHANGE, OF_A_MEMBER, Route, shape};
use crate::code::Code;
use crate::http::guards;

const CANARY: &str = "/v1/members/{id}/canary";

const TO_A_FREEZE: &[Link] = &[("releaseFreeze", &[("scope", "$response.body#/id")])];

const TO_A_WINDOW: &[Link] = &[("closeWindow", &[("token", "$response.body#/token")])];

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
        Route::new(Method::POST, "/v1/windows", "openWindow", "Open the time in which a token may read in bulk.")
            .body::<shape::NewWindow>()
            .gives::<shape::Window>(StatusCode::CREATED, LOCATION)
            .leads_to(TO_A_WINDOW)
            .faults(&[OF_A_CHANGE, &[Code::NotFound]])
            .by(guards::open_window),
        Route::new(Method::GET, "/v1/windows", "listWindows", "List the windows for bulk reads that are open.")
            .gives::<shape::WindowList>(StatusCode::OK, &[])
            .by(guards::windows),
        Route::new(Method::DELETE, "/v1/windows/{token}", "closeWindow", "Close a window before its time.")
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[OF_A_CHANGE, &[Code::NotFound]])
            .by(guards::close_window),
        Route::new(Method::PUT, CANARY, "setCanary", "Make a member a canary: whoever touches it raises an alarm.")
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(guards::set_canary),
        Route::new(Method::DELETE, CANARY, "unsetCanary", "Make a canary an ordinary member again.")
            .gives_plain(StatusCode::NO_CONTENT, None)
            .faults(&[OF_A_MEMBER, OF_A_CHANGE])
            .by(guards::unset_canary),
    ]
}
