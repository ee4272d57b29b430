//! The OpenAPI 3.1 document, written from the table of routes and the shapes of bodies.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Paths,
    Ref, RefOr, Required, Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::extract::{IDEMPOTENCY_HEADER, PURPOSE_HEADER};
use super::problem::{self, ProblemBody};
use super::route::{Mounted, ReplyDoc, RouteDoc};
use super::routes;
use crate::code::Code;
use crate::vault::api::Page;

/// The name of the security scheme.
const BEARER: &str = "bearer";

/// What any route may refuse with.
const ANY_ROUTE: &[Code] = &[Code::Internal, Code::Timeout];

/// What any route behind authentication may refuse with.
const ANY_BEARER: &[Code] = &[
    Code::InvalidRequest,
    Code::UnknownField,
    Code::InvalidName,
    Code::Unauthenticated,
    Code::Forbidden,
    Code::PurposeRequired,
    Code::PurposeUnknown,
    Code::PurposeNotAllowed,
    Code::RateLimited,
    Code::Overloaded,
    Code::ShuttingDown,
    Code::Corrupt,
    Code::StorageFailed,
    Code::DiskFull,
    Code::Io,
];

/// The document as it is served.
pub fn document() -> Bytes {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    // The document is made of constants; a test serialises it.
    DOCUMENT.get_or_init(|| serde_json::to_vec_pretty(&build()).unwrap_or_default().into()).clone()
}

fn build() -> OpenApi {
    let mut components = Components::new();
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("mv1").build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    let mut paths = Paths::new();
    for route in routes::table() {
        components.schemas.extend(route.doc.schemas.iter().cloned());
        let item = PathItem::new(http_method(&route.facts.method), operation(&route));
        match paths.paths.get_mut(route.facts.template) {
            Some(present) => present.merge_operations(item),
            None => drop(paths.paths.insert(route.facts.template.to_owned(), item)),
        }
    }
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("membervault")
        .version(crate::types::VERSION)
        .description(Some("An encrypted vault for member data."))
        .license(Some(license))
        .build();
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(route: &Mounted) -> Operation {
    let doc = &route.doc;
    let tag = route.facts.template.trim_start_matches("/v1").split('/').nth(1).unwrap_or_default();
    let mut operation = OperationBuilder::new().operation_id(Some(doc.id)).summary(Some(doc.summary)).tag(tag);
    for parameter in parameters(route) {
        operation = operation.parameter(parameter);
    }
    if let Some((schema, media_types)) = &doc.body {
        let mut body = RequestBodyBuilder::new().required(Some(Required::True));
        for media_type in *media_types {
            body = body.content(*media_type, ContentBuilder::new().schema(Some(schema.clone())).build());
        }
        operation = operation.request_body(Some(body.build()));
    }
    for reply in &doc.replies {
        operation = operation.response(reply.status.as_str(), documented_reply(reply));
    }
    for (status, codes) in refusals(doc) {
        operation = operation.response(status.as_str(), documented_refusal(status, &codes));
    }
    if doc.bearer {
        operation = operation.security(SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, []));
    }
    operation.build()
}

/// The refusals of a route by status.
fn refusals(doc: &RouteDoc) -> BTreeMap<StatusCode, Vec<Code>> {
    let mut by_status: BTreeMap<StatusCode, Vec<Code>> = BTreeMap::new();
    let always = if doc.bearer { ANY_BEARER } else { &[] };
    for code in Code::ALL.iter().filter(|code| [ANY_ROUTE, always, &doc.faults].iter().any(|set| set.contains(code))) {
        by_status.entry(problem::status(*code)).or_default().push(*code);
    }
    by_status
}

fn documented_reply(reply: &ReplyDoc) -> Response {
    let description = reply.status.canonical_reason().unwrap_or_default();
    let mut response = with_request_id(ResponseBuilder::new().description(description));
    if let Some((schema, media_type)) = &reply.content {
        response = response.content(*media_type, ContentBuilder::new().schema(Some(schema.clone())).build());
    }
    for name in reply.headers {
        response = response.header(*name, HeaderBuilder::new().schema(Some(text())).build());
    }
    for (operation, parameters) in reply.links {
        let link = LinkBuilder::new().operation_id(*operation);
        let link = parameters.iter().fold(link, |link, (name, from)| link.parameter(*name, *from));
        response = response.link(*operation, link.build());
    }
    response.build()
}

