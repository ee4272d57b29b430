//! Certificates: what a sealed erasure gets and what a fenced one does not; and that a certificate in which anything was
//! changed does not hold, by the name of the check that finds it, even if the log's own key signed the change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::sync::Arc;

use axum::http::StatusCode;
use data_encoding::{BASE64, HEXLOWER};
use membervault::clock::Clock;
use membervault::code::{Code, Coded};
use membervault::codec::{Event, Leaf};
use membervault::crypto::LogKey;
use membervault::http::Settings;
use membervault::store::rocks::{Opening, RocksEngine, RocksSettings};
use membervault::testkit::vault::{TestVault, ctx, log_key};
use membervault::tlog::{Checkpoint, InclusionProof, KeyName, Note, SignatureType, VerifierKey, cosign, sign_note};
use membervault::types::{ErasureId, MemberId, Role};
use membervault::vault::api::{Expect, NewMember, Page, RecordAddress, RecordWrite, Stage};
use membervault::vault::certificate::{Certificate, FORMAT, Outcome, Verdict, page, verify};
use membervault::vault::log::LogSettings;
use serde_json::{Map, Value, json};
use support::desk::{Ask, Desk};

const SEED: u64 = 11;

fn member(vault: &TestVault, name: &str) -> MemberId {
    let profile = Map::from_iter([("name".to_owned(), json!(name))]);
    let new = NewMember { profile, meta: Default::default(), idempotency_key: None };
    vault.vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

fn erase(vault: &TestVault, member: &MemberId) -> ErasureId {
    vault.vault.erase(&ctx(Role::Compliance), member, None).wait().unwrap().id
}

fn seal(vault: &TestVault) {
    vault.clock.advance_millis(90_000);
    vault.vault.seal(&ctx(Role::Ops)).unwrap();
}

fn issue(vault: &TestVault, id: &ErasureId) -> String {
    vault.vault.certificate(&ctx(Role::Compliance), id).wait().unwrap()
}

/// A vault with three erasures sealed together, and the certificate of one of them.
fn sealed() -> (TestVault, ErasureId, String) {
    sealed_in(TestVault::new(SEED))
}

fn sealed_in(vault: TestVault) -> (TestVault, ErasureId, String) {
    let members = ["Ada", "Grace", "Edsger"].map(|name| member(&vault, name));
    let ids: Vec<_> = members.iter().map(|member| erase(&vault, member)).collect();
    seal(&vault);
    let note = issue(&vault, &ids[1]);
    (vault, ids[1], note)
}

fn read(note: &str) -> Certificate {
    serde_json::from_str(Note::parse(note).unwrap().text()).unwrap()
}

/// The names of the checks that fail.
fn failing(verdict: &Verdict) -> Vec<&'static str> {
    let failing = verdict.checks.iter().filter(|check| matches!(check.outcome, Outcome::Fails(_)));
    failing.map(|check| check.name).collect()
}

#[test]
fn a_sealed_erasure_has_a_certificate_that_holds() {
    let (vault, id, note) = sealed();
    let verdict = verify(&note, vault.vault.log_verifier(), &[]);
    assert!(verdict.holds(), "{:?}", verdict.checks);
    let names: Vec<_> = verdict.checks.iter().map(|check| check.name).collect();
    assert_eq!(names, ["form", "signature", "intent", "rotation", "seal", "inclusion", "stages"]);

    let certificate = verdict.certificate.unwrap();
    let row = vault.vault.erasure(&ctx(Role::Compliance), &id).wait().unwrap();
    assert_eq!(certificate.certificate, FORMAT);
    assert_eq!((certificate.erasure.id, certificate.erasure.member), (id, row.member));
    assert_eq!(certificate.stage, Stage::Sealed);
    assert_eq!(certificate.stages.fenced_at, row.fenced_at);
    assert_eq!(certificate.stages.sealed_at, row.sealed.unwrap().at);
    assert_eq!(certificate.keys.epoch, row.sealed.unwrap().epoch);
    assert!(certificate.slot.defeated_by.contains("keyring file"));
    assert!(certificate.residual_paths.iter().any(|path| path.contains("backups")));
    assert!(!certificate.not_covered.is_empty());
    // The tag is in both leaves, and so is nothing personal.
    for entry in [&certificate.evidence.intent, &certificate.evidence.seal] {
        assert!(entry.leaf.windows(32).any(|window| window == certificate.erasure.tag));
    }
    assert!(!note.contains("Grace") && !note.contains("Ada"));
}

