//! The body of a request: bounded, declared as JSON, well-formed, without duplicate keys, of the required shape.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::shape::Shape;
use super::single_header;
use super::strict::{DUPLICATE_KEY, ObjectOf, StrictValue};
use crate::code::Code;
use crate::http::problem::Problem;

/// A type that can be the body of a request.
pub(in crate::http) trait RequestBody: DeserializeOwned {
    /// The largest body, in bytes.
    const BYTES_MAX: usize;
    /// The media types it may be declared as.
    const MEDIA_TYPES: &'static [&'static str] = &["application/json"];
}

/// A parsed request body.
pub(in crate::http) struct Json<T>(pub(in crate::http) T);

impl<S: Send + Sync, T: RequestBody> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_declared(request.headers(), T::MEDIA_TYPES)?;
        let bytes = read(request.into_body(), T::BYTES_MAX).await?;
        // Whether it is UTF-8 is asked once for the whole, not for each text in it.
        let parsed = std::str::from_utf8(&bytes).ok().and_then(|text| serde_json::from_str(text).ok());
        match parsed {
            Some(ObjectOf(body)) => Ok(Self(body)),
            None => Err(explain::<T>(&bytes)),
        }
    }
}

/// A request body that is plain text.
pub(in crate::http) struct Text<const BYTES_MAX: usize>(pub(in crate::http) String);

/// The media type of plain text, as replies say it; requests may leave the charset out.
pub(in crate::http) const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for Text<BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_declared(request.headers(), &["text/plain"])?;
        let bytes = read(request.into_body(), BYTES_MAX).await?;
        let not_utf8 = |_| Problem::because(Code::InvalidRequest, "the body is not UTF-8");
        String::from_utf8(bytes.into()).map(Self).map_err(not_utf8)
    }
}

/// Refuses a body that is not declared as one of `media_types` in UTF-8 without an encoding.
fn check_declared(headers: &HeaderMap, media_types: &[&str]) -> Result<(), Problem> {
    let unsupported = || Problem::because(Code::UnsupportedMediaType, format!("send {}", media_types.join(" or ")));
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(unsupported());
    }
    let declared = single_header(headers, &header::CONTENT_TYPE)?.ok_or_else(unsupported)?;
    let (media_type, parameters) = declared.split_once(';').unwrap_or((declared, ""));
    let known = media_types.iter().any(|known| known.eq_ignore_ascii_case(media_type.trim()));
    let parameters = parameters.trim();
    let utf8 = parameters.is_empty()
        || parameters.eq_ignore_ascii_case("charset=utf-8")
        || parameters.eq_ignore_ascii_case("charset=\"utf-8\"");
    if known && utf8 { Ok(()) } else { Err(unsupported()) }
}

/// Reads the body to its end, refusing it as soon as it is known to be too large.
async fn read(mut body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::because(Code::TooLarge, format!("this body may have {bytes_max} bytes"));
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut gathered = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let incomplete = |error| Problem::because(Code::InvalidRequest, "the body ended early").caused_by(error);
        let Ok(data) = frame.map_err(incomplete)?.into_data() else { continue };
        if first.len() + gathered.len() + data.len() > bytes_max {
            return Err(too_large());
        }
        // Most bodies come in one piece, which is used as it is.
        if first.is_empty() && gathered.is_empty() {
            first = data;
            continue;
        }
        if gathered.is_empty() {
            gathered.reserve(announced.max(first.len() + data.len()));
            gathered.extend_from_slice(&std::mem::take(&mut first));
        }
        gathered.extend_from_slice(&data);
    }
    Ok(if gathered.is_empty() { first } else { gathered.into() })
}

/// Why `bytes` is not a `T`, without repeating any of it. Only refused bodies are read this second time.
fn explain<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    let value = match serde_json::from_slice(bytes) {
        Ok(StrictValue(value)) => value,
        Err(error) => return ill_formed(&error),
    };
    match ObjectOf::<T>::deserialize(Shape(value)) {
        Err(error) => error.into_problem(),
        Ok(_) => Problem::new(Code::InvalidRequest),
    }
}