fn documented_refusal(status: StatusCode, codes: &[Code]) -> Response {
    let lines: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    let mut response =
        with_request_id(ResponseBuilder::new().description(lines.join("\n\n"))).content(problem::MEDIA_TYPE, content);
    let extra = match status {
        StatusCode::UNAUTHORIZED => Some("WWW-Authenticate"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some("Retry-After"),
        _ => None,
    };
    if let Some(name) = extra {
        response = response.header(name, HeaderBuilder::new().schema(Some(text())).build());
    }
    response.build()
}

fn with_request_id(response: ResponseBuilder) -> ResponseBuilder {
    response.header("X-Request-Id", HeaderBuilder::new().schema(Some(uuid())).build())
}

fn parameters(route: &Mounted) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = path_parameters(route.facts.template);
    parameters.extend(route.facts.query.iter().map(|name| query_parameter(name)));
    if route.doc.bearer {
        let about = "Why the data is used. Required from roles that must state a purpose.";
        parameters.push(header(PURPOSE_HEADER.as_str(), about, pattern("^[a-z0-9][a-z0-9_-]{0,31}$")));
    }
    if route.doc.idempotent {
        let about = "The same request with the same key is done once.";
        parameters.push(header(IDEMPOTENCY_HEADER.as_str(), about, pattern("^[!-~]{1,128}$")));
    }
    if route.facts.conditional {
        let about = "Only if the version is still this ETag; * if there is any.";
        parameters.push(header("if-match", about, pattern("^(\\*|\"[1-9][0-9]{0,17}\")$")));
    }
    if route.facts.conditional && route.facts.method == Method::PUT {
        parameters.push(header("if-none-match", "* to create only.", pattern("^\\*$")));
    }
    parameters
}

fn path_parameters(template: &str) -> Vec<Parameter> {
    let names = template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let schema = |name| match name {
        "compartment" => pattern("^[a-z0-9][a-z0-9_-]{0,31}$"),
        "name" => pattern("^[a-z0-9][a-z0-9._-]{0,63}$"),
        "path" => pattern(r"^([0-7]|entries)(/x[0-9]{3}){0,5}/[0-9]{3}(\.p/[1-9][0-9]{0,2})?$"),
        "token" => pattern("^[0-9a-f]{16}$"),
        "scope" => pattern("^(all|role:[a-z]+|token:[0-9a-f]{16})$"),
        "index" => pattern("^(0|[1-9][0-9]{0,17})$"),
        _ if template.starts_with("/v1/tokens") => pattern("^[0-9a-f]{16}$"),
        _ => uuid(),
    };
    names.map(|name| parameter(name, ParameterIn::Path, Required::True, schema(name)).build()).collect()
}

fn query_parameter(name: &'static str) -> Parameter {
    let (about, schema) = match name {
        "limit" => ("Most entries of the page.", limit()),
        "cursor" => ("Where the page before ended.", text()),
        "wait" => ("Reply when it is sealed, not when it is fenced.", pattern("^sealed$")),
        _ => (
            "Names of top-level fields, separated by commas; all when absent.",
            pattern("^[a-z0-9][a-z0-9_-]{0,63}(,[a-z0-9][a-z0-9_-]{0,63}){0,63}$"),
        ),
    };
    parameter(name, ParameterIn::Query, Required::False, schema).description(Some(about)).build()
}

fn header(name: &str, about: &str, schema: RefOr<Schema>) -> Parameter {
    parameter(name, ParameterIn::Header, Required::False, schema).description(Some(about)).build()
}

fn parameter(name: &str, place: ParameterIn, required: Required, schema: RefOr<Schema>) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(schema))
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}

fn pattern(pattern: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
}

fn uuid() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom("uuid".to_owned()))).into()
}

fn limit() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(Page::LIMIT_MAX))
        .default(Some(Page::LIMIT_DEFAULT.into()))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two shapes of the same name do not clash where they are written: the later one would quietly stand for both.
    #[test]
    fn no_two_shapes_have_one_name() {
        let mut shapes: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
        shapes.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
        for route in routes::table() {
            for (name, shape) in route.doc.schemas {
                if let Some(other) = shapes.insert(name.clone(), shape.clone()) {
                    assert!(other == shape, "two shapes are called {name}; the last of them is of {}", route.doc.id);
                }
            }
        }
        assert!(shapes.len() > 50, "the shapes of bodies and replies");
    }
}
