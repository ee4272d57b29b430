//! A token bucket per API token: at most `rate_per_s` requests in any second, one second's worth of burst.

use parking_lot::Mutex;

use crate::clock::Timestamp;

/// Requests are counted in thousandths, so that a refill of one millisecond is a whole number.
const SCALE: u64 = 1_000;

/// The bucket of one API token.
pub(crate) struct RateBucket {
    rate_per_s: u64,
    level: Mutex<Level>,
}

struct Level {
    thousandths: u64,
    at: Timestamp,
}

impl RateBucket {
    /// A full bucket.
    pub(crate) fn new(rate_per_s: u32, now: Timestamp) -> Self {
        let rate_per_s = u64::from(rate_per_s.max(1));
        Self { rate_per_s, level: Mutex::new(Level { thousandths: rate_per_s * SCALE, at: now }) }
    }

    /// Takes one request out, or says after how many whole seconds one will be there.
    pub(crate) fn take(&self, now: Timestamp) -> Result<(), u32> {
        let mut level = self.level.lock();
        let refill = now.millis_since(level.at).min(SCALE) * self.rate_per_s;
        level.thousandths = (level.thousandths + refill).min(self.rate_per_s * SCALE);
        // A clock that went back must neither refill twice nor stall the bucket.
        level.at = now;
        match level.thousandths.checked_sub(SCALE) {
            Some(rest) => {
                level.thousandths = rest;
                Ok(())
            }
            None => Err(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_rate_and_no_more() {
        let start = Timestamp::from_millis(1_000_000);
        let bucket = RateBucket::new(5, start);
        let granted = |now| (0..20).filter(|_| bucket.take(now).is_ok()).count();
        assert_eq!(granted(start), 5, "the burst is one second's worth");
        assert_eq!(granted(start.plus_millis(200)), 1, "a fifth of a second refills one");
        assert_eq!(granted(start.plus_millis(10_000)), 5, "a pause refills no more than the burst");
        assert_eq!(granted(start), 0, "a clock that went back refills nothing");
        assert_eq!(granted(start.plus_millis(1_000)), 5);
    }
}
