//! `membervault schema`: check a data map before it stands, compare two, print the record of processing activities.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::failure::{Done, Failure};
use super::session::Session;
use crate::app;
use crate::schema::{DataMap, diff, report};

/// What to do with the data map.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the data map that stands: the file of the setting `schema.file`, or the built-in one
    Show,
    /// Check a data map beside the policy that stands, print its SHA-256 and purposes; warnings are remarks
    #[command(after_help = "\
Examples:
  membervault schema default > map.toml        begin with the built-in map
  membervault schema check map.toml
  membervault schema diff old.toml map.toml    what changes, and whom to tell
  MEMBERVAULT_SCHEMA_FILE=map.toml membervault serve
A running server takes a changed file at POST /v1/schema/reload, or when it gets SIGHUP.")]
    Check {
        /// The data map
        file: PathBuf,
    },
    /// Say in words what changed between two data maps, and what it means for members
    Diff {
        /// The data map as it was
        old: PathBuf,
        /// The data map as it is to be
        new: PathBuf,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what is odd: unused fields, over-broad purposes, where map and policy disagree
    Lint,
    /// Print the record of processing activities (GDPR Art. 30)
    Report {
        /// As a page, or as data
        #[arg(long, value_enum, default_value_t = Format::Markdown)]
        format: Format,
    },
    /// Print the built-in data map
    Default,
}

/// The form of the report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// A page for people
    Markdown,
    /// Data for programs, in terms of the Data Privacy Vocabulary
    Json,
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        match self {
            Self::Show => session.out.text(app::schema(session.settings())?.text().as_bytes())?,
            Self::Default => session.out.text(DataMap::default_text().as_bytes())?,
            Self::Check { file } => check(session, &file)?,
            Self::Diff { old, new, json } => compare(session, &old, &new, json)?,
            Self::Lint => return lint(session),
            Self::Report { format } => write(session, format)?,
        }
        Ok(Done::Fully)
    }
}

fn check(session: &Session, path: &Path) -> Result<(), Failure> {
    let (map, policy) = (app::schema_in(path)?, app::policy(session.settings())?);
    policy.fits(&map)?;
    for remark in map.remarks().into_iter().chain(policy.remarks_on(&map)) {
        session.out.remark(format_args!("{}, line {}: {}", path.display(), remark.line, remark.text));
    }
    let sha256 = data_encoding::HEXLOWER.encode(&map.digest());
    session.out.line(format_args!("{} is valid, sha256 {sha256}", path.display()))?;
    map.purposes().try_for_each(|purpose| {
        session.out.line(format_args!("purpose {} ({}): {}", purpose.name, purpose.basis, purpose.about))
    })
}

fn compare(session: &Session, old: &Path, new: &Path, json: bool) -> Result<(), Failure> {
    let changes = diff(&app::schema_in(old)?, &app::schema_in(new)?);
    if json {
        return session.out.json(&changes);
    }
    if changes.is_empty() {
        session.out.remark("the two say the same");
    }
    changes.iter().try_for_each(|change| session.out.line(format_args!("{}\n    {}", change.what, change.means)))
}

fn lint(session: &Session) -> Result<Done, Failure> {
    let (map, policy) = (app::schema(session.settings())?, app::policy(session.settings())?);
    policy.fits(&map)?;
    let mut remarks = map.remarks();
    remarks.extend(policy.remarks_on(&map));
    remarks.sort_by_key(|remark| remark.line);
    for remark in &remarks {
        session.out.line(format_args!("line {}: {}", remark.line, remark.text))?;
    }
    Ok(if remarks.is_empty() { Done::Fully } else { Done::WithFindings })
}

fn write(session: &Session, format: Format) -> Result<(), Failure> {
    let (map, policy) = (app::schema(session.settings())?, app::policy(session.settings())?);
    policy.fits(&map)?;
    let roles = |purpose: &_| policy.roles_for(&map, purpose).into_iter().map(|role| role.to_string()).collect();
    let report = report(&map, roles);
    match format {
        Format::Markdown => session.out.text(report.markdown().as_bytes()),
        Format::Json => session.out.json(&report),
    }
}
