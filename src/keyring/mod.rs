//! The key hierarchy: keyring file, key tree, member keys, sealed index. Proposes rows, never writes them.
//!
//! ```text
//! master key (outside) -> keyring file -> root -> key tree -> shard key  -> member row -> MK, data keys
//!                                      |                   -> bucket key -> index page
//!                                      -> vault secret -> control rows, index tokens, cursors
//! ```
//!
//! The keyring file lies outside the database and outside every backup; everything else here is rows of the database,
//! sealed under keys that hang from its root. Replacing the root is what makes an erasure final.
//!
//! [`Keyring`] is shared by all requests. It keeps opened nodes of the tree, bounded; it never keeps a key of a member:
//! those live as long as the request that opened them.

mod chain;
mod error;
mod file;
mod index;
mod member;
mod rotate;
mod shape;
mod slot;
mod tree;
mod walk;

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use error::{KeyringError, Unreadable};
pub use file::{FILE_BYTES_MAX, KeyringFile, KeyringInfo, UnlockedKeyring};
pub use index::{EDIT_BUCKETS_MAX, IndexEdit, Insertion, PageChange, PageEdit, PageLeft};
pub use rotate::{Departing, NextTree, NodeRow, Rewrapped};
pub use shape::{FAN_OUT, MEMBERS_EXPECTED_MAX, TreeShape};
pub use slot::{KeyringSlot, holder_file};
pub use walk::TreeKey;

pub use crate::codec::Holder;
pub use crate::crypto::{CompartmentKeys, KeyringBody, MemberBody};

use crate::crypto::{CursorKey, Entropy, IdempotencyKey, IndexKeys, Key, LogKey, PostingKey, Suite};
use crate::store::{Batch, Reader, StoreError};
use crate::types::place::{Bucket, Control, Node, Shard, Subtree};
use crate::types::{IdentifierKind, MemberId, MetaField, TokenId, VaultId};
use walk::Epoch;

/// The opened keyring of a running vault.
pub struct Keyring {
    vault: VaultId,
    suite: Suite,
    shape: TreeShape,
    epoch: ArcSwap<Epoch>,
    /// Held while rows of the next epoch are in the database and its root is not yet here.
    turning: Mutex<()>,
    secrets: Secrets,
}

/// The tree of an earlier epoch, on its way out of memory.
pub struct Retired(Weak<Epoch>);

