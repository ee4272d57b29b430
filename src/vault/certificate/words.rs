//! What a certificate says in plain words. Signed with the rest; each sentence is one that the code makes true.

use crate::types::slot::{HolderState, HolderStatement, SlotLevel};

use super::super::api::{Scope, Stage};
use super::Slot;

/// What a seal is, for this scope.
pub(super) fn statement(scope: Scope) -> String {
    let what = match scope {
        Scope::Member => "everything the vault held of this member",
        Scope::Compartment => "one compartment of this member's records",
    };
    format!(
        "The keys to {what} are destroyed, in the vault and at every registered holder of its root key. No file of the \
         vault, no log and no backup of it that was ever written can be opened with the keys they have left."
    )
}

/// How far the place of the root key can be trusted.
pub(super) fn slot(level: SlotLevel) -> Slot {
    match level {
        SlotLevel::File => Slot {
            level,
            meaning:
                "The root key was kept in a file, which was replaced by one without it. That the medium under the \
                      file has forgotten it is not claimed."
                    .to_owned(),
            defeated_by:
                "A copy of the keyring file from before the seal (one that nobody registered, a snapshot of its \
                          disk, what flash memory keeps of a replaced file) together with the passphrase or key file \
                          that opened it then, and with an old copy of the database."
                    .to_owned(),
        },
    }
}

/// What may still lie where.
pub(super) fn residual_paths(stage: Stage, holders: &[HolderStatement]) -> Vec<String> {
    let mut paths = vec![match stage {
        Stage::Purged => "The files of the vault were searched and hold none of its encrypted rows any more. Earlier \
                          backups do; no key that the vault or a registered holder has left opens them."
            .to_owned(),
        Stage::Fenced | Stage::Sealed => {
            "Encrypted rows may still lie in the files of the vault, and lie in its earlier \
                                          backups; no key that the vault or a registered holder has left opens them."
                .to_owned()
        }
    }];
    let revoked = holders.iter().filter(|holder| holder.state == HolderState::Revoked);
    paths.extend(revoked.map(|holder| {
        format!("The holder '{}' was given up while it was out of reach, and may keep a root key of then.", holder.name)
    }));
    paths
}

/// What no seal reaches.
pub(super) fn not_covered() -> Vec<String> {
    [
        "Copies in the clear that left the vault before: exports, answers to systems and people who were allowed to read.",
        "What other systems hold about the person, under the member's id or without it.",
        "Whoever copied keys, memory or swap of the vault before the seal.",
        "Whether the machine ran this program as it was published, which nothing the program writes can show.",
    ]
    .map(str::to_owned)
    .to_vec()
}
