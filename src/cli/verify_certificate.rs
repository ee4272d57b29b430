//! `membervault verify-certificate`: whether a certificate holds. Needs no vault, no settings and no network.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::certificate::write_new;
use super::failure::{Done, Failure};
use super::output::Output;
use crate::code::Code;
use crate::tlog::{NOTE_BYTES_MAX, SignatureType, VerifierKey};
use crate::vault::certificate::{Certificate, Check, Outcome, Verdict, page, verify};

/// Arguments of `verify-certificate`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault verify-certificate erasure.certificate --log-key \"$(cat vault.vkey)\"
  membervault verify-certificate erasure.certificate --log-key ... --witness ... --html page.html

The key is what `membervault log key` printed; get it by another way than the certificate. Checked, in this order: form, \
signature, intent, rotation, seal, purge (the ledger entries and what they say), inclusion (that they are in the signed log), \
witness (for each one given), stages. Exit code 0 means that all of them hold; 5 that one does not.")]
pub(super) struct Arguments {
    /// The certificate
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The verifier key of the log
    #[arg(long, value_name = "VKEY")]
    log_key: VerifierKey,
    /// The verifier key of a witness that must have cosigned; may be given several times
    #[arg(long, value_name = "VKEY")]
    witness: Vec<VerifierKey>,
    /// Write a page to be printed to this file, which must not exist, if the certificate holds
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, out: Output) -> Result<Done, Failure> {
        self.check_keys()?;
        let text = read(&self.file)?;
        let verdict = verify(&text, &self.log_key, &self.witness);
        if self.json {
            out.json(&as_json(&verdict))?;
        } else {
            verdict.checks.iter().try_for_each(|check| out.line(check))?;
        }
        let Some(certificate) = verdict.certificate.as_ref().filter(|_| verdict.holds()) else {
            let failed: Vec<_> = verdict.checks.iter().filter(|check| fails(check)).map(|check| check.name).collect();
            let what = format!("the certificate does not hold ({})", failed.join(", "));
            return Err(Failure::new(Code::NotVerified, what, "do not rely on it"));
        };
        if !self.json {
            explain(out, certificate)?;
        }
        if let Some(path) = &self.html {
            write_new(path, &page(certificate, &text, &verdict))?;
        }
        Ok(Done::Fully)
    }

    fn check_keys(&self) -> Result<(), Failure> {
        if self.log_key.kind() != SignatureType::Ed25519 {
            return Err(Failure::usage("--log-key is the key of a witness", "give what 'membervault log key' prints"));
        }
        if self.witness.iter().any(|key| key.kind() != SignatureType::Cosignature) {
            return Err(Failure::usage("--witness is no key of a witness", "give one of type cosignature/v1"));
        }
        Ok(())
    }
}

pub(super) const fn fails(check: &Check) -> bool {
    matches!(check.outcome, Outcome::Fails(_))
}

pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::io(format_args!("{} cannot be read", path.display()), error);
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    // One byte more than is accepted, so that too much is told from enough.
    file.take(NOTE_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// What a reader must know besides that it holds.
fn explain(out: Output, certificate: &Certificate) -> Result<(), Failure> {
    out.line("")?;
    out.line(format_args!("Erasure {}: {}", certificate.erasure.id, certificate.statement))?;
    out.line(format_args!("Root key: {}", certificate.slot.meaning))?;
    out.line(format_args!("Defeated by: {}", certificate.slot.defeated_by))?;
    certificate.residual_paths.iter().try_for_each(|path| out.line(format_args!("Remains: {path}")))?;
    certificate.not_covered.iter().try_for_each(|path| out.line(format_args!("Not covered: {path}")))
}

/// The checks as JSON.
pub(super) fn as_checks(checks: &[Check]) -> Vec<serde_json::Value> {
    let one = |check: &Check| {
        let (holds, detail) = match &check.outcome {
            Outcome::Holds(what) => (true, what),
            Outcome::Fails(what) => (false, what),
        };
        json!({ "name": check.name, "holds": holds, "detail": detail })
    };
    checks.iter().map(one).collect()
}

fn as_json(verdict: &Verdict) -> serde_json::Value {
    let certificate = verdict.certificate.as_ref().filter(|_| verdict.holds());
    json!({
        "holds": verdict.holds(),
        "checks": as_checks(&verdict.checks),
        "erasure": certificate.map(|certificate| certificate.erasure.id),
        "stage": certificate.map(|certificate| certificate.stage),
    })
}
