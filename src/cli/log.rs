//! `membervault log`: what others verify the vault's log with.

use clap::Subcommand;

use super::failure::{Done, Failure};
use super::session::Session;
use super::unlock;
use crate::app;
use crate::types::Role;

/// What to print of the log.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the verifier key of the log; works while the vault is served
    #[command(after_help = "\
Examples:
  membervault log key > vault.vkey

The key is public: hand it to whoever is to verify certificates and the log, by another way than the certificates. It \
has the form that note verifiers take (C2SP signed-note, Go's golang.org/x/mod/sumdb/note). It stays the same for the \
life of the vault, unless the setting `ledger.origin`, which is part of it, is changed.")]
    Key,
    /// Sign the log as it is, and print the checkpoint
    Checkpoint,
    /// Print the proof that an entry is in the log, as a tlog-proof file
    Proof {
        /// The index of the entry
        index: u64,
    },
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        if matches!(self, Self::Key) {
            let settings = session.settings();
            session.out.line(app::log_key(settings, &unlock::existing(settings)?)?)?;
            return Ok(Done::Fully);
        }
        let (vault, ctx) = (session.vault()?, session.ctx(Role::Compliance));
        let text = match self {
            Self::Proof { index } => vault.log_proof(Some(&ctx), index).wait()?,
            _ => vault.log_checkpoint(Some(&ctx)).wait()?,
        };
        session.out.text(text.as_bytes())?;
        vault.close()?;
        Ok(Done::Fully)
    }
}
