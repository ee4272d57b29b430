//! Checking a bundle, without the vault: what the manifest names is there, unchanged, and nothing else; and the key of
//! the log signed it.

use std::collections::{BTreeMap, BTreeSet};

use crate::tlog::{Note, VerifierKey};

use super::super::check::{Check, Finding, demand, document, signed};
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
        Err(found) => return (None, vec![Check::of("form", Err(found))]),
    };
    let mut checks =
        vec![Check::of("form", Ok(FORMAT.to_owned())), Check::of("signature", signature(&note, &manifest, key))];
    if checks.iter().all(Check::holds) {
        checks.push(Check::of("files", unchanged(files, &manifest)));
    }
    (Some(manifest), checks)
}

fn form(files: &Content) -> Result<(String, Manifest), String> {
    let text = |name: &str| {
        let bytes = files.get(name).ok_or(format!("there is no {name}"))?;
        std::str::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))
    };
    let note = [text(TEXT)?, text(SIGNATURE)?].join("\n");
    let (_, manifest): (_, Manifest) = document(&note)?;
    demand(manifest.bundle == FORMAT, "another version of bundles")?;
    Ok((note, manifest))
}

fn signature(note: &str, manifest: &Manifest, key: &VerifierKey) -> Finding {
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    signed(&note, manifest.log.as_str(), key, "the manifest names another log than the key")
}

fn unchanged(files: &Content, manifest: &Manifest) -> Finding {
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
