//! `membervault breach`: what is done when a token or a person cannot be trusted any more.

use clap::{ArgGroup, Args, Subcommand};

use super::failure::{Done, Failure};
use super::session::Session;
use crate::clock::Timestamp;
use crate::types::{Ctx, FreezeScope, Role, TokenId};
use crate::vault::Vault;
use crate::vault::api::guard::{Freeze, NewFreeze};
use crate::vault::report::Suspect;

/// What to do about a breach.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Stop the use of member data: by a token, a role, or all
    #[command(after_long_help = "\
Examples:
  membervault breach freeze --token 3f0c5a8e91d2b764 --reason 'found in a repository'
  membervault breach freeze --role support --reason 'stolen laptop'
  membervault breach freeze --all --reason 'not known yet what happened'

While serve runs it holds the database; freeze over HTTP then, which takes effect with the reply:
  curl -X POST http://127.0.0.1:8200/v1/freezes -H \"Authorization: Bearer $COMPLIANCE\" \\
       -H 'Content-Type: application/json' -d '{\"scope\": \"all\", \"reason\": \"...\"}'")]
    Freeze {
        #[command(flatten)]
        whom: Whom,
        /// Why, in a few words; no personal data
        #[arg(long)]
        reason: String,
    },
    /// Lift such a stop
    Unfreeze {
        #[command(flatten)]
        whom: Whom,
    },
    /// Report which members and fields a token or a role touched, for which purposes, how often
    #[command(after_long_help = "\
Examples:
  membervault breach report --since 2026-01-31T00:00:00Z --token 3f0c5a8e91d2b764
  membervault breach report --since 2026-01-31T00:00:00Z --role support --json > report.json

It names members by their ids and shows no data of them. The machine's own commands are token 0000000000000000.")]
    Report(Report),
    /// List the stops that stand
    Freezes {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `breach report`.
#[derive(Args)]
#[command(group = ArgGroup::new("suspect").required(true))]
pub(super) struct Report {
    /// The acts of one token
    #[arg(long, group = "suspect", value_name = "ID")]
    token: Option<TokenId>,
    /// The acts of all tokens of a role
    #[arg(long, group = "suspect", value_name = "ROLE")]
    role: Option<Role>,
    /// From when, to the minute, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = super::report::time)]
    since: Timestamp,
    /// Up to when, to the minute [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::report::time)]
    until: Option<Timestamp>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Whom a stop stops.
#[derive(Args)]
#[command(group = ArgGroup::new("whom").required(true))]
pub(super) struct Whom {
    /// One token, in all it does
    #[arg(long, group = "whom", value_name = "ID")]
    token: Option<TokenId>,
    /// All tokens of a role, in all they do
    #[arg(long, group = "whom", value_name = "ROLE")]
    role: Option<Role>,
    /// Everybody, as far as member data is used
    #[arg(long, group = "whom")]
    all: bool,
}

impl Whom {
    fn scope(&self) -> FreezeScope {
        let token = self.token.map(FreezeScope::Token);
        token.or(self.role.map(FreezeScope::Role)).unwrap_or(FreezeScope::All)
    }
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let (vault, ctx) = (session.vault()?, session.ctx(Role::Compliance));
        self.act(session, &vault, &ctx)?;
        vault.close()?;
        Ok(Done::Fully)
    }

    fn act(self, session: &Session, vault: &Vault, ctx: &Ctx) -> Result<(), Failure> {
        match self {
            Self::Freeze { whom, reason } => {
                let freeze = vault.set_freeze(ctx, &NewFreeze { scope: whom.scope(), reason }).wait()?;
                session.out.line(format_args!("{} is frozen since {}", freeze.id, freeze.set_at))
            }
            Self::Unfreeze { whom } => {
                let scope = whom.scope();
                vault.release_freeze(ctx, &scope).wait()?;
                session.out.line(format_args!("{scope} is frozen no more"))
            }
            Self::Report(Report { token, role, since, until, json }) => {
                let role = || role.map(Suspect::Role);
                let none = Failure::usage("nobody is named", "name either --token or --role");
                let suspect = token.map(Suspect::Token).or_else(role).ok_or(none)?;
                super::report::breach(session, vault, ctx, (suspect, since, until), json)
            }
            Self::Freezes { json } => {
                let freezes = vault.list_freezes(ctx).wait()?.items;
                if json { session.out.json(&freezes) } else { session.out.table(&rows(&freezes)) }
            }
        }
    }
}

fn rows(freezes: &[Freeze]) -> Vec<Vec<String>> {
    let row = |freeze: &Freeze| vec![freeze.id.to_string(), freeze.set_at.to_string(), freeze.reason.clone()];
    freezes.iter().map(row).collect()
}