/// The parser's own messages about syntax are constant texts and a position; those about data are ours (`strict`).
fn ill_formed(error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Syntax | Category::Eof => Problem::because(Code::InvalidJson, error.to_string()),
        Category::Data | Category::Io => {
            let (line, column) = (error.line(), error.column());
            Problem::because(Code::InvalidJson, format!("{DUPLICATE_KEY} at line {line} column {column}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::{StrictObject, Word};
    use crate::types::{RecordMeta, Role};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read for its refusals only")]
    struct Example {
        profile: StrictObject,
        meta: Option<ObjectOf<RecordMeta>>,
        role: Option<Word<Role>>,
        count: Option<u32>,
    }

    /// The refusal of `body`, as code, detail and pointers.
    fn refusal(body: &[u8]) -> String {
        match serde_json::from_slice::<ObjectOf<Example>>(body) {
            Ok(_) => "accepted".to_owned(),
            Err(_) => explain::<Example>(body).words(),
        }
    }

    #[test]
    fn a_refused_body_is_explained_without_its_content() {
        let cases: &[&[u8]] = &[
            br#"{"profile":{}}"#,
            br#"{"profile":{"a":[1,{"b":null}]},"meta":{"source":"web"},"role":"crm","count":3}"#,
            b"",
            b"canary",
            br#"{"profile":{"name":"canary"#,
            br#"{"profile":{}} canary"#,
            b"{\"profile\":{\"name\":\"\xff\xfe\"}}",
            b"\xef\xbb\xbf{\"profile\":{}}",
            br#"{"profile":{"name":"\ud800"}}"#,
            br#"{"profile":{"canary":1,"canary":2}}"#,
            br#"{"profile":{"a":{"canary":1,"canary":2}}}"#,
            br#"{"profile":{},"profile":{}}"#,
            br#"{"profile":"canary"}"#,
            br#"{"profile":["canary"]}"#,
            br#"["canary"]"#,
            br#"[{"a":1}]"#,
            br#"{"profile":{},"meta":[["support"]]}"#,
            br#"{"profile":{},"role":{"crm":null}}"#,
            br#""canary""#,
            br#"{"canary":1,"profile":{}}"#,
            br#"{}"#,
            br#"{"profile":{},"meta":{"canary":1}}"#,
            br#"{"profile":{},"meta":{"purposes":["Canary Canary"]}}"#,
            br#"{"profile":{},"meta":{"purposes":"canary"}}"#,
            br#"{"profile":{},"meta":{"expires_at":"canary"}}"#,
            br#"{"profile":{},"role":"canary"}"#,
            br#"{"profile":{},"role":7}"#,
            br#"{"profile":{},"count":"canary"}"#,
            br#"{"profile":{},"count":-1}"#,
            br#"{"profile":{"a":1e999}}"#,
        ];
        let mut lines = String::new();
        for body in cases {
            let refusal = refusal(body);
            assert!(!refusal.to_lowercase().contains("canary"), "{refusal}");
            lines.push_str(&format!("{} -> {refusal}\n", String::from_utf8_lossy(body).escape_default()));
        }
        let deep = format!(r#"{{"profile":{{"a":{}1{}}}}}"#, "[".repeat(200), "]".repeat(200));
        lines.push_str(&format!("200 levels -> {}\n", refusal(deep.as_bytes())));
        insta::with_settings!({snapshot_path => "../../../tests/golden", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("refused_bodies", lines);
        });
    }

    #[test]
    fn a_body_must_be_declared_as_what_it_is() {
        let check = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            check_declared(&headers, &["application/merge-patch+json", "application/json"]).is_ok()
        };
        for text in ["application/json", "Application/JSON; charset=UTF-8", "application/merge-patch+json"] {
            assert!(check(text), "{text}");
        }
        for text in ["", "text/json", "application/json; charset=latin-1", "application/json-patch+json", "*/*"] {
            assert!(!check(text), "{text}");
        }
    }
}
