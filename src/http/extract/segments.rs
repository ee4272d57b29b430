//! The variable segments of a path.
//!
//! A segment is percent-decoded and then parsed into its type, whose alphabet has no room for a slash, a dot-dot or a
//! letter of another case, so an encoded trick is refused like any other wrong name.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::code::Code;
use crate::http::problem::Problem;
use crate::http::trail::Trail;

/// The parsed segments, in the order of the route's template.
pub(in crate::http) struct Segments<T>(pub(in crate::http) T);

impl<T: FromSegments> FromRequestParts<Trail> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, trail: &Trail) -> Result<Self, Problem> {
        T::from_segments(&mut trail.variables(parts.uri.path())).map(Self)
    }
}

/// A segment without its percent-encoding; what only looks like one is left as it is.
fn decoded(segment: &str) -> Result<Cow<'_, str>, Problem> {
    let invalid = |_| Problem::because(Code::InvalidName, "a segment of the path is not UTF-8");
    percent_encoding::percent_decode_str(segment).decode_utf8().map_err(invalid)
}

/// What can be read from the segments of a path.
pub(in crate::http) trait FromSegments: Sized {
    /// Reads one segment for each part.
    fn from_segments<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Result<Self, Problem>;
}

/// The errors of our own types say which form was expected and do not repeat the text.
fn parse<'a, T: FromStr<Err: Display>>(segments: &mut impl Iterator<Item = &'a str>) -> Result<T, Problem> {
    let text = decoded(segments.next().ok_or(Problem::new(Code::Internal))?)?;
    text.parse().map_err(|error: T::Err| Problem::because(Code::InvalidName, error.to_string()))
}

impl<A: FromStr<Err: Display>> FromSegments for (A,) {
    fn from_segments<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Result<Self, Problem> {
        Ok((parse(segments)?,))
    }
}

impl<A: FromStr<Err: Display>, B: FromStr<Err: Display>> FromSegments for (A, B) {
    fn from_segments<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Result<Self, Problem> {
        Ok((parse(segments)?, parse(segments)?))
    }
}

impl<A: FromStr<Err: Display>, B: FromStr<Err: Display>, C: FromStr<Err: Display>> FromSegments for (A, B, C) {
    fn from_segments<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Result<Self, Problem> {
        Ok((parse(segments)?, parse(segments)?, parse(segments)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_decoded_once() {
        for (sent, meant) in [
            ("", ""),
            ("plain", "plain"),
            ("%61%2F%2e%2E", "a/.."),
            ("%2561", "%61"),
            ("%", "%"),
            ("a%4", "a%4"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
            ("%c3%a9", "\u{e9}"),
        ] {
            assert_eq!(decoded(sent).map_err(|problem| problem.words()).as_deref(), Ok(meant), "{sent}");
        }
        assert!(decoded("%ff").is_err() && decoded("x%c3").is_err());
    }
}
