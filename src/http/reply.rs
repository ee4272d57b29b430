//! From what a verb gave to a response.
//!
//! A record is written around the bytes as they were opened: they are not parsed again, and the buffer is wiped when
//! the connection is done with it.

use std::fmt::Display;
use std::io::Write as _;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::Response;
use serde::Serialize;

use super::problem::Problem;
use crate::code::Code;
use crate::secret::Wiped;
use crate::types::{MemberId, RecordVersion};
use crate::vault::api::RecordView;

/// Room for the envelope around a record: ids, times, short metadata.
const ENVELOPE_BYTES: usize = 512;

/// No entity tag is longer: a version between quotes.
const TAG_BYTES_MAX: usize = 22;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A JSON reply.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Problem> {
    let mut bytes = Wiped::with_capacity(ENVELOPE_BYTES);
    serde_json::to_writer(&mut *bytes, body).map_err(unwritable)?;
    Ok(wiped(status, bytes))
}

/// A reply of public bytes.
pub(super) fn bytes(media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A reply of personal data that is no JSON.
pub(super) fn private(media_type: &'static str, body: Wiped) -> Response {
    let mut response = wiped(StatusCode::OK, body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A reply without a body.
pub(super) fn empty() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A member with its profile.
pub(super) fn member(id: MemberId, view: &RecordView) -> Result<Response, Problem> {
    let mut bytes = Wiped::with_capacity(view.data.as_bytes().len() + ENVELOPE_BYTES);
    bytes.extend_from_slice(br#"{"id":"#);
    serde_json::to_writer(&mut *bytes, &id).map_err(unwritable)?;
    bytes.push(b',');
    finish(bytes, "profile", view)
}

/// A record.
pub(super) fn record(view: &RecordView) -> Result<Response, Problem> {
    let mut bytes = Wiped::with_capacity(view.data.as_bytes().len() + ENVELOPE_BYTES);
    // Names have no character that JSON would escape.
    write!(bytes, r#"{{"compartment":"{}","name":"{}","#, view.compartment, view.name).map_err(unwritable)?;
    finish(bytes, "data", view)
}

fn finish(mut bytes: Wiped, key: &str, view: &RecordView) -> Result<Response, Problem> {
    let version = view.version;
    let created = view.created_at.text();
    // Most records are as they were created, and a date takes longer to work out than all else here.
    let later = (view.updated_at != view.created_at).then(|| view.updated_at.text());
    let updated = later.as_ref().unwrap_or(&created);
    bytes.extend_from_slice(br#""version":"#);
    serde_json::to_writer(&mut *bytes, &version).map_err(unwritable)?;
    for part in [r#","created_at":""#, created.as_str(), r#"","updated_at":""#, updated.as_str(), "\",\"", key, "\":"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes.extend_from_slice(view.data.as_bytes());
    bytes.extend_from_slice(br#","meta":"#);
    serde_json::to_writer(&mut *bytes, &view.meta).map_err(unwritable)?;
    if !view.withheld.is_empty() {
        bytes.extend_from_slice(br#","withheld":"#);
        serde_json::to_writer(&mut *bytes, &view.withheld).map_err(unwritable)?;
    }
    bytes.push(b'}');
    Ok(tagged(wiped(StatusCode::OK, bytes), version))
}

/// Adds the `ETag` of a version.
pub(super) fn tagged(mut response: Response, version: RecordVersion) -> Response {
    let mut tag = Vec::with_capacity(TAG_BYTES_MAX);
    tag.push(b'"');
    // A number is written without fail, and holds nothing that a header could not.
    _ = serde_json::to_writer(&mut tag, &version);
    tag.push(b'"');
    if let Ok(tag) = HeaderValue::from_maybe_shared(Bytes::from(tag)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Adds a `Location`.
pub(super) fn located(response: Response, path: impl Display) -> Response {
    with_header(response, header::LOCATION, path)
}

/// Adds a header whose value is made of our own ids and names.
pub(super) fn with_header(mut response: Response, name: HeaderName, value: impl Display) -> Response {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn wiped(status: StatusCode, bytes: Wiped) -> Response {
    let mut response = Response::new(Body::from(Bytes::from_owner(bytes)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(Code::Internal).caused_by(error)
}
