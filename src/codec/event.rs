//! What a ledger entry attests: its kind, and what it says beyond its kind.
//!
//! The kinds are numbered for good; `docs/FORMAT.md` draws the bodies. Nothing here names a person: tags and references
//! are keyed under members' keys, names are those of holders.

use super::CodecError;
use super::reader::Reader;
pub use super::seal::{HolderChange, Rotation, SEAL_TAGS_MAX, SealEvent};
use super::seal::{encode_name, encode_tags, parse_change, parse_tags};
use crate::types::{BackupId, ErasureId, HolderName, Role, TokenId};

pub(super) const WHAT: &str = "ledger leaf";

/// SHA-256 of the envelope in the access row of a leaf.
pub type Detail = [u8; 32];
/// The commitment of an access that left no details.
pub const NO_DETAIL: Detail = [0; 32];

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident = $number:literal $text:literal,)+) => {
        /// What a leaf attests. The numbers never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LeafKind { $($(#[$doc])+ $name = $number,)+ }

        impl LeafKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number in the leaf.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The kind of a number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }

            /// The name in listings.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

kinds! {
    /// The vault was made.
    VaultInit = 1 "vault.init",
    /// The vault was opened.
    VaultOpen = 2 "vault.open",
    /// A member was created.
    MemberCreate = 3 "member.create",
    /// A record was created or changed.
    RecordWrite = 4 "record.write",
    /// A record was deleted.
    RecordDelete = 5 "record.delete",
    /// A record was read.
    RecordRead = 6 "record.read",
    /// A member was looked up by an identifier.
    MemberLookup = 7 "member.lookup",
    /// Member ids were listed.
    MemberList = 8 "member.list",
    /// The records of a member were listed.
    RecordList = 9 "record.list",
    /// All that is held about a member was read.
    MemberExport = 10 "member.export",
    /// A request was denied.
    Denial = 11 "denial",
    /// A member or a compartment was erased.
    EraseIntent = 12 "erase.intent",
    /// A legal hold was set.
    HoldSet = 13 "hold.set",
    /// A legal hold was released.
    HoldRelease = 14 "hold.release",
    /// An API token was issued.
    TokenCreate = 15 "token.create",
    /// An API token was revoked.
    TokenRevoke = 16 "token.revoke",
    /// A policy came into force.
    PolicyLoad = 17 "policy.load",
    /// A batch was imported.
    Import = 18 "import",
    /// The keyring file was rewritten in a newer form.
    KeyringUpgrade = 19 "keyring.upgrade",
    /// A witness's cosignature on a checkpoint was stored.
    LogCosign = 20 "log.cosign",
    /// The keys of erasures are gone everywhere.
    Seal = 32 "seal",
    /// Data rows of a backup were put under the latest control rows.
    Restore = 33 "restore",
    /// A backup was made.
    Backup = 34 "backup",
    /// The keyring was put under another master key.
    MasterRotate = 35 "master.rotate",
    /// A holder of the keyring was added, removed or revoked.
    Holder = 36 "holder",
    /// The key tree got a new root.
    TreeRotate = 37 "tree.rotate",
    /// The files of the database hold nothing of erasures any more.
    Purge = 38 "purge",
    /// Every leaf of the key tree was marked, to get a new key.
    TreeMark = 39 "tree.mark",
}

