//! Tools of others verify the log: the packages that verify Go's own module log read ours from files fetched over HTTP,
//! and refuse copies in which a byte of each kind was changed.
//!
//! The verifier is `tests/independent/log`, some 200 lines of Go over `golang.org/x/mod/sumdb`, as Debian packages it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use data_encoding::BASE64;
use membervault::http::{Settings, serve};
use membervault::ledger::{Change, Durability, Event, Leaf, Ledger, LedgerSettings, StoredLog};
use membervault::store::Engine;
use membervault::store::memory::MemoryEngine;
use membervault::testkit::vault::{TestVault, ctx, log_key};
use membervault::tlog::{Checkpoint, KeyName, Note, TILE_WIDTH, consistency_proof, sign_note};
use membervault::types::{ErasureId, Role, TokenId};
use membervault::vault::api::{NewMember, Page};
use membervault::vault::log::CHECKPOINT_AGE_MS;
use serde_json::Value;
use support::desk::Desk;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const SEED: u64 = 7;
/// Leaves before the vault begins: enough for a full tile of full tiles, and tiles of three levels that are not full.
const LEAVES: u64 = 65_900;

/// The verifier, compiled once.
fn verifier() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, program) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("verify");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/log");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(source)
            .envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")])
            .env("GOCACHE", folder.path().join("cache"))
            .output();
        let built = built.unwrap_or_else(|error| {
            panic!("Go is missing ({error}): run scripts/setup, or: apt-get install golang-go golang-golang-x-mod-dev")
        });
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        assert!(
            built.status.success(),
            "the Go verifier does not compile (apt-get install golang-golang-x-mod-dev): {said}"
        );
        (folder, program)
    });
    program
}

fn verify(key: &str, folder: &Path) -> Output {
    Command::new(verifier()).arg(key).arg(folder).output().unwrap()
}

/// A copy of the log in a folder, as fetched.
struct Copied {
    folder: TempDir,
    key: String,
    size: u64,
}

