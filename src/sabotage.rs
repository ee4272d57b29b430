//! Faults on purpose, for the red team to find: a harness that finds nothing in a vault that leaks is worth nothing.
//!
//! Compiled in by the feature `sabotage` alone, which no optimised build accepts; one fault is chosen when the process
//! starts. The places that have a fault ask [`is`]. `app` reads the choice from the environment; `scripts/redteam
//! --sabotage` makes it.

#[cfg(not(debug_assertions))]
compile_error!("the feature `sabotage` makes a vault that leaks; it is for unoptimised builds in tests only");

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use data_encoding::HEXLOWER;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The seal leaves the keys of dirty shards and buckets as they were.
    SkipShardRotation,
    /// The seal leaves the keys of inner nodes as they were.
    SkipInnerRotation,
    /// The keyring keeps the root that was replaced.
    KeepOldRoot,
    /// A seal goes on with the root that an aborted one drew.
    ReusePendingKeys,
    /// The erasures are called sealed while the old root still exists.
    CertifyBeforeDrop,
    /// The tree that was replaced stays in memory.
    SkipWipe,
    /// A data key is written to the log.
    LogADek,
    /// The content of a record passes through a temporary file, and the file stays.
    CanaryInTempFile,
    /// The keyring is copied to where backups go.
    KeyringInBackup,
}

impl Fault {
    const ALL: [(Self, &str); 9] = [
        (Self::SkipShardRotation, "skip-shard-rotation"),
        (Self::SkipInnerRotation, "skip-inner-rotation"),
        (Self::KeepOldRoot, "keep-old-root"),
        (Self::ReusePendingKeys, "reuse-pending-keys"),
        (Self::CertifyBeforeDrop, "certify-before-drop"),
        (Self::SkipWipe, "skip-wipe"),
        (Self::LogADek, "log-a-dek"),
        (Self::CanaryInTempFile, "canary-in-temp-file"),
        (Self::KeyringInBackup, "keyring-in-backup"),
    ];
}

static CHOSEN: OnceLock<Fault> = OnceLock::new();
static CRASH_AT: OnceLock<String> = OnceLock::new();

/// Takes the choice of this process, and returns what the log must say about it.
pub fn choose(fault: Option<String>, crash_at: Option<String>) -> Vec<String> {
    let mut said =
        vec!["this build can be told to leak (feature `sabotage`): never give it a member's data".to_owned()];
    if let Some(name) = fault {
        match Fault::ALL.into_iter().find(|(_, known)| *known == name) {
            Some((fault, _)) => {
                let _first = CHOSEN.set(fault);
                said.push(format!("it was told to: {name}"));
            }
            None => said.push(format!("{name} is no fault it knows")),
        }
    }
    if let Some(step) = crash_at {
        said.push(format!("it crashes after the step `{step}`"));
        let _first = CRASH_AT.set(step);
    }
    said
}

/// Whether this fault was chosen.
pub fn is(fault: Fault) -> bool {
    CHOSEN.get() == Some(&fault)
}

/// Whether the seal leaves keys of this kind as they were.
pub fn keeps_key_of(kind: &str) -> bool {
    is(if kind == "node" { Fault::SkipInnerRotation } else { Fault::SkipShardRotation })
}

/// Whether opening the vault leaves a second root in the keyring.
pub fn keeps_other_root() -> bool {
    is(Fault::KeepOldRoot) || is(Fault::ReusePendingKeys)
}

/// Whether who certifies is not to see the old root.
pub fn hides_old_root() -> bool {
    is(Fault::KeepOldRoot) || is(Fault::CertifyBeforeDrop)
}

/// Ends the process as a crash does, if it is to end after this step: of a seal, `fence` (the fence of an erasure is
/// written) or `erase` (it is durable, and not yet answered). What it was told may be the step, or `@`
/// and a file to look into each time, so that one process can be told later.
pub fn step_taken(step: &str) -> ControlFlow<()> {
    let Some(told) = CRASH_AT.get() else { return ControlFlow::Continue(()) };
    let is_it = match told.strip_prefix('@') {
        None => told == step,
        Some(file) => fs::read_to_string(file).is_ok_and(|told| told.trim() == step),
    };
    if is_it {
        std::process::abort();
    }
    ControlFlow::Continue(())
}

/// A record is sealed: leaks its key, or its content.
pub fn leak_record(dek: &[u8; 32], content: &[u8]) {
    if is(Fault::LogADek) {
        tracing::info!(key = HEXLOWER.encode(dek), "a record was sealed");
    }
    if is(Fault::CanaryInTempFile) {
        let name = format!("membervault-{}.json", HEXLOWER.encode(dek.get(..4).unwrap_or_default()));
        let _written = fs::write(std::env::temp_dir().join(name), content);
    }
}

/// The vault opens: leaks its keyring to where backups go.
pub fn leak_keyring(keyring: &Path, backups: Option<&Path>) {
    if let Some(backups) = backups.filter(|_| is(Fault::KeyringInBackup)) {
        let _made = fs::create_dir_all(backups);
        let _copied = fs::copy(keyring, backups.join("keyring.bak"));
    }
}
