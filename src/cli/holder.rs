//! `membervault holder`: who keeps copies of the keyring.

use std::path::PathBuf;

use clap::Subcommand;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::app;
use crate::types::{HolderName, Role};

/// What to do with holders of the keyring.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Let a directory, best on another disk or host, keep a copy of the keyring
    #[command(after_long_help = "\
Examples:
  membervault holder add safe /mnt/safe/membervault
  membervault holder list
  membervault holder remove safe               its copy is removed and overwritten
  membervault holder revoke safe               it is lost: certificates name it from now on

Losing every copy of the keyring loses the vault. A copy that nobody registered opens what was erased since it was made: \
an erasure is sealed only when each registered holder has dropped the old root.")]
    Add {
        /// What to call it
        name: HolderName,
        /// The directory, which must exist
        directory: PathBuf,
    },
    /// List holders, after bringing those that can be reached up to date
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a holder and its copy
    Remove {
        /// The holder
        name: HolderName,
    },
    /// Give up a holder that is away and may keep an old copy
    Revoke {
        /// The holder
        name: HolderName,
    },
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let vault = session.vault()?;
        let ctx = session.ctx(Role::Ops);
        match self {
            Self::Add { name, directory } => {
                let holder = app::holder(session.settings(), name, &directory)?;
                vault.add_holder(&ctx, holder)?;
            }
            Self::Remove { name } => vault.remove_holder(&ctx, &name)?,
            Self::Revoke { name } => vault.revoke_holder(&ctx, &name)?,
            Self::List { json } => {
                let holders = vault.holders(&ctx)?;
                if json {
                    session.out.json(&holders)?;
                } else {
                    let state = |current| if current { "up to date" } else { "away" };
                    let row = |holder: &crate::vault::holder::HolderInfo| {
                        vec![
                            holder.name.to_string(),
                            state(holder.current).to_owned(),
                            holder.directory.display().to_string(),
                        ]
                    };
                    session.out.table(&holders.iter().map(row).collect::<Vec<_>>())?;
                }
            }
        }
        vault.close()?;
        Ok(Done::Fully)
    }
}
