//! The log over HTTP, as those who verify it ask for it: what they get, how long they may keep it, and what they do not
//! get. Tools of others verify the same in `independent_log.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::io::ErrorKind;
use std::sync::Arc;

use axum::http::StatusCode;
use membervault::clock::Clock;
use membervault::code::{Code, Coded};
use membervault::crypto::LogKey;
use membervault::http::Settings;
use membervault::ledger::{StoredLog, root_at};
use membervault::store::memory::MemoryEngine;
use membervault::store::{Engine, StoreError};
use membervault::testkit::faults::{Fault, FaultEngine, Verb};
use membervault::testkit::vault::{TestVault, ctx, log_key};
use membervault::tlog::{
    Checkpoint, InclusionProof, KeyName, Note, SignatureType, VerifierKey, cosign, leaf_hash, sign_note,
};
use membervault::types::Role;
use membervault::vault::api::Page;
use membervault::vault::log::{CHECKPOINT_AGE_MS, LogSettings};
use support::desk::{Ask, Desk, Reply};

const TILE: &str = "/v1/log/tile/{path}";

/// A log that was lived in: this many leaves and a few.
fn lived_in(leaves: u64, log: LogSettings) -> Desk {
    let mut vault = TestVault::new(7);
    vault.reopen_with_log(log);
    while vault.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size < leaves {
        let page = Page { cursor: None, limit: 1 };
        vault.vault.list_members(&ctx(Role::Crm), &page).wait().unwrap();
    }
    Desk::over(vault, &Settings::default())
}

fn public() -> LogSettings {
    LogSettings { public: true, ..LogSettings::default() }
}

struct Reader<'a> {
    desk: &'a Desk,
    bearer: Option<String>,
}

impl<'a> Reader<'a> {
    fn anyone(desk: &'a Desk) -> Self {
        Self { desk, bearer: None }
    }

    fn of(desk: &'a Desk, role: Role) -> Self {
        Self { desk, bearer: Some(desk.token(role, None)) }
    }

    async fn get(&self, template: &str, value: &str) -> Reply {
        let values = [value];
        let values = if value.is_empty() { &values[..0] } else { &values[..] };
        let headers: Vec<_> = self.bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        self.desk.send(Ask { method: "GET", template, values, headers: &headers, ..Ask::default() }).await
    }

    async fn checkpoint(&self) -> Checkpoint {
        let reply = self.get("/v1/log/checkpoint", "").await;
        assert_eq!(reply.status, StatusCode::OK);
        let text = reply.text();
        let note = Note::parse(&text).unwrap();
        note.require(self.desk.vault.vault.log_verifier()).unwrap();
        Checkpoint::parse(note.text()).unwrap()
    }

    async fn cosign(&self, note: &str, media_type: &str) -> Reply {
        let mut request = axum::http::Request::post("/v1/log/cosignatures").header("content-type", media_type);
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", bearer);
        }
        let reply = self.desk.send_raw(request.body(note.to_owned().into()).unwrap()).await;
        support::schema::check(
            &support::schema::document(),
            ("POST", "/v1/log/cosignatures"),
            reply.status,
            &reply.headers,
            &reply.body,
        );
        reply
    }
}

#[tokio::test]
async fn a_checkpoint_says_what_is_on_disk_and_grows_no_faster_than_once_a_second() {
    let desk = lived_in(5, public());
    let reader = Reader::anyone(&desk);
    let first = reader.checkpoint().await;
    let vault = &desk.vault.vault;
    assert_eq!(first.size, vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size);
    assert_eq!(root_at(&*desk.vault.engine, first.size).unwrap(), Some(first.root));
    assert_eq!(first.origin.as_str(), "membervault/11111111-1111-1111-1111-111111111111");

    vault.list_members(&ctx(Role::Crm), &Page { cursor: None, limit: 1 }).wait().unwrap();
    assert_eq!(reader.checkpoint().await, first, "not so soon");
    desk.vault.clock.advance_millis(CHECKPOINT_AGE_MS);
    assert_eq!(reader.checkpoint().await.size, first.size + 1);
    // An entry that no checkpoint covers yet is worth a new one.
    vault.list_members(&ctx(Role::Crm), &Page { cursor: None, limit: 1 }).wait().unwrap();
    let proof = reader.get("/v1/log/proof/{index}", &(first.size + 1).to_string()).await;
    assert_eq!(proof.status, StatusCode::OK);
    assert_eq!(reader.checkpoint().await.size, first.size + 2);
}

