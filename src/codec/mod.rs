//! Byte layouts of every row, versioned. Knows no key, no cipher and no engine.
//!
//! Every layout begins with a version byte; readers refuse versions they do not know, bytes left over, and a second
//! way of writing the same thing. Numbers are big-endian. `docs/FORMAT.md` draws each layout.
//!
//! Called by `crypto` (for the container of plaintext), `tables`, `keyring`, `ledger` and `vault`.

pub mod capsule;
pub mod detail;
mod error;
pub mod event;
mod key_bytes;
pub mod keyring;
pub mod keys;
pub mod leaf;
mod leaf_kind;
pub mod member;
pub mod node;
pub mod page;
pub mod payload;
mod plaintext;
pub mod posting;
mod reader;
pub mod record;
pub mod request;
mod residue;
mod rotation;
pub mod rows;
mod seal;
pub mod share;
mod standing;

pub use capsule::{Capsule, CapsuleClear, CapsuleRow};
pub use detail::{AccessDetail, PartDetail};
pub use error::CodecError;
pub use key_bytes::{KEY_LEN, KeyBytes};
pub use keyring::{Holder, KeyringBody, KeyringHeader, UnlockMethod};
pub use leaf::{Event, Leaf, LeafKind};
pub use member::{CompartmentKeys, MemberBody};
pub use node::NodeBody;
pub use page::Page;
pub use plaintext::Plaintext;
pub use record::{RecordBody, RecordParts};
pub use residue::{Pieces, ResidueRow};
pub use rotation::{ResidualRow, RotationRow};
pub use rows::{ErasureRow, ErasureStage, HeadRow, RecordRow, RowStamp, VaultMeta};
