//! A span of the calendar: how long something is kept, or by when it is to be done.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;

/// Years of the longest period.
const YEARS_MAX: u32 = 200;

/// Years, months and days, written as ISO 8601 does: `P2Y`, `P18M`, `P30D`, `P1Y6M`, `P2W`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    months: u32,
    days: u32,
}

/// The text is not a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a period is written as years, months, weeks and days after a P, such as P2Y, P18M, P30D or P1Y6M; at most 200 years"
)]
pub struct InvalidPeriod;

impl Period {
    /// One month.
    pub const MONTH: Self = Self { months: 1, days: 0 };

    /// This many days.
    pub const fn days(days: u32) -> Self {
        Self { months: 0, days }
    }

    /// The moment this period after `start`, by the calendar of UTC: a month after 31 January is the last of February.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.plus_calendar(self.months, self.days)
    }

    /// About how many days it is, to compare periods by.
    pub const fn approximate_days(self) -> u64 {
        self.months as u64 * 30_437 / 1_000 + self.days as u64
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(InvalidPeriod)?;
        let (mut months, mut days, mut units) = (0_u32, 0_u32, "YMWD");
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at_checked(digits).ok_or(InvalidPeriod)?;
            let number: u32 = number.parse().map_err(|_| InvalidPeriod)?;
            let unit = after.chars().next().ok_or(InvalidPeriod)?;
            let at = units.find(unit).ok_or(InvalidPeriod)?;
            let (total, times) = match unit {
                'Y' => (&mut months, 12),
                'M' => (&mut months, 1),
                'W' => (&mut days, 7),
                _ => (&mut days, 1),
            };
            let more = number.checked_mul(times).ok_or(InvalidPeriod)?;
            *total = total.checked_add(more).ok_or(InvalidPeriod)?;
            units = units.get(at + 1..).unwrap_or_default();
            rest = after.get(1..).unwrap_or_default();
        }
        let period = Self { months, days };
        let bounded = months <= YEARS_MAX * 12 && days <= YEARS_MAX * 366;
        (bounded && period != Self::days(0)).then_some(period).ok_or(InvalidPeriod)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        for (number, unit) in [(self.months / 12, 'Y'), (self.months % 12, 'M'), (self.days, 'D')] {
            if number > 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_written() {
        let texts = [("P2Y", "P2Y"), ("P18M", "P1Y6M"), ("P30D", "P30D"), ("P2W", "P14D"), ("P1Y2M1W3D", "P1Y2M10D")];
        for (text, written) in texts {
            assert_eq!(text.parse::<Period>().map(|period| period.to_string()).as_deref(), Ok(written));
        }
        for text in
            ["", "P", "2Y", "P2", "PY", "P2X", "P1D1Y", "P1Y1Y", "PT1H", "P0D", "P201Y", "P9999999999Y", "P-1D", "P1É"]
        {
            assert_eq!(text.parse::<Period>(), Err(InvalidPeriod), "{text}");
        }
    }

    #[test]
    fn the_calendar_counts() {
        let after = |start: &str, period: &str| {
            period.parse::<Period>().unwrap().after(Timestamp::parse(start).unwrap()).to_string()
        };
        assert_eq!(after("2026-01-31T10:00:00Z", "P1M"), "2026-02-28T10:00:00Z");
        assert_eq!(after("2024-02-29T00:00:00Z", "P1Y"), "2025-02-28T00:00:00Z");
        assert_eq!(after("2026-01-01T00:00:00.5Z", "P2Y1D"), "2028-01-02T00:00:00.5Z");
        assert_eq!(after("9999-01-01T00:00:00Z", "P2Y"), "9999-12-30T22:00:00Z", "time ends before it does");
    }
}