impl Retired {
    /// Whether the last reader has let go of it, so that its keys are wiped.
    pub fn is_wiped(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// What derives from the vault's own secret. Lives as long as the vault.
struct Secrets {
    control: Key<Control>,
    index: [IndexKeys; IdentifierKind::ALL.len()],
    cursor: CursorKey,
    idempotency: IdempotencyKey,
    posting: PostingKey,
    events_prefix: [u8; 16],
    log: LogKey,
}

impl Keyring {
    /// The epoch of a tree that was never sealed.
    pub const FIRST_EPOCH: u64 = 1;

    /// The keyring of an opened body. A pending next root is dropped: which of the two roots is the tree's was settled
    /// before, by the recovery of `vault`.
    pub fn new(vault: VaultId, suite: Suite, shape: TreeShape, body: KeyringBody) -> Self {
        let KeyringBody { epoch, root, vault_secret, .. } = body;
        let secrets = Secrets {
            control: vault_secret.control(),
            index: IdentifierKind::ALL.map(|kind| vault_secret.index(kind.number())),
            cursor: vault_secret.cursor(),
            idempotency: vault_secret.idempotency(),
            posting: vault_secret.posting(),
            events_prefix: vault_secret.events_prefix(),
            log: vault_secret.log_key(),
        };
        Self {
            vault,
            suite,
            shape,
            epoch: ArcSwap::from_pointee(Epoch::new(epoch, root)),
            turning: Mutex::new(()),
            secrets,
        }
    }

    /// Makes every node of a new vault; see [`TreeShape`] for how many. `write` gets batches of a few megabytes.
    pub fn plant(
        vault: &VaultId,
        suite: Suite,
        shape: &TreeShape,
        root: &Key<Node>,
        entropy: &dyn Entropy,
        write: &mut dyn FnMut(Batch) -> Result<(), StoreError>,
    ) -> Result<(), KeyringError> {
        tree::plant(vault, suite, shape, root, entropy, write)
    }

    /// The vault.
    pub const fn vault(&self) -> &VaultId {
        &self.vault
    }

    /// The suite new rows are sealed with.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The shape of the tree.
    pub const fn shape(&self) -> &TreeShape {
        &self.shape
    }

    /// The epoch of the tree.
    pub fn epoch(&self) -> u64 {
        self.epoch.load().number
    }

    /// Goes over to the tree of a later epoch: `commit` puts its rows into the database and gives back its root. Readers
    /// that meet rows of the new tree before this returns wait for it; those that hold on to the old tree are not
    /// disturbed, and the last of them wipes it.
    ///
    /// # Errors
    /// What `commit` answers; then the present tree stays.
    pub fn turn<E>(&self, epoch: u64, commit: impl FnOnce() -> Result<Key<Node>, E>) -> Result<Retired, E> {
        let _turning = self.turning.lock();
        let root = commit()?;
        let old = self.epoch.swap(Arc::new(Epoch::new(epoch, root)));
        #[cfg(feature = "sabotage")]
        if crate::sabotage::is(crate::sabotage::Fault::SkipWipe) {
            std::mem::forget(Arc::clone(&old));
        }
        Ok(Retired(Arc::downgrade(&old)))
    }

    /// Whether the tree is no longer that of `epoch`. Waits where it is being turned at this moment. Whoever fails to
    /// open a row asks this before it believes in damage.
    pub fn turned_since(&self, epoch: u64) -> bool {
        let _settled = self.turning.lock();
        self.epoch() != epoch
    }

    /// The shard of a member.
    pub const fn shard_of(&self, member: &MemberId) -> u32 {
        self.shape.shard_of(member)
    }

    /// The leaf of the tree that seals a member's row: what is marked dirty when the row loses a key.
    pub const fn leaf_of(&self, member: &MemberId) -> (Subtree, u32) {
        (Subtree::MEMBERS, self.shape.shard_of(member))
    }

    /// The key of a shard.
    pub fn shard_key(&self, reader: &dyn Reader, shard: u32) -> Result<TreeKey<Shard>, KeyringError> {
        self.walk(|epoch| epoch.shard(reader, &self.vault, self.shape.members(), shard))
    }

    /// The key of a bucket of the index.
    pub fn bucket_key(
        &self,
        reader: &dyn Reader,
        kind: IdentifierKind,
        bucket: u32,
    ) -> Result<TreeKey<Bucket>, KeyringError> {
        self.walk(|epoch| epoch.bucket(reader, &self.vault, self.shape.index(kind), bucket))
    }

    /// The key of control rows that are about no member.
    pub const fn control(&self) -> &Key<Control> {
        &self.secrets.control
    }

    /// The authenticator of a paging cursor. `listing` names the listing and what it is bound to.
    pub const fn cursor(&self) -> &CursorKey {
        &self.secrets.cursor
    }

    /// The row key of a caller's idempotency key.
    pub fn idempotency_token(&self, actor: &TokenId, key: &str) -> [u8; 16] {
        self.secrets.idempotency.token(actor, key.as_bytes())
    }

    /// The token of a value of metadata.
    pub fn posting_token(&self, field: MetaField, value: &[u8]) -> [u8; 16] {
        self.secrets.posting.token(field.number(), value)
    }

    /// The prefix of access rows that are about no member.
    pub const fn events_prefix(&self) -> &[u8; 16] {
        &self.secrets.events_prefix
    }

    /// The key that signs the log.
    pub const fn log_key(&self) -> &LogKey {
        &self.secrets.log
    }

    /// Walks the tree as of now. A seal that comes in between leaves a reader with rows of one epoch and keys of the
    /// other; it looks again, once, before it calls the tree damaged.
    fn walk<T>(&self, step: impl Fn(&Epoch) -> Result<T, KeyringError>) -> Result<T, KeyringError> {
        let epoch = self.epoch.load();
        match step(&epoch) {
            Err(_) if self.turned_since(epoch.number) => step(&self.epoch.load()),
            outcome => outcome,
        }
    }
}

#[cfg(test)]
mod tests;
