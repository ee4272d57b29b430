//! Mirrors at the opening of a vault: which of them can go on, and whether one knows more than the database.
//!
//! A mirror that had something on the database's disk which is not there now is the one sign of an old image that is
//! opened with its old keyring: then nothing is served, and nothing is written to the mirror.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::code::Coded;
use crate::codec::HeadRow;
use crate::codec::keys;
use crate::codec::rows::parse_epoch;
use crate::ledger;
use crate::store::mirrored::{self, MirrorSettings, MirroredEngine, Standing, Tail};
use crate::store::{Batch, Engine, Keyspace, Op};

use super::Error;
use super::recover::stale;

/// What tells two states of a database apart: every change adds a leaf, so the head is another.
#[derive(Clone, Default, PartialEq, Eq)]
struct State {
    vault: Option<Vec<u8>>,
    epoch: u64,
    size: u64,
    root: [u8; 32],
}

impl State {
    fn of(engine: &dyn Engine) -> Result<Self, Error> {
        let mut state = Self::default();
        for (keyspace, key) in [
            (Keyspace::Control, keys::VAULT_META),
            (Keyspace::Control, keys::TREE_EPOCH),
            (Keyspace::Ledger, keys::LEDGER_HEAD),
        ] {
            if let Some(row) = engine.get(keyspace, &key)? {
                state.learn(keyspace, &key, &row)?;
            }
        }
        Ok(state)
    }

    fn learn(&mut self, keyspace: Keyspace, key: &[u8], row: &[u8]) -> Result<(), Error> {
        match keyspace {
            Keyspace::Control if key == keys::VAULT_META => self.vault = Some(row.to_vec()),
            Keyspace::Control if key == keys::TREE_EPOCH => self.epoch = parse_epoch(row)?,
            Keyspace::Ledger if key == keys::LEDGER_HEAD => {
                let head = HeadRow::parse(row)?;
                (self.size, self.root) = (head.size, head.root);
            }
            _ => {}
        }
        Ok(())
    }

    fn follow(&mut self, batch: &Batch) -> Result<(), Error> {
        batch.ops.iter().try_for_each(|op| match op {
            Op::Put { keyspace, key, value } => self.learn(*keyspace, key, value),
            Op::Delete { .. } | Op::DeleteRange { .. } => Ok(()),
        })
    }
}

/// The engine, with these mirrors around it.
pub(super) fn around(engine: Arc<dyn Engine>, directories: &[PathBuf]) -> Result<Arc<dyn Engine>, Error> {
    if directories.is_empty() {
        return Ok(engine);
    }
    let present = State::of(&*engine)?;
    let standings = directories.iter().map(|directory| standing(&*engine, &present, directory));
    let standings = standings.collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(MirroredEngine::open(engine, standings, MirrorSettings::default())?))
}

fn standing(engine: &dyn Engine, present: &State, directory: &Path) -> Result<Standing, Error> {
    let anew = Standing { directory: directory.to_owned(), tail: None };
    if !mirrored::is_mirror(directory) {
        return Ok(anew);
    }
    let (last, tail) = match told(directory, u64::MAX) {
        Ok(told) => told,
        Err(error) => {
            let (directory, code) = (directory.display(), error.code().as_str());
            tracing::warn!(%directory, code, %error, "a mirror cannot be read, and is made anew");
            return Ok(anew);
        }
    };
    if last == *present {
        return Ok(Standing { tail: Some(tail), ..anew });
    }
    if last.vault != present.vault {
        return Err(stale("a mirror belongs to another vault: name another directory, or empty this one"));
    }
    // What came after may be the torn tail of a crash; what was on the disk must be there.
    let (on_disk, _) = told(directory, tail.on_disk)?;
    if ledger::root_at(engine, on_disk.size)? == Some(on_disk.root) || on_disk.size == 0 {
        return Ok(anew);
    }
    Err(stale(
        "a mirror knows more than the database: an old image. Restore the newest data under the control rows of the \
         mirror ('membervault restore --control MIRROR'), or replay the erasures since ('membervault recover --stale')",
    ))
}

/// What a mirror says of the state after batch `until`.
fn told(directory: &Path, until: u64) -> Result<(State, Tail), Error> {
    let mut state = State::default();
    let mut unsound = None;
    let tail = mirrored::read(directory, &mut |sequence, batch| {
        if sequence <= until {
            unsound = unsound.take().or_else(|| state.follow(&batch).err());
        }
        Ok(())
    })?;
    unsound.map_or(Ok((state, tail)), Err)
}
