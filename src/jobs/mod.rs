//! What the vault does by itself while it serves: seal what was erased, on a schedule.
//!
//! One thread, which sleeps most of its time and ends when it is told to. Knows the facade and rank 0 only; holds no
//! key and sees no row. A job that fails is logged and tried again at its next turn: nothing is lost by waiting, for
//! what waits is written down in the vault. Started and stopped by the command `serve`.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::code::Coded;
use crate::vault::Vault;

/// When each job has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Between two looks whether anything waits to be sealed; `None`: only on demand.
    pub seal_interval: Option<Duration>,
}

/// The running jobs.
pub struct Jobs {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
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
        let bell = Arc::new(Bell::default());
        let thread = match schedule.seal_interval {
            None => None,
            Some(interval) => {
                let bell = Arc::clone(&bell);
                let work = move || {
                    while bell.sleep(interval) {
                        seal(&vault);
                    }
                };
                Some(thread::Builder::new().name("jobs".to_owned()).spawn(work)?)
            }
        };
        Ok(Self { bell, thread })
    }

    /// Ends the jobs, after the one that is under way.
    pub fn stop(mut self) {
        *self.bell.stopping.lock() = true;
        self.bell.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the jobs ended by a panic");
        }
    }
}

fn seal(vault: &Vault) {
    if let Err(error) = vault.seal_due() {
        let code = error.code().as_str();
        tracing::error!(code, %error, "what was erased could not be sealed; it stays fenced, and is tried again");
    }
}
