//! A ledger entry: the bytes the Merkle tree hashes.
//!
//! `1 | kind u8 | minute u32 | actor 8 | purpose len u8 + purpose | ref 16 | body len u16 | body`. It names nobody: the
//! reference and the tags are keyed under the member's keys, the time is cut to the minute.

use super::CodecError;
use super::event::WHAT;
pub use super::event::{Detail, Event, HolderChange, LeafKind, NO_DETAIL, Rotation, SEAL_TAGS_MAX, SealEvent};
use super::reader::{Reader, name_len};
use crate::types::{Purpose, TokenId};

const VERSION: u8 = 1;

/// The longest leaf but a `seal` or a `purge`: 33 fixed bytes, a purpose of 32, and a body of 76.
pub const LEN_USUAL_MAX: usize = 141;

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When, in minutes since 1970.
    pub minute: u32,
    /// Who.
    pub actor: TokenId,
    /// For which purpose.
    pub purpose: Option<Purpose>,
    /// The reference that only the member's keys can recompute; zero where the leaf is about no member.
    pub reference: [u8; 16],
    /// What happened.
    pub event: Event,
}

impl Leaf {
    /// The bytes that are stored and hashed.
    pub fn encode(&self) -> Vec<u8> {
        let purpose = self.purpose.as_ref().map_or("", Purpose::as_str);
        let mut bytes = Vec::with_capacity(LEN_USUAL_MAX);
        bytes.extend_from_slice(&[VERSION, self.event.kind().number()]);
        bytes.extend_from_slice(&self.minute.to_be_bytes());
        bytes.extend_from_slice(self.actor.as_bytes());
        bytes.push(name_len(purpose));
        bytes.extend_from_slice(purpose.as_bytes());
        bytes.extend_from_slice(&self.reference);
        bytes.extend_from_slice(&[0, 0]);
        let body_at = bytes.len();
        self.event.encode(&mut bytes);
        let (head, body) = bytes.split_at_mut(body_at);
        if let Some(len) = head.last_chunk_mut() {
            // A body has 33 KiB at most: a seal with all its tags.
            *len = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
        }
        bytes
    }

    /// Reads the bytes of a leaf.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, bytes, VERSION)?;
        let number = reader.u8()?;
        let kind = LeafKind::from_number(number).ok_or_else(|| reader.unknown(number))?;
        let minute = reader.u32()?;
        let actor = TokenId::from_bytes(*reader.array()?);
        let purpose = reader.optional_name("purpose")?;
        let reference = *reader.array()?;
        let body_len = usize::from(reader.u16()?);
        let event = Event::parse(kind, reader.take(body_len)?)?;
        reader.finish()?;
        Ok(Self { minute, actor, purpose, reference, event })
    }
}

/// The beginning of a leaf, for a walk over many of which few are of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafHead {
    /// What happened.
    pub kind: LeafKind,
    /// When, in minutes since 1970.
    pub minute: u32,
    /// Who.
    pub actor: TokenId,
}

