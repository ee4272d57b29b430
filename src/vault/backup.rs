//! Take a backup while serving, and tell how far it is.
//!
//! One at a time, on a thread of its own: the engine's checkpoint (hard links beside the database), then what is new of
//! it into the depot, then the leaf that names the manifest. The keyring has no part in it. Where backups go is set by
//! whoever starts the vault, never by a request.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::backup::{Depot, Manifest, Progress, Seen, Taken, Taking, clear};
use crate::clock::Timestamp;
use crate::code::{Code, Coded};
use crate::codec::Event;
use crate::ledger::Durability;
use crate::policy::Action;
use crate::types::{BackupId, Ctx};

use super::act::{Act, Prepared, Refusal};
use super::api::{Backup, BackupState, Listing};
use super::pipeline::Case;
use super::{Error, Vault};

/// How often who waits for a backup looks at it.
const LOOK: Duration = Duration::from_millis(200);

/// Where and how backups are taken.
#[derive(Clone, Debug)]
pub struct BackupSettings {
    /// The depot; `None` where none was set.
    pub directory: Option<PathBuf>,
    /// Where a checkpoint may lie for a while: on the file system of the database, outside its directory.
    pub scratch: PathBuf,
    /// MiB a second that are copied at most; 0 for no limit.
    pub rate_mib_s: u64,
}

/// The backups of this life of the vault.
#[derive(Default)]
pub(super) struct BackupDesk {
    settings: OnceLock<BackupSettings>,
    job: Mutex<Option<Job>>,
    ended: Condvar,
}

/// The backup under way, or the last one.
struct Job {
    id: BackupId,
    begun: Timestamp,
    progress: Arc<Progress>,
    outcome: Option<Result<Taken, Code>>,
    thread: Option<JoinHandle<()>>,
}

impl Vault {
    /// Sets where backups go; once. Removes what a crash in the middle of a backup left beside the database.
    ///
    /// # Errors
    /// `io` if that cannot be removed: it would keep old values on the disk.
    pub fn set_backups(&self, settings: BackupSettings) -> Result<(), Error> {
        clear(&settings.scratch)?;
        let _first = self.0.backups.settings.set(settings);
        Ok(())
    }

    /// Begins a backup.
    ///
    /// # Errors
    /// `not_configured`; `backup_running`; a denial of the policy.
    pub fn start_backup<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, Backup> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            case.decide_plain(Action::BackupRun)?;
            Ok(Prepared::unlogged(self.begin_backup(&case)?))
        })
    }

    /// One backup: under way, failed, or in the depot.
    ///
    /// # Errors
    /// `not_found`; a denial of the policy.
    pub fn backup<'v>(&'v self, ctx: &'v Ctx, id: &'v BackupId) -> Act<'v, Backup> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::BackupRead)?;
            let backup = match self.0.backups.present(id) {
                Some(backup) => backup,
                None => kept(&self.depot()?.manifest(id)?.0),
            };
            Ok(Prepared::unlogged(backup))
        })
    }

    /// Every backup in the depot, oldest first, and the one under way.
    ///
    /// # Errors
    /// `not_configured`; a denial of the policy.
    pub fn list_backups<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, Listing<Backup>> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::BackupRead)?;
            let mut items: Vec<_> = self.depot()?.list()?.iter().map(kept).collect();
            let last = self.0.backups.job.lock().as_ref().map(Job::seen);
            items.extend(last.filter(|last| last.state != BackupState::Done));
            Ok(Prepared::unlogged(Listing { items, next: None }))
        })
    }

    /// Takes a backup and waits for it; `watch` sees how far it is.
    ///
    /// # Errors
    /// Those of [`Vault::start_backup`]; whatever the backup failed with.
    pub fn take_backup(&self, ctx: &Ctx, watch: &mut dyn FnMut(&Seen)) -> Result<Backup, Error> {
        let begun = self.start_backup(ctx).wait()?;
        let desk = &self.0.backups;
        let mut job = desk.job.lock();
        while let Some(present) = job.as_ref().filter(|job| job.id == begun.id && job.outcome.is_none()) {
            watch(&present.progress.seen());
            let _timeout = desk.ended.wait_for(&mut job, LOOK);
        }
        match job.as_ref().map(Job::seen) {
            Some(Backup { code: Some(code), .. }) => Err(Error::BackupFailed { code }),
            Some(backup) => Ok(backup),
            None => Err(Error::Internal("a backup that was begun is remembered")),
        }
    }

    fn depot(&self) -> Result<Depot, Error> {
        let directory = self.0.backups.settings.get().and_then(|settings| settings.directory.as_ref());
        directory.map(Depot::at).ok_or(Error::Mismatch {
            code: Code::NotConfigured,
            problem: "no directory of backups is set; set 'backup.directory' and start the vault again",
        })
    }

    fn begin_backup(&self, case: &Case<'_>) -> Result<Backup, Refusal> {
        let depot = self.depot()?;
        let settings = self.0.backups.settings.get().ok_or(Error::Internal("a depot comes from the settings"))?;
        let mut job = self.0.backups.job.lock();
        if job.as_ref().is_some_and(|job| job.outcome.is_none()) {
            let problem = "a backup is being taken already; wait until it is done";
            return Err(Error::Mismatch { code: Code::BackupRunning, problem }.into());
        }
        let id = BackupId::from_random(self.random()?);
        let progress = Arc::new(Progress::limited(settings.rate_mib_s));
        let work = Work {
            vault: self.clone(),
            ctx: case.ctx.clone(),
            id,
            depot,
            scratch: settings.scratch.clone(),
            progress: Arc::clone(&progress),
        };
        let thread = thread::Builder::new().name("backup".to_owned()).spawn(move || work.run());
        let thread = Some(thread.map_err(|_| Error::Internal("a thread for the backup could not be started"))?);
        let begun = Job { id, begun: case.now, progress, outcome: None, thread };
        Ok(job.insert(begun).seen())
    }
}

