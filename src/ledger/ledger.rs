//! The ledger as the vault sees it: open, submit, close.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::change::{Change, Mark};
use super::committer::Committer;
use super::drive::Core;
use super::error::LedgerError;
use super::open::{stored_epoch, stored_tree};
use super::ticket::{Completer, Outcome, Receipt, Slot, Ticket};
use crate::codec::HeadRow;
use crate::store::{Durability, Engine};

/// Buffered leaves are on disk after at most this time, and one sync.
pub const READ_SYNC_INTERVAL_MS: u64 = 100;

/// When the evidence of a read is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadDurability {
    /// Within [`READ_SYNC_INTERVAL_MS`] of the reply. A crash of the machine may take the evidence of the last reads;
    /// one of the process may not.
    #[default]
    Interval,
    /// Before the reply.
    Sync,
}

/// What can be chosen about a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerSettings {
    /// When the evidence of a read is on disk.
    pub read_durability: ReadDurability,
    /// How long buffered leaves wait for a sync of their own.
    pub sync_interval: Duration,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self { read_durability: ReadDurability::default(), sync_interval: Duration::from_millis(READ_SYNC_INTERVAL_MS) }
    }
}

/// The one door to disk.
pub struct Ledger {
    core: Arc<Core>,
    engine: Arc<dyn Engine>,
    settings: LedgerSettings,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    committer: JoinHandle<()>,
    syncer: JoinHandle<()>,
}

impl Ledger {
    /// Opens the ledger of this database, and verifies that its leaves have the root that was stored with them.
    pub fn open(engine: Arc<dyn Engine>, settings: LedgerSettings) -> Result<Self, LedgerError> {
        let tree = stored_tree(&*engine)?;
        let epoch = stored_epoch(&*engine)?;
        let core = Arc::new(Core::new(Committer::new(engine.clone(), tree, epoch)));
        let committer = spawn("ledger-commit", &core, Core::run_committer)?;
        let synced = Arc::clone(&engine);
        let syncer = spawn("ledger-sync", &core, move |core| {
            core.syncer.run(&*synced, &core.poison, settings.sync_interval);
        });
        let syncer = syncer.inspect_err(|_| core.bell.stop())?; // the first thread would sleep for ever
        Ok(Self { core, engine, settings, threads: Mutex::new(Some(Threads { committer, syncer })) })
    }

    /// Hands a change over. It is committed once the ticket, or anybody else's, is driven.
    ///
    /// `Buffered`: the ticket is done when rows and leaf are in the write-ahead log. `Synced`: when they are on disk.
    pub fn submit(&self, change: Change, durability: Durability) -> Ticket {
        let durability = match self.settings.read_durability {
            ReadDurability::Interval => durability,
            ReadDurability::Sync => Durability::Synced,
        };
        let slot = Arc::new(Slot::default());
        match self.core.enqueue(change, durability, Completer::new(Arc::clone(&slot))) {
            Ok(()) => Ticket::queued(slot, Arc::clone(&self.core)),
            Err(refused) => Ticket::settled(Err(refused)),
        }
    }

    /// Runs `section` with no commit of anybody else in between: what it reads stays true until it has written.
    ///
    /// Everybody else's commits wait meanwhile, so it must be short. Blocks; not for async tasks.
    pub fn exclusive<R>(&self, section: impl FnOnce(&mut Exclusive<'_>) -> R) -> Result<R, LedgerError> {
        let mut committer = self.core.committer.lock();
        if self.core.queue.is_closed() {
            return Err(LedgerError::Closed);
        }
        let began = Instant::now();
        let result = section(&mut Exclusive { core: &self.core, committer: &mut committer, began });
        drop(committer);
        self.core.drive(); // for those who found the lock taken
        Ok(result)
    }

    /// The present moment, for [`Change::decided_at`]: take it before the facts are read.
    pub fn mark(&self) -> Mark {
        Mark(self.core.mark.load(Ordering::Acquire))
    }

    /// Grows with each erasure, for [`super::Reliance::NoErasureSince`]: take it before the facts are read.
    pub fn erasure_generation(&self) -> u64 {
        self.core.generation.load(Ordering::Acquire)
    }

    /// Size and root of the log after the last group.
    pub fn head(&self) -> HeadRow {
        *self.core.head.lock()
    }

    /// Size and root of the log, after everything up to there was synced: what may be told to others for good.
    ///
    /// Leaves may lie in the write-ahead log alone for a moment, where a crash of the machine can take them; a head
    /// that was signed with them would contradict the log that comes after. Blocks for the sync.
    pub fn synced_head(&self) -> Result<HeadRow, LedgerError> {
        self.core.poison.check()?;
        let head = self.head();
        self.engine.sync().map_err(|error| self.core.poison.fail(error))?;
        Ok(head)
    }

    /// Number of leaves after the last group.
    pub fn size(&self) -> u64 {
        self.head().size
    }

    /// Root of the log after the last group.
    pub fn root(&self) -> [u8; 32] {
        self.head().root
    }

    /// Refuses as a change would be refused now: because a write failed before, or because the ledger is closed.
    pub fn check_open(&self) -> Result<(), LedgerError> {
        self.core.poison.check()?;
        if self.core.queue.is_closed() { Err(LedgerError::Closed) } else { Ok(()) }
    }

    /// Takes no more changes, commits and syncs what waits, and ends the threads. Tells whether all of it succeeded.
    pub fn close(&self) -> Result<(), LedgerError> {
        self.core.queue.close();
        let threads = self.threads.lock().take();
        if let Some(Threads { committer, syncer }) = threads {
            self.core.bell.stop();
            let committed = committer.join();
            self.core.syncer.stop();
            committed.and(syncer.join()).map_err(|_panic| LedgerError::Broken)?;
        }
        self.core.poison.check()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // Who wants to know the outcome calls `close` first; here nobody is left to hear it.
        let _outcome = self.close();
    }
}

/// The ledger while nobody else can commit.
pub struct Exclusive<'a> {
    core: &'a Core,
    committer: &'a mut Committer,
    began: Instant,
}

impl Exclusive<'_> {
    /// How long everybody else has been waiting.
    pub fn held(&self) -> Duration {
        self.began.elapsed()
    }

    /// Commits one change as a group of its own, and syncs it if asked to.
    pub fn commit(&mut self, mut change: Change, durability: Durability) -> Outcome {
        let mut outcomes = Vec::with_capacity(1);
        let size = self.core.write(self.committer, std::iter::once(&mut change), &mut outcomes)?;
        let index = outcomes.pop().unwrap_or(Err(LedgerError::Broken))?;
        self.core.syncer.written(&mut Vec::new());
        if durability == Durability::Synced {
            self.committer.engine().sync().map_err(|error| self.core.poison.fail(error))?;
        }
        Ok(Receipt { index, size })
    }
}

fn spawn(
    name: &str,
    core: &Arc<Core>,
    body: impl FnOnce(&Core) + Send + 'static,
) -> Result<JoinHandle<()>, LedgerError> {
    let core = Arc::clone(core);
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || body(&core));
    started.map_err(|error| LedgerError::Threads(Arc::new(error)))
}