#[test]
fn a_certificate_stays_true_when_the_vault_goes_on_and_starts_again() {
    let (mut vault, id, note) = sealed();
    let more = member(&vault, "Alan");
    erase(&vault, &more);
    seal(&vault);
    vault.reopen();
    assert!(verify(&note, vault.vault.log_verifier(), &[]).holds());
    let later = issue(&vault, &id);
    assert!(verify(&later, vault.vault.log_verifier(), &[]).holds());
    assert_eq!(read(&later).keys, read(&note).keys, "the roots are those of its own seal");
}

#[test]
fn a_purged_erasure_says_so_and_the_ledger_too() {
    // Only what lies in files is purged.
    let directory = tempfile::tempdir().unwrap();
    let settings = RocksSettings::new(directory.path().join("db"), Opening::Fresh);
    let mut vault = TestVault::over(SEED, Arc::new(RocksEngine::open(&settings).unwrap()));
    vault.reopen(); // begins another run of the seeded randomness: no salt comes twice
    let (vault, id, before) = sealed_in(vault);
    for _ in 0..300 {
        vault.clock.advance_millis(10_000);
        vault.vault.list_members(&ctx(Role::Crm), &Page { cursor: None, limit: 1 }).wait().unwrap();
    }
    vault.vault.purge(&ctx(Role::Ops)).unwrap();
    vault.clock.advance_millis(100_000);
    vault.vault.list_members(&ctx(Role::Crm), &Page { cursor: None, limit: 1 }).wait().unwrap();
    let (key, note) = (vault.vault.log_verifier(), issue(&vault, &id));
    let verdict = verify(&note, key, &[]);
    assert!(verdict.holds(), "{:?}", verdict.checks);
    let certificate = verdict.certificate.unwrap();
    let row = vault.vault.erasure(&ctx(Role::Compliance), &id).wait().unwrap();
    assert_eq!((certificate.stage, certificate.stages.purged_at), (Stage::Purged, row.purged_at));
    assert!(certificate.residual_paths[0].contains("searched"));
    assert!(verify(&before, key, &[]).holds(), "what was said before stays true");

    let finds = |expected: &[&str], change: &dyn Fn(&mut Value)| {
        let verdict = verify(&changed(&note, change), key, &[]);
        assert_eq!(failing(&verdict), expected, "{:?}", verdict.checks);
    };
    finds(&["stages"], &|value| drop(value["evidence"].as_object_mut().unwrap().remove("purge")));
    finds(&["stages"], &|value| value["stage"] = json!("sealed"));
    finds(&["purge", "stages"], &|value| drop(value["stages"].as_object_mut().unwrap().remove("purged_at")));
    finds(&["purge"], &|value| value["stages"]["purged_at"] = value["stages"]["sealed_at"].clone());
    finds(&["purge", "inclusion"], &|value| value["evidence"]["purge"] = value["evidence"]["intent"].clone());
    finds(&["purge", "inclusion"], &|value| {
        leaf(value, "purge", |leaf| leaf.event = Event::Purge(vec![[1; 32]]));
    });
    finds(&["inclusion"], &|value| leaf(value, "purge", |leaf| leaf.reference = [1; 16]));
}

#[test]
fn only_a_sealed_erasure_has_one() {
    let vault = TestVault::new(SEED);
    let id = erase(&vault, &member(&vault, "Ada"));
    let refused = |role, id: &ErasureId| vault.vault.certificate(&ctx(role), id).wait().unwrap_err();
    assert_eq!(refused(Role::Compliance, &id).code(), Code::NotSealed);
    assert!(refused(Role::Compliance, &id).to_string().contains("seal it first"));
    assert_eq!(refused(Role::Compliance, &ErasureId::from_random([9; 16])).code(), Code::NotFound);
    for role in [Role::Support, Role::Marketing, Role::Analyst, Role::Ops, Role::Admin] {
        assert_eq!(refused(role, &id).code(), Code::Forbidden, "{role}");
    }
    seal(&vault);
    assert!(vault.vault.certificate(&ctx(Role::Compliance), &id).wait().is_ok());
    assert!(vault.vault.certificate(&ctx(Role::Crm), &id).wait().is_ok());
}

