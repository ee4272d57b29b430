//! The ledger over the memory engine, with faults and simulated power losses.

mod commit;
mod durability;
mod lifecycle;
mod threads;

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::codec::{HeadRow, keys};
use crate::store::memory::MemoryEngine;
use crate::store::{Engine, KeyRange, Keyspace, Reader, StoreError};
use crate::testkit::faults::FaultEngine;
use crate::tlog::{Tree, leaf_hash};
use crate::types::{MemberId, TokenId};

/// Settings under which the syncer acts only when somebody waits for it.
const NO_INTERVAL: LedgerSettings =
    LedgerSettings { read_durability: ReadDurability::Interval, sync_interval: Duration::from_secs(3600) };

struct World {
    engine: Arc<FaultEngine<MemoryEngine>>,
    ledger: Ledger,
}

fn world() -> World {
    let engine = Arc::new(FaultEngine::new(MemoryEngine::new()));
    let ledger = Ledger::open(engine.clone(), NO_INTERVAL).unwrap();
    World { engine, ledger }
}

impl World {
    fn row(&self, key: &str) -> Option<Vec<u8>> {
        self.engine.get(Keyspace::Control, key.as_bytes()).unwrap().map(|row| row.to_vec())
    }
}

fn leaf(number: u64) -> Leaf {
    let mut reference = [0; 16];
    reference[8..].copy_from_slice(&number.to_be_bytes());
    Leaf { minute: 7, actor: TokenId::LOCAL_OPERATOR, purpose: None, reference, event: Event::MemberList }
}

/// A change with nothing but evidence, as a read is.
fn note(number: u64) -> Change {
    Change::new(leaf(number))
}

/// A change that sets a row of the control keyspace to bytes of 16 and more, so that its stamp tells them apart.
fn put(number: u64, key: &str, value: &str) -> Change {
    let mut change = note(number);
    change.put(Keyspace::Control, key, row(value));
    change
}

fn row(value: &str) -> Vec<u8> {
    format!("{value:>16}").into_bytes()
}

fn relies(key: &str, value: Option<&str>) -> Reliance {
    let stamp = value.map(|value| crate::codec::RowStamp::of(&row(value)));
    Reliance::Row { keyspace: Keyspace::Control, key: key.into(), stamp }
}

fn member(number: u8) -> MemberId {
    MemberId::from_random([number; 16])
}

fn disk_full() -> StoreError {
    StoreError::DiskFull { doing: "testing", source: Arc::new(io::Error::from(io::ErrorKind::StorageFull)) }
}

/// The numbers of the leaves in the order of their indexes, which must be dense.
fn leaves(engine: &dyn Reader) -> Vec<u64> {
    let mut numbers = Vec::new();
    let range = KeyRange::prefix([keys::ledger_tag::LEAF]);
    let mut visit = |key: &[u8], value: &[u8]| {
        assert_eq!(keys::parse_leaf(key).unwrap(), numbers.len() as u64);
        let reference = Leaf::parse(value).unwrap().reference;
        numbers.push(u64::from_be_bytes(reference[8..].try_into().unwrap()));
        ControlFlow::Continue(())
    };
    engine.scan(Keyspace::Ledger, &range, &mut visit).unwrap();
    numbers
}

/// Head and tiles are those of the stored leaves, computed anew.
fn check_log(engine: &dyn Reader) {
    let mut tree = Tree::new();
    let mut tiles = Vec::new();
    let mut stored = BTreeMap::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        match key[0] {
            keys::ledger_tag::LEAF => tree.append(leaf_hash(value), &mut tiles),
            keys::ledger_tag::TILE => drop(stored.insert(key.to_vec(), value.to_vec())),
            _ => {}
        }
        ControlFlow::Continue(())
    };
    engine.scan(Keyspace::Ledger, &KeyRange::all(), &mut visit).unwrap();
    let expected = tiles.into_iter().map(|tile| (keys::tile(tile.level, tile.index).to_vec(), tile.hashes));
    assert!(expected.collect::<BTreeMap<_, _>>() == stored, "stored tiles differ");
    let head = engine.get(Keyspace::Ledger, &keys::LEDGER_HEAD).unwrap();
    let head = head.map(|row| HeadRow::parse(&row).unwrap());
    let expected = (tree.size() > 0).then(|| HeadRow { size: tree.size(), root: tree.root() });
    assert_eq!(head, expected);
}
