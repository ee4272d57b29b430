//! Logs: set up once, on standard error, as text or JSON, and never personal.
//!
//! Three things keep members' data out of the log. Our own code logs ids, counts, codes and durations; what identifies
//! a member has no `Debug`. The level applies to our own crate only: at `debug` an HTTP library may print headers and
//! paths, so every other crate is held at `warn`. And a panic prints its place, but its message only if the message
//! is a fixed text ([`panic`]). `app` and `cli` come in, once.

mod panic;

use std::io;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::code::{Code, Coded};
use crate::config::{LogFormat, LogLevel};

pub use panic::describe as describe_panic;

/// Our own crate's name, as `tracing` sees it.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// The log could not be set up.
#[derive(Debug, Error)]
#[error("the log was set up before")]
pub struct TelemetryError(#[source] TryInitError);

impl Coded for TelemetryError {
    fn code(&self) -> Code {
        Code::Internal
    }
}

/// Sets up the log and the panic message of this process. To be called once.
pub fn start(format: LogFormat, level: LogLevel) -> Result<(), TelemetryError> {
    tracing_subscriber::registry().with(layer(format, level)).try_init().map_err(TelemetryError)?;
    panic::install();
    Ok(())
}

fn layer(format: LogFormat, level: LogLevel) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = fmt::layer().with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Text => lines.with_ansi(false).with_filter(filter(level)).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter(level)).boxed(),
    }
}

fn filter(level: LogLevel) -> Targets {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_target(OURS, ours).with_default(ours.min(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn other_crates_never_log_more_than_warnings() {
        let check = |level, target: &str, at, expected| {
            assert_eq!(filter(level).would_enable(target, &at), expected, "{target} {at}");
        };
        check(LogLevel::Trace, "membervault::http", Level::TRACE, true);
        check(LogLevel::Trace, "hyper::proto", Level::DEBUG, false);
        check(LogLevel::Trace, "hyper::proto", Level::WARN, true);
        check(LogLevel::Info, "membervault::http", Level::DEBUG, false);
        check(LogLevel::Error, "hyper::proto", Level::WARN, false);
    }
}
