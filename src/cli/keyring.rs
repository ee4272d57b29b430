//! `membervault keyring`: the file that opens the vault.

use clap::Subcommand;

use super::failure::{Done, Failure};
use super::session::Session;
use super::unlock;
use crate::app;
use crate::config::Typed;
use crate::types::Role;

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
    /// Put the keyring under the next master key, and give every key of the tree a successor
    #[command(after_help = "\
Examples:
  membervault keyring rotate --next-passphrase-file new-passphrase
  curl -X POST http://127.0.0.1:8200/v1/keyring/rotations -H \"Authorization: Bearer $OPS_TOKEN\"     while serve runs

Afterwards an old copy of the keyring opens nothing of today, even with the old passphrase. Set passphrase_file (or \
key_file) to the new one before the vault is opened again.")]
    Rotate {
        /// A file whose first line is the new passphrase [env: MEMBERVAULT_NEXT_PASSPHRASE_FILE]
        #[arg(long, value_name = "FILE")]
        next_passphrase_file: Option<String>,
        /// The new key file; made, if it does not exist [env: MEMBERVAULT_NEXT_KEY_FILE]
        #[arg(long, value_name = "FILE", conflicts_with = "next_passphrase_file")]
        next_key_file: Option<String>,
    },
    /// Print what the keyring file says without being opened
    Show,
}

impl Command {
    /// The settings among the arguments.
    pub(super) fn typed(&self) -> Typed {
        let mut typed = Typed::default();
        if let Self::Rotate { next_passphrase_file, next_key_file } = self {
            typed.flag("next.passphrase_file", "--next-passphrase-file", next_passphrase_file.clone());
            typed.flag("next.key_file", "--next-key-file", next_key_file.clone());
        }
        typed
    }

    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let settings = session.settings();
        match self {
            Self::Upgrade => {
                let upgraded = app::upgrade_keyring(settings, &unlock::existing(settings)?)?;
                session.out.line(upgraded)?;
            }
            Self::Rotate { .. } => {
                if let Some(path) = settings.next_key_file.as_ref().filter(|path| path.symlink_metadata().is_err()) {
                    app::create_key_file(path)?;
                }
                let vault = session.vault()?;
                let report = vault.rotate_to_next_master(&session.ctx(Role::Ops))?;
                vault.close()?;
                session.out.line(format_args!(
                    "the keyring is under the next master key; {} leaves of the key tree have new keys",
                    report.leaves
                ))?;
            }
            Self::Show => session.out.line(app::describe_keyring(settings)?)?,
        }
        Ok(Done::Fully)
    }
}