impl LeafHead {
    /// Reads the beginning of a leaf; the rest of it may be anything.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(WHAT, bytes, VERSION)?;
        let number = reader.u8()?;
        let kind = LeafKind::from_number(number).ok_or_else(|| reader.unknown(number))?;
        Ok(Self { kind, minute: reader.u32()?, actor: TokenId::from_bytes(*reader.array()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::slot::{HolderState, HolderStatement, SlotLevel};
    use crate::types::{BackupId, ErasureId, Role};

    const TOKEN: TokenId = TokenId::from_bytes([4; 8]);

    fn seal(tags: u16) -> SealEvent {
        let tag = |number: u16| {
            let mut tag = [0; 32];
            tag[..2].copy_from_slice(&number.to_be_bytes());
            tag
        };
        let holder = |state, name: &str| HolderStatement { state, name: name.parse().unwrap() };
        SealEvent {
            epoch: 2,
            old_root: [4; 32],
            new_root: [5; 32],
            level: SlotLevel::File,
            holders: vec![holder(HolderState::Acknowledged, "local"), holder(HolderState::Revoked, "old")],
            tags: (0..tags).map(tag).collect(),
        }
    }

    fn events() -> Vec<Event> {
        let detail = [1; 32];
        let tag = [3; 32];
        let erasure = ErasureId::from_bytes([2; 16]);
        vec![
            Event::VaultInit,
            Event::VaultOpen,
            Event::MemberCreate(detail),
            Event::RecordWrite(detail),
            Event::RecordDelete(detail),
            Event::RecordRead(detail),
            Event::MemberLookup(NO_DETAIL),
            Event::MemberList,
            Event::RecordList(detail),
            Event::MemberExport(detail),
            Event::Denial { action: 5, reason: 6 },
            Event::EraseIntent { erasure, compartment_only: true, tag },
            Event::HoldSet(detail),
            Event::HoldRelease(detail),
            Event::TokenCreate(TOKEN, Role::Crm),
            Event::TokenRevoke(TOKEN, Role::Admin),
            Event::PolicyLoad([7; 32]),
            Event::Import,
            Event::KeyringUpgrade,
            Event::LogCosign { size: 9, witness: [8; 4] },
            Event::Seal(seal(3)),
            Event::Restore { backup: BackupId::from_bytes([8; 16]), members: 9, erased_again: 1 },
            Event::Backup { backup: BackupId::from_bytes([8; 16]), manifest: [9; 32] },
            Event::MasterRotate,
            Event::Holder { change: HolderChange::Revoked, name: "vault-2".parse().unwrap() },
            Event::TreeRotate(Rotation { epoch: 3, old_root: [4; 32], new_root: [5; 32], leaves: 6 }),
            Event::Purge(seal(3).tags),
            Event::TreeMark,
            Event::ConsentChange(detail),
            Event::StandingChange(detail),
            Event::AudienceRead,
            Event::SegmentRead,
            Event::RecordQuery,
            Event::ShareCreate(detail),
            Event::ShareOpen(detail),
            Event::ShareRevoke(detail),
            Event::RequestStep(detail),
            Event::Disclosure(detail),
            Event::RecipientChange(detail),
            Event::RetentionRun(detail),
            Event::WindowOpen(detail),
            Event::WindowClose(detail),
            Event::CanaryTouch(detail),
            Event::Freeze(detail),
            Event::FreezeRelease(detail),
            Event::BreachReport(detail),
            Event::AuditReport(detail),
            Event::SchemaLoad(detail),
            Event::DekRotate(detail),
            Event::HistoryRead(detail),
            Event::CanaryWrite(detail),
        ]
    }

    fn leaf(event: Event) -> Leaf {
        let purpose = "support".parse().ok().filter(|_| event.kind() != LeafKind::VaultInit);
        Leaf { minute: 9, actor: TOKEN, purpose, reference: [7; 16], event }
    }

    #[test]
    fn every_kind_survives_its_bytes() {
        let events = events();
        assert!(events.iter().map(Event::kind).eq(LeafKind::ALL.iter().copied()));
        for event in events {
            assert_eq!(LeafKind::from_number(event.kind().number()), Some(event.kind()));
            let usual = !matches!(event.kind(), LeafKind::Seal | LeafKind::Purge);
            let leaf = leaf(event);
            let bytes = leaf.encode();
            assert!(!usual || bytes.len() <= LEN_USUAL_MAX);
            assert_eq!(Leaf::parse(&bytes).as_ref(), Ok(&leaf));
            let head = LeafHead { kind: leaf.event.kind(), minute: leaf.minute, actor: leaf.actor };
            assert_eq!(LeafHead::parse(&bytes), Ok(head));
            (0..bytes.len()).for_each(|cut| assert!(Leaf::parse(&bytes[..cut]).is_err(), "{leaf:?} {cut}"));
            assert!(Leaf::parse(&[bytes.as_slice(), &[0]].concat()).is_err(), "{leaf:?}");
        }
    }

    #[test]
    fn a_leaf_with_the_body_of_another_kind_is_refused() {
        let mut bytes = leaf(Event::VaultInit).encode();
        bytes[1] = LeafKind::Denial.number();
        assert!(Leaf::parse(&bytes).is_err());
        bytes[1] = 63;
        assert_eq!(Leaf::parse(&bytes), Err(CodecError::Unknown { what: WHAT, found: 63 }));
        let mut bytes = leaf(Event::TokenCreate(TOKEN, Role::Crm)).encode();
        *bytes.last_mut().unwrap() = 9;
        assert_eq!(Leaf::parse(&bytes), Err(CodecError::Invalid { what: WHAT, field: "role" }));
    }

    #[test]
    fn no_details_take_no_room_and_have_one_form() {
        let none = leaf(Event::MemberCreate(NO_DETAIL)).encode();
        assert_eq!(Leaf::parse(&none).map(|leaf| leaf.event), Ok(Event::MemberCreate(NO_DETAIL)));
        assert_eq!(none.len() + 32, leaf(Event::MemberCreate([1; 32])).encode().len());
        let front = &none[..none.len() - 2];
        let zeroes = [front, &[0, 32], &[0; 32]].concat();
        assert_eq!(Leaf::parse(&zeroes), Err(CodecError::Invalid { what: WHAT, field: "detail" }));
        // What is no detail is always there.
        assert!(Leaf::parse(&[&[front[0], LeafKind::PolicyLoad.number()], &front[2..], &[0, 0]].concat()).is_err());
    }

    #[test]
    fn a_seal_carries_its_tags_ascending_and_a_bounded_number_of_them() {
        let full = leaf(Event::Seal(seal(1_024)));
        assert_eq!(Leaf::parse(&full.encode()), Ok(full));
        assert!(Leaf::parse(&leaf(Event::Seal(seal(1_025))).encode()).is_err());
        let mut seal = seal(3);
        seal.tags.swap(0, 1);
        assert!(Leaf::parse(&leaf(Event::Seal(seal.clone())).encode()).is_err());
        seal.tags = vec![[1; 32]; 2];
        assert!(Leaf::parse(&leaf(Event::Seal(seal)).encode()).is_err(), "each tag once");
    }
}
