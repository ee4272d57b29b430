//! One route: what the router needs to find it, what the caller's check needs to know, what the document says of it.

use std::pin::Pin;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};

use super::extract::{PLAIN_TEXT, RequestBody};
use super::trail::Trail;
use crate::code::Code;

/// What the edge knows of a route while it serves.
pub(super) struct RouteFacts {
    /// The method.
    pub(super) method: Method,
    /// The path with its variable segments in braces.
    pub(super) template: &'static str,
    /// The query parameters it takes.
    pub(super) query: &'static [&'static str],
    /// Whether it heeds `If-Match` and `If-None-Match`.
    pub(super) conditional: bool,
}

/// What the document says of a route.
pub(super) struct RouteDoc {
    /// The operation id.
    pub(super) id: &'static str,
    /// One sentence.
    pub(super) summary: &'static str,
    /// Whether a bearer token is needed.
    pub(super) bearer: bool,
    /// Whether `Idempotency-Key` is heeded.
    pub(super) idempotent: bool,
    /// The request body, with its media types.
    pub(super) body: Option<(RefOr<Schema>, &'static [&'static str])>,
    /// The replies that are no refusals.
    pub(super) replies: Vec<ReplyDoc>,
    /// The codes it may refuse with, besides those any route may.
    pub(super) faults: Vec<Code>,
    /// The named schemas that body and replies refer to.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

/// A documented reply.
pub(super) struct ReplyDoc {
    /// The status.
    pub(super) status: StatusCode,
    /// The body, with its media type; `None` for an empty one.
    pub(super) content: Option<(RefOr<Schema>, &'static str)>,
    /// Headers beyond those of every reply.
    pub(super) headers: &'static [&'static str],
    /// What can be asked next with what this reply says.
    pub(super) links: &'static [Link],
}

/// A link to another operation: its id, and its parameters with the runtime expressions that give them.
pub(super) type Link = (&'static str, &'static [(&'static str, &'static str)]);

/// A route under construction.
pub(super) struct Route {
    pub(super) facts: RouteFacts,
    pub(super) doc: RouteDoc,
}

/// A finished route.
pub(super) struct Mounted {
    pub(super) facts: RouteFacts,
    pub(super) doc: RouteDoc,
    pub(super) answer: Answer,
}

/// A handler, with its extractors: from the request and its trail to the response.
pub(super) type Answer = Box<dyn Fn(Request, Trail) -> Answering + Send + Sync>;

/// A handler at work.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

impl Route {
    /// A route behind authentication.
    pub(super) fn new(method: Method, template: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            facts: RouteFacts { method, template, query: &[], conditional: false },
            doc: RouteDoc {
                id,
                summary,
                bearer: true,
                idempotent: false,
                body: None,
                replies: Vec::new(),
                faults: Vec::new(),
                schemas: Vec::new(),
            },
        }
    }

    /// Open to anyone who reaches the port.
    pub(super) fn public(mut self) -> Self {
        self.doc.bearer = false;
        self
    }

    /// Takes these query parameters.
    pub(super) fn query(mut self, names: &'static [&'static str]) -> Self {
        self.facts.query = names;
        self
    }

    /// Heeds `If-Match` and `If-None-Match`.
    pub(super) fn conditional(mut self) -> Self {
        self.facts.conditional = true;
        self.faults(&[&[Code::VersionMismatch]])
    }

    /// Heeds `Idempotency-Key`.
    pub(super) fn idempotent(mut self) -> Self {
        self.doc.idempotent = true;
        self.faults(&[&[Code::IdempotencyMismatch]])
    }

    /// Takes a body of type `T`.
    pub(super) fn body<T: ToSchema + RequestBody>(mut self) -> Self {
        self.doc.body = Some((self.named::<T>(), T::MEDIA_TYPES));
        self.faults(&[&[Code::InvalidJson, Code::TooLarge, Code::UnsupportedMediaType]])
    }

    /// Takes a body of plain text.
    pub(super) fn body_text(mut self) -> Self {
        self.doc.body = Some((ObjectBuilder::new().schema_type(Type::String).into(), &["text/plain"]));
        self.faults(&[&[Code::TooLarge, Code::UnsupportedMediaType]])
    }

    /// Replies with JSON of type `T`.
    pub(super) fn gives<T: ToSchema>(mut self, status: StatusCode, headers: &'static [&'static str]) -> Self {
        let content = Some((self.named::<T>(), "application/json"));
        self.doc.replies.push(ReplyDoc { status, content, headers, links: &[] });
        self
    }

    /// Replies with something else than JSON of a named type.
    pub(super) fn gives_plain(mut self, status: StatusCode, content: Option<(RefOr<Schema>, &'static str)>) -> Self {
        self.doc.replies.push(ReplyDoc { status, content, headers: &[], links: &[] });
        self
    }

    /// Replies with plain text.
    pub(super) fn gives_text(mut self, headers: &'static [&'static str]) -> Self {
        let content = Some((ObjectBuilder::new().schema_type(Type::String).into(), PLAIN_TEXT));
        self.doc.replies.push(ReplyDoc { status: StatusCode::OK, content, headers, links: &[] });
        self
    }

    /// The reply declared last leads to these operations.
    pub(super) fn leads_to(mut self, links: &'static [Link]) -> Self {
        if let Some(reply) = self.doc.replies.last_mut() {
            reply.links = links;
        }
        self
    }

    /// May refuse with these codes.
    pub(super) fn faults(mut self, groups: &[&[Code]]) -> Self {
        self.doc.faults.extend(groups.iter().copied().flatten());
        self
    }

    /// Is answered by `handler`.
    pub(super) fn by<H: Handler<T, Trail, Future = Answering>, T: 'static>(self, handler: H) -> Mounted {
        let Self { facts, doc } = self;
        let answer = Box::new(move |request, trail| handler.clone().call(request, trail));
        Mounted { facts, doc, answer }
    }

    fn named<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        T::schemas(&mut self.doc.schemas);
        self.doc.schemas.push((name.clone(), T::schema()));
        Ref::from_schema_name(name).into()
    }
}
