//! `membervault recover`: open after a crash, say what was found and done about it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use super::unlock;
use crate::app;
use crate::vault::restore::Recovered;

/// Arguments of `recover`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault recover
  membervault recover --stale --log /mnt/mirror     an old image with its old keyring, and a newer copy of the log

Opening a vault, by any command, recovers it from a crash; this one tells what was found: nothing, a seal that was \
dropped, finished, or redone from its capsule. What cannot be settled (a database and a keyring of different ages) is \
refused with instructions, by every command.

With --stale, an old image (database and keyring of the same day) is brought up to date: the newer log is taken over, \
every member in the image is held against its erasures, those who were erased are erased again, and sealed. Who changed a \
consent since is left without any until it is asked again; who objected, restricted or took that back is restricted. \
Tokens that were revoked since are revoked again; if links were revoked or freezes set, the use of member data is frozen. \
Use it only when neither the newest keyring nor a copy of it is left: `membervault restore` loses less.")]
pub(super) struct Arguments {
    /// Bring an old image with its old keyring up to date
    #[arg(long, requires = "log")]
    stale: bool,
    /// The newer copy of the log: a mirror, or the directory of another database
    #[arg(long, value_name = "DIR", requires = "stale")]
    log: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        if let Some(log) = &self.log {
            return self.stale(session, log);
        }
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

    fn stale(&self, session: &Session, log: &Path) -> Result<Done, Failure> {
        let recovered = app::recover_stale(session.settings(), &unlock::existing(session.settings())?, log)?;
        if self.json {
            session.out.json(&recovered)?;
        } else {
            let Recovered {
                leaves,
                members,
                erased_again,
                sealed,
                consents_set_aside,
                restricted,
                tokens_revoked,
                frozen,
            } = recovered;
            session.out.line(format_args!(
                "took over {leaves} leaves of the newer log; of {members} members in the image {erased_again} (or parts \
                 of them) had been erased since, and were erased again; {sealed} erasures are sealed"
            ))?;
            if consents_set_aside > 0 || restricted > 0 {
                session.out.line(format_args!(
                    "of others the log says that something they said changed since, and not what: the consents of \
                     {consents_set_aside} are set aside, the data of {restricted} are restricted, until they are asked"
                ))?;
            }
            if tokens_revoked > 0 {
                session.out.line(format_args!(
                    "{tokens_revoked} tokens of the image had been revoked since, and were revoked again"
                ))?;
            }
            if frozen {
                session.out.line(
                    "the log says that links were revoked or freezes set since, and not which: the use of member data is \
                     frozen for all; look through the links, freeze what is to stay frozen, then lift it with \
                     `membervault breach unfreeze --all`",
                )?;
            }
        }
        Ok(Done::Fully)
    }
}
