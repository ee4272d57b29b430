//! Seal and open, derive, blind tokens: the only room that names cryptographic crates.
//!
//! No function takes a nonce; no function takes "some key bytes" but the key type of its kind, and the place that is
//! sealed decides which kind that is. Randomness is handed in.
//!
//! Called by `masterkey`, `keyring`, `ledger` (hashes) and `vault`. Never reads or writes a row.

mod derive;
mod entropy;
mod envelope;
mod error;
mod hash;
mod kek;
mod key;
mod sign;
mod webhook;

pub use crate::codec::Plaintext;
pub use derive::{CursorKey, IdempotencyKey, IndexEntryPlace, IndexKeys, MemberNotes, PostingKey};
pub use entropy::{Entropy, OsEntropy};
pub use envelope::{ENVELOPE_OVERHEAD, PLAINTEXT_MAX, Suite, open, seal, seal_into};
pub use error::CryptoError;
pub use hash::{Hasher, equal_constant_time, sha256};
pub use kek::{PassphraseParams, kek_from_key_file, kek_from_passphrase};
pub use key::Key;
pub use sign::{LogKey, PublicKey, SIGNATURE_LEN};
pub use webhook::WebhookKey;

use crate::codec;
use crate::types::place::{Data, Member, Node, VaultRoot};

/// The keys of one member, typed.
pub type MemberBody = codec::MemberBody<Key<Member>, Key<Data>>;
/// The keys of one compartment, typed.
pub type CompartmentKeys = codec::CompartmentKeys<Key<Data>>;
/// The sealed part of the keyring file, typed.
pub type KeyringBody = codec::KeyringBody<Key<Node>, Key<VaultRoot>>;