#[test]
fn the_erasures_of_a_member_are_found_by_its_id() {
    let vault = TestVault::new(SEED);
    let id = member(&vault, "Ada");
    let crm = ctx(Role::Crm);
    let address = RecordAddress { member: id, compartment: "orders".parse().unwrap(), name: "1".parse().unwrap() };
    let write = RecordWrite { address, data: Map::new(), meta: None, expect: Expect::Any };
    vault.vault.put_record(&crm, &write).wait().unwrap();
    let of = |id| vault.vault.erasures_of(&ctx(Role::Compliance), id).wait();
    assert_eq!(of(&id).unwrap_err().code(), Code::NotFound);
    let orders = "orders".parse().unwrap();
    let part = vault.vault.erase(&ctx(Role::Compliance), &id, Some(&orders)).wait().unwrap().id;
    seal(&vault);
    let whole = erase(&vault, &id);
    member(&vault, "Grace");
    let found = of(&id).unwrap();
    let mut ids: Vec<_> = found.iter().map(|erasure| (erasure.id, erasure.stage)).collect();
    ids.sort_by_key(|(_, stage)| *stage == Stage::Fenced);
    assert_eq!(ids, [(part, Stage::Sealed), (whole, Stage::Fenced)]);
    let note = issue(&vault, &part);
    let certificate = verify(&note, vault.vault.log_verifier(), &[]).certificate.unwrap();
    assert!(certificate.statement.contains("one compartment"));
    assert_eq!(vault.vault.erasures_of(&ctx(Role::Ops), &id).wait().unwrap_err().code(), Code::Forbidden);
}

/// Signs a changed certificate as the vault never would.
fn sign(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    let name: KeyName = value["log"].as_str().unwrap().parse().unwrap();
    sign_note(&text, &name, &log_key(SEED))
}

fn changed(note: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(Note::parse(note).unwrap().text()).unwrap();
    let before = value.clone();
    change(&mut value);
    assert_ne!(before, value, "nothing was changed");
    sign(&value)
}

/// Changes the event of a leaf in the certificate.
fn leaf(value: &mut Value, entry: &str, change: impl FnOnce(&mut Leaf)) {
    let bytes = BASE64.decode(value["evidence"][entry]["leaf"].as_str().unwrap().as_bytes()).unwrap();
    let mut leaf = Leaf::parse(&bytes).unwrap();
    change(&mut leaf);
    value["evidence"][entry]["leaf"] = json!(BASE64.encode(&leaf.encode()));
}

