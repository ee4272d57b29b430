//! What the tests over HTTP share; and golden files: what a test saw, as a text that a person can read in a diff.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by tests"
)]

pub(crate) mod desk;
pub(crate) mod schema;

use std::path::{Path, PathBuf};

/// Compares `seen` with `tests/golden/NAME`. On a difference the text that was seen is left beside it as `NAME.new`;
/// when the change is meant, move it over the old one.
pub(crate) fn golden(name: &str, seen: &str) {
    let path = folder().join(name);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let fresh = folder().join(format!("{name}.new"));
    if kept == seen {
        let _ = std::fs::remove_file(fresh);
        return;
    }
    std::fs::write(&fresh, seen).expect("the golden folder is writable");
    let line = kept.lines().zip(seen.lines()).position(|(kept, seen)| kept != seen).unwrap_or(0);
    let (kept, seen) = (kept.lines().nth(line).unwrap_or(""), seen.lines().nth(line).unwrap_or(""));
    panic!("{name} differs, first at line {}:\n  kept {kept}\n  seen {seen}\nsee {}", line + 1, fresh.display());
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