/// What a leaf attests, with what it says beyond its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is documented as the kind of the same name")]
pub enum Event {
    VaultInit,
    VaultOpen,
    MemberCreate(Detail),
    RecordWrite(Detail),
    RecordDelete(Detail),
    RecordRead(Detail),
    MemberLookup(Detail),
    MemberList,
    RecordList(Detail),
    MemberExport(Detail),
    /// `action` is the number of what was asked for, `reason` that of the denial.
    Denial {
        action: u8,
        reason: u8,
    },
    /// `tag` is how whoever holds the member's keys finds the erasure again.
    EraseIntent {
        erasure: ErasureId,
        compartment_only: bool,
        tag: [u8; 32],
    },
    HoldSet(Detail),
    HoldRelease(Detail),
    TokenCreate(TokenId, Role),
    TokenRevoke(TokenId, Role),
    /// SHA-256 of the policy.
    PolicyLoad([u8; 32]),
    Import,
    KeyringUpgrade,
    /// `size` is that of the checkpoint, `witness` the id of the witness's key.
    LogCosign {
        size: u64,
        witness: [u8; 4],
    },
    Seal(SealEvent),
    Restore {
        backup: BackupId,
        members: u64,
        erased_again: u32,
    },
    /// `manifest` is SHA-256 of the backup's manifest.
    Backup {
        backup: BackupId,
        manifest: [u8; 32],
    },
    MasterRotate,
    Holder {
        change: HolderChange,
        name: HolderName,
    },
    TreeRotate(Rotation),
    /// The tags of the erasures, ascending.
    Purge(Vec<[u8; 32]>),
    TreeMark,
}

impl Event {
    /// The kind.
    pub const fn kind(&self) -> LeafKind {
        match self {
            Self::VaultInit => LeafKind::VaultInit,
            Self::VaultOpen => LeafKind::VaultOpen,
            Self::MemberCreate(_) => LeafKind::MemberCreate,
            Self::RecordWrite(_) => LeafKind::RecordWrite,
            Self::RecordDelete(_) => LeafKind::RecordDelete,
            Self::RecordRead(_) => LeafKind::RecordRead,
            Self::MemberLookup(_) => LeafKind::MemberLookup,
            Self::MemberList => LeafKind::MemberList,
            Self::RecordList(_) => LeafKind::RecordList,
            Self::MemberExport(_) => LeafKind::MemberExport,
            Self::Denial { .. } => LeafKind::Denial,
            Self::EraseIntent { .. } => LeafKind::EraseIntent,
            Self::HoldSet(_) => LeafKind::HoldSet,
            Self::HoldRelease(_) => LeafKind::HoldRelease,
            Self::TokenCreate(..) => LeafKind::TokenCreate,
            Self::TokenRevoke(..) => LeafKind::TokenRevoke,
            Self::PolicyLoad(_) => LeafKind::PolicyLoad,
            Self::Import => LeafKind::Import,
            Self::KeyringUpgrade => LeafKind::KeyringUpgrade,
            Self::LogCosign { .. } => LeafKind::LogCosign,
            Self::Seal(_) => LeafKind::Seal,
            Self::Restore { .. } => LeafKind::Restore,
            Self::Backup { .. } => LeafKind::Backup,
            Self::MasterRotate => LeafKind::MasterRotate,
            Self::Holder { .. } => LeafKind::Holder,
            Self::TreeRotate(_) => LeafKind::TreeRotate,
            Self::Purge(_) => LeafKind::Purge,
            Self::TreeMark => LeafKind::TreeMark,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::VaultInit
            | Self::VaultOpen
            | Self::MemberList
            | Self::Import
            | Self::KeyringUpgrade
            | Self::MasterRotate
            | Self::TreeMark => {}
            Self::MemberCreate(hash)
            | Self::RecordWrite(hash)
            | Self::RecordDelete(hash)
            | Self::RecordRead(hash)
            | Self::MemberLookup(hash)
            | Self::RecordList(hash)
            | Self::MemberExport(hash)
            | Self::HoldSet(hash)
            | Self::HoldRelease(hash)
            | Self::PolicyLoad(hash) => out.extend_from_slice(hash),
            Self::Denial { action, reason } => out.extend_from_slice(&[*action, *reason]),
            Self::EraseIntent { erasure, compartment_only, tag } => {
                out.extend_from_slice(erasure.as_bytes());
                out.push(u8::from(*compartment_only));
                out.extend_from_slice(tag);
            }
            Self::TokenCreate(token, role) | Self::TokenRevoke(token, role) => {
                out.extend_from_slice(token.as_bytes());
                out.push(role.number());
            }
            Self::LogCosign { size, witness } => {
                out.extend_from_slice(&size.to_be_bytes());
                out.extend_from_slice(witness);
            }
            Self::Seal(seal) => seal.encode(out),
            Self::Restore { backup, members, erased_again } => {
                out.extend_from_slice(backup.as_bytes());
                out.extend_from_slice(&members.to_be_bytes());
                out.extend_from_slice(&erased_again.to_be_bytes());
            }
            Self::Backup { backup, manifest } => {
                out.extend_from_slice(backup.as_bytes());
                out.extend_from_slice(manifest);
            }
            Self::Holder { change, name } => {
                out.push(*change as u8);
                encode_name(name, out);
            }
            Self::TreeRotate(Rotation { epoch, old_root, new_root, leaves }) => {
                out.extend_from_slice(&epoch.to_be_bytes());
                out.extend_from_slice(old_root);
                out.extend_from_slice(new_root);
                out.extend_from_slice(&leaves.to_be_bytes());
            }
            Self::Purge(tags) => encode_tags(tags, out),
        }
    }

