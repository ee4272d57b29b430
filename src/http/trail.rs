//! What one request leaves for its log line and its counters, filled in on the way.

use std::sync::{Arc, OnceLock};

use crate::types::{RequestId, TokenId};

/// The marks of one request; every clone is the same trail.
#[derive(Clone)]
pub(super) struct Trail(Arc<Marks>);

struct Marks {
    request: RequestId,
    route: OnceLock<usize>,
    token: OnceLock<TokenId>,
}

impl Trail {
    /// The trail of a request that just arrived.
    pub(super) fn new(request: RequestId) -> Self {
        Self(Arc::new(Marks { request, route: OnceLock::new(), token: OnceLock::new() }))
    }

    /// The request.
    pub(super) fn request(&self) -> RequestId {
        self.0.request
    }

    /// The position of the route in the table, once the router found it.
    pub(super) fn route(&self) -> Option<usize> {
        self.0.route.get().copied()
    }

    /// The token that was presented, once it was accepted.
    pub(super) fn token(&self) -> Option<TokenId> {
        self.0.token.get().copied()
    }

    /// The router found a route.
    pub(super) fn mark_route(&self, index: usize) {
        let _ = self.0.route.set(index);
    }

    /// The caller was authenticated.
    pub(super) fn mark_token(&self, token: TokenId) {
        let _ = self.0.token.set(token);
    }
}
