//! Query parameters: few, and none that carries personal data.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;

use crate::clock::Timestamp;
use crate::code::Code;
use crate::http::problem::Problem;
use crate::types::id::InvalidId;
use crate::types::name::InvalidName;
use crate::types::{Compartment, FieldName, MemberId, RecordName};
use crate::vault::api::{Page, QueueQuery};

/// Most names in `fields`.
const FIELDS_MAX: usize = 64;

/// The parameters of `uri`, decoded.
fn parameters(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    if uri.query().is_none() {
        return Ok(Vec::new());
    }
    let malformed = |_| Problem::because(Code::InvalidRequest, "the query is not a list of name=value");
    Query::try_from_uri(uri).map(|Query(pairs)| pairs).map_err(malformed)
}

/// Refuses a query with a parameter that is not `known`, or that appears twice.
pub(in crate::http) fn only_known_parameters(uri: &Uri, known: &[&str]) -> Result<(), Problem> {
    let mut seen = Vec::new();
    for (name, _) in parameters(uri)? {
        let Some(name) = known.iter().find(|known| **known == name) else {
            return Err(Problem::because(Code::UnknownField, unknown_parameter(known)));
        };
        if seen.contains(name) {
            return Err(Problem::because(Code::InvalidRequest, format!("the parameter {name} appears twice")));
        }
        seen.push(name);
    }
    Ok(())
}

fn unknown_parameter(known: &[&str]) -> String {
    match known {
        [] => "this route has no query parameters".to_owned(),
        _ => format!("the known query parameters are: {}", known.join(", ")),
    }
}

pub(super) fn parameter(uri: &Uri, name: &str) -> Result<Option<String>, Problem> {
    Ok(parameters(uri)?.into_iter().find(|(known, _)| known == name).map(|(_, value)| value))
}

/// `?fields=a,b`: the fields to read; all when absent.
pub(in crate::http) struct Fields(pub(in crate::http) Option<Vec<FieldName>>);

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(text) = parameter(&parts.uri, "fields")? else { return Ok(Self(None)) };
        let names: Result<Vec<FieldName>, _> = text.split(',').take(FIELDS_MAX + 1).map(str::parse).collect();
        let names = names.map_err(|error| Problem::because(Code::InvalidName, error.to_string()))?;
        if names.len() > FIELDS_MAX {
            return Err(Problem::because(Code::InvalidRequest, "fields takes at most 64 names"));
        }
        Ok(Self(Some(names)))
    }
}

/// `?compartment=&name=`: which record of each member. Both must be there.
pub(in crate::http) struct OfEach(pub(in crate::http) Compartment, pub(in crate::http) RecordName);

impl<S: Sync> FromRequestParts<S> for OfEach {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(required(&parts.uri, "compartment")?, required(&parts.uri, "name")?))
    }
}

fn required<T: FromStr<Err: Display>>(uri: &Uri, name: &str) -> Result<T, Problem> {
    let missing = || Problem::because(Code::InvalidRequest, format!("the parameter {name} is missing"));
    let text = parameter(uri, name)?.ok_or_else(missing)?;
    text.parse().map_err(|error: T::Err| Problem::because(Code::InvalidName, error.to_string()))
}

/// `?wait=sealed`: reply when it is sealed, not when it is fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Awaited {
    /// The keys are gone.
    Sealed,
}

/// What an erasure's reply waits for; nothing when absent.
pub(in crate::http) struct Wait(pub(in crate::http) Option<Awaited>);

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parameter(&parts.uri, "wait")?.as_deref() {
            None => Ok(Self(None)),
            Some("sealed") => Ok(Self(Some(Awaited::Sealed))),
            Some(_) => Err(Problem::because(Code::InvalidRequest, "the one thing to wait for is: sealed")),
        }
    }
}

/// `?shred=true`: erase what lived by the consent alone.
pub(in crate::http) struct Shred(pub(in crate::http) bool);

impl<S: Sync> FromRequestParts<S> for Shred {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parameter(&parts.uri, "shred")?.as_deref() {
            None | Some("false") => Ok(Self(false)),
            Some("true") => Ok(Self(true)),
            Some(_) => Err(Problem::because(Code::InvalidRequest, "shred is true or false")),
        }
    }
}

/// `?entry=3`: which entry of a history; the newest that fits when absent.
pub(in crate::http) struct Entry(pub(in crate::http) Option<u32>);

impl<S: Sync> FromRequestParts<S> for Entry {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(text) = parameter(&parts.uri, "entry")? else { return Ok(Self(None)) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && *number > 0);
        number.map(|number| Self(Some(number))).ok_or_else(|| {
            Problem::because(Code::InvalidRequest, "entry is the number of an entry of the history, from 1")
        })
    }
}

/// `?limit=&cursor=`: which page of a listing.
pub(in crate::http) struct Paging(pub(in crate::http) Page);

impl<S: Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let limit = match parameter(&parts.uri, "limit")? {
            None => Page::LIMIT_DEFAULT,
            Some(text) => page_limit(&text).ok_or_else(limit_refused)?,
        };
        Ok(Self(Page { cursor: parameter(&parts.uri, "cursor")?, limit }))
    }
}

/// `?member=`: one of the members a request is about.
pub(in crate::http) struct MemberOf(pub(in crate::http) Option<MemberId>);

impl<S: Sync> FromRequestParts<S> for MemberOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let refused = |error: InvalidId| Problem::because(Code::InvalidName, error.to_string());
        parameter(&parts.uri, "member")?.map(|text| text.parse().map_err(refused)).transpose().map(Self)
    }
}

/// `?state=&kind=&due_before=`: which requests of members to list.
pub(in crate::http) struct Queue(pub(in crate::http) QueueQuery);

impl<S: Sync> FromRequestParts<S> for Queue {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let unknown = |error: InvalidName| Problem::because(Code::InvalidRequest, error.to_string());
        let word = |name| parameter(&parts.uri, name);
        let state = word("state")?.map(|text| text.parse().map_err(unknown)).transpose()?;
        let kind = word("kind")?.map(|text| text.parse().map_err(unknown)).transpose()?;
        let due_before = word("due_before")?.map(|text| {
            let refused = || Problem::because(Code::InvalidRequest, "due_before is an RFC 3339 time");
            Timestamp::parse(&text).ok_or_else(refused)
        });
        Ok(Self(QueueQuery { state, kind, due_before: due_before.transpose()? }))
    }
}

fn limit_refused() -> Problem {
    Problem::because(Code::InvalidRequest, format!("limit is a number from 1 to {}", Page::LIMIT_MAX))
}

fn page_limit(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|limit| digits && (1..=Page::LIMIT_MAX).contains(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        let check = |uri: &str, known: &[&str]| only_known_parameters(&uri.parse().unwrap(), known).is_ok();
        assert!(check("/", &[]));
        assert!(check("/?", &[]));
        assert!(check("/?limit=1&cursor=x", &["limit", "cursor"]));
        assert!(check("/?%6cimit=1", &["limit"]));
        for uri in ["/?x", "/?limit=1&limit=2", "/?Limit=1", "/?limit=1&x=canary", "/?=1"] {
            assert!(!check(uri, &["limit"]), "{uri}");
        }
    }

    #[test]
    fn a_page_limit_is_a_small_number() {
        for (text, expected) in [("1", Some(1)), ("500", Some(500)), ("007", Some(7))] {
            assert_eq!(page_limit(text), expected, "{text}");
        }
        for text in ["", "0", "501", "-1", "+1", "1.0", "ten", "99999999999999999999"] {
            assert_eq!(page_limit(text), None, "{text}");
        }
    }
}
