//! The parameters of the report for the regular review.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::query::parameter;
use crate::clock::Timestamp;
use crate::code::Code;
use crate::http::problem::Problem;
use crate::vault::report::AuditQuery;
use crate::vault::report::audit::{DORMANT_DAYS_DEFAULT, DORMANT_DAYS_MAX};

/// `?since=TIME&dormant_days=N&fields=true`.
pub(in crate::http) struct Review(pub(in crate::http) AuditQuery);

impl<S: Sync> FromRequestParts<S> for Review {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let refused = |what: &str| Problem::because(Code::InvalidRequest, what.to_owned());
        let since = parameter(&parts.uri, "since")?
            .map(|text| Timestamp::parse(&text).ok_or_else(|| refused("since is a time such as 2026-01-31T12:00:00Z")))
            .transpose()?;
        let days = |text: String| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|days| digits && (1..=DORMANT_DAYS_MAX).contains(days))
        };
        let dormant_days = parameter(&parts.uri, "dormant_days")?
            .map(|text| days(text).ok_or_else(|| refused("dormant_days is a number from 1 to 3650")))
            .transpose()?
            .unwrap_or(DORMANT_DAYS_DEFAULT);
        let fields = match parameter(&parts.uri, "fields")?.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(refused("fields is true or false")),
        };
        Ok(Self(AuditQuery { since, dormant_days, fields }))
    }
}
