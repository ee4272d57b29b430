//! The data map: what it lets be written, how another comes into force, and what people are told of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "schema/documents.rs"]
mod documents;
#[path = "support/mod.rs"]
mod house;
#[path = "schema/http.rs"]
mod http;
#[path = "schema/in_force.rs"]
mod in_force;
#[path = "schema/strict.rs"]
mod strict;
#[path = "schema/support.rs"]
mod support;
