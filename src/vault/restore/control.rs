//! The latest control rows, from wherever they are: the database itself, or a mirror of it.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Error, PIECE, stale};
use crate::codec::keys;
use crate::store::mirrored;
use crate::store::{Batch, Durability, Engine, KeyRange, Keyspace, Op, Reader, StoreError};

/// The keyspaces that are always the latest.
const KEYSPACES: [Keyspace; 3] = [Keyspace::Control, Keyspace::Index, Keyspace::Ledger];

/// Where the latest control rows are.
pub enum Control<'a> {
    /// In a database.
    Database(&'a dyn Reader),
    /// In a mirror.
    Mirror(&'a Path),
}

impl Control<'_> {
    /// Copies them; all but the vault's description, which makes a database a vault and is handed back.
    pub(super) fn copy_into(&self, engine: &dyn Engine) -> Result<Vec<u8>, Error> {
        let mut meta = None;
        match self {
            Self::Database(reader) => {
                for keyspace in KEYSPACES {
                    copy(*reader, keyspace, engine, &mut meta)?;
                }
            }
            Self::Mirror(directory) => {
                mirrored::read(directory, &mut |_, batch| {
                    engine.write(held_back(batch, &mut meta), Durability::Buffered)
                })?;
            }
        }
        engine.sync()?;
        if meta.as_deref() == Some(&[]) {
            return Err(stale("the control rows are those of a restore that was never finished: use others"));
        }
        meta.ok_or(stale("there is no vault in the control rows: name the directory of the database, or of a mirror"))
    }

    /// Copies the rows of the ledger alone.
    ///
    /// # Errors
    /// Whatever source or engine answer.
    pub fn ledger(&self, engine: &dyn Engine) -> Result<(), Error> {
        match self {
            Self::Database(reader) => copy(*reader, Keyspace::Ledger, engine, &mut None),
            Self::Mirror(directory) => {
                mirrored::read(directory, &mut |_, mut batch| {
                    batch.ops.retain(|op| op.keyspace() == Keyspace::Ledger);
                    engine.write(batch, Durability::Buffered)
                })?;
                Ok(())
            }
        }
    }
}

/// Takes the vault's description out. The mark of an unfinished restore comes back as an empty one.
fn held_back(mut batch: Batch, meta: &mut Option<Vec<u8>>) -> Batch {
    batch.ops.retain(|op| match op {
        Op::Put { keyspace: Keyspace::Control, key, value } => !hold_back(key, value, meta),
        Op::Delete { keyspace: Keyspace::Control, key } => *key != keys::UNFINISHED && !is_of_records(key),
        _ => true,
    });
    batch
}

fn hold_back(key: &[u8], value: &[u8], meta: &mut Option<Vec<u8>>) -> bool {
    if key == keys::UNFINISHED {
        *meta = Some(Vec::new());
        return true;
    }
    if is_of_records(key) {
        return true;
    }
    if key == keys::VAULT_META && meta.as_deref() != Some(&[]) {
        *meta = Some(value.to_vec());
    }
    key == keys::VAULT_META
}

/// Postings are not of today, but of the records: they are made anew of those that come back.
fn is_of_records(key: &[u8]) -> bool {
    key.first() == Some(&keys::tag::POSTING)
}

fn copy(from: &dyn Reader, keyspace: Keyspace, to: &dyn Engine, meta: &mut Option<Vec<u8>>) -> Result<(), Error> {
    let mut writing = Writing::into(to);
    from.scan(keyspace, &KeyRange::all(), &mut |key, row| {
        if keyspace == Keyspace::Control && hold_back(key, row, meta) {
            return ControlFlow::Continue(());
        }
        writing.put(keyspace, key, row)
    })?;
    writing.end().map_err(Error::from)
}

/// Rows on their way, a few megabytes at a time.
pub(super) struct Writing<'e> {
    engine: &'e dyn Engine,
    batch: Batch,
    bytes: usize,
    failed: Option<StoreError>,
}

impl<'e> Writing<'e> {
    pub(super) fn into(engine: &'e dyn Engine) -> Self {
        Self { engine, batch: Batch::new(), bytes: 0, failed: None }
    }

    /// Adds a row; breaks off where writing failed, which [`Self::end`] tells.
    pub(super) fn put(&mut self, keyspace: Keyspace, key: &[u8], row: &[u8]) -> ControlFlow<()> {
        self.bytes += key.len() + row.len();
        self.batch.put(keyspace, key, row);
        if self.bytes < PIECE {
            return ControlFlow::Continue(());
        }
        self.bytes = 0;
        let written = self.engine.write(std::mem::take(&mut self.batch), Durability::Buffered);
        self.failed = written.err();
        if self.failed.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    pub(super) fn end(self) -> Result<(), StoreError> {
        match self.failed {
            Some(error) => Err(error),
            None => self.engine.write(self.batch, Durability::Buffered),
        }
    }
}
