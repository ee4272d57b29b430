//! Where the time of one read and of one write goes: each step alone, on one thread, on the vault that `scripts/bench`
//! has loaded. What HTTP costs on top is the difference between a run over the wire and these.
//!
//! ```text
//! steps DATA KEYRING KEY_FILE TOKEN IDS
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::print_stderr, reason = "a measuring tool")]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use membervault::clock::SystemClock;
use membervault::codec::{RecordBody, RecordRow, payload};
use membervault::crypto::{self, OsEntropy};
use membervault::keyring::{Keyring, KeyringFile, TreeShape};
use membervault::ledger::LedgerSettings;
use membervault::masterkey::KeyFile;
use membervault::policy::{Action, Facts, MemberState, Policy, Request, decide};
use membervault::schema::DataMap;
use membervault::store::Engine;
use membervault::store::cached::CachedEngine;
use membervault::store::capsules::DirectoryCapsules;
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::tables;
use membervault::types::place::RecordPlace;
use membervault::types::{Compartment, Ctx, MemberId, RecordName, RequestId, VaultId};
use membervault::vault::api::{Expect, RecordAddress, RecordQuery, RecordWrite};
use membervault::vault::log::LogSettings;
use membervault::vault::{Parts, Vault};

/// Reads measured, each of a member drawn anew.
const READS: usize = 20_000;
/// Room for stored rows, as `serve` has by default.
const ROW_CACHE_BYTES: usize = 128 * 1024 * 1024;
/// Durable writes measured, one after the other.
const WRITES: usize = 300;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [data, keyring, key, token, ids] => Bench::open(data, keyring, key, token, ids).run(),
        // Run by `cargo bench` or `cargo test` as if it were a benchmark: nothing to do.
        _ => eprintln!("steps: used by scripts/bench"),
    }
}

struct Bench {
    engine: Arc<dyn Engine>,
    /// A second keyring over the same tree: the vault keeps its own to itself.
    keyring: Keyring,
    id: VaultId,
    vault: Vault,
    policy: Policy,
    ctx: Ctx,
    token: String,
    ids: Vec<MemberId>,
}

