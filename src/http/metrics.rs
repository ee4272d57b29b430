//! Counters for operators, as Prometheus text. Labels are method, route template, status class and code: never an id.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;

use super::routes::RouteFacts;
use crate::code::Code;

/// Upper bounds of the latency buckets in microseconds, and their labels in seconds.
const BUCKETS: [(u64, &str); 12] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (500_000, "0.5"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
];

/// Status classes 1xx to 5xx.
const CLASSES: usize = 5;

#[derive(Default)]
struct Series {
    classes: [AtomicU64; CLASSES],
    /// Requests in each bucket; those beyond the last are only in the sum of `classes`.
    buckets: [AtomicU64; BUCKETS.len()],
    micros: AtomicU64,
}

impl Series {
    fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1).min(CLASSES - 1);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(self.classes.get(class));
        add(BUCKETS.iter().position(|(bound, _)| micros <= *bound).and_then(|at| self.buckets.get(at)));
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

fn add(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// All counters of the edge.
pub(super) struct Metrics {
    routes: Vec<Series>,
    unmatched: Series,
    codes: Vec<AtomicU64>,
    /// Connections that are open.
    connections: AtomicU64,
    panics: AtomicU64,
}

impl Metrics {
    /// Counters for a table of `routes` routes.
    pub(super) fn new(routes: usize) -> Self {
        Self {
            routes: (0..routes).map(|_| Series::default()).collect(),
            unmatched: Series::default(),
            codes: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            connections: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }

    /// A request was answered.
    pub(super) fn answered(&self, route: Option<usize>, status: StatusCode, code: Option<Code>, took: Duration) {
        let series = route.and_then(|index| self.routes.get(index)).unwrap_or(&self.unmatched);
        series.count(status, took);
        // `Code::ALL` lists the codes in the order of their declaration.
        add(code.and_then(|code| self.codes.get(code as usize)));
    }

    /// A connection was opened.
    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was closed.
    pub(super) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// A handler panicked.
    pub(super) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// All counters in the text format of Prometheus. Routes that were never asked for are left out.
    pub(super) fn text(&self, routes: &[RouteFacts], in_flight: usize, ready: bool) -> String {
        let mut text = String::with_capacity(8 * 1024);
        self.write(&mut text, routes, in_flight).unwrap_or_default();
        write_gauge(&mut text, "membervault_ready", "Whether the vault takes changes.", ready.into())
            .unwrap_or_default();
        text
    }

    fn write(&self, out: &mut String, routes: &[RouteFacts], in_flight: usize) -> std::fmt::Result {
        let labels: Vec<String> =
            routes.iter().map(|route| format!("method=\"{}\",route=\"{}\"", route.method, route.template)).collect();
        let unmatched = "method=\"\",route=\"\"".to_owned();
        let series = || labels.iter().zip(&self.routes).chain([(&unmatched, &self.unmatched)]);

        writeln!(out, "# HELP membervault_http_requests_total Requests answered.")?;
        writeln!(out, "# TYPE membervault_http_requests_total counter")?;
        for (labels, series) in series() {
            write_classes(out, labels, series)?;
        }
        writeln!(out, "# HELP membervault_http_request_seconds Time from the request's head to its reply.")?;
        writeln!(out, "# TYPE membervault_http_request_seconds histogram")?;
        for (labels, series) in series() {
            write_histogram(out, labels, series)?;
        }
        writeln!(out, "# HELP membervault_http_problems_total Refusals by code.")?;
        writeln!(out, "# TYPE membervault_http_problems_total counter")?;
        for (code, counter) in Code::ALL.iter().zip(&self.codes) {
            let count = counter.load(Ordering::Relaxed);
            writeln!(out, "membervault_http_problems_total{{code=\"{}\"}} {count}", code.as_str())?;
        }
        write_gauge(out, "membervault_http_in_flight", "Requests being answered.", in_flight as u64)?;
        let connections = self.connections.load(Ordering::Relaxed);
        write_gauge(out, "membervault_http_connections", "Open connections.", connections)?;
        write_gauge(out, "membervault_http_panics", "Handlers that panicked.", self.panics.load(Ordering::Relaxed))
    }
}

fn write_classes(out: &mut String, labels: &str, series: &Series) -> std::fmt::Result {
    for (class, counter) in series.classes.iter().enumerate() {
        let count = counter.load(Ordering::Relaxed);
        if count > 0 {
            writeln!(out, "membervault_http_requests_total{{{labels},status=\"{}xx\"}} {count}", class + 1)?;
        }
    }
    Ok(())
}

fn write_histogram(out: &mut String, labels: &str, series: &Series) -> std::fmt::Result {
    let total: u64 = series.classes.iter().map(|counter| counter.load(Ordering::Relaxed)).sum();
    if total == 0 {
        return Ok(());
    }
    let name = "membervault_http_request_seconds";
    let mut below = 0;
    for ((_, bound), counter) in BUCKETS.iter().zip(&series.buckets) {
        // A request that is being counted at this moment may be in its bucket and not yet in the sum.
        below = total.min(below + counter.load(Ordering::Relaxed));
        writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {below}")?;
    }
    writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {total}")?;
    let seconds = Duration::from_micros(series.micros.load(Ordering::Relaxed)).as_secs_f64();
    writeln!(out, "{name}_sum{{{labels}}} {seconds}")?;
    writeln!(out, "{name}_count{{{labels}}} {total}")
}

fn write_gauge(out: &mut String, name: &str, help: &str, value: u64) -> std::fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_numbered_as_they_are_listed() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index);
        }
    }
}
