//! How the vault is: sizes, epochs, counts. Nothing about any member.

use crate::policy::Action;
use crate::store::{Keyspace, MirrorStats};
use crate::types::Ctx;

use super::act::{Act, Prepared};
use super::api::{Mirror, MirrorState, PolicyText, Status};
use super::pipeline::Case;
use super::{Error, Vault};

impl Vault {
    /// The state of the vault.
    ///
    /// # Errors
    /// A denial of the policy; `storage_failed`.
    pub fn status<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, Status> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            case.decide_plain(Action::StatusRead)?;
            let stats = self.engine().stats()?;
            let disk_bytes = Keyspace::ALL.map(|keyspace| (keyspace.name(), stats.keyspace(keyspace).table_bytes));
            let head = self.ledger().head();
            Ok(Prepared::unlogged(Status {
                version: crate::types::VERSION,
                vault: *self.id(),
                created_at: self.0.meta.created,
                epoch: self.keyring().epoch(),
                tree_depth: self.0.meta.depth,
                ledger_size: head.size,
                ledger_root: data_encoding::HEXLOWER.encode(&head.root),
                policy_sha256: data_encoding::HEXLOWER.encode(&self.policy().digest()),
                disk_bytes: disk_bytes.into_iter().collect(),
                wal_bytes: stats.wal_bytes,
                mirrors: stats.mirrors.iter().map(mirror).collect(),
            }))
        })
    }

    /// The policy in force, as it was written.
    ///
    /// # Errors
    /// A denial of the policy.
    pub fn policy_text<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, PolicyText> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::PolicyRead)?;
            let policy = self.policy();
            Ok(Prepared::unlogged(PolicyText {
                sha256: data_encoding::HEXLOWER.encode(&policy.digest()),
                toml: policy.text().to_owned(),
            }))
        })
    }

    /// Whether the vault takes changes, and with them any request about a member.
    ///
    /// # Errors
    /// What a change would be refused with: `shutting_down`, or the code of the write that failed.
    pub fn ready(&self) -> Result<(), Error> {
        Ok(self.ledger().check_open()?)
    }
}

fn mirror(stats: &MirrorStats) -> Mirror {
    let state = if stats.whole { MirrorState::Whole } else { MirrorState::Away };
    Mirror { directory: stats.directory.display().to_string(), state }
}
