//! What each token did within the hour, the day and the minute, in memory.
//!
//! The spans are those of the clock (UTC): a token gets its whole bound anew at the full hour, and so at most twice the
//! bound in any sixty minutes. What is counted is the touch of a member, not the distinct member: it costs a number, and
//! whoever reads one member a thousand times is worth noticing too.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::clock::Timestamp;
use crate::types::TokenId;

pub(super) const MINUTE_MS: u64 = 60_000;
pub(super) const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

/// Tokens whose doings are remembered; twice as many as a vault has. Beyond, those of past hours are forgotten.
const TALLIES_MAX: usize = 20_000;

/// What one token did.
#[derive(Default)]
pub(super) struct Tally {
    /// Members touched within the hour.
    pub(super) hour: Span,
    /// Members touched within the day.
    pub(super) day: Span,
    /// Members shown in bulk within the hour, outside a window.
    pub(super) bulk: Span,
    /// Denials within the minute.
    pub(super) denials: Span,
}

/// A count within one span of the clock.
#[derive(Default)]
pub(super) struct Span {
    number: u64,
    count: u64,
    /// Whether it was said that the bound is passed.
    told: bool,
}

impl Span {
    /// Goes to the span of `period_ms` that `now` lies in. A clock that goes back takes the count with it: it neither
    /// gives the bound anew nor keeps a token shut out until a time that was wrong.
    pub(super) fn at(&mut self, now: Timestamp, period_ms: u64) -> &mut Self {
        let number = now.as_millis() / period_ms;
        if number > self.number {
            *self = Self::default();
        }
        self.number = number;
        self
    }

    /// Whether `more` would pass a bound; zero is none.
    pub(super) fn would_pass(&self, bound: u32, more: u64) -> bool {
        // A page is let through while anything is left of the bound, since nobody knows before how full it will be.
        bound != 0 && self.count.saturating_add(more.max(1)) > u64::from(bound)
    }

    pub(super) fn add(&mut self, more: u64) -> u64 {
        self.count = self.count.saturating_add(more);
        self.count
    }

    /// `true` the first time within the span.
    pub(super) fn tell(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// Whole seconds until the span ends, at least one.
    pub(super) fn ends_in_s(now: Timestamp, period_ms: u64) -> u32 {
        let left = period_ms - now.as_millis() % period_ms;
        u32::try_from(left.div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
    }
}

/// What all tokens did.
#[derive(Default)]
pub(super) struct Tallies(RwLock<HashMap<TokenId, Arc<Mutex<Tally>>>>);

impl Tallies {
    /// Looks at what a token did, and adds to it.
    pub(super) fn of<R>(&self, token: &TokenId, now: Timestamp, look: impl FnOnce(&mut Tally) -> R) -> R {
        let known = self.0.read().get(token).cloned();
        let tally = known.unwrap_or_else(|| self.begin(token, now));
        look(&mut tally.lock())
    }

    fn begin(&self, token: &TokenId, now: Timestamp) -> Arc<Mutex<Tally>> {
        let mut tallies = self.0.write();
        if tallies.len() >= TALLIES_MAX {
            let day = now.as_millis() / DAY_MS;
            tallies.retain(|_, tally| tally.lock().day.number == day);
        }
        Arc::clone(tallies.entry(*token).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_begins_anew_with_the_clock_and_not_when_it_goes_back() {
        let noon = Timestamp::from_millis(12 * HOUR_MS);
        let mut span = Span::default();
        assert!(!span.at(noon, HOUR_MS).would_pass(2, 2) && span.would_pass(2, 3) && !span.would_pass(0, 9));
        assert_eq!((span.add(2), span.tell(), span.tell()), (2, true, false));
        assert!(span.at(Timestamp::from_millis(noon.as_millis() - HOUR_MS), HOUR_MS).would_pass(2, 1));
        assert!(!span.at(noon, HOUR_MS).would_pass(2, 1), "an hour later the bound is there anew");
        assert_eq!(Span::ends_in_s(noon.plus_millis(1), HOUR_MS), 3_600);
        assert_eq!(Span::ends_in_s(noon.plus_millis(HOUR_MS - 1), HOUR_MS), 1);
    }

    #[test]
    fn tokens_of_past_days_are_forgotten_when_there_are_too_many() {
        let tallies = Tallies::default();
        let token = |n: u64| TokenId::from_bytes(n.to_be_bytes());
        let (yesterday, today) = (Timestamp::from_millis(DAY_MS), Timestamp::from_millis(2 * DAY_MS));
        for n in 0..TALLIES_MAX as u64 {
            tallies.of(&token(n), yesterday, |tally| tally.day.at(yesterday, DAY_MS).add(1));
        }
        tallies.of(&token(u64::MAX), today, |tally| tally.day.at(today, DAY_MS).add(1));
        assert_eq!(tallies.0.read().len(), 1);
    }
}
