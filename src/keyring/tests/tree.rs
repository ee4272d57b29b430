use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use super::{VAULT, delete, planted, planted_as, put, row, same, swap};
use crate::code::{Code, Coded};
use crate::codec::keys;
use crate::crypto::{Key, OsEntropy, Suite};
use crate::keyring::{Keyring, KeyringError, TreeShape};
use crate::store::memory::MemoryEngine;
use crate::store::{KeyRange, Keyspace, Op, Reader, StoreError};
use crate::tables;
use crate::testkit::faults::{Fault, FaultEngine, Verb};
use crate::types::IdentifierKind;
use crate::types::place::Subtree;

/// Nodes of a small vault on the way to every leaf.
fn path() -> [(&'static str, [u8; 7]); 2] {
    [("root", tables::node::key(Subtree::ROOT, 0, 0)), ("top", tables::node::key(Subtree::MEMBERS, 0, 0))]
}

/// The same rows under a keyring that has nothing cached.
fn cold(engine: &MemoryEngine, root: Key<crate::types::place::Node>) -> (Keyring, &MemoryEngine) {
    let body = crate::keyring::KeyringBody { root, ..Keyring::draw(&OsEntropy).unwrap() };
    let shape = TreeShape::from_meta(1, [2, 3, 4]).unwrap();
    (Keyring::new(VAULT, Suite::ChaCha20Poly1305, shape, body), engine)
}

/// A vault whose root key is still at hand, to open it again and again.
fn planted_with_root() -> (MemoryEngine, impl Fn() -> Key<crate::types::place::Node>) {
    use crate::codec::KeyBytes;
    use crate::store::{Durability, Engine};
    let engine = MemoryEngine::new();
    let root = Key::from_key_bytes(&[42; 32]);
    let shape = TreeShape::from_meta(1, [2, 3, 4]).unwrap();
    let mut write = |batch| engine.write(batch, Durability::Buffered);
    Keyring::plant(&VAULT, Suite::ChaCha20Poly1305, &shape, &root, &OsEntropy, &mut write).unwrap();
    (engine, || Key::from_key_bytes(&[42; 32]))
}

#[test]
fn every_node_is_planted_parents_after_children_in_bounded_batches() {
    let shape = TreeShape::from_meta(2, [300, 70_000, 1]).unwrap();
    let root = Key::generate(&OsEntropy).unwrap();
    let mut planted = Vec::new();
    Keyring::plant(&VAULT, Suite::ChaCha20Poly1305, &shape, &root, &OsEntropy, &mut |batch| {
        assert!(batch.ops.len() <= 512, "{} nodes of 8 KiB in one batch", batch.ops.len());
        planted.extend(batch.ops.into_iter().map(|op| match op {
            Op::Put { keyspace: Keyspace::Control, key, value } => (key, value.len()),
            other => panic!("{other:?}"),
        }));
        Ok(())
    })
    .unwrap();
    // 1 root; 1 + 256 member nodes; 1 + 2, 1 + 2 + 274 and 1 index nodes.
    assert_eq!(planted.len(), 1 + 257 + 3 + 277 + 1);
    assert_eq!(u64::try_from(planted.len()).unwrap(), shape.nodes());
    assert_eq!(planted.last().unwrap().0, tables::node::key(Subtree::ROOT, 0, 0));
    assert_eq!(planted.iter().map(|(key, _)| key.clone()).collect::<HashSet<_>>().len(), planted.len());
    let sizes: HashSet<_> = planted.iter().map(|(_, len)| *len).collect();
    assert_eq!(sizes, HashSet::from([1 + 84 + 3 + 16 * 32, 1 + 84 + 3 + 256 * 32]));
}

#[test]
fn every_leaf_has_a_key_of_its_own_that_is_found_again() {
    let shape = TreeShape::from_meta(2, [300, 70_000, 1]).unwrap();
    let (engine, keyring) = planted_as(shape);
    let mut seen = HashSet::new();
    for shard in [0, 1, 255, 256, 257, 0x1234, 65_535] {
        let key = keyring.shard_key(&engine, shard).unwrap();
        assert!(seen.insert(key.commitment()), "{shard}");
        assert!(same(&key, &keyring.shard_key(&engine, shard).unwrap()));
    }
    for (kind, bucket) in [
        (IdentifierKind::Email, 0),
        (IdentifierKind::Email, 299),
        (IdentifierKind::Phone, 0),
        (IdentifierKind::Phone, 256),
        (IdentifierKind::Phone, 65_536),
        (IdentifierKind::Phone, 69_999),
        (IdentifierKind::ExternalId, 0),
    ] {
        assert!(seen.insert(keyring.bucket_key(&engine, kind, bucket).unwrap().commitment()), "{kind:?} {bucket}");
    }
    for (kind, bucket) in
        [(IdentifierKind::Email, 300), (IdentifierKind::Phone, 70_000), (IdentifierKind::ExternalId, 1)]
    {
        assert!(matches!(keyring.bucket_key(&engine, kind, bucket), Err(KeyringError::NoSuchLeaf)));
    }
    assert!(matches!(keyring.shard_key(&engine, 65_536), Err(KeyringError::NoSuchLeaf)));
}

#[test]
fn a_warm_key_needs_no_row_and_a_new_epoch_forgets_it() {
    let (engine, keyring) = planted();
    let nothing = MemoryEngine::new();
    assert!(keyring.shard_key(&nothing, 9).is_err());
    let held = keyring.shard_key(&engine, 9).unwrap();
    assert!(same(&held, &keyring.shard_key(&nothing, 9).unwrap()));
    assert!(keyring.shard_key(&nothing, 10).is_ok(), "a neighbour lies in the same node");

    let turned = keyring.turn(2, || Ok::<_, ()>(Key::generate(&OsEntropy).unwrap())).unwrap();
    assert!(turned.is_wiped() && keyring.turned_since(1));
    assert_eq!(keyring.epoch(), 2);
    assert!(matches!(keyring.shard_key(&nothing, 9), Err(KeyringError::NodeMissing { .. })));
    assert!(matches!(keyring.shard_key(&engine, 9), Err(KeyringError::NodeUnreadable { .. })), "old tree, new root");
}

#[test]
fn a_missing_node_is_damage_and_never_new() {
    for (name, key) in path() {
        let (engine, root) = planted_with_root();
        delete(&engine, Keyspace::Control, &key);
        let before = rows(&engine);
        let (keyring, engine) = cold(&engine, root());
        let error = keyring.shard_key(engine, 3).err().unwrap();
        assert!(matches!(error, KeyringError::NodeMissing { .. }), "{name}: {error}");
        assert_eq!(error.code(), Code::Corrupt);
        assert_eq!(rows(engine), before, "nothing was grown in its place");
    }
}

#[test]
fn a_changed_node_does_not_open() {
    let (engine, root) = planted_with_root();
    for (name, key) in path() {
        let good = row(&engine, Keyspace::Control, &key);
        for at in [0, 1, 4, 5, 36, 37, 68, 69, good.len() / 2, good.len() - 17, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            put(&engine, Keyspace::Control, &key, &bad);
            let (keyring, engine) = cold(&engine, root());
            let error = keyring.shard_key(engine, 3).err().unwrap();
            assert!(matches!(error, KeyringError::NodeUnreadable { .. }), "{name} at {at}: {error}");
        }
        for cut in [0, 1, 84, good.len() - 1] {
            put(&engine, Keyspace::Control, &key, &good[..cut]);
            let (keyring, engine) = cold(&engine, root());
            assert!(
                matches!(keyring.shard_key(engine, 3), Err(KeyringError::NodeUnreadable { .. })),
                "{name} to {cut}"
            );
        }
        put(&engine, Keyspace::Control, &key, &good);
    }
    let (keyring, engine) = cold(&engine, root());
    assert!(keyring.shard_key(engine, 3).is_ok(), "all is well again");
}

#[test]
fn nodes_that_changed_places_do_not_open() {
    let (engine, root) = planted_with_root();
    let top = |field| tables::node::key(Subtree(field), 0, 0);
    swap(&engine, Keyspace::Control, &top(1), &top(2));
    let (keyring, engine) = cold(&engine, root());
    for kind in [IdentifierKind::Email, IdentifierKind::Phone] {
        assert!(matches!(keyring.bucket_key(engine, kind, 0), Err(KeyringError::NodeUnreadable { .. })));
    }
    assert!(keyring.bucket_key(engine, IdentifierKind::ExternalId, 0).is_ok());
    assert!(keyring.shard_key(engine, 0).is_ok());
}

#[test]
fn another_root_opens_nothing() {
    let (engine, _) = planted_with_root();
    let (keyring, engine) = cold(&engine, Key::generate(&OsEntropy).unwrap());
    assert!(matches!(keyring.shard_key(engine, 0), Err(KeyringError::NodeUnreadable { .. })));
}

#[test]
fn a_failing_engine_is_not_taken_for_damage_and_nothing_wrong_is_kept() {
    let (engine, root) = planted_with_root();
    let expected = cold(&engine, root()).0.shard_key(&engine, 3).unwrap().commitment();
    let engine = FaultEngine::new(engine);
    for call in 0..2 {
        let (keyring, _) = cold(engine.inner(), root());
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = StoreError::DiskFull { doing: "testing", source: Arc::new(full) };
        engine.inject(Fault::next(Verb::Get, error).after(call));
        let error = keyring.shard_key(&engine, 3).err().unwrap();
        assert_eq!(error.code(), Code::DiskFull, "{error}");
        assert_eq!(keyring.shard_key(&engine, 3).unwrap().commitment(), expected);
    }
}

#[test]
fn readers_go_on_while_the_epoch_advances() {
    let (engine, root) = planted_with_root();
    let (keyring, engine) = cold(&engine, root());
    let expected = keyring.shard_key(engine, 77).unwrap().commitment();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..300 {
                    assert_eq!(keyring.shard_key(engine, 77).unwrap().commitment(), expected);
                }
            });
        }
        (2..50).for_each(|epoch| drop(keyring.turn(epoch, || Ok::<_, ()>(root())).unwrap()));
    });
    assert_eq!(keyring.epoch(), 49);
}

fn rows(engine: &MemoryEngine) -> usize {
    let mut count = 0;
    let all = KeyRange::prefix([keys::tag::NODE]);
    let mut visit = |_: &[u8], _: &[u8]| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    };
    engine.scan(Keyspace::Control, &all, &mut visit).unwrap();
    count
}
