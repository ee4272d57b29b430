//! From a request to types that cannot be wrong. Each extractor is one question; each refusal is a `Problem`.
//!
//! `Caller` comes first in every handler, so that a stranger learns nothing about paths, queries or bodies.

mod body;
mod caller;
mod conditions;
mod query;
pub(super) use query::OfEach;
mod review;
mod segments;
mod shape;
mod strict;

pub(super) use body::{Json, PLAIN_TEXT, RequestBody, Text};
pub(super) use caller::{Anyone, Caller, LogReader, PURPOSE_HEADER};
pub(super) use conditions::{Condition, IDEMPOTENCY_HEADER, IdempotencyKey};
pub(super) use query::{Entry, Fields, MemberOf, Paging, Queue, Shred, Wait, only_known_parameters};
pub(super) use review::Review;
pub(super) use segments::Segments;
pub(super) use strict::{ObjectOf, StrictObject, Word};

use axum::http::{HeaderMap, HeaderName};

use super::problem::Problem;
use crate::code::Code;

/// The text of a header that may appear once at most.
fn single_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed(name, "appears twice"));
    }
    value.to_str().map(Some).map_err(|_| malformed(name, "is not plain text"))
}

/// A refusal of a header, which is named but not repeated.
fn malformed(name: &HeaderName, how: &str) -> Problem {
    Problem::because(Code::InvalidRequest, format!("the header {name} {how}"))
}