#[test]
fn a_change_that_the_log_s_own_key_signed_is_found_by_the_check_it_concerns() {
    let (vault, _, note) = sealed();
    let key = vault.vault.log_verifier();
    let finds = |expected: &[&str], change: &dyn Fn(&mut Value)| {
        let verdict = verify(&changed(&note, change), key, &[]);
        assert!(!verdict.holds());
        assert_eq!(failing(&verdict), expected, "{:?}", verdict.checks);
    };
    let other = HEXLOWER.encode(&[7; 32]);
    finds(&["intent", "seal"], &|value| value["erasure"]["tag"] = json!(other));
    finds(&["intent"], &|value| value["erasure"]["id"] = json!("11111111-2222-4333-8444-555555555555"));
    finds(&["intent"], &|value| value["erasure"]["scope"] = json!("compartment"));
    finds(&["rotation", "seal"], &|value| value["keys"]["destroyed_root"] = json!(other));
    finds(&["rotation", "seal"], &|value| value["keys"]["remaining_root"] = json!(other));
    finds(&["rotation", "seal"], &|value| value["keys"]["epoch"] = json!(9));
    finds(&["seal"], &|value| value["holders"] = json!([{"name": "far", "state": "acknowledged"}]));
    finds(&["intent", "stages"], &|value| value["stages"]["fenced_at"] = json!("2031-01-01T00:00:00Z"));
    finds(&["seal", "stages"], &|value| value["stages"]["sealed_at"] = json!("2031-01-01T00:00:00Z"));
    finds(&["seal", "stages"], &|value| value["stages"]["sealed_at"] = json!("2020-01-01T00:00:00Z"));
    finds(&["stages"], &|value| value["stage"] = json!("purged"));
    finds(&["stages"], &|value| value["stage"] = json!("fenced"));
    finds(&["stages"], &|value| value["stages"]["purged_at"] = json!("2026-01-02T00:00:00Z"));
    finds(&["stages"], &|value| value["issued_at"] = json!("2025-01-01T00:00:00Z"));
    // Leaves that say what the certificate says, and are not in the log.
    finds(&["inclusion"], &|value| leaf(value, "intent", |leaf| leaf.reference = [1; 16]));
    finds(&["inclusion"], &|value| leaf(value, "rotation", |leaf| leaf.minute += 1));
    finds(&["inclusion"], &|value| leaf(value, "seal", |leaf| leaf.actor = membervault::types::TokenId::NOBODY));
    finds(&["seal", "inclusion"], &|value| {
        leaf(value, "seal", |leaf| {
            let Event::Seal(seal) = &mut leaf.event else { panic!("a seal") };
            seal.tags.clear();
            seal.tags.push([1; 32]);
        });
    });
    // Entries in each other's place, and proofs of other entries.
    finds(&["intent", "seal", "inclusion"], &|value| {
        let intent = value["evidence"]["intent"].take();
        value["evidence"]["intent"] = value["evidence"]["seal"].take();
        value["evidence"]["seal"] = intent;
    });
    finds(&["inclusion"], &|value| value["evidence"]["intent"]["proof"] = value["evidence"]["seal"]["proof"].clone());
    finds(&["inclusion"], &|value| value["evidence"]["seal"]["proof"] = json!("c2sp.org/tlog-proof@v1\n"));
    finds(&["inclusion"], &|value| {
        let text = value["evidence"]["seal"]["proof"].as_str().unwrap().to_owned();
        let mut proof = InclusionProof::parse(&text).unwrap();
        proof.hashes[0] = [3; 32];
        value["evidence"]["seal"]["proof"] = json!(proof.text());
    });
    // A checkpoint of a log that was made up, signed by somebody else.
    finds(&["inclusion"], &|value| {
        let text = value["evidence"]["seal"]["proof"].as_str().unwrap().to_owned();
        let mut proof = InclusionProof::parse(&text).unwrap();
        let note = Note::parse(&proof.checkpoint).unwrap().text().to_owned();
        let checkpoint = Checkpoint::parse(&note).unwrap();
        proof.checkpoint = sign_note(&note, &checkpoint.origin, &LogKey::from_seed_for_tests(&[1; 32]));
        value["evidence"]["seal"]["proof"] = json!(proof.text());
    });
    finds(&["form"], &|value| value["certificate"] = json!("membervault/erasure-certificate/v2"));
    finds(&["form"], &|value| value["extra"] = json!(1));
    finds(&["form"], &|value| value["erasure"]["tag"] = json!("07"));
    finds(&["form"], &|value| drop(value.as_object_mut().unwrap().remove("evidence")));
    finds(&["form"], &|value| value["evidence"]["seal"]["leaf"] = json!("#"));
    finds(&["form"], &|value| value["slot"]["level"] = json!("L9"));
    finds(&["seal", "inclusion"], &|value| value["evidence"]["seal"]["leaf"] = json!("AAAA"));
}

