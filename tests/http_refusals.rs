//! What is refused before the vault is asked: requests that are malformed, unannounced, oversized or sly.
//!
//! `tests/golden/http_refusals.txt` holds each request and its refusal. No refusal repeats what the client sent: every
//! request carries a canary where it can, and none may come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use membervault::http;
use membervault::types::Role;
use support::desk::{Desk, Reply};

const ID: &str = "6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11";

/// One request and its refusal on a line or two.
fn describe(name: &str, reply: &Reply) -> String {
    let problem = reply.json();
    assert!(!reply.text().to_lowercase().contains("canary"), "{name}: {}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json", "{name}");
    assert_eq!(problem["instance"], format!("urn:uuid:{}", reply.header("x-request-id")), "{name}");
    assert_eq!(problem["type"], format!("urn:membervault:problem:{}", reply.code()), "{name}");
    assert_eq!(problem["status"], reply.status.as_u16(), "{name}");
    let mut line = format!("{name}\n    {} {}", reply.status.as_u16(), reply.code());
    for part in ["detail", "fields"] {
        if let Some(text) = problem.get(part) {
            line.push_str(&format!(" | {text}"));
        }
    }
    for header in ["allow", "www-authenticate", "retry-after"] {
        if reply.headers.contains_key(header) {
            line.push_str(&format!(" | {header}: {}", reply.header(header)));
        }
    }
    line + "\n"
}

struct Golden {
    desk: Desk,
    bearer: String,
    lines: String,
}

impl Golden {
    fn start() -> Self {
        let desk = Desk::new();
        let bearer = desk.token(Role::Crm, None);
        Self { desk, bearer, lines: String::new() }
    }

    fn section(&mut self, name: &str) {
        self.lines.push_str(&format!("\n## {name}\n\n"));
    }

    async fn case(&mut self, name: &str, request: Builder, body: impl Into<Body>) {
        let reply = self.desk.send_raw(request.body(body.into()).expect(name)).await;
        self.lines.push_str(&describe(name, &reply));
    }

    /// A case behind a good token.
    async fn known(&mut self, name: &str, request: Builder, body: impl Into<Body>) {
        let bearer = self.bearer.clone();
        self.case(name, request.header("authorization", bearer), body).await;
    }

    /// A POST of `body` that should be a new member.
    async fn post(&mut self, name: &str, body: impl Into<Body>) {
        self.known(name, request("POST", "/v1/members").header("content-type", "application/json"), body).await;
    }
}

fn request(method: &str, uri: &str) -> Builder {
    Request::builder().method(method).uri(uri)
}

#[tokio::test]
async fn a_stranger_learns_nothing_from_any_route() {
    let desk = Desk::new();
    for (method, template) in http::routes().into_iter().filter(|(_, path)| path.starts_with("/v1/")) {
        // What takes no token: the document, and links, whose secret is in the body.
        if ["/v1/openapi.json", "/v1/shares/open"].contains(&template) {
            continue;
        }
        // All else is wrong too, and none of it shows.
        let path = template.replace("{id}", "NO").replace("{compartment}", "N%2fO").replace("{name}", "..");
        let request = request(&method, &format!("{path}?canary=1")).header("if-match", "canary");
        let reply = desk.send_raw(request.body(Body::from("canary")).unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, "unauthenticated".to_owned()), "{method} {template}");
        assert_eq!(reply.json().get("detail"), None, "{method} {template}");
        assert!(reply.header("www-authenticate").starts_with("Bearer"), "{method} {template}");
    }
}

#[tokio::test]
async fn refusals_are_these() {
    let mut golden = Golden::start();
    authentication(&mut golden).await;
    paths(&mut golden).await;
    methods(&mut golden).await;
    queries(&mut golden).await;
    headers(&mut golden).await;
    declared_bodies(&mut golden).await;
    bodies(&mut golden).await;
    support::golden("http_refusals.txt", golden.lines.trim_start());
}

