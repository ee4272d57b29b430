//! An engine that also writes what cannot be had again from a backup to other disks: keys, fences, index and ledger.
//!
//! Everything goes through to the engine within. Of every batch, the operations on [`Keyspace::Control`],
//! [`Keyspace::Index`] and [`Keyspace::Ledger`] are added, after the engine took it, to a log in each mirror directory,
//! and [`Engine::sync`] does not return before those logs are on their disks too: to lose the machine loses neither a key
//! nor an erasure. Records are not mirrored; they come from a backup. A mirror is ciphertext, like the database.
//!
//! A mirror begins with a base, which is a snapshot of those keyspaces; a thread writes another when the log has grown,
//! or when a mirror that failed is back. A mirror that fails is *away*: a warning and the status say so, and writes go
//! on. Nothing here knows what a row means. Built by `app`; read back by `restore` through [`read`].

mod base;
mod capsules;
mod files;
mod frame;
mod mirror;
mod read;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

pub use capsules::MirroredCapsules;
pub use read::{Each, Tail, is_mirror, read};

use self::mirror::Mirror;
use super::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, MirrorStats, Reader, Row, Snapshot, StoreError, Visit,
};

/// A log longer than this is replaced by a base.
pub const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How often a mirror that is away is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Where a mirror stands when the engine is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The directory.
    pub directory: PathBuf,
    /// The end of what it holds, if that is exactly what the engine holds; `None` to begin it anew.
    pub tail: Option<Tail>,
}

/// What can be chosen about mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorSettings {
    /// A log longer than this is replaced by a base.
    pub log_bytes_max: u64,
    /// How often a mirror that is away is tried again.
    pub try_again: Duration,
}

impl Default for MirrorSettings {
    fn default() -> Self {
        Self { log_bytes_max: LOG_BYTES_MAX, try_again: TRY_AGAIN }
    }
}

/// The engine.
pub struct MirroredEngine {
    core: Arc<Core>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// What callers and the keeper share.
struct Core {
    inner: Arc<dyn Engine>,
    settings: MirrorSettings,
    mirrors: Mutex<Vec<Mirror>>,
    call: Mutex<Call>,
    bell: Condvar,
}

/// What the keeper is to do.
#[derive(Default)]
struct Call {
    look: bool,
    stop: bool,
}

impl MirroredEngine {
    /// Wraps an engine. When this returns, each mirror is whole, or away.
    pub fn open(
        inner: Arc<dyn Engine>,
        standings: Vec<Standing>,
        settings: MirrorSettings,
    ) -> Result<Self, StoreError> {
        let mirrors = standings.into_iter().map(|standing| {
            let Standing { directory, tail } = standing;
            let resumed = tail.filter(|tail| !tail.torn).map(|tail| Mirror::resumed(directory.clone(), tail));
            resumed.and_then(Result::ok).unwrap_or_else(|| Mirror::away(directory))
        });
        let core = Arc::new(Core {
            inner,
            settings,
            mirrors: Mutex::new(mirrors.collect()),
            call: Mutex::default(),
            bell: Condvar::new(),
        });
        core.look_after(true);
        let shared = Arc::clone(&core);
        let keeper = std::thread::Builder::new().name("mirrors".to_owned()).spawn(move || shared.keep());
        let failed = |error| StoreError::Io { doing: "starting a thread", source: Arc::new(error) };
        Ok(Self { core, keeper: Mutex::new(Some(keeper.map_err(failed)?)) })
    }

    /// Tries mirrors that are away again, now rather than after a while.
    pub fn look(&self) {
        self.core.ring(|call| call.look = true);
    }
}

impl Drop for MirroredEngine {
    fn drop(&mut self) {
        self.core.ring(|call| call.stop = true);
        if let Some(keeper) = self.keeper.lock().take() {
            let _outcome = keeper.join(); // nobody is left to hear it
        }
    }
}

impl Core {
    fn ring(&self, what: impl FnOnce(&mut Call)) {
        what(&mut self.call.lock());
        self.bell.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.call.lock().stop
    }

    /// The keeper's life.
    fn keep(&self) {
        loop {
            let mut call = self.call.lock();
            if !call.look && !call.stop {
                let _timeout = self.bell.wait_for(&mut call, self.settings.try_again);
            }
            if call.stop {
                return;
            }
            call.look = false;
            drop(call);
            self.look_after(false);
        }
    }

