//! `membervault verify-receipt`: whether a receipt of a consent holds. Needs no vault, no settings and no network.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::failure::{Done, Failure};
use super::output::Output;
use super::verify_certificate::{as_checks, fails, read};
use crate::code::Code;
use crate::tlog::{SignatureType, VerifierKey};
use crate::vault::consent::receipt::{Receipt, ReceiptVerdict, verify};

/// Arguments of `verify-receipt`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault verify-receipt consent.receipt --key \"$(cat vault.vkey)\"

A member gets a receipt from GET /v1/members/<id>/consents/<purpose>/receipt. The key is what `membervault log key` \
printed; get it by another way than the receipt. Checked, in this order: form, signature, events. Exit code 0 means that \
all of them hold; 5 that one does not. Of a consent that was withdrawn later, an earlier receipt still holds: it says what \
was so when it was written.")]
pub(super) struct Arguments {
    /// The receipt
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The verifier key of the log
    #[arg(long, alias = "log-key", value_name = "VKEY")]
    key: VerifierKey,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, out: Output) -> Result<Done, Failure> {
        if self.key.kind() != SignatureType::Ed25519 {
            return Err(Failure::usage("--key is the key of a witness", "give what 'membervault log key' prints"));
        }
        let verdict = verify(&read(&self.file)?, &self.key);
        if self.json {
            out.json(&as_json(&verdict))?;
        } else {
            verdict.checks.iter().try_for_each(|check| out.line(check))?;
        }
        let Some(receipt) = verdict.receipt.as_ref().filter(|_| verdict.holds()) else {
            let failed: Vec<_> = verdict.checks.iter().filter(|check| fails(check)).map(|check| check.name).collect();
            let what = format!("the receipt does not hold ({})", failed.join(", "));
            return Err(Failure::new(Code::NotVerified, what, "do not rely on it"));
        };
        if !self.json {
            explain(out, receipt)?;
        }
        Ok(Done::Fully)
    }
}

/// What it says, in words.
fn explain(out: Output, receipt: &Receipt) -> Result<(), Failure> {
    let record = &receipt.record;
    out.line("")?;
    out.line(format_args!("Purpose: {} ({})", record.process.purpose.about, record.process.purpose.name))?;
    out.line(format_args!("Controller: {}", record.controller.name))?;
    out.line(format_args!("Notice: version {}", record.notice.version))?;
    for event in &record.events {
        let state = event.kinds.first().map_or("", String::as_str).trim_start_matches("dpv:Consent").to_lowercase();
        out.line(format_args!("Consent {state}: {}, until {}", event.at, event.duration.value))?;
    }
    Ok(())
}

fn as_json(verdict: &ReceiptVerdict) -> serde_json::Value {
    let receipt = verdict.receipt.as_ref().filter(|_| verdict.holds());
    json!({
        "holds": verdict.holds(),
        "checks": as_checks(&verdict.checks),
        "consent": receipt.map(|receipt| &receipt.record.id),
        "purpose": receipt.map(|receipt| &receipt.record.process.purpose.name),
    })
}
