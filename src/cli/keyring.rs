//! `membervault keyring`: the file that opens the vault.

use clap::Subcommand;

use super::failure::{Done, Failure};
use super::session::Session;
use super::unlock;
use crate::app;

/// What to do with the keyring file.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Seal the keyring anew under today's recommended Argon2id parameters, with the same passphrase
    #[command(after_help = "\
Examples:
  membervault keyring upgrade

Older parameters make a stolen keyring file cheaper to guess at. The key of the vault stays the same, so every earlier \
copy of the file still opens under the old parameters: replace the copies too.")]
    Upgrade,
    /// Print what the keyring file says without being opened
    Show,
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let settings = session.settings();
        match self {
            Self::Upgrade => {
                let upgraded = app::upgrade_keyring(settings, &unlock::existing(settings)?)?;
                session.out.line(upgraded)?;
            }
            Self::Show => session.out.line(app::describe_keyring(settings)?)?,
        }
        Ok(Done::Fully)
    }
}
