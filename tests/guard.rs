//! Guards against the misuse of what is allowed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

#[path = "guard/freezes.rs"]
mod freezes;
