//! What the vault does by itself while it serves: seal what was erased, purge what is sealed, and take what
//! has been kept long enough, on a schedule; send alerts as they come.
//!
//! A thread for each, which sleeps most of its time and ends when it is told to. Knows the facade and rank 0 only; holds no
//! key and sees no row. A job that fails is logged and tried again at its next turn: nothing is lost by waiting, for
//! what waits is written down in the vault. Started and stopped by the command `serve`.

mod webhook;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::code::{Code, Coded};
use crate::vault::Vault;

pub use webhook::{ATTEMPTS_MAX, FIRST_PAUSE, InvalidReceiver, Receiver};

/// The first purge of a life of the vault comes no later than this after its start, however rare the others are.
const FIRST_PURGE: Duration = Duration::from_secs(15 * 60);

/// When each job has its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Between two looks whether anything waits to be sealed; `None`: only on demand.
    pub seal_interval: Option<Duration>,
    /// Between two purges of what is sealed; `None`: only on demand.
    pub purge_interval: Option<Duration>,
    /// Between two looks for what has been kept long enough; `None`: only on demand.
    pub retention_interval: Option<Duration>,
    /// Where alerts are sent, and the pause after the first attempt; `None`: they stay in log and ledger.
    pub alerts: Option<(Receiver, Duration)>,
}

/// The running jobs.
pub struct Jobs {
    vault: Vault,
    bell: Arc<Bell>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Bell {
    stopping: Mutex<bool>,
    wake: Condvar,
}

impl Bell {
    /// Sleeps; `false` when the jobs are to end.
    fn sleep(&self, time: Duration) -> bool {
        let mut stopping = self.stopping.lock();
        if !*stopping {
            self.wake.wait_for(&mut stopping, time);
        }
        !*stopping
    }
}

impl Jobs {
    /// Starts the jobs of a vault.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(vault: Vault, schedule: Schedule) -> io::Result<Self> {
        let mut jobs = Self { vault, bell: Arc::default(), threads: Vec::new() };
        let mut begun = Ok(());
        if let Some(interval) = schedule.seal_interval {
            begun = jobs.begin("jobs", interval, interval, seal);
        }
        // On a thread of its own: it takes as long as it takes to read the database, and no seal may wait for it.
        if let Some(interval) = schedule.purge_interval.filter(|_| begun.is_ok()) {
            begun = jobs.begin("jobs-purge", interval.min(FIRST_PURGE), interval, purge);
        }
        // Not at once: whoever starts a vault with another data map has time to look at the plan.
        if let Some(interval) = schedule.retention_interval.filter(|_| begun.is_ok()) {
            begun = jobs.begin("jobs-retention", interval, interval, retention);
        }
        if let Some((receiver, pause)) = schedule.alerts.filter(|_| begun.is_ok()) {
            let (vault, bell) = (jobs.vault.clone(), Arc::clone(&jobs.bell));
            begun = jobs.thread("jobs-alerts", move || webhook::send_all(&vault, &receiver, pause, &bell));
        }
        match begun {
            Ok(()) => Ok(jobs),
            Err(error) => {
                jobs.stop();
                Err(error)
            }
        }
    }

    fn begin(
        &mut self,
        name: &str,
        first: Duration,
        interval: Duration,
        job: impl Fn(&Vault) + Send + 'static,
    ) -> io::Result<()> {
        let (vault, bell) = (self.vault.clone(), Arc::clone(&self.bell));
        let work = move || {
            let mut pause = first;
            while bell.sleep(pause) {
                job(&vault);
                pause = interval;
            }
        };
        self.thread(name, work)
    }

    fn thread(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }

    /// Ends the jobs, after the seal that is under way; a purge ends in the middle, and is taken up anew another time.
    pub fn stop(self) {
        *self.bell.stopping.lock() = true;
        self.bell.wake.notify_all();
        self.vault.stop_purges();
        self.vault.close_alerts();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("the jobs ended by a panic");
            }
        }
    }
}

fn seal(vault: &Vault) {
    if let Err(error) = vault.seal_due() {
        let code = error.code().as_str();
        tracing::error!(code, %error, "what was erased could not be sealed; it stays fenced, and is tried again");
    }
}

fn retention(vault: &Vault) {
    match vault.retention_due() {
        Err(error) if error.code() == Code::ShuttingDown => {}
        Err(error) => {
            let code = error.code().as_str();
            tracing::error!(code, %error, "what is due could not all be removed; the rest stays, and is tried again");
        }
        Ok((0, 0)) => {}
        Ok((removed, held)) => tracing::info!(removed, held, "what was kept long enough is gone"),
    }
}

fn purge(vault: &Vault) {
    match vault.purge_due() {
        Err(error) if error.code() == Code::ShuttingDown => {}
        Err(error) => {
            let code = error.code().as_str();
            tracing::error!(code, %error, "the files could not be purged; what is sealed stays so, and is tried again");
        }
        Ok(Some(report)) if report.found > 0 => {
            tracing::warn!(found = report.found, found_in = ?report.found_in, "files still hold what was erased");
        }
        Ok(_) => {}
    }
}
