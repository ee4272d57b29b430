//! `membervault policy`: check a policy file before it stands, or print the one that does.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::app;
use crate::policy::Policy;

/// What to do with the policy.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Check a policy file, print its SHA-256 and its purposes; warnings are remarks
    #[command(after_help = "\
Examples:
  membervault policy default > policy.toml     begin with the built-in policy
  membervault policy check policy.toml
  membervault serve --policy policy.toml       a running server is restarted to take a new policy")]
    Check {
        /// The policy file
        file: PathBuf,
    },
    /// Print the policy that stands: the file of the setting `policy`, or the built-in one
    Show,
    /// Print the built-in policy
    Default,
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        match self {
            Self::Check { file } => check(session, &file),
            Self::Show => session.out.text(app::policy(session.settings())?.text().as_bytes()),
            Self::Default => session.out.text(Policy::default_text().as_bytes()),
        }?;
        Ok(Done::Fully)
    }
}

fn check(session: &Session, path: &Path) -> Result<(), Failure> {
    let policy = app::policy_in(path)?;
    for lint in policy.lints() {
        session.out.remark(format_args!("{}, line {}: {}", path.display(), lint.line, lint.text));
    }
    let sha256 = data_encoding::HEXLOWER.encode(&policy.digest());
    session.out.line(format_args!("{} is valid, sha256 {sha256}", path.display()))?;
    policy.purposes().try_for_each(|(purpose, meaning)| session.out.line(format_args!("purpose {purpose}: {meaning}")))
}
