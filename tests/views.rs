//! Less than everything: links, reads of all who agree, segments.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

#[path = "views/audiences.rs"]
mod audiences;
#[path = "views/http.rs"]
mod http;
#[path = "views/links.rs"]
mod links;
#[path = "views/meddling.rs"]
mod meddling;
#[path = "views/people.rs"]
mod people;
#[path = "views/questions.rs"]
mod questions;
#[path = "views/segments.rs"]
mod segments;
