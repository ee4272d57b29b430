//! `membervault seal`: destroy the keys of what was erased.

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::types::Role;
use crate::vault::seal::SealReport;

/// Arguments of `seal`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault seal                             what was erased cannot be read from any old file from now on
  membervault seal --all                       every key of the tree anew, as after the loss of an old keyring
  curl -X POST http://127.0.0.1:8200/v1/seals -H \"Authorization: Bearer $OPS_TOKEN\"     while serve runs

serve seals by itself, every seal.interval_s seconds, when something waits.")]
pub(super) struct Arguments {
    /// Give every leaf of the key tree a new key, not only those that lost something
    #[arg(long)]
    all: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let vault = session.vault()?;
        let ctx = session.ctx(Role::Ops);
        let report = if self.all { vault.seal_everything(&ctx)? } else { vault.seal(&ctx)? };
        vault.close()?;
        if self.json {
            session.out.json(&report)?;
        } else {
            session.out.table(&rows(&report))?;
        }
        // Asked to seal and could not: a script must see it.
        Ok(if report.waiting_for.is_empty() { Done::Fully } else { Done::InPart })
    }
}

fn rows(report: &SealReport) -> Vec<Vec<String>> {
    let mut rows = vec![
        ("erasures sealed", report.sealed.to_string()),
        ("epoch", report.epoch.to_string()),
        ("rounds", report.rounds.to_string()),
        ("leaves re-keyed", report.leaves.to_string()),
        ("rows rewrapped", report.rows.to_string()),
        ("longest pause of writers", format!("{} us", report.longest_pause_us)),
    ];
    if !report.waiting_for.is_empty() {
        let names: Vec<_> = report.waiting_for.iter().map(ToString::to_string).collect();
        rows.push(("waiting for holders", names.join(", ")));
    }
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}
