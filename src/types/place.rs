//! Where a ciphertext belongs. A place is encoded into associated data, so a row moved elsewhere does not open.
//!
//! Associated data is never stored: it is rebuilt from the row's address. The encoding is injective: a tag byte for the
//! kind of place, then fields of fixed width, big-endian, variable fields behind a one-byte length. `docs/FORMAT.md`
//! draws each place.
//!
//! Each place names the one kind of key that seals it, so the compiler refuses a record under a shard key.

use super::{MemberId, RequestCaseId, VaultId};

/// Marker of a kind of key. The kinds are empty types; `crypto::Key<K>` carries the bytes.
pub trait KeyKind: Send + Sync + 'static {
    /// The name of the kind in documentation and tests.
    const NAME: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        $($(#[$doc])+ pub enum $name {}
        impl KeyKind for $name { const NAME: &'static str = $text; })+
    };
}

kinds! {
    /// Key-encryption key, from the master key. Seals the keyring body.
    Kek = "kek",
    /// The root of the key tree, or the key of an inner node. Seals one node of the tree.
    Node = "node",
    /// A leaf of the member subtree. Seals the member rows of one shard.
    Shard = "shard",
    /// A leaf of an index subtree. Seals the pages of one bucket.
    Bucket = "bucket",
    /// Member key (MK). Never seals; other keys derive from it.
    Member = "member",
    /// Data key (DEK) of one member x compartment. Seals records.
    Data = "data",
    /// Derived from MK. Seals what the vault notes about a member: access details, holds.
    Note = "note",
    /// The vault's own secret, in the keyring. Never seals; other keys derive from it.
    VaultRoot = "vault-root",
    /// Derived from the vault secret. Seals control rows that are about no member: tokens, idempotency keys.
    Control = "control",
}

/// The longest associated data: the suite, the tag and vault of a place, a field of 255 bytes with its length.
const AAD_MAX: usize = 274;

/// Associated data under construction: a byte for the suite, then the place.
pub struct Aad {
    bytes: [u8; AAD_MAX],
    /// Longer than there is room where a field did not fit.
    len: usize,
}

impl Aad {
    /// The bytes of the place; none where they do not fit.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(1..self.len).unwrap_or_default()
    }

    /// The place under the suite of this number: what a ciphertext is bound to. `None` where it does not fit.
    pub fn under(&mut self, suite: u8) -> Option<&[u8]> {
        let [first, ..] = &mut self.bytes;
        *first = suite;
        self.bytes.get(..self.len)
    }

    #[inline]
    fn of(tag: u8, vault: &VaultId) -> Self {
        Self { bytes: [0; AAD_MAX], len: 1 }.fixed(&[tag]).fixed(vault.as_bytes())
    }

    #[inline]
    fn fixed(mut self, bytes: &[u8]) -> Self {
        let end = self.len.saturating_add(bytes.len());
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
        }
        self.len = end;
        self
    }

    /// A variable field. Names are at most 64 bytes and headers at most 255 by construction.
    #[inline]
    fn var(self, bytes: &[u8]) -> Self {
        debug_assert!(bytes.len() <= usize::from(u8::MAX));
        #[allow(clippy::cast_possible_truncation, reason = "bounded by the types of names and headers")]
        self.fixed(&[bytes.len() as u8]).fixed(bytes)
    }
}

/// A place a ciphertext can be bound to.
pub trait Place {
    /// The kind of key that seals here.
    type Key: KeyKind;
    /// The associated data of this place.
    fn aad(&self) -> Aad;
}

/// Which tree under the root: the member shards, or the buckets of one identifier field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subtree(pub u8);

impl Subtree {
    /// The root node itself, whose children are the keys of the subtrees' top nodes.
    pub const ROOT: Self = Self(0xff);
    /// The subtree whose leaves are shard keys.
    pub const MEMBERS: Self = Self(0);
}

