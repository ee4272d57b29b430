//! The yardstick of `scripts/bench`: the same axum and the same RocksDB, and nothing else.
//!
//! It authenticates nobody, decides nothing, encrypts nothing and logs nothing: `GET /v1/members/{id}` returns the stored
//! JSON, `PUT` stores the body with one synced write. Whatever the vault costs beyond this is what the vault is for.
//!
//! ```text
//! plain_server load DIR MEMBERS.jsonl IDS     store one row per line under a fresh id, write the ids
//! plain_server serve DIR ADDRESS
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, reason = "a measuring tool")]

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::store::{Batch, Durability, Engine, Keyspace, Reader};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Rows in one batch of the load.
const LOAD_BATCH: usize = 1000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["load", directory, members, ids] => load(directory, members, ids),
        ["serve", directory, address] => serve(directory, address),
        // Run by `cargo bench` or `cargo test` as if it were a benchmark: nothing to do.
        _ => eprintln!("plain_server: used by scripts/bench"),
    }
}

fn open(directory: &str, opening: Opening) -> RocksEngine {
    RocksEngine::open(&RocksSettings::new(FilePath::new(directory), opening)).expect("the database opens")
}

fn load(directory: &str, members: &str, ids: &str) {
    let engine = open(directory, Opening::Fresh);
    let members = BufReader::new(std::fs::File::open(members).unwrap());
    let mut ids = BufWriter::new(std::fs::File::create(ids).unwrap());
    let mut batch = Batch::default();
    for (number, line) in members.lines().enumerate() {
        let id = id_of(number);
        writeln!(ids, "{id}").unwrap();
        batch.put(Keyspace::Records, id.as_bytes().to_vec(), line.unwrap().into_bytes());
        if batch.ops.len() == LOAD_BATCH {
            engine.write(std::mem::take(&mut batch), Durability::Buffered).unwrap();
        }
    }
    engine.write(batch, Durability::Synced).unwrap();
    ids.flush().unwrap();
}

/// Ids in no order, like random ones, and the same in every run.
fn id_of(number: usize) -> Uuid {
    let mut state = number as u64;
    let mut next = || {
        // SplitMix64
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    Uuid::from_u64_pair(next(), next())
}

#[tokio::main]
async fn serve(directory: &str, address: &str) {
    let engine = Arc::new(open(directory, Opening::Existing));
    let router = Router::new().route("/v1/members/{id}", get(read).put(write)).with_state(engine);
    let listener = tokio::net::TcpListener::bind(address).await.expect("the address is free");
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn read(State(engine): State<Arc<RocksEngine>>, Path(id): Path<String>) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else { return StatusCode::BAD_REQUEST.into_response() };
    match engine.get(Keyspace::Records, id.as_bytes()).unwrap() {
        Some(json) => ([(header::CONTENT_TYPE, "application/json")], Bytes::from_owner(json)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn write(State(engine): State<Arc<RocksEngine>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    let Ok(id) = Uuid::try_parse(&id) else { return StatusCode::BAD_REQUEST };
    let mut batch = Batch::default();
    batch.put(Keyspace::Records, id.as_bytes().to_vec(), body.to_vec());
    // A synced write blocks; RocksDB gathers those that wait at the same time into one fsync.
    tokio::task::spawn_blocking(move || engine.write(batch, Durability::Synced)).await.unwrap().unwrap();
    StatusCode::NO_CONTENT
}
