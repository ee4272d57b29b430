//! Connections over a real socket: slow clients, large heads, a full house, and the end of serving.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use membervault::http::{Drained, Settings, serve};
use membervault::store::memory::MemoryEngine;
use membervault::testkit::faults::{FaultEngine, Verb};
use membervault::testkit::vault::TestVault;
use membervault::types::Role;
use support::desk::Desk;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The longest any step of these tests may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A vault that listens.
struct House {
    address: SocketAddr,
    crm: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
    desk: Desk,
}

impl House {
    async fn open(settings: Settings) -> Self {
        Self::over(Desk::with(&settings), settings).await
    }

    async fn over(desk: Desk, settings: Settings) -> Self {
        let crm = desk.token(Role::Crm, None);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let edge = desk.edge.clone();
        let served = tokio::spawn(async move {
            serve(listener, edge, &settings, async {
                let _ = stopped.await;
            })
            .await
        });
        Self { address, crm, stop, served, desk }
    }

    async fn connect(&self) -> Line {
        Line(TcpStream::connect(self.address).await.unwrap())
    }

    /// The head of a request that creates a member with a body of `length` bytes.
    fn head(&self, length: usize) -> String {
        format!(
            "POST /v1/members HTTP/1.1\r\nhost: vault\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n",
            self.crm
        )
    }

    /// A connection whose request is under way: its head is in, its body is not.
    async fn busy(&self) -> Line {
        let mut line = self.connect().await;
        line.send(&self.head(BODY.len())).await;
        let (head, _) = BODY.split_at(3);
        line.send(head).await;
        // The counter tells when the request was admitted.
        let admitted = async {
            while !self.desk.send_raw(metrics()).await.text().contains("membervault_http_in_flight 1\n") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, admitted).await.expect("the request was admitted");
        line
    }
}

const BODY: &str = r#"{"profile":{"name":"Ada"}}"#;

fn metrics() -> axum::http::Request<axum::body::Body> {
    axum::http::Request::get("/metrics").body(axum::body::Body::empty()).unwrap()
}

/// A connection of a client.
struct Line(TcpStream);

impl Line {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// One reply: its head and, by its length, its body. Empty if the connection is closed instead.
    async fn reply(&mut self) -> String {
        let mut text = Vec::new();
        let mut byte = [0; 1];
        let read = async {
            while !text.ends_with(b"\r\n\r\n") && matches!(self.0.read(&mut byte).await, Ok(1)) {
                text.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&text).to_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            self.0.read_exact(&mut body).await.unwrap();
            text.extend(body);
        };
        tokio::time::timeout(PATIENCE, read).await.expect("a reply in time");
        String::from_utf8(text).unwrap()
    }