    pub(super) fn parse(kind: LeafKind, bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::unversioned(WHAT, bytes);
        let event = match kind {
            LeafKind::VaultInit => Self::VaultInit,
            LeafKind::VaultOpen => Self::VaultOpen,
            LeafKind::MemberCreate => Self::MemberCreate(*reader.array()?),
            LeafKind::RecordWrite => Self::RecordWrite(*reader.array()?),
            LeafKind::RecordDelete => Self::RecordDelete(*reader.array()?),
            LeafKind::RecordRead => Self::RecordRead(*reader.array()?),
            LeafKind::MemberLookup => Self::MemberLookup(*reader.array()?),
            LeafKind::MemberList => Self::MemberList,
            LeafKind::RecordList => Self::RecordList(*reader.array()?),
            LeafKind::MemberExport => Self::MemberExport(*reader.array()?),
            LeafKind::Denial => Self::Denial { action: reader.u8()?, reason: reader.u8()? },
            LeafKind::EraseIntent => Self::EraseIntent {
                erasure: ErasureId::from_bytes(*reader.array()?),
                compartment_only: parse_scope(&mut reader)?,
                tag: *reader.array()?,
            },
            LeafKind::HoldSet => Self::HoldSet(*reader.array()?),
            LeafKind::HoldRelease => Self::HoldRelease(*reader.array()?),
            LeafKind::TokenCreate => Self::TokenCreate(TokenId::from_bytes(*reader.array()?), parse_role(&mut reader)?),
            LeafKind::TokenRevoke => Self::TokenRevoke(TokenId::from_bytes(*reader.array()?), parse_role(&mut reader)?),
            LeafKind::PolicyLoad => Self::PolicyLoad(*reader.array()?),
            LeafKind::Import => Self::Import,
            LeafKind::KeyringUpgrade => Self::KeyringUpgrade,
            LeafKind::LogCosign => Self::LogCosign { size: reader.u64()?, witness: *reader.array()? },
            LeafKind::Seal => Self::Seal(SealEvent::parse(&mut reader)?),
            LeafKind::Restore => Self::Restore {
                backup: BackupId::from_bytes(*reader.array()?),
                members: reader.u64()?,
                erased_again: reader.u32()?,
            },
            LeafKind::Backup => {
                Self::Backup { backup: BackupId::from_bytes(*reader.array()?), manifest: *reader.array()? }
            }
            LeafKind::MasterRotate => Self::MasterRotate,
            LeafKind::Holder => Self::Holder { change: parse_change(&mut reader)?, name: reader.name("holder")? },
            LeafKind::TreeRotate => Self::TreeRotate(Rotation {
                epoch: reader.u64()?,
                old_root: *reader.array()?,
                new_root: *reader.array()?,
                leaves: reader.u32()?,
            }),
            LeafKind::Purge => Self::Purge(parse_tags(&mut reader)?),
            LeafKind::TreeMark => Self::TreeMark,
        };
        reader.finish().map(|()| event)
    }
}

fn parse_scope(reader: &mut Reader<'_>) -> Result<bool, CodecError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.invalid("scope")),
    }
}

fn parse_role(reader: &mut Reader<'_>) -> Result<Role, CodecError> {
    Role::from_number(reader.u8()?).ok_or_else(|| reader.invalid("role"))
}
