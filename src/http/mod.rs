//! The HTTP edge: extract, call one verb, convert.
//!
//! A request arrives at [`serve`], becomes typed values in `extract`, is answered by one verb of the facade, and leaves
//! as JSON through `reply`, or as `problem+json` through `problem`. `routes` is the one list of what there is; the
//! router, the OpenAPI document and the log's route names come from it.
//!
//! Nothing here decides who may do what, holds a key or sees a row; nothing below knows a status code. `app` comes in.

mod alarm;
mod backups;
mod bundles;
mod consents;
mod data_keys;
mod crowds;
mod edge;
mod erasures;
mod extract;
mod history;
mod guard_metrics;
mod guards;
mod holds;
mod io;
mod log;
mod maps;
mod members;
mod metrics;
mod openapi;
mod problem;
mod purges;
mod recipients;
mod queries;
mod records;
mod reply;
mod rights;
mod reports;
mod retention;
mod route;
mod router;
mod routes;
mod schema;
mod seals;
mod server;
mod shared;
mod shares;
mod system;
mod tokens;
mod trail;
mod turn;

use std::sync::Arc;
use std::time::Duration;

pub use edge::Edge;
pub use openapi::document as openapi;
pub use problem::status;
pub use routes::list as routes;
pub use server::{Drained, serve};

use crate::types::RequestId;

/// Where request ids come from: this room has no randomness of its own.
pub type RequestIds = Arc<dyn Fn() -> RequestId + Send + Sync>;

/// The bounds of the edge.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests worked on at one time; one more is refused as `overloaded`.
    pub in_flight_max: usize,
    /// Verbs that read many rows, at one time; one more waits.
    pub scans_max: usize,
    /// Open connections; one more waits in the system's queue.
    pub connections_max: usize,
    /// Bytes of a request's head.
    pub header_bytes_max: usize,
    /// Time to send a request's head, and to stay silent between two requests.
    pub header_read_timeout: Duration,
    /// Time a reply may wait for a client that does not read.
    pub write_stall_timeout: Duration,
    /// Time to answer a request, its body included.
    pub request_timeout: Duration,
    /// Time for requests under way to finish when serving stops.
    pub drain_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            in_flight_max: 1024,
            scans_max: 8,
            connections_max: 4096,
            header_bytes_max: 16 * 1024,
            header_read_timeout: Duration::from_secs(30),
            write_stall_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