/// The machine loses power a moment after a checkpoint was signed: the log that is found must still be the one signed.
#[test]
fn what_was_signed_survives_a_power_loss() {
    let engine = Arc::new(FaultEngine::new(MemoryEngine::new()));
    let vault = TestVault::over(7, engine.clone());
    let read = || vault.vault.list_members(&ctx(Role::Crm), &Page { cursor: None, limit: 1 }).wait().unwrap();
    for _ in 0..5 {
        read();
        vault.clock.advance_millis(CHECKPOINT_AGE_MS);
        let signed = vault.vault.log_checkpoint(Some(&ctx(Role::Ops))).wait().unwrap();
        let signed = Checkpoint::parse(Note::parse(&signed).unwrap().text()).unwrap();
        read();
        let found: Arc<dyn Engine> = Arc::new(engine.crash(0).unwrap());
        assert_eq!(root_at(&*found, signed.size).unwrap(), Some(signed.root));
        let again = TestVault::found_in(7, found);
        let later = again.vault.log_checkpoint(Some(&ctx(Role::Ops))).wait().unwrap();
        let later = Checkpoint::parse(Note::parse(&later).unwrap().text()).unwrap();
        assert!(later.size > signed.size);
        assert_eq!(root_at(&*again.engine, signed.size).unwrap(), Some(signed.root), "one log, not two");
    }
    // A sync that fails leaves nothing signed.
    read();
    vault.clock.advance_millis(CHECKPOINT_AGE_MS);
    let full =
        StoreError::DiskFull { doing: "testing", source: Arc::new(std::io::Error::from(ErrorKind::StorageFull)) };
    engine.inject(Fault::next(Verb::Sync, full).and_all_later());
    let refused = vault.vault.log_checkpoint(Some(&ctx(Role::Ops))).wait().unwrap_err();
    assert_eq!(refused.code(), Code::DiskFull);
}