async fn authentication(golden: &mut Golden) {
    golden.section("authentication");
    let good = golden.bearer.clone();
    let mut forged = good.clone();
    let last = if forged.ends_with('A') { 'B' } else { 'A' };
    forged.pop();
    forged.push(last);
    let token = good.trim_start_matches("Bearer ").to_owned();
    let cases = [
        ("no token", vec![]),
        ("another scheme", vec!["Basic Y2FuYXJ5OmNhbmFyeQ==".to_owned()]),
        ("no scheme", vec![token.clone()]),
        ("scheme only", vec!["Bearer".to_owned()]),
        ("empty token", vec!["Bearer   ".to_owned()]),
        ("not a token of ours", vec!["Bearer canary".to_owned()]),
        ("one character changed", vec![forged]),
        ("two tokens", vec![good.clone(), good]),
        ("a token with a tail", vec![format!("Bearer {token} canary")]),
    ];
    for (name, values) in cases {
        let request = values.into_iter().fold(request("GET", "/v1/members"), |r, v| r.header("authorization", v));
        golden.case(name, request, Body::empty()).await;
    }
    let not_text = request("GET", "/v1/members").header("authorization", &b"Bearer \xff"[..]);
    golden.case("a token that is not text", not_text, Body::empty()).await;
}

async fn paths(golden: &mut Golden) {
    golden.section("paths");
    let cases = [
        "/".to_owned(),
        "/v1".to_owned(),
        "/v1/".to_owned(),
        "/v1/members/".to_owned(),
        "/v2/members".to_owned(),
        "/V1/members".to_owned(),
        "//v1/members".to_owned(),
        "/v1//members".to_owned(),
        format!("/v1/members//{ID}"),
        format!("/v1/members/{ID}/"),
        "/v1/members/..".to_owned(),
        "/v1/members/%2e%2e".to_owned(),
        "/v1/members/%2e%2e%2fstatus".to_owned(),
        "/v1/members/../status".to_owned(),
        "/v1/%6dembers".to_owned(),
        format!("/v1/members/{}", ID.to_uppercase()),
        format!("/v1/members/%7b{ID}%7d"),
        format!("/v1/members/{ID}%00"),
        format!("/v1/members/{ID}%20"),
        format!("/v1/members/{ID}%ff"),
        format!("/v1/members/{ID}%zz"),
        format!("/v1/members/{ID};canary"),
        "/v1/members/canary@example.org".to_owned(),
        format!("/v1/members/{}", "9".repeat(4000)),
        format!("/v1/members/{ID}/records/core"),
        format!("/v1/members/{ID}/records/core%2fprofile"),
        format!("/v1/members/{ID}/records/core%2fprofile/canary"),
        format!("/v1/members/{ID}/records/Core/profile"),
        format!("/v1/members/{ID}/records/core/.."),
        format!("/v1/members/{ID}/records/core/%2e%2e"),
        format!("/v1/members/{ID}/records/../../{ID}"),
        format!("/v1/members/{ID}/records/core/{}", "a".repeat(65)),
        "/v1/erasures/canary".to_owned(),
        format!("http://canary.example/v1/members/{ID}/a-canary"),
    ];
    for path in cases {
        let shown = if path.len() > 120 { format!("{}... ({} bytes)", &path[..60], path.len()) } else { path.clone() };
        golden.known(&format!("GET {shown}"), request("GET", &path), Body::empty()).await;
    }
    golden.known("* for the server", request("OPTIONS", "*"), Body::empty()).await;
}

async fn methods(golden: &mut Golden) {
    golden.section("methods");
    let cases = [
        ("PUT", "/v1/members"),
        ("DELETE", "/v1/members"),
        ("OPTIONS", "/v1/members"),
        ("TRACE", "/v1/members"),
        ("CONNECT", "/v1/members"),
        ("CANARY", "/v1/members"),
        ("GET", "/v1/members/lookup"),
        ("POST", "/v1/members/6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11"),
        ("POST", "/v1/status"),
        ("POST", "/healthz"),
        ("DELETE", "/metrics"),
    ];
    for (method, path) in cases {
        let name = format!("{} {path}", if method == "CANARY" { "a method of no standard" } else { method });
        golden.known(&name, request(method, path), Body::empty()).await;
    }
}

