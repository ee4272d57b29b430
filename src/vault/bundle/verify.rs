//! Checking a bundle, without the vault: what the manifest names is there, unchanged, and nothing else; and the key of
//! the log signed it.

use std::collections::{BTreeMap, BTreeSet};

use crate::tlog::{Note, VerifierKey};

use super::super::certificate::{Check, Outcome};
use super::manifest::{FORMAT, Manifest, SIGNATURE, TEXT, digest};

/// Files that are read of a bundle.
pub const FILES_MAX: usize = 64;

/// The content of a bundle's files, by name.
pub type Content = BTreeMap<String, Vec<u8>>;

/// Checks a bundle under the key of the log: the manifest, if it was one, and each check, in order. What failed may keep
/// later ones from being made.
pub fn verify(files: &Content, key: &VerifierKey) -> (Option<Manifest>, Vec<Check>) {
    let (note, manifest) = match form(files) {
        Ok(read) => read,
        Err(found) => return (None, vec![check("form", Err(found))]),
    };
    let mut checks = vec![check("form", Ok(FORMAT.to_owned())), check("signature", signature(&note, &manifest, key))];
    if checks.iter().all(|check| matches!(check.outcome, Outcome::Holds(_))) {
        checks.push(check("files", unchanged(files, &manifest)));
    }
    (Some(manifest), checks)
}

fn check(name: &'static str, finding: Result<String, String>) -> Check {
    let outcome = match finding {
        Ok(what) => Outcome::Holds(what),
        Err(what) => Outcome::Fails(what),
    };
    Check { name, outcome }
}

fn form(files: &Content) -> Result<(String, Manifest), String> {
    let text = |name: &str| {
        let bytes = files.get(name).ok_or(format!("there is no {name}"))?;
        std::str::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))
    };
    let note = [text(TEXT)?, text(SIGNATURE)?].join("\n");
    let parsed = Note::parse(&note).map_err(|error| error.to_string())?;
    // The parser's messages are about syntax and our own words; the text is the reader's own file.
    let manifest: Manifest = serde_json::from_str(parsed.text()).map_err(|error| error.to_string())?;
    if manifest.bundle != FORMAT {
        return Err("another version of bundles".to_owned());
    }
    Ok((note, manifest))
}

fn signature(note: &str, manifest: &Manifest, key: &VerifierKey) -> Result<String, String> {
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    note.require(key).map_err(|error| error.to_string())?;
    if manifest.log != key.name().as_str() {
        return Err("the manifest names another log than the key".to_owned());
    }
    Ok(format!("by {}", key.name()))
}

fn unchanged(files: &Content, manifest: &Manifest) -> Result<String, String> {
    let mut named = BTreeSet::from([TEXT, SIGNATURE]);
    for entry in &manifest.files {
        let content = files.get(&entry.name).ok_or(format!("{} is missing", entry.name))?;
        if content.len() != entry.bytes || digest(content) != entry.sha256 {
            return Err(format!("{} is not the file that was signed", entry.name));
        }
        if !named.insert(&entry.name) {
            return Err(format!("{} is named twice", entry.name));
        }
    }
    // Names of other files are the reader's own; how many there are is enough.
    let others = files.keys().filter(|name| !named.contains(name.as_str())).count();
    if others > 0 {
        return Err(format!("{others} files are there that nobody signed"));
    }
    Ok(format!("{} files", manifest.files.len()))
}