#[tokio::test]
async fn tiles_and_entries_reach_as_far_as_the_checkpoint() {
    let desk = lived_in(600, public());
    let reader = Reader::anyone(&desk);
    let size = reader.checkpoint().await.size;
    let rest = size - 512;
    for (path, hashes) in [
        ("0/000".to_owned(), 256),
        ("0/001".to_owned(), 256),
        ("0/000.p/1".to_owned(), 1),
        ("0/000.p/255".to_owned(), 255),
        (format!("0/002.p/{rest}"), rest),
        ("1/000.p/2".to_owned(), 2),
        ("1/000.p/1".to_owned(), 1),
    ] {
        let reply = reader.get(TILE, &path).await;
        assert_eq!((reply.status, reply.body.len() as u64), (StatusCode::OK, hashes * 32), "{path}");
        assert_eq!(reply.header("content-type"), "application/octet-stream");
        assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
    }
    let tile = reader.get(TILE, &format!("0/002.p/{rest}")).await.body;
    let bundle = reader.get(TILE, &format!("entries/002.p/{rest}")).await.body;
    let (mut at, mut count) = (0, 0);
    while at < bundle.len() {
        let length = usize::from(u16::from_be_bytes([bundle[at], bundle[at + 1]]));
        let leaf = &bundle[at + 2..at + 2 + length];
        assert_eq!(leaf_hash(leaf), tile[count * 32..count * 32 + 32], "entry {count}");
        (at, count) = (at + 2 + length, count + 1);
    }
    assert_eq!(count as u64, rest);
    for path in [
        format!("0/002.p/{}", rest + 1),
        "0/002".to_owned(),
        "0/003".to_owned(),
        "0/x999/x999/x999/x999/x999/999".to_owned(),
        "1/000".to_owned(),
        "1/000.p/3".to_owned(),
        "2/000.p/1".to_owned(),
        "7/000.p/1".to_owned(),
        format!("entries/002.p/{}", rest + 1),
        "entries/002".to_owned(),
        "entries/x999/x999/x999/x999/x999/999".to_owned(),
    ] {
        let reply = reader.get(TILE, &path).await;
        assert_eq!(reply.code(), "not_found", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    }
    for path in
        ["0/0", "0/000.p/0", "0/000.p/256", "8/000", "entries", "0/x000/001", "0/000/", "%2e%2e/000", "0/000%00"]
    {
        assert_eq!(reader.get(TILE, path).await.code(), "invalid_name", "{path}");
    }
    assert_eq!(reader.get(TILE, "0%2F000").await.status, StatusCode::OK, "an encoded slash is a slash");
    // Leaves beyond the checkpoint are not shown, though they are there.
    desk.vault.vault.list_members(&ctx(Role::Crm), &Page { cursor: None, limit: 1 }).wait().unwrap();
    assert_eq!(reader.get(TILE, &format!("entries/002.p/{}", rest + 1)).await.code(), "not_found");
}

#[tokio::test]
async fn a_proof_holds_for_its_entry_and_for_no_other() {
    let desk = lived_in(300, LogSettings::default());
    let reader = Reader::of(&desk, Role::Compliance);
    let key = desk.vault.vault.log_verifier();
    let stored = StoredLog(&*desk.vault.engine);
    let leaf = |index| leaf_hash(&stored.leaf_bytes(index).unwrap().unwrap());
    for index in [0u64, 1, 255, 256, 299] {
        let reply = reader.get("/v1/log/proof/{index}", &index.to_string()).await;
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(reply.header("cache-control"), "private, max-age=1");
        let proof = InclusionProof::parse(&reply.text()).unwrap();
        assert_eq!(proof.index, index);
        assert!(proof.verify(&leaf(index), key).is_ok());
        assert!(proof.verify(&leaf_hash(b"another"), key).is_err());
    }
    for index in ["9999", "18446744073709551615"] {
        assert_eq!(reader.get("/v1/log/proof/{index}", index).await.code(), "not_found", "{index}");
    }
    for index in ["-1", "01", "x", "+1", "1.0", "18446744073709551616"] {
        assert_eq!(reader.get("/v1/log/proof/{index}", index).await.code(), "invalid_name", "{index}");
    }
}

#[tokio::test]
async fn who_presents_a_token_is_asked_for_a_good_one_even_where_the_log_is_public() {
    let desk = lived_in(3, public());
    assert_eq!(Reader::anyone(&desk).get("/v1/log/checkpoint", "").await.header("cache-control"), "public, max-age=1");
    let wrong = Reader { desk: &desk, bearer: Some("Bearer mvt1_nonsense".to_owned()) };
    assert_eq!(wrong.get("/v1/log/checkpoint", "").await.code(), "unauthenticated");
    assert_eq!(Reader::of(&desk, Role::Crm).get("/v1/log/checkpoint", "").await.code(), "forbidden");
    assert_eq!(Reader::of(&desk, Role::Ops).get("/v1/log/checkpoint", "").await.status, StatusCode::OK);
    let ask = Ask { method: "GET", template: "/v1/log/checkpoint", query: "?size=3", ..Ask::default() };
    assert_eq!(desk.send(ask).await.code(), "unknown_field");
}

/// A witness, and the key it is known by.
fn witness(seed: u8, name: &str) -> (LogKey, VerifierKey) {
    let key = LogKey::from_seed_for_tests(&[seed; 32]);
    let name: KeyName = name.parse().unwrap();
    let verifier = VerifierKey::new(name, SignatureType::Cosignature, key.public());
    (key, verifier)
}

fn line(witness: &(LogKey, VerifierKey), checkpoint: &str, time: u64) -> String {
    cosign(Note::parse(checkpoint).unwrap().text(), witness.1.name(), &witness.0, time)
}

#[tokio::test]
async fn cosignatures_are_kept_where_they_hold_and_shown_with_the_checkpoint() {
    let (one, two, stranger) = (witness(1, "one.example"), witness(2, "two.example"), witness(3, "stranger.example"));
    let witnesses = vec![one.1.clone(), two.1.clone()];
    let mut desk = lived_in(20, LogSettings { public: true, witnesses, ..LogSettings::default() });
    let now = desk.vault.clock.now().as_millis() / 1_000;
    let reader = Reader::anyone(&desk);
    assert_eq!(reader.get("/v1/log/checkpoint/cosigned", "").await.code(), "not_found");
    let plain = reader.get("/v1/log/checkpoint", "").await.text();
    let size = reader.checkpoint().await.size;

    // One after the other, and then both are there.
    let first = reader.cosign(&(plain.clone() + &line(&one, &plain, now)), "text/plain").await.json();
    assert_eq!(first, serde_json::json!({ "size": size, "added": ["one.example"] }));
    let both = plain.clone() + &line(&one, &plain, now - 5) + &line(&two, &plain, now) + &line(&stranger, &plain, now);
    let second = reader.cosign(&both, "text/plain; charset=utf-8").await.json();
    assert_eq!(second["added"], serde_json::json!(["two.example"]), "an older one of the first is no news");
    let kept = reader.get("/v1/log/checkpoint/cosigned", "").await.text();
    assert_eq!(kept, plain.clone() + &line(&one, &plain, now) + &line(&two, &plain, now));

    // Each is in the log; what is known already is not.
    let leaves = |desk: &Desk| desk.vault.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size;
    let before = leaves(&desk);
    assert_eq!(before, size + 2);
    let again = reader.cosign(&both, "text/plain").await.json();
    assert_eq!((again["added"].as_array().unwrap().len(), leaves(&desk)), (0, before));

    // A proof of an entry it covers carries it; one of a later entry does not.
    let covered = reader.get("/v1/log/proof/{index}", "3").await.text();
    assert!(covered.ends_with(&kept), "{covered}");
    let later = reader.get("/v1/log/proof/{index}", &size.to_string()).await.text();
    assert!(!later.contains("one.example"), "{later}");

    // It survives a restart; under another name of the log it is of no use.
    drop(reader);
    desk.vault.reopen();
    let desk = Desk::over(desk.vault, &Settings::default());
    assert_eq!(Reader::anyone(&desk).get("/v1/log/checkpoint/cosigned", "").await.text(), kept);
    let mut vault = desk.vault;
    vault.reopen_with_log(LogSettings { origin: Some("other.example/log".parse().unwrap()), ..public() });
    let desk = Desk::over(vault, &Settings::default());
    assert_eq!(Reader::anyone(&desk).get("/v1/log/checkpoint/cosigned", "").await.code(), "not_found");
}

#[tokio::test]
async fn what_is_no_cosignature_of_a_known_witness_on_our_checkpoint_is_refused() {
    let (one, stranger) = (witness(1, "one.example"), witness(3, "stranger.example"));
    let log = LogSettings { public: true, witnesses: vec![one.1.clone()], ..LogSettings::default() };
    let desk = lived_in(20, log);
    let now = desk.vault.clock.now().as_millis() / 1_000;
    let reader = Reader::anyone(&desk);
    let plain = reader.get("/v1/log/checkpoint", "").await.text();
    let good = plain.clone() + &line(&one, &plain, now);
    let checkpoint = reader.checkpoint().await;
    let before = desk.vault.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size;

    // One that our own key signed and that is not of this log: of a root we never had, of more leaves than there are.
    let ours = |checkpoint: &Checkpoint| {
        let note = sign_note(&checkpoint.text(), &checkpoint.origin, &log_key(7));
        note.clone() + &line(&one, &note, now)
    };
    let untrue = ours(&Checkpoint { root: [1; 32], ..checkpoint.clone() });
    let too_long = ours(&Checkpoint { size: 1_000_000, ..checkpoint.clone() });
    let renamed = ours(&Checkpoint { origin: "other".parse().unwrap(), ..checkpoint.clone() });
    // Signed by somebody else in our name, and of a root that we never had.
    let forger = LogKey::from_seed_for_tests(&[9; 32]);
    let forged = sign_note(&Checkpoint { root: [1; 32], ..checkpoint.clone() }.text(), &checkpoint.origin, &forger);
    let forged = forged.clone() + &line(&one, &forged, now);
    let flipped = good.replacen("one.example ", "one.example A", 1);
    let moved = {
        let other = Checkpoint { size: checkpoint.size - 1, ..checkpoint.clone() };
        let text = plain.replace(&checkpoint.text(), &other.text());
        text.clone() + &line(&one, &text, now)
    };
    for (note, why) in [
        (plain.clone(), "without a cosignature"),
        (plain.clone() + &line(&stranger, &plain, now), "of a stranger"),
        (plain.clone() + &line(&one, &plain, now + 301), "of a time to come"),
        (plain.clone() + &line(&one, &forged, now), "of another text"),
        (line(&one, &plain, now), "without the checkpoint"),
        (forged, "of a checkpoint we did not sign"),
        (moved, "of a checkpoint that was changed"),
        (flipped, "changed"),
        (untrue, "of a root that is not ours"),
        (too_long, "of leaves that are not there"),
        (renamed, "of another log"),
        (String::new(), "empty"),
        ("nonsense\n".to_owned(), "nonsense"),
    ] {
        let reply = reader.cosign(&note, "text/plain").await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "not_verified"), "{why}");
    }
    assert_eq!(reader.cosign(&good, "application/json").await.code(), "unsupported_media_type");
    assert_eq!(reader.cosign(&"a".repeat(16 * 1024 + 1), "text/plain").await.code(), "too_large");
    let bytes = axum::body::Body::from(vec![0xff, 0xfe]);
    let request = axum::http::Request::post("/v1/log/cosignatures").header("content-type", "text/plain").body(bytes);
    assert_eq!(desk.send_raw(request.unwrap()).await.code(), "invalid_request");
    assert_eq!(desk.vault.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size, before, "nothing was kept");
    assert_eq!(reader.cosign(&good, "text/plain").await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_the_newest_cosigned_checkpoints_are_kept() {
    let one = witness(1, "one.example");
    let log = LogSettings { public: true, witnesses: vec![one.1.clone()], ..LogSettings::default() };
    let desk = lived_in(4, log);
    let reader = Reader::anyone(&desk);
    for _ in 0..12 {
        desk.vault.clock.advance_millis(CHECKPOINT_AGE_MS);
        let plain = reader.get("/v1/log/checkpoint", "").await.text();
        let now = desk.vault.clock.now().as_millis() / 1_000;
        assert_eq!(
            reader.cosign(&(plain.clone() + &line(&one, &plain, now)), "text/plain").await.status,
            StatusCode::OK
        );
    }
    let sizes = membervault::tables::cosigned::sizes(&*desk.vault.engine).unwrap();
    assert_eq!(sizes.len(), membervault::tables::cosigned::KEPT_MAX);
    let newest = reader.get("/v1/log/checkpoint/cosigned", "").await.text();
    assert!(newest.contains(&format!("\n{}\n", sizes.last().unwrap())));
}
