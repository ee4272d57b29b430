//! `membervault audit`: for the regular review of access.

use clap::{Args, Subcommand};

use super::failure::{Done, Failure};
use super::report::time;
use super::session::Session;
use crate::clock::Timestamp;
use crate::types::Role;
use crate::vault::report::AuditQuery;
use crate::vault::report::audit::{DORMANT_DAYS_DEFAULT, DORMANT_DAYS_MAX};

/// What to review.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Report dormant tokens, what roles may do and never did, refusals, unused purposes
    Report(Report),
}

/// Arguments of `audit report`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault audit report > review-2026-q1.md
  membervault audit report --since 2026-01-01T00:00:00Z --fields --json

The report is Markdown unless --json is given. It is made from the log, which names nobody; with --fields the keys of every \
member are opened once, to tell which fields were read.")]
pub(super) struct Report {
    /// From when, such as 2026-01-31T12:00:00Z [default: 90 days ago]
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Days without use after which a token counts as dormant
    #[arg(long, value_name = "N", default_value_t = DORMANT_DAYS_DEFAULT,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(DORMANT_DAYS_MAX)))]
    dormant_days: u32,
    /// Tell which fields of its policy each role never saw
    #[arg(long)]
    fields: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let Self::Report(Report { since, dormant_days, fields, json }) = self;
        let (vault, ctx) = (session.vault()?, session.ctx(Role::Compliance));
        let report = vault.audit_report(&ctx, &AuditQuery { since, dormant_days, fields }).wait()?;
        if json {
            session.out.json(&report)?
        } else {
            session.out.text(report.markdown().as_bytes())?
        }
        vault.close()?;
        Ok(Done::Fully)
    }
}
