//! A timer that sets one alarm a connection.
//!
//! A connection waits for something at every moment: for the head of a request, then for the answer to it; nearly each
//! time it is given up soon, for a wait that ends a moment later than the last. To set and to clear a timer of the
//! runtime each time takes its lock four times a request. Here an alarm that rings too early is left to ring: whoever
//! waits then sets it again. It never rings late. The server and the edge call it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use parking_lot::Mutex;
use tokio::task::coop::unconstrained;

/// The timer of one connection. All that waits for it waits in the connection's task.
#[derive(Clone, Default)]
pub(super) struct ConnectionTimer(Arc<Mutex<Option<Alarm>>>);

/// An alarm that is set.
struct Alarm {
    rings: Pin<Box<tokio::time::Sleep>>,
    wakes: Waker,
}

impl Alarm {
    /// Whether it will wake this task, and not after `deadline`.
    fn serves(&self, deadline: Instant, cx: &Context<'_>) -> bool {
        !self.rings.is_elapsed() && self.rings.deadline().into_std() <= deadline && self.wakes.will_wake(cx.waker())
    }
}

impl ConnectionTimer {
    /// Ready from `deadline` on. Until then, whatever polls is woken in time to poll again.
    pub(super) fn poll_until(&self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.0.lock();
        if alarm.as_ref().is_some_and(|alarm| alarm.serves(deadline, cx)) {
            return Poll::Pending;
        }
        if self.now() >= deadline {
            return Poll::Ready(());
        }
        let mut rings = match alarm.take() {
            Some(Alarm { rings, .. }) => rings,
            None => Box::pin(tokio::time::sleep_until(deadline.into())),
        };
        rings.as_mut().reset(deadline.into());
        // Not even a task that had its share of this turn may leave without having set it.
        let poll = Pin::new(&mut unconstrained(rings.as_mut())).poll(cx);
        *alarm = Some(Alarm { rings, wakes: cx.waker().clone() });
        poll
    }
}

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait { deadline, timer: self.clone() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// A wait for a moment.
struct Wait {
    deadline: Instant,
    timer: ConnectionTimer,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll_until(self.deadline, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a clock that stands still, but where everybody waits: there it goes to the next alarm.
    const MOMENT: Duration = Duration::from_secs(30);
    /// The runtime's clock counts in these, and never rings early.
    const TICK: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_its_moment_whatever_was_waited_for_before() {
        let timer = ConnectionTimer::default();
        // Ends early, on time, and after an alarm that rang for nobody.
        for (dropped, waited) in [(4, 1), (1, 4), (2, 2), (1, 1)] {
            let started = timer.now();
            let given_up = tokio::time::timeout(Duration::ZERO, timer.sleep(MOMENT * dropped)).await;
            assert!(given_up.is_err());
            timer.sleep(MOMENT * waited).await;
            let took = timer.now() - started;
            assert!((MOMENT * waited..=MOMENT * waited + 2 * TICK).contains(&took), "{dropped} {waited} {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_can_be_taken_to_another_task() {
        let timer = ConnectionTimer::default();
        let mut wait = timer.sleep(MOMENT);
        let here = tokio::time::timeout(Duration::ZERO, wait.as_mut()).await;
        assert!(here.is_err());
        let there = tokio::time::timeout(MOMENT + 2 * TICK, tokio::spawn(wait)).await;
        assert!(matches!(there, Ok(Ok(()))));
    }
}