impl BackupDesk {
    /// Ends a backup that is under way, and waits for it to have ended.
    pub(super) fn close(&self) {
        let thread = self.job.lock().as_mut().and_then(|job| {
            job.progress.stop();
            job.thread.take()
        });
        if let Some(thread) = thread {
            let _outcome = thread.join(); // it has reported by itself
        }
    }

    fn present(&self, id: &BackupId) -> Option<Backup> {
        self.job.lock().as_ref().filter(|job| job.id == *id).map(Job::seen)
    }

    fn end(&self, outcome: Result<Taken, Code>) {
        if let Some(job) = self.job.lock().as_mut() {
            job.outcome = Some(outcome);
        }
        self.ended.notify_all();
    }
}

impl Job {
    fn seen(&self) -> Backup {
        let Seen { bytes_total, bytes_done, bytes_copied } = self.progress.seen();
        let (state, manifest, code) = match &self.outcome {
            None => (BackupState::Running, None, None),
            Some(Ok(taken)) => (BackupState::Done, Some(&taken.manifest), None),
            Some(Err(code)) => (BackupState::Failed, None, Some(*code)),
        };
        Backup {
            id: self.id,
            state,
            created_at: manifest.map_or(self.begun, |manifest| manifest.created_at),
            bytes_total,
            bytes_done,
            bytes_copied: Some(bytes_copied),
            files: manifest.map(|manifest| manifest.files.len()),
            ledger_size: manifest.map(|manifest| manifest.ledger_size),
            code,
        }
    }
}

/// A backup in the depot.
fn kept(manifest: &Manifest) -> Backup {
    let bytes = manifest.bytes();
    Backup {
        id: manifest.backup,
        state: BackupState::Done,
        created_at: manifest.created_at,
        bytes_total: bytes,
        bytes_done: bytes,
        bytes_copied: None,
        files: Some(manifest.files.len()),
        ledger_size: Some(manifest.ledger_size),
        code: None,
    }
}

/// What the thread of a backup does.
struct Work {
    vault: Vault,
    ctx: Ctx,
    id: BackupId,
    depot: Depot,
    scratch: PathBuf,
    progress: Arc<Progress>,
}

impl Work {
    fn run(self) {
        let taken = self.take();
        // Whether it succeeded or not: a checkpoint that stays keeps old values on the disk.
        let cleared = clear(&self.scratch).map_err(Error::from);
        let outcome = cleared.and(taken).and_then(|taken| self.log(taken));
        let backup = self.id;
        match &outcome {
            Ok(taken) => tracing::info!(%backup, bytes = taken.manifest.bytes(), "the backup is complete"),
            Err(error) => {
                let cause = std::error::Error::source(error).map(tracing::field::display);
                tracing::error!(%backup, code = error.code().as_str(), %error, cause, "the backup failed");
            }
        }
        self.vault.0.backups.end(outcome.map_err(|error| error.code()));
    }

    fn take(&self) -> Result<Taken, Error> {
        clear(&self.scratch)?;
        let (vault, now) = (&self.vault, self.vault.now());
        let head = vault.ledger().head();
        let manifest = Manifest::new(*vault.id(), self.id, now, (head.size, head.root), vault.keyring().epoch());
        vault.engine().checkpoint(&self.scratch)?;
        Ok(Taking { depot: &self.depot, checkpoint: &self.scratch, manifest }.run(&self.progress)?)
    }

    fn log(&self, taken: Taken) -> Result<Taken, Error> {
        let event = Event::Backup { backup: self.id, manifest: taken.manifest_sha256 };
        let change = self.vault.event(&self.ctx, event, self.vault.now());
        self.vault.ledger().submit(change, Durability::Synced).wait()?;
        Ok(taken)
    }
}
