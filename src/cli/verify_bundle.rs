//! `membervault verify-bundle`: whether a bundle is as the vault made it. Needs no vault, no settings and no network.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::failure::{Done, Failure};
use super::output::Output;
use crate::code::Code;
use crate::tlog::{SignatureType, VerifierKey};
use crate::vault::bundle::{Content, FILES_MAX, read_archive, verify};
use crate::vault::certificate::{Check, Outcome};

/// The largest bundle that is read.
const BUNDLE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Arguments of `verify-bundle`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault verify-bundle member-6f1c....zip --log-key \"$(cat vault.vkey)\"
  membervault verify-bundle ./unpacked --log-key ...

The key is what `membervault log key` printed; get it by another way than the bundle. Checked, in this order: form, \
signature, files (each is there, unchanged, and there is no other). Exit code 0 means that all of them hold; 5 that one \
does not.")]
pub(super) struct Arguments {
    /// The archive, or the directory it was unpacked to
    #[arg(value_name = "PATH")]
    bundle: PathBuf,
    /// The verifier key of the log
    #[arg(long, value_name = "VKEY")]
    log_key: VerifierKey,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, out: Output) -> Result<Done, Failure> {
        if self.log_key.kind() != SignatureType::Ed25519 {
            return Err(Failure::usage("--log-key is the key of a witness", "give what 'membervault log key' prints"));
        }
        let (manifest, checks) = verify(&read(&self.bundle)?, &self.log_key);
        let failed: Vec<_> = checks.iter().filter(|check| fails(check)).map(|check| check.name).collect();
        if self.json {
            let made = manifest.as_ref().filter(|_| failed.is_empty());
            out.json(&json!({
                "holds": failed.is_empty(),
                "checks": checks.iter().map(as_json).collect::<Vec<_>>(),
                "member": made.map(|manifest| manifest.member),
                "made_at": made.map(|manifest| manifest.made_at),
            }))?;
        } else {
            checks.iter().try_for_each(|check| out.line(check))?;
        }
        if failed.is_empty() {
            return Ok(Done::Fully);
        }
        let what = format!("the bundle does not hold ({})", failed.join(", "));
        Err(Failure::new(Code::NotVerified, what, "do not rely on it"))
    }
}

const fn fails(check: &Check) -> bool {
    matches!(check.outcome, Outcome::Fails(_))
}

fn as_json(check: &Check) -> serde_json::Value {
    let (holds, detail) = match &check.outcome {
        Outcome::Holds(what) => (true, what),
        Outcome::Fails(what) => (false, what),
    };
    json!({ "name": check.name, "holds": holds, "detail": detail })
}

/// The files of a directory or an archive.
fn read(path: &Path) -> Result<Content, Failure> {
    let unreadable = |error| Failure::io(format_args!("{} cannot be read", path.display()), error);
    if !path.is_dir() {
        let bytes = bounded(path).map_err(unreadable)?;
        return read_archive(&bytes)
            .map_err(|error| Failure::new(Code::NotVerified, error.to_string(), "do not rely on it"));
    }
    let mut files = Content::new();
    for entry in path.read_dir().map_err(unreadable)?.take(FILES_MAX + 1) {
        let entry = entry.map_err(unreadable)?;
        // What is no file by a plain name is none that a vault signed: it counts as one that nobody signed.
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = entry.file_type().map_err(unreadable)?.is_file();
        let content = if is_file { bounded(&entry.path()).map_err(unreadable)? } else { Vec::new() };
        files.insert(name, content);
    }
    Ok(files)
}

fn bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BUNDLE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