#[test]
fn a_change_that_nobody_signed_is_found_by_the_signature() {
    let (vault, _, note) = sealed();
    let key = vault.vault.log_verifier();
    let text_end = Note::parse(&note).unwrap().text().len();
    for at in (0..text_end).step_by(97) {
        let mut bytes = note.clone().into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let verdict = verify(&changed, key, &[]);
        assert!(!verdict.holds(), "byte {at}");
        assert!(matches!(failing(&verdict)[..], ["form"] | ["signature"]), "byte {at}: {:?}", verdict.checks);
    }
    let stranger = LogKey::from_seed_for_tests(&[1; 32]);
    let stranger = VerifierKey::new(key.name().clone(), SignatureType::Ed25519, stranger.public());
    assert_eq!(failing(&verify(&note, &stranger, &[])), ["signature"]);
    for text in ["", "{}", "{}\n\n", &note[..note.len() / 2], Note::parse(&note).unwrap().text()] {
        assert_eq!(failing(&verify(text, key, &[])), ["form"]);
    }
    // The key of the same vault under another name of its log.
    let renamed = VerifierKey::new("other/log".parse().unwrap(), SignatureType::Ed25519, log_key(SEED).public());
    assert_eq!(failing(&verify(&note, &renamed, &[])), ["signature"]);
    assert_eq!(
        failing(&verify(&changed(&note, |value| value["log"] = json!("other/log")), &renamed, &[])),
        ["inclusion"]
    );
}

#[test]
fn a_witness_that_is_asked_for_must_have_cosigned() {
    let witness = LogKey::from_seed_for_tests(&[2; 32]);
    let name: KeyName = "witness.example".parse().unwrap();
    let witness_key = VerifierKey::new(name.clone(), SignatureType::Cosignature, witness.public());
    let (mut vault, id, plain) = sealed();
    let asked = [witness_key.clone()];
    assert_eq!(failing(&verify(&plain, vault.vault.log_verifier(), &asked)), ["witness"]);

    vault.reopen_with_log(LogSettings { witnesses: asked.to_vec(), ..LogSettings::default() });
    let compliance = ctx(Role::Compliance);
    let checkpoint = vault.vault.log_checkpoint(Some(&compliance)).wait().unwrap();
    let now = vault.clock.now().as_millis() / 1_000;
    let line = cosign(Note::parse(&checkpoint).unwrap().text(), &name, &witness, now);
    vault.vault.log_cosign(Some(&compliance), &(checkpoint + &line)).wait().unwrap();
    let cosigned = issue(&vault, &id);
    let verdict = verify(&cosigned, vault.vault.log_verifier(), &asked);
    assert!(verdict.holds(), "{:?}", verdict.checks);
    let stranger = LogKey::from_seed_for_tests(&[3; 32]);
    let stranger = VerifierKey::new(name, SignatureType::Cosignature, stranger.public());
    assert_eq!(failing(&verify(&cosigned, vault.vault.log_verifier(), &[witness_key, stranger])), ["witness"]);
}

#[test]
fn the_page_is_whole_and_harmless() {
    let (vault, id, note) = sealed();
    let verdict = verify(&note, vault.vault.log_verifier(), &[]);
    let mut certificate = verdict.certificate.clone().unwrap();
    let html = page(&certificate, &note, &verdict);
    for part in
        [&id.to_string(), &HEXLOWER.encode(&certificate.erasure.tag), "Defeated by", "holds: all of them", "</html>"]
    {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.contains(&certificate.not_covered[0]));
    for foreign in ["<script", "http:", "https:", "src=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    // Whatever a certificate says stays text.
    certificate.statement = "<script>alert('x')</script> & \"more\"".to_owned();
    let html = page(&certificate, &note, &verdict);
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;"));
    assert!(!html.contains("<script"));
}

#[tokio::test]
async fn over_http_it_is_a_file_to_keep() {
    let (vault, id, _) = sealed();
    let key = vault.vault.log_verifier().clone();
    let fenced = erase(&vault, &member(&vault, "Alan"));
    let desk = Desk::over(vault, &Settings::default());
    let bearer = desk.token(Role::Compliance, None);
    let get = async |id: &str| {
        let headers = [("authorization", bearer.as_str())];
        let template = "/v1/erasures/{id}/certificate";
        desk.send(Ask { method: "GET", template, values: &[id], headers: &headers, ..Ask::default() }).await
    };
    let reply = get(&id.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "no-store");
    let disposition = format!("attachment; filename=\"erasure-{id}.certificate\"");
    assert_eq!(reply.header("content-disposition"), disposition);
    assert!(verify(&reply.text(), &key, &[]).holds());
    let refused = get(&fenced.to_string()).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "not_sealed"));
    assert_eq!(get("11111111-2222-4333-8444-555555555555").await.code(), "not_found");
    assert_eq!(get("nonsense").await.code(), "invalid_name");
}
