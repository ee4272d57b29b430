//! A ledger entry: the bytes the Merkle tree hashes.
//!
//! `1 | kind u8 | minute u32 | actor 8 | purpose len u8 + purpose | ref 16 | body len u16 | body`. It names nobody: the
//! reference and the tags are keyed under the member's keys, the time is cut to the minute.

use super::CodecError;
use super::reader::{Reader, name_len};
use crate::types::{ErasureId, Purpose, Role, TokenId};

const WHAT: &str = "ledger leaf";
const VERSION: u8 = 1;

/// The longest leaf: 33 fixed bytes, a purpose of 32, and a body of 49.
pub const LEN_MAX: usize = 114;

/// SHA-256 of the envelope in the access row of a leaf.
pub type Detail = [u8; 32];
/// The commitment of an access that left no details.
pub const NO_DETAIL: Detail = [0; 32];

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident = $number:literal $text:literal,)+) => {
        /// What a leaf attests. The numbers never change; 32 to 36 are kept for seal, restore, backup, master rotation
        /// and holders.
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
}

/// What a leaf attests, with what it says beyond its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::VaultInit | Self::VaultOpen | Self::MemberList | Self::Import | Self::KeyringUpgrade => {}
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
        }
    }

    fn parse(kind: LeafKind, bytes: &[u8]) -> Result<Self, CodecError> {
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
        let mut bytes = Vec::with_capacity(LEN_MAX);
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
        if let Some(len) = head.last_mut() {
            // The length is a u16; a body has 49 bytes at most, so its upper byte stays zero.
            *len = u8::try_from(body.len()).unwrap_or(u8::MAX);
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

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: TokenId = TokenId::from_bytes([4; 8]);

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
            let leaf = leaf(event);
            let bytes = leaf.encode();
            assert!(bytes.len() <= LEN_MAX);
            assert_eq!(Leaf::parse(&bytes).as_ref(), Ok(&leaf));
            (0..bytes.len()).for_each(|cut| assert!(Leaf::parse(&bytes[..cut]).is_err(), "{event:?} {cut}"));
            assert!(Leaf::parse(&[bytes.as_slice(), &[0]].concat()).is_err(), "{event:?}");
        }
    }

    #[test]
    fn a_leaf_with_the_body_of_another_kind_is_refused() {
        let mut bytes = leaf(Event::VaultInit).encode();
        bytes[1] = LeafKind::Denial.number();
        assert!(Leaf::parse(&bytes).is_err());
        bytes[1] = 32;
        assert_eq!(Leaf::parse(&bytes), Err(CodecError::Unknown { what: WHAT, found: 32 }));
        let mut bytes = leaf(Event::TokenCreate(TOKEN, Role::Crm)).encode();
        *bytes.last_mut().unwrap() = 9;
        assert_eq!(Leaf::parse(&bytes), Err(CodecError::Invalid { what: WHAT, field: "role" }));
    }
}
