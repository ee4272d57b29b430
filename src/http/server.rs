//! Connections: accepted up to a bound, served with time limits, drained at the end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::Settings;
use super::alarm::ConnectionTimer;
use super::edge::Edge;
use super::io::StallGuard;

/// Wait after the system refused a connection (no file handle left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because their requests did not finish in time.
    pub cut: usize,
}

/// Serves connections of `listener` until `stop`; then finishes what is under way, for a bounded time.
///
/// When this returns, no handler runs any more (verbs moved to a blocking thread aside), so the ledger may be closed.
pub async fn serve(
    listener: TcpListener,
    edge: Arc<Edge>,
    settings: &Settings,
    stop: impl Future<Output = ()>,
) -> Drained {
    let (stopping, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(settings.connections_max));
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = accept(&listener, &places) => {
                let Some((stream, place)) = accepted else { continue };
                connections.spawn(converse(stream, place, edge.clone(), settings.clone(), stopped.clone()));
            }
        }
    }
    drop(listener);
    // Every connection holds a receiver; one that already ended does not matter.
    let _ = stopping.send(true);
    drain(connections, settings.drain_timeout).await
}

/// The next connection, once there is a place for it. Clients beyond the bound wait in the system's queue.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Serves one connection to its end.
async fn converse(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    edge: Arc<Edge>,
    settings: Settings,
    mut stopped: watch::Receiver<bool>,
) {
    edge.metrics().connected();
    let _counted = Counted(&edge);
    // Replies are written whole, so there is nothing for Nagle's algorithm to gather.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(StallGuard::new(stream, settings.write_stall_timeout));
    let timer = ConnectionTimer::default();
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (edge, timer) = (&edge, &timer);
        async move { Ok::<_, Infallible>(edge.answer_in_turn(request.map(body), timer).await) }
    });
    let connection = http1::Builder::new()
        .timer(timer.clone())
        // A client that closes its end while it waits gets its reply; and to look for that at each request is to read, into
        // a buffer of its own.
        .half_close(true)
        .header_read_timeout(settings.header_read_timeout)
        .max_header_size(settings.header_bytes_max)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let news = stopped.clone();
    let mut stop = std::pin::pin!(told(&mut stopped));
    let mut listens = false;
    // As `select!` would, but the signal is told this task's waker once, not each time the task is woken.
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        if listens && matches!(news.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        listens = true;
        stop.as_mut().poll(cx).map(|()| None)
    });
    let ended = match ended.await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The body of a request. Most have none, and need no box for it.
fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() { Body::empty() } else { Body::new(incoming) }
}

/// Waits until serving stops.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the server.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Counts a connection out, however it ends.
struct Counted<'a>(&'a Edge);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.metrics().disconnected();
    }
}

/// Waits for the connections, then cuts those that are left.
async fn drain(mut connections: JoinSet<()>, patience: Duration) -> Drained {
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, finished).await.is_ok() {
        return Drained { cut: 0 };
    }
    let cut = connections.len();
    connections.shutdown().await;
    tracing::warn!(cut, "requests did not finish in time and were cut");
    Drained { cut }
}
