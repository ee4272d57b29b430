//! `membervault purge`: take the bytes of what is sealed out of the files of the database.

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::types::Role;
use crate::vault::purge::PurgeReport;

/// Arguments of `purge`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault purge
  curl -X POST http://127.0.0.1:8200/v1/purges -H \"Authorization: Bearer $OPS_TOKEN\"     while serve runs

What is sealed cannot be read, wherever its bytes lie. A purge rewrites the tables they lay in, lets old logs go, and then \
reads every file of the data directory for what is left of them; an erasure of which nothing was found becomes 'purged'. \
Backups, mirrors, redo capsules and the freed blocks of the disk are not reached.

serve purges by itself, every purge.interval_s seconds. Exit code 7: something was found; the file is named.")]
pub(super) struct Arguments {
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let vault = session.vault()?;
        let report = vault.purge(&session.ctx(Role::Ops))?;
        vault.close()?;
        if self.json {
            session.out.json(&report)?;
        } else {
            session.out.table(&rows(&report))?;
        }
        Ok(if report.found == 0 { Done::Fully } else { Done::InPart })
    }
}

fn rows(report: &PurgeReport) -> Vec<Vec<String>> {
    let mut rows = vec![
        ("erasures looked for", report.erasures.to_string()),
        ("purged", report.purged.to_string()),
        ("still found", report.found.to_string()),
        ("files read", report.files.to_string()),
        ("bytes read", report.bytes.to_string()),
        ("cleaning", format!("{} ms", report.cleaning_ms)),
        ("searching", format!("{} ms", report.searching_ms)),
    ];
    if !report.found_in.is_empty() {
        rows.push(("found in", report.found_in.join(", ")));
    }
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}
