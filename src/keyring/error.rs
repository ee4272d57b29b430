//! Why a key could not be had. Names places, never members, identifiers or key bytes.

use std::path::PathBuf;

use super::shape::MEMBERS_EXPECTED_MAX;
use crate::code::{Code, Coded};
use crate::codec::{CodecError, UnlockMethod};
use crate::crypto::CryptoError;
use crate::masterkey::secret_file::SecretFileError;
use crate::masterkey::{MasterKeyError, in_words};
use crate::store::StoreError;
use crate::tables::TablesError;
use crate::types::HolderName;
use crate::types::place::Subtree;

/// The keyring failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no keyring file.
    #[error(
        "there is no keyring file {}; check the path, or copy the file from one of its holders. Without it nothing in \
         the vault can be read", path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The keyring file is not what was written.
    #[error(
        "the keyring file {} is damaged; do not edit it, and copy it from one of its holders", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: Unreadable,
    },
    /// The keyring file is of a later version.
    #[error(
        "the keyring file {} was written by a version of membervault that this one does not know; use that version",
        path.display()
    )]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// What is not known.
        source: Unreadable,
    },
    /// The key-encryption key does not open the body. A file that was altered on purpose looks the same.
    #[error(
        "the {} does not open the keyring file {}; if it is surely the right one, the file was altered: copy it from \
         one of its holders", in_words(*method), path.display()
    )]
    WrongMasterKey {
        /// The file.
        path: PathBuf,
        /// What was offered.
        method: UnlockMethod,
    },
    /// Somebody put the keyring under another master key while it was in use.
    #[error("the keyring file {} was rewrapped while the vault was running; restart the vault", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// The keyring would pass its limit.
    #[error("the keyring file would be larger than {bytes_max} bytes; name fewer holders, or shorter paths")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// A holder's copy cannot be found.
    #[error(
        "holder {name} is away: there is no {}; bring it back, or give it up with 'membervault holder revoke {name}'",
        path.display()
    )]
    HolderAway {
        /// The holder.
        name: HolderName,
        /// Where its copy should be.
        path: PathBuf,
    },
    /// A file that lies where a copy of the keyring should be is none.
    #[error("{} is no keyring of this vault and is left as it is; move it away", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The master key could not be had.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// More members than any tree is made for.
    #[error("{expected} members are more than one vault is made for ({MEMBERS_EXPECTED_MAX}); split them over vaults")]
    TooManyMembers {
        /// The number asked for.
        expected: u64,
    },
    /// The vault's meta row gives a tree that cannot be.
    #[error("the description of the vault gives an impossible key tree; restore the database from a backup")]
    ImpossibleShape,
    /// A node of the key tree is not there. Nodes are made with the vault, so this is damage.
    #[error(
        "node {level}/{index} of key tree {} is missing; restore the database from a backup", subtree.0
    )]
    NodeMissing {
        /// The tree.
        subtree: Subtree,
        /// The level.
        level: u8,
        /// The position within the level.
        index: u32,
    },
    /// A node of the key tree does not open: damaged, moved, or of another epoch.
    #[error(
        "node {level}/{index} of key tree {} does not open; restore the database from a backup", subtree.0
    )]
    NodeUnreadable {
        /// The tree.
        subtree: Subtree,
        /// The level.
        level: u8,
        /// The position within the level.
        index: u32,
        /// Why not.
        source: Unreadable,
    },
    /// A leaf beyond the tree.
    #[error("the key tree has no such leaf; please report this")]
    NoSuchLeaf,
    /// A member row does not open.
    #[error("a member row does not open; restore the database from a backup")]
    MemberUnreadable(#[source] Unreadable),
    /// A page of the index does not open, or one in the middle is missing.
    #[error("page {page} of bucket {bucket} of index {field} does not open; restore the database from a backup")]
    PageUnreadable {
        /// The number of the identifier field.
        field: u8,
        /// The bucket.
        bucket: u32,
        /// The page within the bucket.
        page: u8,
        /// Why not.
        source: Unreadable,
    },
    /// A bucket holds as many entries as it can.
    #[error("a bucket of the index is full; the vault was made for far fewer members than it holds")]
    IndexFull,
    /// One edit of the index touches too much.
    #[error("one change touches more than {buckets_max} buckets of the index; split it")]
    EditTooLarge {
        /// The limit.
        buckets_max: usize,
    },
    /// The member has had as many compartments as it may.
    #[error("a member may have at most {compartments_max} compartments over its life")]
    TooManyCompartments {
        /// The limit.
        compartments_max: usize,
    },
    /// A row could not be read.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// The engine refused what was to be planted.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealing or drawing keys failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A body could not be written.
    #[error("a body could not be written")]
    Codec(#[from] CodecError),
}

/// Why a sealed thing could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The row ends early, or has an unknown version.
    #[error(transparent)]
    Layout(#[from] CodecError),
    /// The envelope does not open here under this key.
    #[error(transparent)]
    Sealed(#[from] CryptoError),
    /// The page before it says that it exists.
    #[error("it is missing")]
    Missing,
    /// It opens, but is not what belongs here.
    #[error("it has another shape than its place asks for")]
    Shape,
}

impl Coded for Unreadable {
    fn code(&self) -> Code {
        match self {
            Self::Layout(error) => error.code(),
            Self::Sealed(error) => error.code(),
            Self::Missing | Self::Shape => Code::Corrupt,
        }
    }
}

impl Coded for KeyringError {
    fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::KeyringMissing,
            Self::Damaged { .. } => Code::KeyringCorrupt,
            Self::UnknownVersion { .. } => Code::UnsupportedVersion,
            Self::WrongMasterKey { .. } => Code::WrongMasterKey,
            Self::ChangedMeanwhile { .. } => Code::Conflict,
            Self::HolderAway { .. } => Code::HolderAway,
            Self::NotOurs { .. } => Code::AlreadyExists,
            Self::TooManyMembers { .. } => Code::InvalidConfig,
            Self::ImpossibleShape | Self::NodeMissing { .. } => Code::Corrupt,
            Self::NodeUnreadable { source, .. }
            | Self::PageUnreadable { source, .. }
            | Self::MemberUnreadable(source) => source.code(),
            Self::TooLarge { .. } | Self::IndexFull | Self::EditTooLarge { .. } | Self::TooManyCompartments { .. } => {
                Code::LimitReached
            }
            Self::NoSuchLeaf => Code::Internal,
            Self::File(error) => error.code(),
            Self::MasterKey(error) => error.code(),
            Self::Tables(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Codec(error) => error.code(),
        }
    }
}
