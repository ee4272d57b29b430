//! Refusals as RFC 9457 `application/problem+json`: the one table from [`Code`] to status, and the body.
//!
//! A handler returns a [`Problem`]; it travels through the router inside an empty response, and `edge` writes the body,
//! because only the edge knows the request id and the log line. A problem never repeats what the client sent.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::{Code, Coded};
use crate::types::{IdentifierKind, RequestId};
use crate::vault;

/// The media type of a refusal.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds a client is asked to wait when the vault, not the client, is the cause.
const RETRY_AFTER_S: u32 = 1;

/// How to authenticate (RFC 6750).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"membervault\"");

/// The status of a code. The only place that knows both.
pub const fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidJson
        | Code::InvalidRequest
        | Code::UnknownField
        | Code::InvalidName
        | Code::InvalidCursor
        | Code::InvalidIdentifier => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden
        | Code::PurposeRequired
        | Code::PurposeUnknown
        | Code::PurposeNotAllowed
        | Code::ConsentMissing
        | Code::Objected
        | Code::Restricted
        | Code::AutomatedDecision
        | Code::RecipientNotAllowed
        | Code::Frozen
        | Code::WindowClosed
        | Code::NotCorrectable
        | Code::SecondPerson => StatusCode::FORBIDDEN,
        Code::NoSuchRoute | Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Conflict
        | Code::IdentifierTaken
        | Code::ConsentNotNeeded
        | Code::NoAgreement
        | Code::LegalHold
        | Code::RequestState
        | Code::LimitReached
        | Code::AlreadyExists
        | Code::BackupRunning
        | Code::NotConfigured
        | Code::NotSealed => StatusCode::CONFLICT,
        Code::Gone => StatusCode::GONE,
        Code::VersionMismatch => StatusCode::PRECONDITION_FAILED,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        // draft-ietf-httpapi-idempotency-key-header: a key reused with another payload is 422.
        Code::IdempotencyMismatch | Code::NotVerified | Code::InvalidSchema => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Overloaded | Code::ShuttingDown | Code::Locked => StatusCode::SERVICE_UNAVAILABLE,
        Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Code::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Code::Corrupt
        | Code::StorageFailed
        | Code::WrongMasterKey
        | Code::KeyringMissing
        | Code::KeyringCorrupt
        | Code::ExposedFile
        | Code::StaleImage
        | Code::HolderAway
        | Code::RestoreUnfinished
        | Code::UnsupportedVersion
        | Code::NoVault
        | Code::InvalidPolicy
        | Code::InvalidConfig
        | Code::Io
        | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A refusal under way to the client.
#[derive(Clone)]
pub(super) struct Problem {
    code: Code,
    detail: Option<Cow<'static, str>>,
    fields: Vec<String>,
    retry_after_s: Option<u32>,
    /// For the log only.
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Problem {
    /// A refusal that its code explains.
    pub(super) const fn new(code: Code) -> Self {
        Self { code, detail: None, fields: Vec::new(), retry_after_s: None, cause: None }
    }

    /// A refusal with a sentence of its own. The sentence is ours: never text of the client.
    pub(super) fn because(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(code) }
    }

    /// A refusal of the facade, on a route whose record or value lies at `place` in the body.
    ///
    /// The facade names the place of a record `/data`, of one field of it by the field's name.
    pub(super) fn of(error: vault::Error, place: &str) -> Self {
        let code = error.code();
        if status(code).is_server_error() {
            return Self::new(code).caused_by(error);
        }
        let mut problem = Self::because(code, error.to_string());
        if let vault::Error::RateLimited { retry_after_s } = error {
            problem.retry_after_s = Some(retry_after_s);
        }
        match error.at() {
            Some("/data") => problem.at(error.field().map_or(place.to_owned(), |field| format!("{place}/{field}"))),
            Some(pointer) if pointer.starts_with('/') => problem.at(pointer),
            Some(field) if IdentifierKind::ALL.iter().any(|kind| kind.as_str() == field) => {
                problem.at(if place == "/value" { place.to_owned() } else { format!("{place}/{field}") })
            }
            // A parameter or header, which the sentence names; it has no place in the body.
            Some(_) | None => problem,
        }
    }

    /// Names the place in the body, as a JSON pointer made of names we define.
    pub(super) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.fields.push(pointer.into());
        self
    }

    /// Keeps the cause for the log.
    pub(super) fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The stable code.
    pub(super) const fn code(&self) -> Code {
        self.code
    }

    /// The cause, if the log should tell it.
    pub(super) fn cause(&self) -> Option<&(dyn StdError + Send + Sync)> {
        self.cause.as_deref()
    }

    /// Fills `response`, which carried this problem, with its body and headers.
    pub(super) fn write_into(&self, response: &mut Response, request: RequestId) {
        let status = status(self.code);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        // For HEAD, the empty body that carried the problem was measured.
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let seconds = self.retry_after_s.unwrap_or(RETRY_AFTER_S);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        *response.body_mut() = Body::from(self.body(status, request));
    }

    /// Code, detail and places on one line, for tests.
    #[cfg(test)]
    pub(super) fn words(&self) -> String {
        format!("{} {} {}", self.code.as_str(), self.detail.as_deref().unwrap_or("-"), self.fields.join(" "))
    }

    fn body(&self, status: StatusCode, request: RequestId) -> Vec<u8> {
        let body = ProblemBody {
            kind: format!("urn:membervault:problem:{}", self.code.as_str()),
            title: self.code.meaning(),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: self.detail.as_deref(),
            instance: format!("urn:uuid:{request}"),
            fields: &self.fields,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// A refusal of the facade. What failed inside is for the log; what the client did is for the client.
impl From<vault::Error> for Problem {
    fn from(error: vault::Error) -> Self {
        Self::of(error, "/data")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.code);
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether `method` is one of the standard ones, and so not a text of the client's making.
pub(super) fn known_method(method: &Method) -> bool {
    method.is_safe() || [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}

/// The error and its causes, for the log.
pub(super) fn chain(error: &(dyn StdError + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A refusal (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody<'a> {
    /// The kind of problem, `urn:membervault:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "urn:membervault:problem:not_found")]
    kind: String,
    /// What the code means.
    #[schema(value_type = String, example = "There is no such thing, or this token may not know of it.")]
    title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    status: u16,
    /// The stable code, for programs. See `docs/ERRORS.md`.
    #[schema(value_type = String, example = "not_found")]
    code: &'a str,
    /// One sentence about this refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    detail: Option<&'a str>,
    /// The request id, as in `X-Request-Id`.
    #[schema(value_type = String, example = "urn:uuid:6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11")]
    instance: String,
    /// The places in the body that were refused, as JSON pointers.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    fields: &'a [String],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_a_refusal() {
        for code in Code::ALL {
            let status = status(*code);
            assert!(status.is_client_error() || status.is_server_error(), "{}", code.as_str());
        }
    }

    #[test]
    fn a_problem_has_this_body() {
        let problem = Problem::because(Code::InvalidRequest, "the field profile is missing").at("/profile");
        let body = problem.body(StatusCode::BAD_REQUEST, RequestId::from_bytes([7; 16]));
        insta::assert_snapshot!(String::from_utf8(body).unwrap(), @r#"{"type":"urn:membervault:problem:invalid_request","title":"The request is well-formed but does not have the required shape.","status":400,"code":"invalid_request","detail":"the field profile is missing","instance":"urn:uuid:07070707-0707-0707-0707-070707070707","fields":["/profile"]}"#);
    }
}
