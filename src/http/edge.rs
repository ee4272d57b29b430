//! One request from its head to its reply: id, admission, time limit, router, common headers, log line, counters.
//!
//! A plain function instead of a stack of middleware: each layer would box a future and clone a service a request.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tower::Service;

use super::metrics::Metrics;
use super::problem::{self, Problem};
use super::routes;
use super::shared::{Common, Shared};
use super::trail::Trail;
use super::{RequestIds, Settings};
use crate::code::Code;
use crate::vault::Vault;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The application as a function from request to response. `server` calls it for each connection, tests directly.
pub struct Edge {
    shared: Shared,
    router: Router,
    request_ids: RequestIds,
    timeout: Duration,
}

impl Edge {
    /// The edge of `vault`.
    pub fn new(vault: Vault, settings: &Settings, request_ids: RequestIds) -> Self {
        let (router, routes) = routes::assemble(routes::table());
        let scans = Arc::new(Semaphore::new(settings.scans_max));
        let metrics = Metrics::new(routes.len());
        let in_flight = Semaphore::new(settings.in_flight_max);
        let shared =
            Arc::new(Common { vault, routes, metrics, scans, in_flight, in_flight_max: settings.in_flight_max });
        Self { router: router.with_state(shared.clone()), shared, request_ids, timeout: settings.request_timeout }
    }

    /// Answers one request. Never fails: a refusal, a timeout and a panic are answers too.
    pub async fn answer(&self, mut request: Request<Body>) -> Response {
        let arrived = Instant::now();
        let trail = Trail::new((self.request_ids)());
        request.extensions_mut().insert(trail.clone());
        let method = request.method().clone();
        let mut response = self.admit(request).await;
        self.finish(&method, &trail, arrived, &mut response);
        response
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Health and metrics are answered however busy the vault is; all else waits for no one: a full house refuses.
    async fn admit(&self, request: Request<Body>) -> Response {
        if !request.uri().path().starts_with("/v1/") {
            return self.route(request).await;
        }
        match self.shared.in_flight.try_acquire() {
            Ok(_place) => self.route(request).await,
            Err(_) => Problem::new(Code::Overloaded).into_response(),
        }
    }

    async fn route(&self, request: Request<Body>) -> Response {
        let mut router = self.router.clone();
        match tokio::time::timeout(self.timeout, unless_panic(router.call(request))).await {
            Ok(Some(Ok(response))) => response,
            Ok(None) => {
                self.metrics().panicked();
                Problem::new(Code::Internal).into_response()
            }
            Err(_) => Problem::new(Code::Timeout).into_response(),
        }
    }

    /// Writes what every reply has, and tells the log and the counters.
    fn finish(&self, method: &Method, trail: &Trail, arrived: Instant, response: &mut Response) {
        let request = trail.request();
        let problem = response.extensions_mut().remove::<Problem>();
        if let Some(problem) = &problem {
            problem.write_into(response, request);
        }
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::try_from(request.to_string()) {
            headers.insert(REQUEST_ID, id);
        }
        // Only the log, which is public by nature, says otherwise itself.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let took = arrived.elapsed();
        let code = problem.as_ref().map(Problem::code);
        self.metrics().answered(trail.route(), response.status(), code, took);
        self.log(method, trail, response.status(), problem.as_ref(), took);
    }

    /// One line a request. It names the route, never the path: ids belong into the ledger, which is sealed.
    ///
    /// Successes are at `debug`: who read what is in the ledger, and a second line for each would only cost time.
    fn log(&self, method: &Method, trail: &Trail, status: StatusCode, problem: Option<&Problem>, took: Duration) {
        let route = trail.route().and_then(|index| self.shared.routes.get(index)).map_or("-", |facts| facts.template);
        let code = problem.map_or("-", |problem| problem.code().as_str());
        let status = status.as_u16();
        let request = tracing::field::display(trail.request());
        let token = trail.token().map(tracing::field::display);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // An unknown method is the client's text.
        let method = if problem::known_method(method) { method.as_str() } else { "-" };
        match (status, problem.and_then(Problem::cause)) {
            (500.., Some(cause)) => {
                tracing::error!(method, route, status, code, micros, request, token, error = %problem::chain(cause));
            }
            (500.., None) => tracing::warn!(method, route, status, code, micros, request, token),
            (400.., _) => tracing::info!(method, route, status, code, micros, request, token),
            _ => tracing::debug!(method, route, status, code, micros, request, token),
        }
    }
}

/// The output of `future`, or `None` if it panicked. One broken handler must not take the connection with it.
async fn unless_panic<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_at_whatever_step() {
        let at_once = unless_panic(async { panic!("at once") }).await;
        let later = unless_panic(async {
            tokio::task::yield_now().await;
            panic!("later")
        })
        .await;
        assert_eq!((at_once, later), (None::<()>, None::<()>));
        assert_eq!(unless_panic(async { 7 }).await, Some(7));
    }
}
