//! What all requests share: the facade, the facts of each route, the counters, the bounds.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::metrics::Metrics;
use super::routes::RouteFacts;
use crate::vault::Vault;

/// A handle to what all requests share.
pub(super) type Shared = Arc<Common>;

/// What all requests share.
pub(super) struct Common {
    /// The facade.
    pub(super) vault: Vault,
    /// The routes, by their position in the table.
    pub(super) routes: Vec<RouteFacts>,
    /// The counters.
    pub(super) metrics: Metrics,
    /// Places for verbs that read many rows.
    pub(super) scans: Arc<Semaphore>,
    /// Places for requests.
    pub(super) in_flight: Semaphore,
    /// How many places for requests there are.
    pub(super) in_flight_max: usize,
}

impl Common {
    /// Requests being answered.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight_max.saturating_sub(self.in_flight.available_permits())
    }
}
