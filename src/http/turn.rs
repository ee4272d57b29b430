//! A thread's turn on its core: after each millisecond of work, a moment for whoever else waits for that core.
//!
//! A kernel takes a busy thread off its core at a tick of its timer, every 4 ms on many machines, and one that a busy
//! server has just woken, such as a client on the same machine, waits until then. So a thread that answers requests
//! pauses of its own accord. A pause is slept, not yielded: `sched_yield` gives up the rest of the thread's share (EEVDF),
//! which beside a program that always wants the core costs a seventh of the requests.
//!
//! `edge` calls this when a request begins, when the thread holds no lock; what else is ready on it, another may take.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Processor time of a turn. With half of it, requests beside a busy program become fewer.
const TURN: Duration = Duration::from_millis(1);
/// Enough for a client to take its replies and to ask again; at most a fiftieth of the server's time.
const PAUSE: Duration = Duration::from_micros(20);
/// How much later than asked the kernel may end a pause, in nanoseconds. Its default is more than twice a pause.
#[cfg(target_os = "linux")]
const SLACK: std::num::NonZeroU64 = std::num::NonZeroU64::MIN;

thread_local! {
    static CURRENT: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// Pauses if this thread has worked for a whole turn since it last did. `now` is the present, which the caller knows.
pub(super) fn pause_after_a_turn(now: Instant) {
    let Some(mut turn) = CURRENT.get() else {
        be_punctual();
        return CURRENT.set(Some(Turn::new(now, worked())));
    };
    if turn.ends(now, worked) {
        pause();
        turn = Turn::new(Instant::now(), worked());
    }
    CURRENT.set(Some(turn));
}

/// What a thread has left of its turn.
#[derive(Clone, Copy, Debug)]
struct Turn {
    /// Processor time of the thread when the turn began.
    began: Duration,
    /// Before this moment the turn cannot be over, so nobody asks for the processor time, which is a system call.
    earliest_end: Instant,
}

impl Turn {
    fn new(now: Instant, worked: Duration) -> Self {
        Self { began: worked, earliest_end: now + TURN }
    }

    /// Whether the turn is over. `worked` says how much processor time the thread has had, ever.
    fn ends(&mut self, now: Instant, worked: impl FnOnce() -> Duration) -> bool {
        if now < self.earliest_end {
            return false;
        }
        let left = (self.began + TURN).saturating_sub(worked());
        self.earliest_end = now + left;
        left.is_zero()
    }
}

/// The processor time of this thread.
fn worked() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[allow(clippy::disallowed_methods, reason = "the one pause that waits for nothing; it is shorter than most requests")]
fn pause() {
    thread::sleep(PAUSE);
}

/// Without it a pause is longer, and no more.
fn be_punctual() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(Some(SLACK));
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn a_turn_lasts_for_a_millisecond_of_work_however_long_that_takes() {
        let start = Instant::now();
        let mut turn = Turn::new(start, micros(70));
        let asked = Cell::new(0);
        let mut ends = |at, worked| {
            turn.ends(start + micros(at), || {
                asked.set(asked.get() + 1);
                micros(worked)
            })
        };
        // Within a millisecond nobody can have worked for one, so nobody asks.
        assert!(!ends(999, 9_000));
        assert_eq!(asked.get(), 0);
        // It had the core for 400 of 1,000 microseconds: 600 more can have passed at 1,600, not before.
        assert!(!ends(1_000, 470));
        assert!(!ends(1_599, 9_000));
        assert_eq!(asked.get(), 1);
        assert!(!ends(1_600, 1_069));
        assert!(ends(1_601, 1_070));
        assert_eq!(asked.get(), 3);
    }

    #[test]
    fn a_thread_that_mostly_sleeps_pauses_for_the_work_it_did_only() {
        let start = Instant::now();
        let mut turn = Turn::new(start, Duration::ZERO);
        // A request a second, 20 microseconds each.
        for second in 1..50 {
            assert!(!turn.ends(start + Duration::from_secs(second), || micros(20 * second)));
        }
        assert!(turn.ends(start + Duration::from_secs(50), || micros(20 * 50)));
    }

    /// How often this thread has slept, by the kernel's account (proc_pid_status(5)).
    #[cfg(target_os = "linux")]
    fn slept() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count.unwrap().trim().parse().unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_busy_thread_pauses_once_a_turn() {
        const TURNS: u32 = 4;
        pause_after_a_turn(Instant::now());
        let (before, end) = (slept(), worked() + TURN * TURNS);
        while worked() < end {
            pause_after_a_turn(Instant::now());
        }
        // The last turn may end together with this loop; and a page that is not there is waited for, too.
        let pauses = slept() - before;
        assert!((u64::from(TURNS) - 1..=2 * u64::from(TURNS)).contains(&pauses), "{pauses} pauses");
    }
}