impl Copied {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// What the verifier says of this copy.
    fn counts(&self) -> serde_json::Value {
        let output = verify(&self.key, self.folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Changes one file, checks that the verifier refuses and says why, and puts the file back.
    fn refuses(&self, name: &str, why: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let good = self.read(name);
        let mut bad = good.clone();
        change(&mut bad);
        assert_ne!(good, bad, "{name}: nothing was changed");
        self.write(name, bad);
        let output = verify(&self.key, self.folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{name} with another {why} was accepted");
        assert!(said.contains(why), "{name}: expected a word of {why:?}, found {said}");
        self.write(name, good);
    }
}

/// A vault whose ledger had a long life before.
fn old_vault() -> TestVault {
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let ledger = Ledger::open(Arc::clone(&engine), LedgerSettings::default()).unwrap();
    let note = |number: u64| {
        let mut reference = [0; 16];
        reference[..8].copy_from_slice(&number.to_be_bytes());
        Change::new(Leaf { minute: 0, actor: TokenId::LOCAL_OPERATOR, purpose: None, reference, event: Event::Import })
    };
    for batch in 0..LEAVES / 100 {
        let mut all = note(batch * 100);
        for number in 1..100 {
            all.absorb(note(batch * 100 + number));
        }
        ledger.submit(all, Durability::Buffered).wait().unwrap();
    }
    ledger.close().unwrap();
    TestVault::over(SEED, engine)
}

/// Erases two members and seals; gives the ids of the erasures.
fn erase_and_seal(vault: &TestVault) -> Vec<ErasureId> {
    let erase = |name: &str| {
        let profile = serde_json::Map::from_iter([("name".to_owned(), name.into())]);
        let new = NewMember { profile, meta: Default::default(), idempotency_key: None };
        let member = vault.vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id;
        vault.vault.erase(&ctx(Role::Compliance), &member, None).wait().unwrap().id
    };
    let erasures = ["Ada", "Grace"].map(erase).to_vec();
    vault.vault.seal(&ctx(Role::Ops)).unwrap();
    erasures
}

/// Fetches all that the checkpoint covers, and the certificates, over a socket.
fn fetch(address: &str, token: &str, erasures: &[ErasureId], copied: &mut Copied) {
    let ask = |path: &str| {
        let mut reply = ureq::get(format!("{address}/v1/{path}")).header("authorization", token).call().unwrap();
        reply.body_mut().read_to_vec().unwrap()
    };
    let get = |path: &str| ask(&format!("log/{path}"));
    for id in erasures {
        copied.write(&format!("{id}.certificate"), ask(&format!("erasures/{id}/certificate")));
    }
    let checkpoint = get("checkpoint");
    copied.size = size_of(&checkpoint);
    copied.write("checkpoint", checkpoint);
    for (kind, level) in [("0", 0u32), ("1", 1), ("2", 2), ("entries", 0)] {
        let hashes = copied.size >> (8 * level);
        for index in 0..hashes.div_ceil(TILE_WIDTH as u64) {
            let width = (hashes - index * TILE_WIDTH as u64).min(TILE_WIDTH as u64);
            let part = if width < TILE_WIDTH as u64 { format!(".p/{width}") } else { String::new() };
            let path = format!("tile/{kind}/{index:03}{part}");
            copied.write(&path, get(&path));
        }
    }
    for index in [0, 255, 65_535, 65_536, copied.size - 1] {
        copied.write(&format!("{index}.tlog-proof"), get(&format!("proof/{index}")));
    }
}

fn size_of(checkpoint: &[u8]) -> u64 {
    let text = std::str::from_utf8(checkpoint).unwrap();
    Checkpoint::parse(Note::parse(text).unwrap().text()).unwrap().size
}

/// A vault is served, copied, goes on, and is copied again.
async fn copied() -> Copied {
    let mut desk = Desk::over(old_vault(), &Settings::default());
    let key = desk.vault.vault.log_verifier().to_string();
    let mut copied = Copied { folder: tempfile::tempdir().unwrap(), key, size: 0 };
    let token = desk.token(Role::Compliance, None);
    let mut erasures = Vec::new();
    for turn in ["earlier", "checkpoint"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let edge = desk.edge.clone();
        let served = tokio::spawn(async move {
            serve(listener, edge, &Settings::default(), async {
                let _ = stopped.await;
            })
            .await
        });
        let (token, known) = (token.clone(), erasures.clone());
        copied = tokio::task::spawn_blocking(move || {
            fetch(&address, &token, &known, &mut copied);
            copied
        })
        .await
        .unwrap();
        stop.send(()).unwrap();
        served.await.unwrap();
        if turn == "earlier" {
            copied.write("earlier", copied.read("checkpoint"));
            erasures = erase_and_seal(&desk.vault);
            for _ in 0..40 {
                let page = Page { cursor: None, limit: 1 };
                desk.vault.vault.list_members(&ctx(Role::Crm), &page).wait().unwrap();
            }
            desk.vault.clock.advance_millis(CHECKPOINT_AGE_MS);
        }
    }
    add_what_the_vault_alone_knows(&mut desk, &copied);
    copied
}

/// The entries that the proofs speak of, and the vault's own proof of consistency.
fn add_what_the_vault_alone_knows(desk: &mut Desk, copied: &Copied) {
    let mut stored = StoredLog(&*desk.vault.engine);
    for entry in fs::read_dir(copied.folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(index) = name.strip_suffix(".tlog-proof") {
            let leaf = stored.leaf_bytes(index.parse().unwrap()).unwrap().unwrap();
            copied.write(&format!("{index}.leaf"), leaf);
        }
    }
    let old = size_of(&copied.read("earlier"));
    let proof = consistency_proof(old, copied.size, &mut stored).unwrap().unwrap();
    copied.write("consistency", proof.iter().map(|hash| BASE64.encode(hash) + "\n").collect::<String>());
}

fn replace(from: &str, to: &str) -> impl FnOnce(&mut Vec<u8>) {
    let (from, to) = (from.to_owned(), to.to_owned());
    move |bytes| *bytes = String::from_utf8(bytes.clone()).unwrap().replacen(&from, &to, 1).into_bytes()
}

fn flip(at: usize) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[at] ^= 1
}

/// Another letter of base64 in the last line but its padding, which is the end of a signature.
#[allow(clippy::ptr_arg, reason = "the shape that `refuses` takes")]
fn another_letter_before_the_end(bytes: &mut Vec<u8>) {
    let at = bytes.len() - 8;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_verifies_the_log_and_refuses_what_was_changed() {
    let copied = copied().await;
    let size = copied.size;
    assert!(size > LEAVES + 40);
    let counts = copied.counts();
    assert_eq!(counts["entries"], size);
    assert!(counts["proofs"].as_u64().unwrap() >= 5, "{counts}");
    assert_eq!((&counts["earlier"], &counts["certificates"]), (&1.into(), &2.into()));

    // The checkpoint: signature, key id, origin, size, root.
    let lines = String::from_utf8(copied.read("checkpoint")).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    copied.refuses("checkpoint", "checkpoint signature", another_letter_before_the_end);
    copied.refuses("checkpoint", "checkpoint signature", replace("— membervault/", "— membervaulT/"));
    copied.refuses("checkpoint", "checkpoint signature", replace("membervault/", "membervaulT/"));
    copied.refuses("checkpoint", "checkpoint signature", replace(&size.to_string(), &(size - 1).to_string()));
    copied.refuses("checkpoint", "checkpoint signature", replace(lines[2], &BASE64.encode(&[1; 32])));
    let key_id = lines[4].rsplit(' ').next().unwrap();
    copied.refuses("checkpoint", "checkpoint signature", replace(key_id, &format!("AAAA{}", &key_id[4..])));

    // Tiles: of each level, full and not full; entries, and their lengths.
    let (zero, one) = (size % 256, (size >> 8) % 256);
    for tile in
        ["tile/0/000", &format!("tile/0/257.p/{zero}"), "tile/1/000", &format!("tile/1/001.p/{one}"), "tile/2/000.p/1"]
    {
        copied.refuses(tile, "tiles", flip(17));
    }
    copied.refuses("tile/entries/000", "entries", flip(2));
    copied.refuses("tile/entries/000", "entries", flip(1));
    copied.refuses("tile/entries/003", "entries", |bundle| bundle.truncate(bundle.len() - 1));
    copied.refuses("tile/entries/003", "behind the last", |bundle| bundle.push(0));
    copied.refuses(&format!("tile/entries/257.p/{zero}"), "entries", flip(30));

    // Proofs: hash, index, entry, checkpoint.
    let proof = String::from_utf8(copied.read("255.tlog-proof")).unwrap();
    let hash = proof.lines().nth(2).unwrap();
    copied.refuses("255.tlog-proof", "inclusion", replace(hash, &BASE64.encode(&[2; 32])));
    copied.refuses("255.tlog-proof", "inclusion", replace(&format!("{hash}\n"), ""));
    copied.refuses("255.tlog-proof", "inclusion", replace("index 255", "index 254"));
    copied.refuses("255.leaf", "inclusion", flip(20));
    copied.refuses(
        "255.tlog-proof",
        "checkpoint signature",
        replace(&format!("\n{size}\n"), &format!("\n{}\n", size + 1)),
    );

    // Growth: the vault's proof, and an earlier checkpoint.
    let proof = String::from_utf8(copied.read("consistency")).unwrap();
    copied.refuses(
        "consistency",
        "consistency proof",
        replace(proof.lines().next().unwrap(), &BASE64.encode(&[3; 32])),
    );
    copied.refuses("earlier", "checkpoint signature", replace("\n65", "\n64"));
    // A log that was shown to somebody else, signed by the same key: what checkpoints are compared for.
    let earlier = String::from_utf8(copied.read("earlier")).unwrap();
    let earlier = Checkpoint::parse(Note::parse(&earlier).unwrap().text()).unwrap();
    let fork = Checkpoint { root: [4; 32], ..earlier.clone() };
    let fork = sign_note(&fork.text(), &earlier.origin, &log_key(SEED));
    copied.refuses("earlier", "consistency", |bytes| *bytes = fork.into_bytes());
    let longer = Checkpoint { size: earlier.size + 1, ..earlier.clone() };
    let longer = sign_note(&longer.text(), &earlier.origin, &log_key(SEED));
    copied.refuses("earlier", "consistency", |bytes| *bytes = longer.into_bytes());

    refuses_changed_certificates(&copied);

    // Another key, and one that is none.
    let mut stranger = copied.key.clone();
    stranger.replace_range(..1, "M");
    assert!(!verify(&stranger, copied.folder.path()).status.success());
    assert!(!verify("nonsense", copied.folder.path()).status.success());
    assert_eq!(copied.counts()["entries"], size, "each file was put back");
}

/// What a certificate takes from the log: changed by a stranger, and changed by the one who holds the log's key.
fn refuses_changed_certificates(copied: &Copied) {
    let entries = fs::read_dir(copied.folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.filter(|name| name.ends_with(".certificate")).min().unwrap();
    copied.refuses(&name, "certificate signature", another_letter_before_the_end);
    copied.refuses(&name, "certificate signature", replace("\"sealed\"", "\"purged\""));
    let signed = |change: &dyn Fn(&mut Value)| {
        let text = String::from_utf8(copied.read(&name)).unwrap();
        let mut value: Value = serde_json::from_str(Note::parse(&text).unwrap().text()).unwrap();
        change(&mut value);
        let origin: KeyName = copied.key.split('+').next().unwrap().parse().unwrap();
        let note = sign_note(&(value.to_string() + "\n"), &origin, &log_key(SEED));
        move |bytes: &mut Vec<u8>| *bytes = note.into_bytes()
    };
    let other = data_encoding::HEXLOWER.encode(&[5; 32]);
    let refuses = |why: &str, change: &dyn Fn(&mut Value)| copied.refuses(&name, why, signed(change));
    refuses("does not say", &|value| value["erasure"]["tag"] = other.clone().into());
    refuses("does not say", &|value| value["keys"]["destroyed_root"] = other.clone().into());
    refuses("does not say", &|value| value["keys"]["remaining_root"] = other.clone().into());
    refuses("another log", &|value| value["log"] = "other".into());
    for entry in ["intent", "rotation", "seal"] {
        refuses("inclusion", &|value| {
            let mut leaf = BASE64.decode(value["evidence"][entry]["leaf"].as_str().unwrap().as_bytes()).unwrap();
            leaf[5] ^= 1; // the minute
            value["evidence"][entry]["leaf"] = BASE64.encode(&leaf).into();
        });
        refuses("inclusion", &|value| {
            let proof = value["evidence"][entry]["proof"].as_str().unwrap();
            let first = proof.lines().nth(2).unwrap();
            value["evidence"][entry]["proof"] = proof.replacen(first, &BASE64.encode(&[6; 32]), 1).into();
        });
        refuses("checkpoint signature", &|value| {
            let proof = value["evidence"][entry]["proof"].as_str().unwrap();
            value["evidence"][entry]["proof"] = proof.replacen("\nmembervault/", "\nmembervaulT/", 1).into();
        });
    }
    refuses("another kind", &|value| value["evidence"]["intent"] = value["evidence"]["seal"].clone());
}