    /// Gives a base to each mirror that needs one.
    fn look_after(&self, loudly: bool) {
        let count = self.mirrors.lock().len(); // not in the loop's head, which would hold the lock
        for position in 0..count {
            let needs = self.mirrors.lock().get(position).is_some_and(|mirror| self.needs_base(mirror));
            if needs && let Err(error) = self.rebase(position) {
                let mut mirrors = self.mirrors.lock();
                let Some(mirror) = mirrors.get_mut(position) else { continue };
                (mirror.log, mirror.next) = (None, None);
                let directory = mirror.directory.display();
                if loudly {
                    tracing::warn!(%directory, %error, "a mirror is away; it is made anew when it is back");
                } else {
                    tracing::debug!(%directory, %error, "a mirror is still away");
                }
            }
        }
    }

    fn needs_base(&self, mirror: &Mirror) -> bool {
        !mirror.taken && mirror.log.as_ref().is_none_or(|log| log.bytes > self.settings.log_bytes_max)
    }

    fn rebase(&self, position: usize) -> Result<(), StoreError> {
        let mut mirrors = self.mirrors.lock();
        let Some(mirror) = mirrors.get_mut(position) else { return Ok(()) };
        let directory = mirror.directory.clone();
        let was_away = !mirror.is_whole();
        let sequence = mirror.turn().map_err(base::failed)?;
        // Taken while nobody writes: it is the state after `sequence`, and whatever comes next goes into the log.
        let snapshot = self.inner.snapshot()?;
        drop(mirrors);
        base::write(&directory, sequence, &*snapshot, &|| self.is_stopped())?;
        let mut mirrors = self.mirrors.lock();
        let Some(mirror) = mirrors.get_mut(position) else { return Ok(()) };
        mirror.settle(sequence).map_err(base::failed)?;
        if was_away {
            tracing::info!(directory = %directory.display(), "a mirror is whole");
        }
        Ok(())
    }

    /// Brings the logs to their disks. What each was at then.
    fn sync_logs(&self) -> Vec<(usize, u64, u64)> {
        let logs: Vec<(usize, u64, u64, Arc<File>)> = {
            let mirrors = self.mirrors.lock();
            let whole = mirrors.iter().enumerate().filter_map(|(position, mirror)| {
                let log = mirror.log.as_ref()?;
                Some((position, mirror.generation, log.sequence, Arc::clone(&log.file)))
            });
            whole.collect()
        };
        let mut synced = Vec::with_capacity(logs.len());
        for (position, generation, sequence, file) in logs {
            match file.sync_data() {
                Ok(()) => synced.push((position, generation, sequence)),
                Err(error) => {
                    // A turned log was synced when it was turned, so the failure is of what is there now.
                    self.mirrors.lock().get_mut(position).into_iter().for_each(|mirror| mirror.fail(&error));
                }
            }
        }
        synced
    }

    /// Notes in each log what the engine has on its disk.
    fn mark(&self, synced: &[(usize, u64, u64)]) {
        let mut mirrors = self.mirrors.lock();
        for (position, generation, sequence) in synced {
            if let Some(mirror) = mirrors.get_mut(*position).filter(|mirror| mirror.generation == *generation) {
                mirror.mark(*sequence);
            }
        }
    }
}

impl Reader for MirroredEngine {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Row>, StoreError> {
        self.core.inner.get(keyspace, key)
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.core.inner.scan(keyspace, range, visit)
    }
}

impl Engine for MirroredEngine {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let body = frame::encode(&batch);
        let mut mirrors = self.core.mirrors.lock();
        // Written by one at a time, so that the mirrors have the order of the engine.
        self.core.inner.write(batch, durability)?;
        let mut look = false;
        if let Some(body) = body {
            for mirror in mirrors.iter_mut() {
                let was_whole = mirror.is_whole();
                mirror.add(&body);
                look |= was_whole && self.core.needs_base(mirror);
            }
        }
        drop(mirrors);
        if look {
            self.look();
        }
        if durability == Durability::Synced {
            let synced = self.core.sync_logs();
            self.core.mark(&synced);
        }
        Ok(())
    }

    /// First the mirrors, then the engine: what is marked as being on the engine's disk is on the mirror's too.
    fn sync(&self) -> Result<(), StoreError> {
        let synced = self.core.sync_logs();
        self.core.inner.sync()?;
        self.core.mark(&synced);
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        self.core.inner.snapshot()
    }

    fn compact(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        self.core.inner.compact(keyspace, range)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.core.inner.flush()
    }

    fn directory(&self) -> Option<&Path> {
        self.core.inner.directory()
    }

    fn tidy(&self) -> Result<(), StoreError> {
        self.core.inner.tidy()
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        self.core.inner.checkpoint(directory)
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        let mut stats = self.core.inner.stats()?;
        let mirrors = self.core.mirrors.lock();
        stats.mirrors = mirrors
            .iter()
            .map(|mirror| MirrorStats { directory: mirror.directory.clone(), whole: mirror.is_whole() })
            .collect();
        Ok(stats)
    }
}

#[cfg(test)]
mod tests;
