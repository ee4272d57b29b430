//! A length of time as a person types it: `12h`, `90d`, `4w`.

use std::str::FromStr;

use thiserror::Error;

const HOUR_MS: u64 = 3_600_000;

/// A length of time of at least one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(u64);

/// The text is not a length of time.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("expected a number and h, d or w, such as 12h or 90d")]
pub(super) struct InvalidSpan;

impl Span {
    /// In milliseconds.
    pub(super) const fn millis(self) -> u64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let unit = match text.bytes().last() {
            Some(b'h') => HOUR_MS,
            Some(b'd') => 24 * HOUR_MS,
            Some(b'w') => 7 * 24 * HOUR_MS,
            _ => return Err(InvalidSpan),
        };
        let number: u64 = text.get(..text.len() - 1).unwrap_or_default().parse().map_err(|_| InvalidSpan)?;
        let millis = number.checked_mul(unit).filter(|millis| *millis > 0).ok_or(InvalidSpan)?;
        Ok(Self(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        for (text, hours) in [("1h", 1), ("90d", 90 * 24), ("4w", 4 * 7 * 24)] {
            assert_eq!(text.parse::<Span>().map(Span::millis), Ok(hours * HOUR_MS), "{text}");
        }
        for text in ["", "h", "0h", "-1h", "1", "1m", "1 h", "h1", "99999999999999999w", "ä"] {
            assert_eq!(text.parse::<Span>(), Err(InvalidSpan), "{text}");
        }
    }
}
