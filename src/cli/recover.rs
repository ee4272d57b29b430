//! `membervault recover`: open after a crash, say what was found and done about it.

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;

/// Arguments of `recover`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault recover

Opening a vault, by any command, recovers it from a crash; this one tells what was found: nothing, a seal that was \
dropped, finished, or redone from its capsule. What cannot be settled (a database and a keyring of different ages) is \
refused with instructions, by every command.")]
pub(super) struct Arguments {
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let vault = session.vault()?;
        let recovery = vault.recovery();
        vault.close()?;
        if self.json {
            session.out.json(&recovery)?;
        } else {
            session.out.line(recovery.sentence())?;
        }
        Ok(Done::Fully)
    }
}