/// The body of the keyring file. `header` is the clear header before it.
pub struct KeyringPlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The clear header of the file, at most 255 bytes.
    pub header: &'a [u8],
}

/// One inner node of the key tree.
pub struct NodePlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The tree.
    pub subtree: Subtree,
    /// Zero for the top node of the subtree.
    pub level: u8,
    /// Position within the level.
    pub index: u32,
}

/// The member row: MK and the data keys.
pub struct MemberRowPlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The shard whose key seals the row.
    pub shard: u32,
    /// The member.
    pub member: &'a MemberId,
}

/// One page of the sealed index.
pub struct PagePlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The number of the identifier field.
    pub field: u8,
    /// The bucket.
    pub bucket: u32,
    /// The page within the bucket.
    pub page: u8,
}

/// One version of one record.
pub struct RecordPlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The member.
    pub member: &'a MemberId,
    /// The compartment's number within the member.
    pub compartment: u16,
    /// The token of the record's name (see `crypto::derive`); the name itself lies inside the ciphertext.
    pub record: &'a [u8; 16],
    /// The version of the data key.
    pub dek_version: u32,
    /// The version of the record.
    pub version: u64,
}

/// The details of one access, beside the ledger.
pub struct AccessPlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The member.
    pub member: &'a MemberId,
}

/// A legal hold.
pub struct HoldPlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The member.
    pub member: &'a MemberId,
}

/// The texts of a request of a member for one of its rights.
pub struct RequestPlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The member.
    pub member: &'a MemberId,
    /// The request.
    pub request: &'a RequestCaseId,
}

/// A control row that is about no member, under its key-value key.
pub struct ControlPlace<'a> {
    /// The vault.
    pub vault: &'a VaultId,
    /// The row's key in the control keyspace, at most 255 bytes.
    pub row_key: &'a [u8],
}

impl Place for KeyringPlace<'_> {
    type Key = Kek;
    fn aad(&self) -> Aad {
        Aad::of(1, self.vault).var(self.header)
    }
}

impl Place for NodePlace<'_> {
    type Key = Node;
    fn aad(&self) -> Aad {
        Aad::of(2, self.vault).fixed(&[self.subtree.0, self.level]).fixed(&self.index.to_be_bytes())
    }
}

impl Place for MemberRowPlace<'_> {
    type Key = Shard;
    fn aad(&self) -> Aad {
        Aad::of(3, self.vault).fixed(&self.shard.to_be_bytes()).fixed(self.member.as_bytes())
    }
}

impl Place for PagePlace<'_> {
    type Key = Bucket;
    fn aad(&self) -> Aad {
        Aad::of(4, self.vault).fixed(&[self.field]).fixed(&self.bucket.to_be_bytes()).fixed(&[self.page])
    }
}

impl Place for RecordPlace<'_> {
    type Key = Data;
    fn aad(&self) -> Aad {
        Aad::of(5, self.vault)
            .fixed(self.member.as_bytes())
            .fixed(&self.compartment.to_be_bytes())
            .fixed(self.record)
            .fixed(&self.dek_version.to_be_bytes())
            .fixed(&self.version.to_be_bytes())
    }
}

impl Place for AccessPlace<'_> {
    type Key = Note;
    fn aad(&self) -> Aad {
        Aad::of(6, self.vault).fixed(self.member.as_bytes())
    }
}

impl Place for HoldPlace<'_> {
    type Key = Note;
    fn aad(&self) -> Aad {
        Aad::of(7, self.vault).fixed(self.member.as_bytes())
    }
}

impl Place for ControlPlace<'_> {
    type Key = Control;
    fn aad(&self) -> Aad {
        Aad::of(8, self.vault).var(self.row_key)
    }
}

impl Place for RequestPlace<'_> {
    type Key = Note;
    fn aad(&self) -> Aad {
        Aad::of(9, self.vault).fixed(self.member.as_bytes()).fixed(self.request.as_bytes())
    }
}
