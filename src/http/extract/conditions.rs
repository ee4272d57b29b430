//! Conditions of a write: `If-Match`, `If-None-Match`, `Idempotency-Key`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, header};

use super::{malformed, single_header};
use crate::http::problem::Problem;
use crate::types::RecordVersion;
use crate::vault::api::Expect;

/// The header of draft-ietf-httpapi-idempotency-key-header.
pub(in crate::http) const IDEMPOTENCY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Bytes of an idempotency key.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// What must be true of the record.
pub(in crate::http) struct Condition(pub(in crate::http) Expect);

impl<S: Sync> FromRequestParts<S> for Condition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let matching = single_header(&parts.headers, &header::IF_MATCH)?;
        let none_matching = single_header(&parts.headers, &header::IF_NONE_MATCH)?;
        match (matching, none_matching) {
            (None, None) => Ok(Self(Expect::Any)),
            (None, Some("*")) => Ok(Self(Expect::Absent)),
            (None, Some(_)) => Err(malformed(&header::IF_NONE_MATCH, "takes * only")),
            (Some("*"), None) => Ok(Self(Expect::Present)),
            (Some(text), None) => version(text)
                .map(|version| Self(Expect::Version(version)))
                .ok_or_else(|| malformed(&header::IF_MATCH, "takes one ETag as this vault gave it, or *")),
            (Some(_), Some(_)) => Err(malformed(&header::IF_MATCH, "and if-none-match exclude each other")),
        }
    }
}

/// The version in an entity tag: `"7"`. A weak tag never matches in `If-Match`, so it is refused as malformed.
fn version(text: &str) -> Option<RecordVersion> {
    let digits = text.strip_prefix('"')?.strip_suffix('"')?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| canonical).map(RecordVersion)
}

/// A key under which the same request is done once.
pub(in crate::http) struct IdempotencyKey(pub(in crate::http) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(text) = single_header(&parts.headers, &IDEMPOTENCY_HEADER)? else { return Ok(Self(None)) };
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > IDEMPOTENCY_KEY_BYTES_MAX || !visible {
            return Err(malformed(&IDEMPOTENCY_HEADER, "has 1 to 128 visible ASCII characters"));
        }
        Ok(Self(Some(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_is_a_quoted_version() {
        assert_eq!(version("\"7\""), Some(RecordVersion(7)));
        for text in
            ["7", "\"\"", "\"0\"", "\"07\"", "W/\"7\"", "\"7", "\"+7\"", "\"7\", \"8\"", "\"99999999999999999999\""]
        {
            assert_eq!(version(text), None, "{text}");
        }
    }
}
