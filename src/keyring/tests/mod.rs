//! Tests of the keyring over the memory engine.

mod file;
mod index;
mod member;
mod tree;

use super::{Keyring, TreeShape};
use crate::crypto::{Key, OsEntropy, Suite};
use crate::store::memory::MemoryEngine;
use crate::store::{Batch, Durability, Engine, Keyspace, Reader};
use crate::types::VaultId;
use crate::types::place::KeyKind;

pub(super) const VAULT: VaultId = VaultId::from_bytes([7; 16]);

/// A small vault: 256 shards, few buckets.
pub(super) fn planted() -> (MemoryEngine, Keyring) {
    planted_as(TreeShape::from_meta(1, [2, 3, 4]).unwrap())
}

pub(super) fn planted_as(shape: TreeShape) -> (MemoryEngine, Keyring) {
    let engine = MemoryEngine::new();
    let body = Keyring::draw(&OsEntropy).unwrap();
    let suite = Suite::ChaCha20Poly1305;
    let mut write = |batch| engine.write(batch, Durability::Buffered);
    Keyring::plant(&VAULT, suite, &shape, &body.root, &OsEntropy, &mut write).unwrap();
    (engine, Keyring::new(VAULT, suite, shape, body))
}

pub(super) fn put(engine: &MemoryEngine, keyspace: Keyspace, key: &[u8], value: &[u8]) {
    let mut batch = Batch::default();
    batch.put(keyspace, key, value);
    engine.write(batch, Durability::Buffered).unwrap();
}

pub(super) fn delete(engine: &MemoryEngine, keyspace: Keyspace, key: &[u8]) {
    let mut batch = Batch::default();
    batch.delete(keyspace, key);
    engine.write(batch, Durability::Buffered).unwrap();
}

pub(super) fn row(engine: &MemoryEngine, keyspace: Keyspace, key: &[u8]) -> Vec<u8> {
    engine.get(keyspace, key).unwrap().unwrap().to_vec()
}

/// Exchanges two rows: each is whole, and in the wrong place.
pub(super) fn swap(engine: &MemoryEngine, keyspace: Keyspace, a: &[u8], b: &[u8]) {
    let (row_a, row_b) = (row(engine, keyspace, a), row(engine, keyspace, b));
    put(engine, keyspace, a, &row_b);
    put(engine, keyspace, b, &row_a);
}

/// Keys cannot be compared; what stands for them can.
pub(super) fn same<K: KeyKind>(a: &Key<K>, b: &Key<K>) -> bool {
    a.commitment() == b.commitment()
}

#[test]
fn the_keyring_is_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Keyring>();
}
