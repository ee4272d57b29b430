//! What a ledger entry attests: its kind, and what it says beyond its kind.
//!
//! The kinds are numbered for good; `docs/FORMAT.md` draws the bodies. Nothing here names a person: tags and references
//! are keyed under members' keys, names are those of holders.

use super::CodecError;
pub use super::leaf_kind::LeafKind;
use super::reader::Reader;
pub use super::seal::{HolderChange, Rotation, SEAL_TAGS_MAX, SealEvent};
use super::seal::{encode_name, encode_tags, parse_change, parse_tags};
use crate::types::{BackupId, ErasureId, HolderName, Role, TokenId};

pub(super) const WHAT: &str = "ledger leaf";

/// SHA-256 of the envelope in the access row of a leaf.
pub type Detail = [u8; 32];
/// The commitment of an access that left no details.
pub const NO_DETAIL: Detail = [0; 32];

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
    ConsentChange(Detail),
    StandingChange(Detail),
    AudienceRead,
    SegmentRead,
    RecordQuery,
    ShareCreate(Detail),
    ShareOpen(Detail),
    ShareRevoke(Detail),
    RequestStep(Detail),
    Disclosure(Detail),
    RecipientChange([u8; 32]),
    RetentionRun([u8; 32]),
    WindowOpen([u8; 32]),
    WindowClose([u8; 32]),
    CanaryTouch(Detail),
    Freeze([u8; 32]),
    FreezeRelease([u8; 32]),
    BreachReport([u8; 32]),
    AuditReport([u8; 32]),
    SchemaLoad([u8; 32]),
    DekRotate(Detail),
    HistoryRead(Detail),
    CanaryWrite(Detail),
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
            Self::ConsentChange(_) => LeafKind::ConsentChange,
            Self::StandingChange(_) => LeafKind::StandingChange,
            Self::AudienceRead => LeafKind::AudienceRead,
            Self::SegmentRead => LeafKind::SegmentRead,
            Self::RecordQuery => LeafKind::RecordQuery,
            Self::ShareCreate(_) => LeafKind::ShareCreate,
            Self::ShareOpen(_) => LeafKind::ShareOpen,
            Self::ShareRevoke(_) => LeafKind::ShareRevoke,
            Self::RequestStep(_) => LeafKind::RequestStep,
            Self::Disclosure(_) => LeafKind::Disclosure,
            Self::RecipientChange(_) => LeafKind::RecipientChange,
            Self::RetentionRun(_) => LeafKind::RetentionRun,
            Self::WindowOpen(_) => LeafKind::WindowOpen,
            Self::WindowClose(_) => LeafKind::WindowClose,
            Self::CanaryTouch(_) => LeafKind::CanaryTouch,
            Self::Freeze(_) => LeafKind::Freeze,
            Self::FreezeRelease(_) => LeafKind::FreezeRelease,
            Self::BreachReport(_) => LeafKind::BreachReport,
            Self::AuditReport(_) => LeafKind::AuditReport,
            Self::SchemaLoad(_) => LeafKind::SchemaLoad,
            Self::DekRotate(_) => LeafKind::DekRotate,
            Self::HistoryRead(_) => LeafKind::HistoryRead,
            Self::CanaryWrite(_) => LeafKind::CanaryWrite,
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
            | Self::TreeMark
            | Self::AudienceRead
            | Self::SegmentRead
            | Self::RecordQuery => {}
            Self::MemberCreate(detail)
            | Self::RecordWrite(detail)
            | Self::RecordDelete(detail)
            | Self::RecordRead(detail)
            | Self::MemberLookup(detail)
            | Self::RecordList(detail)
            | Self::MemberExport(detail)
            | Self::ConsentChange(detail)
            | Self::StandingChange(detail)
            | Self::ShareCreate(detail)
            | Self::ShareOpen(detail)
            | Self::ShareRevoke(detail)
            | Self::RequestStep(detail)
            | Self::Disclosure(detail)
            | Self::CanaryTouch(detail)
            | Self::DekRotate(detail)
            | Self::HistoryRead(detail)
            | Self::CanaryWrite(detail)
            | Self::HoldSet(detail)
            | Self::HoldRelease(detail) => {
                if *detail != NO_DETAIL {
                    out.extend_from_slice(detail);
                }
            }
            Self::RecipientChange(hash)
            | Self::RetentionRun(hash)
            | Self::WindowOpen(hash)
            | Self::WindowClose(hash)
            | Self::Freeze(hash)
            | Self::FreezeRelease(hash)
            | Self::BreachReport(hash)
            | Self::AuditReport(hash)
            | Self::SchemaLoad(hash)
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
            LeafKind::MemberCreate => Self::MemberCreate(parse_detail(&mut reader)?),
            LeafKind::RecordWrite => Self::RecordWrite(parse_detail(&mut reader)?),
            LeafKind::RecordDelete => Self::RecordDelete(parse_detail(&mut reader)?),
            LeafKind::RecordRead => Self::RecordRead(parse_detail(&mut reader)?),
            LeafKind::MemberLookup => Self::MemberLookup(parse_detail(&mut reader)?),
            LeafKind::MemberList => Self::MemberList,
            LeafKind::RecordList => Self::RecordList(parse_detail(&mut reader)?),
            LeafKind::MemberExport => Self::MemberExport(parse_detail(&mut reader)?),
            LeafKind::Denial => Self::Denial { action: reader.u8()?, reason: reader.u8()? },
            LeafKind::EraseIntent => Self::EraseIntent {
                erasure: ErasureId::from_bytes(*reader.array()?),
                compartment_only: parse_scope(&mut reader)?,
                tag: *reader.array()?,
            },
            LeafKind::HoldSet => Self::HoldSet(parse_detail(&mut reader)?),
            LeafKind::HoldRelease => Self::HoldRelease(parse_detail(&mut reader)?),
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
            LeafKind::ConsentChange => Self::ConsentChange(parse_detail(&mut reader)?),
            LeafKind::StandingChange => Self::StandingChange(parse_detail(&mut reader)?),
            LeafKind::AudienceRead => Self::AudienceRead,
            LeafKind::SegmentRead => Self::SegmentRead,
            LeafKind::RecordQuery => Self::RecordQuery,
            LeafKind::ShareCreate => Self::ShareCreate(parse_detail(&mut reader)?),
            LeafKind::ShareOpen => Self::ShareOpen(parse_detail(&mut reader)?),
            LeafKind::ShareRevoke => Self::ShareRevoke(parse_detail(&mut reader)?),
            LeafKind::RequestStep => Self::RequestStep(parse_detail(&mut reader)?),
            LeafKind::Disclosure => Self::Disclosure(parse_detail(&mut reader)?),
            LeafKind::RecipientChange => Self::RecipientChange(*reader.array()?),
            LeafKind::RetentionRun => Self::RetentionRun(*reader.array()?),
            LeafKind::WindowOpen => Self::WindowOpen(*reader.array()?),
            LeafKind::WindowClose => Self::WindowClose(*reader.array()?),
            LeafKind::CanaryTouch => Self::CanaryTouch(parse_detail(&mut reader)?),
            LeafKind::Freeze => Self::Freeze(*reader.array()?),
            LeafKind::FreezeRelease => Self::FreezeRelease(*reader.array()?),
            LeafKind::BreachReport => Self::BreachReport(*reader.array()?),
            LeafKind::AuditReport => Self::AuditReport(*reader.array()?),
            LeafKind::SchemaLoad => Self::SchemaLoad(*reader.array()?),
            LeafKind::DekRotate => Self::DekRotate(parse_detail(&mut reader)?),
            LeafKind::HistoryRead => Self::HistoryRead(parse_detail(&mut reader)?),
            LeafKind::CanaryWrite => Self::CanaryWrite(parse_detail(&mut reader)?),
        };
        reader.finish().map(|()| event)
    }
}

/// Nothing stands for no details: the entry of each member of an import is half as long.
fn parse_detail(reader: &mut Reader<'_>) -> Result<Detail, CodecError> {
    if reader.is_empty() {
        return Ok(NO_DETAIL);
    }
    Some(*reader.array()?).filter(|detail| *detail != NO_DETAIL).ok_or_else(|| reader.invalid("detail"))
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
