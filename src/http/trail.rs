//! One request on its way: what all requests share, and what this one leaves for its log line and its counters.
//!
//! It is the state that extractors are handed, so that nothing has to be looked up among the request's extensions.

use std::sync::{Arc, OnceLock};

use super::route::RouteFacts;
use super::router::Variables;
use super::shared::Shared;
use crate::types::{RequestId, TokenId};

/// The marks of one request; every clone is the same trail.
#[derive(Clone)]
pub(super) struct Trail(Arc<Marks>);

struct Marks {
    shared: Shared,
    request: RequestId,
    route: Option<(usize, Variables)>,
    token: OnceLock<TokenId>,
}

impl Trail {
    /// The trail of a request, for which the router found this route, if any.
    pub(super) fn new(shared: Shared, request: RequestId, route: Option<(usize, Variables)>) -> Self {
        Self(Arc::new(Marks { shared, request, route, token: OnceLock::new() }))
    }

    /// What all requests share.
    pub(super) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// The request.
    pub(super) fn request(&self) -> RequestId {
        self.0.request
    }

    /// The position of the route in the table, if the router found one.
    pub(super) fn route(&self) -> Option<usize> {
        self.0.route.as_ref().map(|(index, _)| *index)
    }

    /// What is known of the route.
    pub(super) fn facts(&self) -> Option<&RouteFacts> {
        self.route().and_then(|index| self.0.shared.routes.get(index))
    }

    /// What stands for the variable segments of `path`, the path of this request.
    pub(super) fn variables<'p>(&self, path: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.route.iter().flat_map(move |(_, variables)| variables.of(path))
    }

    /// The token that was presented, once it was accepted.
    pub(super) fn token(&self) -> Option<TokenId> {
        self.0.token.get().copied()
    }

    /// The caller was authenticated.
    pub(super) fn mark_token(&self, token: TokenId) {
        let _ = self.0.token.set(token);
    }
}
