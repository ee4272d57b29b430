//! The variable segments of a path.
//!
//! A segment is percent-decoded and then parsed into its type, whose alphabet has no room for a slash, a dot-dot or a
//! letter of another case, so an encoded trick is refused like any other wrong name.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::code::Code;
use crate::http::problem::Problem;

/// The parsed segments, in the order of the route's template.
pub(in crate::http) struct Segments<T>(pub(in crate::http) T);

impl<S: Send + Sync, T: FromSegments> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let invalid = || Problem::because(Code::InvalidName, "a segment of the path is not UTF-8");
        let segments = RawPathParams::from_request_parts(parts, state).await.map_err(|_| invalid())?;
        T::from_segments(&mut segments.iter().map(|(_, text)| text)).map(Self)
    }
}

/// What can be read from the segments of a path.
pub(in crate::http) trait FromSegments: Sized {
    /// Reads one segment for each part.
    fn from_segments<'a>(segments: &mut impl Iterator<Item = &'a str>) -> Result<Self, Problem>;
}

/// The errors of our own types say which form was expected and do not repeat the text.
fn parse<'a, T: FromStr<Err: Display>>(segments: &mut impl Iterator<Item = &'a str>) -> Result<T, Problem> {
    let text = segments.next().ok_or(Problem::new(Code::Internal))?;
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
