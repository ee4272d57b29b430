//! `membervault serve`: answer over HTTP until stopped.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::{Done, Failure};
use super::session::Session;
use crate::app;
use crate::code::Coded;
use crate::config::Typed;
use crate::http;
use crate::jobs::{FIRST_PAUSE, Jobs, Schedule};
use crate::types::{Ctx, Identifier, Role};
use crate::vault::Vault;

/// Arguments of `serve`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault serve
  membervault serve --listen 127.0.0.1:9000 --policy policy.toml --log-format json
  membervault serve --listen 0.0.0.0:8200 --behind-tls-proxy     a proxy before it ends TLS

Only one process can hold the database: commands such as `token create` work while serve is stopped, or over HTTP.

SIGTERM or ctrl-C ends it: requests under way are finished, and what was acknowledged is on disk.")]
pub(super) struct Arguments {
    /// Address and port to listen on [env: MEMBERVAULT_HTTP_LISTEN] [default: 127.0.0.1:8200]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// State that a proxy before this server ends TLS, so that it may listen beyond this machine
    /// [env: MEMBERVAULT_HTTP_BEHIND_TLS_PROXY]
    #[arg(long)]
    behind_tls_proxy: bool,
}

impl Arguments {
    /// The settings among the arguments.
    pub(super) fn typed(&self) -> Typed {
        let mut typed = Typed::default();
        typed.flag("http.listen", "--listen", self.listen.clone());
        let stated = self.behind_tls_proxy.then(|| "true".to_owned());
        typed.flag("http.behind_tls_proxy", "--behind-tls-proxy", stated);
        typed
    }

    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        session.settings().listen_checked()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("the server's threads cannot be started", error))?;
        runtime.block_on(serve(session))?;
        Ok(Done::Fully)
    }
}

async fn serve(session: &Session) -> Result<(), Failure> {
    let settings = session.settings();
    // Signals first: a stop that comes while the vault opens is not lost.
    let stop = stop_signal()?;
    let hangup = signal(SignalKind::hangup()).map_err(no_signals)?;
    let address = settings.listen_checked()?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::io(format_args!("the address cannot be listened on: {address}: choose another with --listen"), error)
    })?;
    let alert_key = app::alert_key(settings)?;
    let vault = session.vault()?;
    if let Some(key) = alert_key {
        vault.set_alert_key(key);
    }
    Identifier::prepare();
    let edge = http_settings(settings);
    let app = Arc::new(http::Edge::new(vault.clone(), &edge, app::request_ids()));
    let bound = listener.local_addr().unwrap_or(address);
    tracing::info!(address = %bound, vault = %vault.id(), "serving");
    session.out.line(format_args!("membervault serves on http://{bound}"))?;
    let jobs = Jobs::start(vault.clone(), schedule(settings));
    let jobs = jobs.map_err(|error| Failure::io("the thread of the jobs cannot be started", error))?;
    let reloads = tokio::spawn(reload_at_hangup(vault.clone(), session.ctx(Role::Ops), hangup));
    let drained = http::serve(listener, app, &edge, stop).await;
    reloads.abort();
    jobs.stop();
    vault.close()?;
    tracing::info!(cut = drained.cut, "stopped");
    Ok(())
}

fn http_settings(settings: &crate::config::Settings) -> http::Settings {
    http::Settings {
        in_flight_max: settings.concurrency_max,
        request_timeout: Duration::from_secs(settings.timeout_s),
        ..http::Settings::default()
    }
}

fn schedule(settings: &crate::config::Settings) -> Schedule {
    let interval = |seconds| Some(Duration::from_secs(seconds)).filter(|interval| !interval.is_zero());
    Schedule {
        seal_interval: interval(settings.seal_interval_s),
        purge_interval: interval(settings.purge_interval_s),
        retention_interval: interval(settings.retention_interval_s),
        alerts: settings.alerts.as_ref().map(|alerts| (alerts.receiver.clone(), FIRST_PAUSE)),
    }
}

/// Puts the data map in force as it is written now, each time a SIGHUP comes. What it cannot use it says in the log, and
/// goes on as before.
async fn reload_at_hangup(vault: Vault, ctx: Ctx, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let (vault, ctx) = (vault.clone(), ctx.clone());
        let reloaded = tokio::task::spawn_blocking(move || vault.reload_schema(&ctx)).await;
        match reloaded {
            Ok(Ok(change)) => tracing::info!(sha256 = change.sha256, changed = change.changed, "SIGHUP: the data map"),
            Ok(Err(error)) => {
                tracing::error!(code = error.code().as_str(), %error, "SIGHUP: the data map in force stays");
            }
            Err(error) => tracing::error!(%error, "SIGHUP: the data map could not be read"),
        }
    }
}

fn no_signals(error: std::io::Error) -> Failure {
    Failure::io("signals cannot be received", error)
}

/// Becomes ready at SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: finishing what is under way"),
            _ = interrupt.recv() => tracing::info!("SIGINT: finishing what is under way"),
        }
    })
}
