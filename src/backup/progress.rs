//! How far a long work is, seen from another thread; and the brake on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::BackupError;

/// Bytes in a MiB.
const MIB: u64 = 1024 * 1024;
/// No single pause is longer than this, whatever the rate.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What has been done so far, and whether to go on. Shared between who works and who watches.
#[derive(Debug, Default)]
pub struct Progress {
    rate_mib_s: u64,
    bytes_total: AtomicU64,
    bytes_done: AtomicU64,
    bytes_copied: AtomicU64,
    stopped: Mutex<bool>,
    bell: Condvar,
}

/// A look at a progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Bytes there are in all; 0 while that is not known.
    pub bytes_total: u64,
    /// Bytes dealt with, copied or recognised.
    pub bytes_done: u64,
    /// Bytes read from one disk and written to the other.
    pub bytes_copied: u64,
}

impl Progress {
    /// Work that copies at most this many MiB a second; 0 for as fast as it goes.
    pub fn limited(rate_mib_s: u64) -> Self {
        Self { rate_mib_s, ..Self::default() }
    }

    /// How far it is.
    pub fn seen(&self) -> Seen {
        Seen {
            bytes_total: self.bytes_total.load(Ordering::Relaxed),
            bytes_done: self.bytes_done.load(Ordering::Relaxed),
            bytes_copied: self.bytes_copied.load(Ordering::Relaxed),
        }
    }

    /// Asks the work to end. It ends with [`BackupError::Stopped`].
    pub fn stop(&self) {
        *self.stopped.lock() = true;
        self.bell.notify_all();
    }

    pub(super) fn begin(&self, bytes_total: u64) {
        self.bytes_total.store(bytes_total, Ordering::Relaxed);
    }

    /// Bytes that need not be copied.
    pub(super) fn recognised(&self, bytes: u64) {
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that were copied; waits as long as the rate asks for. The time of the copying itself is not counted, so the
    /// rate is a bound, not a goal.
    pub(super) fn copied(&self, bytes: u64) -> Result<(), BackupError> {
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        self.bytes_copied.fetch_add(bytes, Ordering::Relaxed);
        let mut stopped = self.stopped.lock();
        if !*stopped && self.rate_mib_s > 0 {
            let micros = bytes.saturating_mul(1_000_000) / self.rate_mib_s.saturating_mul(MIB);
            // Woken early only to stop, or for nothing, which makes it a little quicker once.
            let _timeout = self.bell.wait_for(&mut stopped, Duration::from_micros(micros).min(PAUSE_MAX));
        }
        if *stopped { Err(BackupError::Stopped) } else { Ok(()) }
    }
}
