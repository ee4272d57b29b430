//! An engine of ordered maps in memory, for tests: the same order, atomicity and isolation as on disk, no durability.
//!
//! A checkpoint is one file of rows, so that what is built on checkpoints can be tested without a disk engine.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, KeyspaceStats, Op, Reader, Row, Snapshot, StoreError,
    Visit,
};

/// The one file of a checkpoint: `keyspace u8 | key length u32 | row length u32 | key | row`, row after row.
const ROWS_FILE: &str = "rows";

/// Rows are shared between the live state and snapshots.
type Rows = BTreeMap<Vec<u8>, Row>;

/// One frozen state. Cloning it is cheap: maps are copied only when written while shared.
#[derive(Clone, Default)]
struct State([Arc<Rows>; Keyspace::ALL.len()]);

impl State {
    fn rows(&self, keyspace: Keyspace) -> Option<&Arc<Rows>> {
        self.0.get(keyspace.index())
    }

    fn apply(&mut self, op: Op) {
        let Some(rows) = self.0.get_mut(op.keyspace().index()).map(Arc::make_mut) else { return };
        match op {
            Op::Put { key, value, .. } => {
                rows.insert(key, value.into());
            }
            Op::Delete { key, .. } => {
                rows.remove(&key);
            }
            Op::DeleteRange { start, end, .. } => {
                let range = KeyRange { start, end: Some(end) };
                rows.retain(|key, _| !range.contains(key));
            }
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (keyspace, rows) in (0u8..).zip(&self.0) {
            for (key, row) in rows.iter() {
                bytes.push(keyspace);
                bytes.extend_from_slice(&length(key));
                bytes.extend_from_slice(&length(row));
                bytes.extend_from_slice(key);
                bytes.extend_from_slice(row);
            }
        }
        bytes
    }

    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut state = Self::default();
        while let Some((keyspace, rest)) = bytes.split_first() {
            let (key_length, rest) = rest.split_first_chunk()?;
            let (row_length, rest) = rest.split_first_chunk()?;
            let (key, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*key_length)).ok()?)?;
            let (row, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*row_length)).ok()?)?;
            let keyspace = *Keyspace::ALL.get(usize::from(*keyspace))?;
            state.apply(Op::Put { keyspace, key: key.to_vec(), value: row.to_vec() });
            bytes = rest;
        }
        Some(state)
    }
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes() // rows are bounded far below
}

impl Reader for State {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(keyspace).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let Some(rows) = self.rows(keyspace).filter(|_| !range.is_empty()) else { return Ok(()) };
        let start = Bound::Included(range.start.as_slice());
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        for (key, row) in rows.range::<[u8], _>((start, end)) {
            if let ControlFlow::Break(()) = visit(key, row) {
                break;
            }
        }
        Ok(())
    }
}

/// The engine.
#[derive(Default)]
pub struct MemoryEngine {
    state: RwLock<State>,
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// The engine of a checkpoint.
    pub fn open(checkpoint: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Io { doing: "reading a checkpoint", source: Arc::new(source) };
        let bytes = fs::read(checkpoint.join(ROWS_FILE)).map_err(failed)?;
        let state = State::from_bytes(&bytes).ok_or_else(|| StoreError::Corrupt {
            doing: "reading a checkpoint",
            source: Arc::new(io::Error::from(io::ErrorKind::InvalidData)),
        })?;
        Ok(Self { state: RwLock::new(state) })
    }

    /// Another engine with the same rows; what is written to one is not seen by the other.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { state: RwLock::new(self.frozen()) }
    }

    fn frozen(&self) -> State {
        self.state.read().clone()
    }
}

impl Reader for MemoryEngine {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        self.state.read().get(keyspace, key)
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.frozen().scan(keyspace, range, visit) // no lock is held while the visitor runs
    }
}

impl Engine for MemoryEngine {
    fn write(&self, batch: Batch, _durability: Durability) -> Result<(), StoreError> {
        let mut state = self.state.write();
        batch.ops.into_iter().for_each(|op| state.apply(op));
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        Ok(Box::new(self.frozen()))
    }

    fn compact(&self, _keyspace: Keyspace, _range: &KeyRange) -> Result<(), StoreError> {
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        if directory.exists() {
            return Err(StoreError::Exists { path: directory.to_path_buf() });
        }
        let rows = self.frozen().to_bytes();
        fs::create_dir(directory)
            .and_then(|()| fs::write(directory.join(ROWS_FILE), rows))
            .map_err(|source| StoreError::Io { doing: "writing a checkpoint", source: Arc::new(source) })
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        let mut stats = EngineStats::default();
        for (rows, stats) in self.frozen().0.iter().zip(&mut stats.keyspaces) {
            *stats = measure(rows);
        }
        Ok(stats)
    }
}

fn measure(rows: &Rows) -> KeyspaceStats {
    let bytes: usize = rows.iter().map(|(key, row)| key.len() + row.len()).sum();
    KeyspaceStats {
        table_bytes: 0,
        memtable_bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        rows: u64::try_from(rows.len()).unwrap_or(u64::MAX),
    }
}
