//! Time as a thing that is handed in. The only room that reads the system clock.
//!
//! Everything else takes a [`Clock`] (or a [`Timestamp`]) as an argument, so that the whole core runs under a manual
//! clock in tests.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since the Unix epoch, UTC. Serialised as RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From whole minutes since the Unix epoch, as rows and leaves carry them.
    pub const fn from_minutes(minutes: u32) -> Self {
        Self(minutes as u64 * 60_000)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole minutes since the Unix epoch: the precision of the ledger.
    pub fn as_minutes(self) -> u32 {
        u32::try_from(self.0 / 60_000).unwrap_or(u32::MAX)
    }

    /// This moment and `millis` more, saturating.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// This moment, so many months and days later by the calendar of UTC; the last moment there is a date for, if that
    /// would lie beyond it.
    #[must_use]
    pub fn plus_calendar(self, months: u32, days: u32) -> Self {
        let span = jiff::Span::new().try_months(months).and_then(|span| span.try_days(days));
        let start = i64::try_from(self.0).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        let later = start
            .map(|start| start.to_zoned(jiff::tz::TimeZone::UTC))
            .zip(span.ok())
            .and_then(|(start, span)| start.checked_add(span).ok());
        let millis = later.and_then(|later| u64::try_from(later.timestamp().as_millisecond()).ok());
        Self(millis.unwrap_or(LAST_MILLIS).min(LAST_MILLIS))
    }

    /// Milliseconds from `earlier` to this moment; zero if the clock went back.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 text, for example `2026-11-21T20:49:40Z`. `None` if it is not, or lies before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(moment.as_millisecond()).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// The RFC 3339 text of a [`Timestamp`]: every reply carries some, so it is made without an
/// allocation and without the machinery of formatting.
pub struct TimestampText {
    bytes: [u8; TEXT_LEN_MAX],
    len: usize,
}

const TEXT_LEN_MAX: usize = "2026-11-21T20:49:40.123Z".len();
/// The last moment that reads back: 9999-12-30T22:00:00Z, so that there is a date in every time zone.
const LAST_MILLIS: u64 = 253_402_207_200_000;

impl TimestampText {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Timestamp {
    /// RFC 3339 text, with as many digits of a second as it takes.
    pub fn text(self) -> TimestampText {
        let millis = self.0.min(LAST_MILLIS);
        let (days, of_day) = (millis / 86_400_000, millis % 86_400_000);
        let (year, month, day) = civil(days);
        let (hour, minute, second, milli) =
            (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60, of_day % 1_000);
        let [c, y, m, d] = [year / 100, year, month, day].map(pair);
        let [h, min, s, hundredths, f] = [hour, minute, second, milli / 10, milli].map(pair);
        let mut bytes = [
            c[0],
            c[1],
            y[0],
            y[1],
            b'-',
            m[0],
            m[1],
            b'-',
            d[0],
            d[1],
            b'T',
            h[0],
            h[1],
            b':',
            min[0],
            min[1],
            b':',
            s[0],
            s[1],
            b'.',
            hundredths[0],
            hundredths[1],
            f[1],
            b'Z',
        ];
        let len = match milli {
            0 => TEXT_LEN_MAX - 4,
            whole if whole % 100 == 0 => TEXT_LEN_MAX - 2,
            whole if whole % 10 == 0 => TEXT_LEN_MAX - 1,
            _ => TEXT_LEN_MAX,
        };
        if let Some(last) = bytes.get_mut(len - 1) {
            *last = b'Z';
        }
        TimestampText { bytes, len }
    }
}

/// Year, month and day of the day that is `days` after 1970-01-01, in the Gregorian calendar: years are counted from
/// March, so that the leap day is the last, in eras of 400 years of the same 146,097 days.
const fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_YEAR_ZERO: u64 = 719_468;
    const DAYS_OF_ERA: u64 = 146_097;
    let day = days + DAYS_FROM_YEAR_ZERO;
    let (era, of_era) = (day / DAYS_OF_ERA, day % DAYS_OF_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let (month, next) = if from_march < 10 { (from_march + 3, 0) } else { (from_march - 9, 1) };
    (era * 400 + year_of_era + next, month, day_of_month)
}

/// The last two decimal digits of a number.
fn pair(number: u64) -> [u8; 2] {
    let number = u8::try_from(number % 100).unwrap_or_default();
    [number / 10 + b'0', number % 10 + b'0']
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected an RFC 3339 time, such as 2026-11-21T20:49:40Z"))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_its_text() {
        for text in ["2026-11-21T20:49:40Z", "1970-01-01T00:00:00Z", "2023-11-24T03:26:42.121Z"] {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), Some(text));
        }
        for text in ["", "yesterday", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_month_ends_where_the_calendar_lets_it() {
        for (from, months, to) in [
            ("2026-01-15T10:00:00Z", 1, "2026-02-15T10:00:00Z"),
            ("2026-01-31T23:59:59.999Z", 1, "2026-02-28T23:59:59.999Z"),
            ("2028-01-31T00:00:00Z", 1, "2028-02-29T00:00:00Z"),
            ("2026-01-31T00:00:00Z", 3, "2026-04-30T00:00:00Z"),
            ("2026-11-30T08:00:00Z", 3, "2027-02-28T08:00:00Z"),
            ("2026-12-31T08:00:00Z", 1, "2027-01-31T08:00:00Z"),
        ] {
            assert_eq!(
                Timestamp::parse(from).unwrap().plus_calendar(months, 0),
                Timestamp::parse(to).unwrap(),
                "{from}"
            );
        }
        assert_eq!(Timestamp(u64::MAX).plus_calendar(1, 0), Timestamp(LAST_MILLIS));
    }

    #[test]
    fn the_text_is_that_of_the_crate() {
        let text = |millis: u64| jiff::Timestamp::from_millisecond(millis as i64).unwrap().to_string();
        let days = (0..2_932_896).step_by(17).map(|day| day * 86_400_000);
        let odd = (0..2_000).map(|step| step * 126_701_103_539 % LAST_MILLIS);
        for millis in days.chain(odd).chain([1, 10, 100, 951_782_399_999, 951_782_400_000, LAST_MILLIS]) {
            assert_eq!(Timestamp(millis).to_string(), text(millis));
        }
        assert_eq!(Timestamp(u64::MAX).to_string(), text(LAST_MILLIS));
    }
}
