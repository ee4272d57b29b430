//! One request from its head to its reply: id, admission, time limit, router, common headers, log line, counters.
//!
//! A plain function instead of a stack of middleware: each layer would box a future and clone a service a request.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::alarm::ConnectionTimer;
use super::metrics::Metrics;
use super::problem::{self, Problem};
use super::route::{Answer, Answering};
use super::router::{Found, Router};
use super::routes;
use super::shared::{Common, Shared};
use super::trail::Trail;
use super::turn::pause_after_a_turn;
use super::{RequestIds, Settings};
use crate::code::Code;
use crate::types::RequestId;
use crate::vault::Vault;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The application as a function from request to response. `server` calls it for each connection, tests directly.
pub struct Edge {
    shared: Shared,
    router: Router,
    /// The handlers, by their position in the table of routes.
    answers: Vec<Answer>,
    request_ids: RequestIds,
    timeout: Duration,
}

impl Edge {
    /// The edge of `vault`.
    pub fn new(vault: Vault, settings: &Settings, request_ids: RequestIds) -> Self {
        let (routes, answers): (Vec<_>, Vec<_>) =
            routes::table().into_iter().map(|route| (route.facts, route.answer)).unzip();
        let router = Router::new(&routes);
        let scans = Arc::new(Semaphore::new(settings.scans_max));
        let metrics = Metrics::new(routes.len());
        let in_flight = Semaphore::new(settings.in_flight_max);
        let shared =
            Arc::new(Common { vault, routes, metrics, scans, in_flight, in_flight_max: settings.in_flight_max });
        Self { shared, router, answers, request_ids, timeout: settings.request_timeout }
    }

    /// Answers one request. Never fails: a refusal, a timeout and a panic are answers too.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        self.answer_in_turn(request, &ConnectionTimer::default()).await
    }

    /// Answers one request of a connection, whose timer this is.
    pub(super) async fn answer_in_turn(&self, request: Request<Body>, timer: &ConnectionTimer) -> Response {
        let arrived = Instant::now();
        pause_after_a_turn(arrived);
        let id = (self.request_ids)();
        let method = request.method().clone();
        let (trail, mut response) = match self.admit(request.uri().path()) {
            Ok(_place) => self.route(&method, request, id, arrived, timer).await,
            Err(refusal) => (Trail::new(self.shared.clone(), id, None), refusal.into_response()),
        };
        self.finish(&method, &trail, arrived, &mut response);
        response
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Health and metrics are answered however busy the vault is; all else waits for no one: a full house refuses.
    fn admit(&self, path: &str) -> Result<Option<SemaphorePermit<'_>>, Problem> {
        if !path.starts_with("/v1/") {
            return Ok(None);
        }
        self.shared.in_flight.try_acquire().map(Some).map_err(|_| Problem::new(Code::Overloaded))
    }

    async fn route(
        &self,
        method: &Method,
        request: Request<Body>,
        id: RequestId,
        arrived: Instant,
        timer: &ConnectionTimer,
    ) -> (Trail, Response) {
        let trail = |route| Trail::new(self.shared.clone(), id, route);
        let (index, variables) = match self.router.find(method, request.uri().path()) {
            Found::Route(index, variables) => (index, variables),
            Found::OtherMethods(allow) => {
                let mut response = Problem::new(Code::MethodNotAllowed).into_response();
                response.headers_mut().insert(header::ALLOW, allow.clone());
                return (trail(None), response);
            }
            Found::Nothing => return (trail(None), Problem::new(Code::NoSuchRoute).into_response()),
        };
        let trail = trail(Some((index, variables)));
        // The router counts along the same table.
        let Some(answer) = self.answers.get(index) else {
            return (trail, Problem::new(Code::Internal).into_response());
        };
        let mut response = self.in_time(answer(request, trail.clone()), arrived, timer).await;
        if *method == Method::HEAD {
            only_the_head(&mut response);
        }
        (trail, response)
    }

    /// The response of a handler, or the refusal that stands for one that panics or takes too long.
    async fn in_time(&self, answering: Answering, arrived: Instant, timer: &ConnectionTimer) -> Response {
        let mut answering = pin!(unless_panic(answering));
        let end = arrived + self.timeout;
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = answering.as_mut().poll(cx) {
                return Poll::Ready(Ok(answered));
            }
            timer.poll_until(end, cx).map(|()| Err(Problem::new(Code::Timeout)))
        });
        match answered.await {
            Ok(Some(response)) => response,
            Ok(None) => {
                self.metrics().panicked();
                Problem::new(Code::Internal).into_response()
            }
            Err(timeout) => timeout.into_response(),
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
        if let Ok(id) = HeaderValue::from_str(request.text().as_str()) {
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
        let route = trail.facts().map_or("-", |facts| facts.template);
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

/// Leaves the body out, and tells how long it would have been.
fn only_the_head(response: &mut Response) {
    let len = std::mem::take(response.body_mut()).size_hint().exact();
    if let Some(len) = len {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(len));
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
