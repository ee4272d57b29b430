//! Whether a value is of a kind: looks at its form only, and at nothing else.

use serde_json::Value;

use super::FieldKind;
use crate::types::{Identifier, IdentifierKind};

impl FieldKind {
    /// Whether `value` is of this kind. `null` is no value, and of every kind.
    pub fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null)
            | (Self::Text, Value::String(_))
            | (Self::Number, Value::Number(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::List, Value::Array(_))
            | (Self::Object, Value::Object(_)) => true,
            (Self::Email, Value::String(text)) => Identifier::parse(IdentifierKind::Email, text).is_ok(),
            (Self::Phone, Value::String(text)) => Identifier::parse(IdentifierKind::Phone, text).is_ok(),
            (Self::Date, Value::String(text)) => is_date(text),
            (Self::Datetime, Value::String(text)) => is_datetime(text),
            (Self::Country, Value::String(text)) => text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
            (Self::Language, Value::String(text)) => is_language(text),
            _ => false,
        }
    }

    /// How a value of this kind looks, for advice.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Email => "an e-mail address, such as ada@example.org",
            Self::Phone => "a phone number with its country, such as +49301234567",
            Self::Date => "a day, such as 1985-01-09",
            Self::Datetime => "a moment, such as 2023-11-24T03:26:42Z",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Country => "two capital letters, such as DE",
            Self::Language => "a language, such as de or pt-BR",
        }
    }
}

/// `YYYY-MM-DD`, of a day there is.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut number = |digits: usize| parts.next().filter(|part| part.len() == digits).and_then(digits_of);
    let (Some(year), Some(month), Some(day), None) = (number(4), number(2), number(2), parts.next()) else {
        return false;
    };
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// A day, `T`, a time of day to the second or finer, and `Z` or an offset.
fn is_datetime(text: &str) -> bool {
    let Some((day, time)) = text.split_once(['T', 't']) else { return false };
    let (time, zone) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, None),
        None => match time.rsplit_once(['+', '-']) {
            Some((time, zone)) => (time, Some(zone)),
            None => return false,
        },
    };
    let (time, fraction) = time.split_once('.').map_or((time, None), |(time, fraction)| (time, Some(fraction)));
    let fine = fraction.is_none_or(|digits| (1..=9).contains(&digits.len()) && digits_of(digits).is_some());
    let zoned = zone.is_none_or(|zone| is_clock(zone, &[23, 59]));
    is_date(day) && is_clock(time, &[23, 59, 60]) && fine && zoned
}

/// Two digits a part, with colons between them, none above its bound.
fn is_clock(text: &str, bounds: &[u32]) -> bool {
    let parts: Vec<_> = text.split(':').collect();
    let in_bounds =
        |(part, most): (&&str, &u32)| part.len() == 2 && digits_of(part).is_some_and(|number| number <= *most);
    parts.len() == bounds.len() && parts.iter().zip(bounds).all(in_bounds)
}

fn digits_of(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Two or three letters, and parts of letters and digits after `-` or `_`.
fn is_language(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let first =
        parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    first
        && text.len() <= 35
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(kind: FieldKind, good: &[Value], bad: &[Value]) {
        good.iter().for_each(|value| assert!(kind.accepts(value), "{kind} {value}"));
        bad.iter().for_each(|value| assert!(!kind.accepts(value), "{kind} {value}"));
    }

    #[test]
    fn values_have_the_form_of_their_kind() {
        check(FieldKind::Text, &[json!("x"), json!(""), json!(null)], &[json!(1), json!([]), json!({})]);
        check(FieldKind::Email, &[json!("a@example.org")], &[json!("a"), json!(1)]);
        check(FieldKind::Phone, &[json!("+49301234567")], &[json!("12"), json!(49301234567_u64)]);
        let days = [json!("1985-01-09"), json!("2024-02-29"), json!("1900-01-31")];
        let none = [
            "2023-02-29",
            "1900-02-29",
            "2023-13-01",
            "2023-04-31",
            "85-1-9",
            "1985-01-09T",
            "1985-01-0x",
            "+985-01-09",
        ];
        check(FieldKind::Date, &days, &none.map(Value::from));
        let moments = ["2023-11-24T03:26:42.121770Z", "1950-01-01T00:00:00Z", "2023-11-24t03:26:42+01:00"];
        let none =
            ["2023-11-24", "2023-11-24T03:26Z", "2023-11-24T03:26:42", "2023-11-24T24:00:00Z", "2023-11-24T03:26:42.Z"];
        check(FieldKind::Datetime, &moments.map(Value::from), &none.map(Value::from));
        check(FieldKind::Number, &[json!(1), json!(1.5)], &[json!("1"), json!(true)]);
        check(FieldKind::Boolean, &[json!(true)], &[json!("true"), json!(1)]);
        check(FieldKind::List, &[json!([])], &[json!({}), json!("[]")]);
        check(FieldKind::Object, &[json!({})], &[json!([])]);
        check(FieldKind::Country, &[json!("DE")], &[json!("de"), json!("DEU"), json!("D1")]);
        let languages = ["de", "ar_EG", "pt-BR", "zh-Hans-CN", "gsw"];
        check(FieldKind::Language, &languages.map(Value::from), &["d", "german", "de-", "de-D", "1a"].map(Value::from));
    }
}