async fn queries(golden: &mut Golden) {
    golden.section("queries");
    let member = format!("/v1/members/{ID}");
    let many = vec!["a"; 65].join(",");
    let cases = [
        ("/v1/members".to_owned(), "email=canary%40example.org"),
        ("/v1/members".to_owned(), "canary"),
        ("/v1/members".to_owned(), "limit=1&limit=2"),
        ("/v1/members".to_owned(), "Limit=1"),
        ("/v1/members".to_owned(), "limit="),
        ("/v1/members".to_owned(), "limit=0"),
        ("/v1/members".to_owned(), "limit=501"),
        ("/v1/members".to_owned(), "limit=-1"),
        ("/v1/members".to_owned(), "limit=canary"),
        ("/v1/members".to_owned(), "limit=99999999999999999999"),
        ("/v1/members".to_owned(), "cursor=canary"),
        ("/v1/members".to_owned(), "cursor=%ff%00"),
        ("/v1/members".to_owned(), "cursor="),
        ("/v1/status".to_owned(), "canary=1"),
        (member.clone(), "fields="),
        (member.clone(), "fields=name,"),
        (member.clone(), "fields=Canary"),
        (member.clone(), "fields=*"),
        (member.clone(), &many),
        (member, "limit=1"),
    ];
    for (path, query) in cases {
        let query = if query == many { format!("fields={query}") } else { query.to_owned() };
        let shown = if query.len() > 80 { "fields=a,a,... (65 names)" } else { &query };
        let template = path.replace(ID, "{id}");
        golden.known(&format!("{template}?{shown}"), request("GET", &format!("{path}?{query}")), Body::empty()).await;
    }
}

async fn headers(golden: &mut Golden) {
    golden.section("headers");
    let record = format!("/v1/members/{ID}/records/orders/1");
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 16] = [
        ("DELETE", &record, &[("if-match", "canary")]),
        ("DELETE", &record, &[("if-match", "1")]),
        ("DELETE", &record, &[("if-match", "W/\"1\"")]),
        ("DELETE", &record, &[("if-match", "\"1\", \"2\"")]),
        ("DELETE", &record, &[("if-match", "\"01\"")]),
        ("DELETE", &record, &[("if-match", "\"1\""), ("if-match", "\"2\"")]),
        ("DELETE", &record, &[("if-none-match", "\"1\"")]),
        ("DELETE", &record, &[("if-match", "\"1\""), ("if-none-match", "*")]),
        ("DELETE", "/v1/tokens/0011223344556677", &[("if-match", "\"1\"")]),
        ("POST", "/v1/members", &[("idempotency-key", "")]),
        ("POST", "/v1/members", &[("idempotency-key", "canary canary")]),
        ("POST", "/v1/members", &[("idempotency-key", "a"), ("idempotency-key", "a")]),
        ("GET", "/v1/members", &[("membervault-purpose", "Canary Purpose")]),
        ("GET", "/v1/members", &[("membervault-purpose", "")]),
        ("GET", "/v1/members", &[("membervault-purpose", "support"), ("membervault-purpose", "support")]),
        ("GET", "/v1/members", &[("membervault-purpose", "canary-purpose")]),
    ];
    for (method, path, headers) in cases {
        let shown: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let request =
            headers.iter().fold(request(method, path), |request, (name, value)| request.header(*name, *value));
        let name = format!("{method} {} [{}]", path.replace(ID, "{id}"), shown.join(", "));
        golden.known(&name, request, Body::empty()).await;
    }
    let long = request("POST", "/v1/members").header("idempotency-key", "a".repeat(129));
    golden.known("POST /v1/members [idempotency-key: 129 characters]", long, Body::empty()).await;
}