    /// Whether the server closes the connection.
    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("an end in time");
        end.is_err() || rest.is_empty()
    }
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: vault\r\n\r\n";

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let house = House::open(Settings::default()).await;
    let mut line = house.connect().await;
    for _ in 0..3 {
        line.send(HEALTH).await;
        assert!(line.reply().await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    line.send(&format!("{}{BODY}", house.head(BODY.len()))).await;
    assert!(line.reply().await.starts_with("HTTP/1.1 201 Created\r\n"));
}

#[tokio::test]
async fn a_body_in_pieces_is_read_to_its_end() {
    let house = House::open(Settings::default()).await;
    let mut line = house.connect().await;
    let head = house.head(0).replace("content-length: 0", "transfer-encoding: chunked");
    line.send(&head).await;
    for piece in [&BODY[..1], &BODY[1..10], &BODY[10..]] {
        line.send(&format!("{:x}\r\n{piece}\r\n", piece.len())).await;
    }
    line.send("0\r\n\r\n").await;
    assert!(line.reply().await.starts_with("HTTP/1.1 201 Created\r\n"));

    // Without a length, the bound holds as the pieces arrive.
    line.send(&head).await;
    let piece = "x".repeat(64 * 1024);
    for _ in 0..18 {
        line.send(&format!("{:x}\r\n{piece}\r\n", piece.len())).await;
    }
    assert!(line.reply().await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_client_with_nothing_more_to_say_gets_its_reply() {
    let store = Arc::new(FaultEngine::new(MemoryEngine::new()));
    let settings = Settings::default();
    let house = House::over(Desk::over(TestVault::over(7, store.clone()), &settings), settings).await;
    let (mut line, mut other) = (house.connect().await, house.connect().await);
    store.pause(Verb::Sync);
    let before = store.calls(Verb::Sync);
    line.send(&format!("{}{BODY}", house.head(BODY.len()))).await;
    line.0.shutdown().await.unwrap();
    let committed = async {
        while store.calls(Verb::Sync) == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, committed).await.expect("the member waits for the disk");
    // By then the server has looked at what its sockets have, so also at the end of this one.
    other.send(HEALTH).await;
    assert!(other.reply().await.starts_with("HTTP/1.1 200 OK\r\n"));
    store.resume(Verb::Sync);
    assert!(line.reply().await.starts_with("HTTP/1.1 201 Created\r\n"));
    assert!(line.is_closed().await);
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let house = House::open(Settings::default()).await;
    for head in [
        format!("GET /healthz HTTP/1.1\r\nhost: vault\r\nx: {}\r\n\r\n", "x".repeat(20 * 1024)),
        format!("GET /{} HTTP/1.1\r\nhost: vault\r\n\r\n", "x".repeat(20 * 1024)),
        format!("GET /healthz HTTP/1.1\r\nhost: vault\r\n{}\r\n", "x: y\r\n".repeat(200)),
    ] {
        let mut line = house.connect().await;
        line.send(&head).await;
        let reply = line.reply().await;
        assert!(reply.starts_with("HTTP/1.1 431 ") || reply.starts_with("HTTP/1.1 414 "), "{reply}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let house = House::open(Settings::default()).await;
    for text in [
        "\x16\x03\x01\x02\x00\r\n\r\n",
        "GET /healthz\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost : vault\r\n\r\n",
        "POST /v1/members HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        "POST /v1/members HTTP/1.1\r\ncontent-length: -1\r\n\r\n{}",
    ] {
        let mut line = house.connect().await;
        line.send(text).await;
        assert!(line.reply().await.starts_with("HTTP/1.1 400 "), "{text}");
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let settings = Settings { header_read_timeout: Duration::from_millis(50), ..Settings::default() };
    let house = House::open(settings).await;
    let mut slow = house.connect().await;
    slow.send("GET /healthz HTTP/1.1\r\nhost: va").await;
    slow.reply().await;
    assert!(slow.is_closed().await);
    let mut silent = house.connect().await;
    assert!(silent.is_closed().await);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_timeout() {
    let settings = Settings { request_timeout: Duration::from_millis(50), ..Settings::default() };
    let house = House::open(settings).await;
    let mut line = house.connect().await;
    line.send(&house.head(BODY.len())).await;
    let reply = line.reply().await;
    assert!(reply.starts_with("HTTP/1.1 504 ") && reply.contains("\"code\":\"timeout\""), "{reply}");
}

#[tokio::test]
async fn a_full_house_refuses_but_tells_its_health() {
    let house = House::open(Settings { in_flight_max: 1, ..Settings::default() }).await;
    let mut busy = house.busy().await;
    let mut line = house.connect().await;
    line.send(&format!("{}{BODY}", house.head(BODY.len()))).await;
    let reply = line.reply().await;
    assert!(reply.starts_with("HTTP/1.1 503 ") && reply.contains("\"code\":\"overloaded\""), "{reply}");
    assert!(reply.contains("retry-after: 1\r\n"), "{reply}");
    let mut line = house.connect().await;
    line.send(HEALTH).await;
    assert!(line.reply().await.starts_with("HTTP/1.1 200 OK\r\n"));
    busy.send(&BODY[3..]).await;
    assert!(busy.reply().await.starts_with("HTTP/1.1 201 Created\r\n"));
}

#[tokio::test]
async fn beyond_the_bound_a_connection_waits_for_a_place() {
    let house = House::open(Settings { connections_max: 1, ..Settings::default() }).await;
    let mut first = house.connect().await;
    first.send(HEALTH).await;
    first.reply().await;
    let mut second = house.connect().await;
    second.send(HEALTH).await;
    let waiting = tokio::time::timeout(Duration::from_millis(30), second.reply()).await;
    assert!(waiting.is_err(), "the second is not served while the first is open");
    drop(first);
    assert!(second.reply().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn when_serving_stops_requests_under_way_are_finished() {
    let house = House::open(Settings::default()).await;
    let mut idle = house.connect().await;
    idle.send(HEALTH).await;
    idle.reply().await;
    let mut busy = house.busy().await;
    house.stop.send(()).unwrap();
    assert!(idle.is_closed().await, "an idle connection is closed at once");
    busy.send(&BODY[3..]).await;
    let reply = busy.reply().await;
    assert!(reply.starts_with("HTTP/1.1 201 Created\r\n"), "{reply}");
    assert!(reply.contains("connection: close\r\n"), "{reply}");
    let drained = tokio::time::timeout(PATIENCE, house.served).await.unwrap().unwrap();
    assert_eq!(drained, Drained { cut: 0 });
    assert!(TcpStream::connect(house.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn when_serving_stops_requests_that_hang_are_cut() {
    let settings = Settings { drain_timeout: Duration::from_millis(50), ..Settings::default() };
    let house = House::open(settings).await;
    let mut busy = house.busy().await;
    house.stop.send(()).unwrap();
    let drained = tokio::time::timeout(PATIENCE, house.served).await.unwrap().unwrap();
    assert_eq!(drained, Drained { cut: 1 });
    assert!(busy.is_closed().await);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let settings = Settings { write_stall_timeout: Duration::from_millis(50), ..Settings::default() };
    let house = House::open(settings).await;
    let mut line = house.connect().await;
    // Far more replies than the buffers between the two hold; none is read.
    let many = "GET /openapi.json HTTP/1.1\r\nhost: vault\r\n\r\n".repeat(2000);
    let cut = async { while line.0.write_all(many.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, cut).await.expect("the connection is cut");
}
