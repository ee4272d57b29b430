//! Guards against the misuse of what is allowed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

#[path = "guard/alerts.rs"]
mod alerts;
#[path = "guard/canaries.rs"]
mod canaries;
#[path = "guard/freezes.rs"]
mod freezes;
#[path = "guard/house.rs"]
mod house;
#[path = "guard/quotas.rs"]
mod quotas;
#[path = "guard/windows.rs"]
mod windows;