async fn declared_bodies(golden: &mut Golden) {
    golden.section("bodies as declared");
    let body = r#"{"profile":{}}"#;
    let declare = |text: &str| request("POST", "/v1/members").header("content-type", text);
    golden.known("no media type", request("POST", "/v1/members"), body).await;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonl",
        "application/merge-patch+json",
        "application/json; charset=utf-16",
        "application/json; boundary=canary",
    ] {
        golden.known(media_type, declare(media_type), body).await;
    }
    let packed = declare("application/json").header("content-encoding", "gzip");
    golden.known("content-encoding: gzip", packed, body).await;
    let patch = request("PATCH", &format!("/v1/members/{ID}")).header("content-type", "application/json-patch+json");
    golden.known("PATCH with application/json-patch+json", patch, "[]").await;

    let large = format!(r#"{{"profile":{{"canary":"{}"}}}}"#, "x".repeat(1024 * 1024 + 64 * 1024));
    golden.post("a body one mebibyte and more", large).await;
    let record = format!(r#"{{"profile":{{"canary":"{}"}}}}"#, "x".repeat(1024 * 1024));
    golden.post("a record one mebibyte and a little more", record).await;
    let hold = request("POST", "/v1/members/lookup").header("content-type", "application/json");
    let small = format!(r#"{{"kind":"email","value":"{}"}}"#, "x".repeat(16 * 1024));
    golden.known("a look-up of 16 KiB and more", hold, small).await;
}

async fn bodies(golden: &mut Golden) {
    golden.section("bodies");
    golden.post("empty", "").await;
    golden.post("not JSON", "canary").await;
    golden.post("JSON with a tail", r#"{"profile":{}}canary"#).await;
    golden.post("JSON cut short", r#"{"profile":{"name":"canary"#).await;
    golden.post("bad UTF-8", &b"{\"profile\":{\"name\":\"canary\xff\"}}"[..]).await;
    golden.post("overlong UTF-8", &b"{\"profile\":{\"name\":\"\xc0\x80\"}}"[..]).await;
    golden.post("half a surrogate pair", r#"{"profile":{"name":"\ud800"}}"#).await;
    golden.post("a byte-order mark", "\u{feff}{\"profile\":{}}").await;
    golden.post("NaN", r#"{"profile":{"canary":NaN}}"#).await;
    golden.post("a number beyond all numbers", r#"{"profile":{"canary":1e999}}"#).await;
    golden.post("the same key twice", r#"{"profile":{"canary":1,"canary":2}}"#).await;
    golden.post("the same key twice, escaped", r#"{"profile":{"canary":1,"\u0063anary":2}}"#).await;
    golden.post("an array", r#"[{"profile":{}}]"#).await;
    golden.post("a text", r#""canary""#).await;
    golden.post("null", "null").await;
    golden.post("no profile", "{}").await;
    golden.post("a profile that is null", r#"{"profile":null}"#).await;
    golden.post("a profile that is a text", r#"{"profile":"canary"}"#).await;
    golden.post("an unknown field", r#"{"profile":{},"canary":1}"#).await;
    golden.post("an unknown field in the metadata", r#"{"profile":{},"meta":{"canary":1}}"#).await;
    golden.post("metadata as an array", r#"{"profile":{},"meta":[["canary"]]}"#).await;
    golden.post("a purpose that is no name", r#"{"profile":{},"meta":{"purposes":["Canary Canary"]}}"#).await;
    golden.post("an end that is no time", r#"{"profile":{},"meta":{"expires_at":"canary"}}"#).await;
    let long = format!(r#"{{"profile":{{}},"meta":{{"source":"{}"}}}}"#, "canary".repeat(30));
    golden.post("a source that is too long", long).await;
    golden.post("an e-mail address that is none", r#"{"profile":{"email":"canary"}}"#).await;
    golden.post("an e-mail address that is a number", r#"{"profile":{"email":7}}"#).await;
    golden.post("a phone number that is none", r#"{"profile":{"phone":"canary"}}"#).await;
    let nested = |levels: usize| format!(r#"{{"profile":{{"a":{}1{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
    golden.post("33 levels", nested(32)).await;
    golden.post("1000 levels", nested(1000)).await;

    let json = |method, path: &str| request(method, path).header("content-type", "application/json");
    let cases = [
        ("POST", "/v1/members/lookup", r#"{"kind":"canary","value":"a"}"#),
        ("POST", "/v1/members/lookup", r#"{"kind":{"email":null},"value":"a"}"#),
        ("POST", "/v1/members/lookup", r#"{"kind":"email","value":["canary"]}"#),
        ("POST", "/v1/members/lookup", r#"{"kind":"email"}"#),
        ("PATCH", "/v1/members/6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11", r#"{"email":"canary@example.org"}"#),
        ("PUT", "/v1/members/6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11/records/orders/1", r#"{"data":[]}"#),
        ("PUT", "/v1/members/6f1c7d7e-6f0e-4e7b-9f5d-2f8d1f0f3a11/hold", r#"{"reason":7}"#),
        ("POST", "/v1/tokens", r#"{"role":"canary","label":"canary"}"#),
        ("POST", "/v1/tokens", r#"{"role":"crm","label":"canary","rate_per_s":-1}"#),
        ("POST", "/v1/tokens", r#"{"role":"crm","label":"canary","member":"canary"}"#),
        ("POST", "/v1/tokens", r#"{"role":"crm","label":"canary","expires_at":7}"#),
    ];
    for (method, path, body) in cases {
        golden.known(&format!("{method} {} {body}", path.replace(ID, "{id}")), json(method, path), body).await;
    }
}
