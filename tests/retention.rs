//! What has been kept long enough goes, with certificates; nothing goes earlier; a hold keeps what it covers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "retention/clocks.rs"]
mod clocks;
#[path = "retention/consents.rs"]
mod consents;
#[path = "support/mod.rs"]
mod house;
#[path = "retention/http.rs"]
mod http;
#[path = "retention/jobs.rs"]
mod jobs;
#[path = "retention/pages.rs"]
mod pages;
#[path = "retention/rules.rs"]
mod rules;
#[path = "retention/support.rs"]
mod support;