/// Steps with their mean times.
#[derive(Default)]
struct Table(Vec<(&'static str, Duration)>);

impl Bench {
    fn open(data: &str, keyring: &str, key: &str, token: &str, ids: &str) -> Self {
        let settings = RocksSettings::new(Path::new(data), Opening::Existing);
        let rocks = Arc::new(RocksEngine::open(&settings).unwrap());
        let engine: Arc<dyn Engine> = Arc::new(CachedEngine::new(rocks, ROW_CACHE_BYTES));
        let file = KeyringFile::at(keyring, Path::new(data)).unwrap();
        let master = KeyFile::read(Path::new(key)).unwrap();
        let id = file.inspect().unwrap().vault;
        let body = || file.unlock(&master).unwrap().1;
        let meta = tables::meta::vault(&*engine).unwrap().unwrap();
        let shape = TreeShape::from_meta(meta.depth, meta.buckets).unwrap();
        let suite = crypto::Suite::from_number(meta.suite).unwrap();
        let policy = || Policy::parse(Policy::default_text()).unwrap();
        let parts = Parts {
            engine: Arc::clone(&engine),
            slot: Arc::new(file.unlock(&master).unwrap().0),
            vault: id,
            capsules: Arc::new(DirectoryCapsules::at(format!("{data}.capsules"))),
            seal_watch: None,
            mirrors: Vec::new(),
            policy: policy(),
            map: DataMap::default_map(),
            ledger: LedgerSettings::default(),
            log: LogSettings::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        };
        let vault = Vault::open(parts).unwrap();
        let actor = vault.authenticate(token).unwrap();
        let ids = fs::read_to_string(ids).unwrap().lines().map(|line| line.parse().unwrap()).collect();
        Self {
            engine,
            keyring: Keyring::new(id, suite, shape, body()),
            id,
            vault,
            policy: policy(),
            ctx: Ctx { actor, purpose: None, request: RequestId::from_random([7; 16]) },
            token: token.to_owned(),
            ids,
        }
    }

    fn run(self) {
        self.time(|id| _ = self.read(id)); // once, so that the caches are as in a running server
        let reads = self.reads();
        let writes = self.writes();
        reads.print("read", READS);
        writes.print("durable write, one at a time", WRITES);
        self.vault.close().unwrap();
    }

    /// Mean time of `step` over members in random order.
    fn time(&self, step: impl FnMut(&MemberId)) -> Duration {
        self.time_of(READS, step)
    }

    fn time_of(&self, times: usize, mut step: impl FnMut(&MemberId)) -> Duration {
        let mut state = 1_u64;
        let started = Instant::now();
        for _ in 0..times {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            step(&self.ids[usize::try_from(state >> 33).unwrap() % self.ids.len()]);
        }
        started.elapsed() / u32::try_from(times).unwrap()
    }

    fn read(&self, id: &MemberId) -> impl Sized {
        let query = RecordQuery { address: RecordAddress::profile(*id), fields: None };
        self.vault.read_record(&self.ctx, &query).wait().unwrap()
    }

    fn reads(&self) -> Table {
        let mut table = Table::default();
        let (core, name) = (Compartment::core(), RecordName::profile());
        table.add("token: check the bearer", self.time(|_| _ = black_box(self.vault.authenticate(&self.token))));
        let get = self.time(|id| _ = black_box(tables::member::row(&*self.engine, id)));
        table.add("store: get the member row", get);
        table.add("policy: decide", self.time(|id| self.decide(id, &core)));
        let open = |id: &MemberId| {
            let row = tables::member::row(&*self.engine, id).unwrap().unwrap();
            self.keyring.open_member(&*self.engine, id, &row).unwrap()
        };
        let keys = self.time(|id| _ = black_box(open(id)));
        table.add("keys: open the member's keys", keys.saturating_sub(get));
        let row_of = |id: &MemberId| {
            let body = open(id);
            let keys = body.compartment(&core).unwrap();
            let token = body.mk.record_token(&core, &name);
            let row = tables::record::row(&*self.engine, &tables::record::key(id, keys.number, &token));
            (row.unwrap().unwrap(), token, body)
        };
        let found = self.time(|id| _ = black_box(row_of(id)));
        table.add("store: derive the record's key and get it", found.saturating_sub(keys));
        let opened = self.time(|id| {
            let (row, token, body) = row_of(id);
            let RecordRow { dek_version, version, envelope } = RecordRow::parse(&row).unwrap();
            let keys = body.compartment(&core).unwrap();
            let place = RecordPlace {
                vault: &self.id,
                member: id,
                compartment: keys.number,
                record: &token,
                dek_version,
                version: version.0,
            };
            let plain = crypto::open(keys.dek(dek_version).unwrap(), &place, envelope).unwrap();
            _ = black_box(RecordBody::parse(payload::unpack(plain).unwrap()).unwrap());
        });
        table.add("open: decrypt and unpack the record", opened.saturating_sub(found));
        table.finish("log and wait: seal the detail, commit, wake up", self.time(|id| _ = black_box(self.read(id))));
        table
    }

    fn decide(&self, member: &MemberId, compartment: &Compartment) {
        let request = Request {
            actor: &self.ctx.actor,
            action: Action::RecordRead,
            purpose: None,
            member: Some(member),
            compartment: Some(compartment),
        };
        let facts = Facts { member: MemberState::Live, compartment_erased: false, held: false };
        _ = black_box(decide(&self.policy, &request, &facts));
    }

    fn writes(&self) -> Table {
        let mut table = Table::default();
        let mut data = serde_json::Map::new();
        data.insert("fill".to_owned(), "fourteen bytes".repeat(73).into());
        let json = serde_json::to_vec(&data).unwrap();
        let pack = self.time(|_| _ = black_box(payload::pack(&json)));
        table.add("pack: compress and pad 1 KiB", pack);
        let sync = self.time_of(WRITES, |_| self.engine.sync().unwrap());
        table.add("fsync of an idle log", sync);
        let address = |id: &MemberId| RecordAddress {
            member: *id,
            compartment: Compartment::core(),
            name: "card".parse().unwrap(),
        };
        let whole = self.time_of(WRITES, |id| {
            let write = RecordWrite { address: address(id), data: data.clone(), meta: None, expect: Expect::Any };
            _ = black_box(self.vault.put_record(&self.ctx, &write).wait().unwrap());
        });
        table.finish("all else: decide, open keys, seal, commit, fsync", whole);
        table
    }
}

impl Table {
    fn add(&mut self, step: &'static str, mean: Duration) {
        self.0.push((step, mean));
    }

    /// The last step is what the whole takes beyond the steps before.
    fn finish(&mut self, step: &'static str, whole: Duration) {
        let known: Duration = self.0.iter().map(|(_, mean)| *mean).sum();
        self.add(step, whole.saturating_sub(known));
        self.add("**whole**", whole);
    }

    fn print(&self, what: &str, times: usize) {
        println!("\n| step of a {what} | µs, mean of {times} |\n|---|---:|");
        for (step, mean) in &self.0 {
            println!("| {step} | {:.2} |", mean.as_secs_f64() * 1e6);
        }
    }
}
