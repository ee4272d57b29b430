//! `membervault status`: how the vault is.

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::types::Role;
use crate::vault::api::{MirrorState, Status};

/// Arguments of `status`.
#[derive(Args)]
pub(super) struct Arguments {
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let vault = session.vault()?;
        let status = vault.status(&session.ctx(Role::Ops)).wait()?;
        if self.json {
            session.out.json(&status)?
        } else {
            session.out.table(&rows(&status))?
        }
        vault.close()?;
        Ok(Done::Fully)
    }
}

fn rows(status: &Status) -> Vec<Vec<String>> {
    let mut rows = vec![
        ("version", status.version.to_owned()),
        ("vault", status.vault.to_string()),
        ("created", status.created_at.to_string()),
        ("key tree", format!("epoch {}, depth {}", status.epoch, status.tree_depth)),
        ("ledger", format!("{} leaves, root {}", status.ledger_size, status.ledger_root)),
        ("policy", format!("sha256 {}", status.policy_sha256)),
    ];
    let disk = status.disk_bytes.iter().map(|(keyspace, bytes)| format!("{keyspace} {bytes}"));
    let log = format!("write-ahead log {}", status.wal_bytes);
    rows.push(("bytes on disk", disk.chain([log]).collect::<Vec<_>>().join(", ")));
    for mirror in &status.mirrors {
        let state = match mirror.state {
            MirrorState::Whole => "whole",
            MirrorState::Away => "AWAY: what is lost with the database cannot be had from it",
        };
        rows.push(("mirror", format!("{}, {state}", mirror.directory)));
    }
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}
