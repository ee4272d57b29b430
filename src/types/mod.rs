//! The nouns of the product as types that cannot be wrong: parsed once at the edge, trusted everywhere after.
//!
//! Nothing here reads, writes, encrypts or decides.

pub mod ctx;
pub mod freeze;
pub mod id;
pub mod identifier;
pub mod name;
pub mod period;
pub mod place;
pub mod record;
pub mod right;
pub mod role;
pub mod slot;
pub mod standing;

/// The version of the program, as everything that names it does. A build that can be told to leak says so.
pub const VERSION: &str = if cfg!(feature = "sabotage") {
    concat!(env!("CARGO_PKG_VERSION"), "+sabotage")
} else {
    env!("CARGO_PKG_VERSION")
};

pub use ctx::{Actor, Ctx};
pub use freeze::FreezeScope;
pub use id::{BackupId, ErasureId, MemberId, RequestCaseId, RequestId, ShareId, TokenId, VaultId};
pub use identifier::{Identifier, IdentifierKind};
pub use name::{Compartment, FieldName, HolderName, Purpose, RecipientName, RecordName};
pub use period::Period;
pub use record::{MetaField, RecordMeta, RecordVersion};
pub use right::{IdentityMethod, RefusalGround, Right, RightState, RightStep};
pub use role::Role;
pub use standing::Standing;
