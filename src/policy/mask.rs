//! Masks: enough of a value to recognise it by, too little to use it.
//!
//! A mask never shows how long the hidden part is. A value that does not look like what the mask is made for is masked
//! as text, that is, not shown at all: data in the wrong field must not slip through.

use serde_json::{Map, Value};

/// What stands for everything that is not shown.
const STARS: &str = "***";
/// Words of a name whose initials are shown; a longer name is cut, so that a sentence in a name field says little.
const NAME_WORDS_MAX: usize = 4;
/// A phone number or postal code shorter than this would be half given away by its mask.
const PHONE_DIGITS_MIN: usize = 7;
const POSTAL_CODE_CHARS_MIN: usize = 4;
/// Digits of a card number (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// What may be kept of a place as it is, by the name of the part.
const REGION_PARTS: [&str; 3] = ["country", "region", "state"];
/// The part of a place that is masked as what it is.
const POSTAL_CODE_PART: &str = "postal_code";
/// The name of a country or region is no longer.
const REGION_CHARS_MAX: usize = 48;

/// How a field is masked. Chosen per field in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mask {
    /// `c***@e***.org`
    Email,
    /// `***10`: the last two digits.
    Phone,
    /// `P*** F***`: the initials.
    Name,
    /// `1985`: the year.
    Date,
    /// `81***`: the region.
    PostalCode,
    /// `***4242`: the last four digits of a card number.
    Card,
    /// `{"country": "DE", "postal_code": "81***"}`: of an address in parts, the region. An address in one text shows nothing.
    Place,
    /// `***`
    Text,
}

impl Mask {
    /// Every mask, in the order of the documentation.
    pub const ALL: [Self; 8] =
        [Self::Email, Self::Phone, Self::Name, Self::Date, Self::PostalCode, Self::Card, Self::Place, Self::Text];

    /// The mask's name in the policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Name => "name",
            Self::Date => "date",
            Self::PostalCode => "postal_code",
            Self::Card => "card",
            Self::Place => "place",
            Self::Text => "text",
        }
    }

    /// The masked value. What is not a string becomes a constant of its kind, so that readers keep their types.
    pub(super) fn apply(self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.mask(text)),
            Value::Number(_) => Value::from(0),
            Value::Bool(_) => Value::Bool(false),
            Value::Array(_) => Value::Array(Vec::new()),
            Value::Object(parts) if self == Self::Place => Value::Object(place(parts)),
            Value::Object(_) => Value::Object(Map::new()),
            Value::Null => Value::Null,
        }
    }

    fn mask(self, text: &str) -> String {
        let masked = match self {
            Self::Email => email(text),
            Self::Phone => phone(text),
            Self::Name => name(text),
            Self::Date => year(text),
            Self::PostalCode => region(text),
            Self::Card => card(text),
            // Which words of an address are the street and which the town cannot be told safely.
            Self::Place | Self::Text => None,
        };
        masked.unwrap_or_else(|| STARS.to_owned())
    }
}

fn email(text: &str) -> Option<String> {
    let (local, domain) = text.trim().rsplit_once('@')?;
    let (host, top) = domain.rsplit_once('.')?;
    let plain_top = !top.is_empty() && top.chars().all(char::is_alphanumeric);
    plain_top.then_some(())?;
    Some(format!("{}{STARS}@{}{STARS}.{top}", initial(local)?, initial(host)?))
}

fn phone(text: &str) -> Option<String> {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let last = digits.last_chunk::<2>().filter(|_| digits.len() >= PHONE_DIGITS_MIN)?;
    Some(format!("{STARS}{}{}", last[0], last[1]))
}

fn name(text: &str) -> Option<String> {
    let words = text.split_whitespace().take(NAME_WORDS_MAX);
    let initials: Vec<String> = words.filter_map(initial).map(|letter| format!("{letter}{STARS}")).collect();
    (!initials.is_empty()).then(|| initials.join(" "))
}

fn year(text: &str) -> Option<String> {
    let (year, rest) = text.split_once('-')?;
    let plain_year = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    (plain_year && rest.starts_with(|c: char| c.is_ascii_digit())).then(|| year.to_owned())
}

fn region(text: &str) -> Option<String> {
    let chars: Vec<char> = text.trim().chars().collect();
    let first = chars.first_chunk::<2>().filter(|_| chars.len() >= POSTAL_CODE_CHARS_MIN)?;
    let plain = first.iter().all(|c| c.is_alphanumeric());
    plain.then(|| format!("{}{}{STARS}", first[0], first[1]))
}

/// A card number has 12 to 19 digits, of which the last checks the others (Luhn, ISO/IEC 7812-1).
fn card(text: &str) -> Option<String> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit() || b == b' ' || b == b'-').then_some(())?;
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, digit)| luhn(at, *digit)).sum();
    let last = digits.last_chunk::<4>().filter(|_| CARD_DIGITS.contains(&digits.len()) && sum.is_multiple_of(10))?;
    Some(last.iter().fold(STARS.to_owned(), |shown, digit| format!("{shown}{digit}")))
}

fn luhn(from_the_end: usize, digit: u32) -> u32 {
    let doubled = digit * 2;
    match from_the_end % 2 {
        0 => digit,
        _ if doubled > 9 => doubled - 9,
        _ => doubled,
    }
}

/// Country and region as they are, the postal code masked, no other part.
fn place(parts: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = Map::new();
    for (part, value) in parts {
        let Value::String(text) = value else { continue };
        if REGION_PARTS.contains(&part.as_str()) && is_region(text) {
            shown.insert(part.clone(), value.clone());
        } else if part == POSTAL_CODE_PART {
            shown.insert(part.clone(), Mask::PostalCode.apply(value));
        }
    }
    shown
}

/// Whether a text can be the name or code of a country or region: a street has a number, a sentence is long.
fn is_region(text: &str) -> bool {
    let plain = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '.' | '\'');
    text.chars().count() <= REGION_CHARS_MAX && text.chars().all(plain)
}

fn initial(text: &str) -> Option<char> {
    text.chars().next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mask_shows_a_glimpse() {
        for (mask, text, masked) in [
            (Mask::Email, "comptonrickey0@example.org", "c***@e***.org"),
            (Mask::Email, "a@mail.example.co.uk", "a***@m***.uk"),
            (Mask::Email, "jürgen@xn--g6w251d.example", "j***@x***.example"),
            (Mask::Phone, "+201024591510", "***10"),
            (Mask::Phone, "+49 (0) 156-69764803", "***03"),
            (Mask::Name, "Pamela Fleming", "P*** F***"),
            (Mask::Name, "小林 七夏", "小*** 七***"),
            (Mask::Name, "one two three four five six", "o*** t*** t*** f***"),
            (Mask::Date, "1985-01-09", "1985"),
            (Mask::Date, "2023-11-24T03:26:42.121770Z", "2023"),
            (Mask::PostalCode, "81461", "81***"),
            (Mask::PostalCode, "SW1A 1AA", "SW***"),
            (Mask::Card, "4242424242424242", "***4242"),
            (Mask::Card, " 3782 822463 10005", "***0005"),
            (Mask::Card, "5555-5555-5555-4444", "***4444"),
            (Mask::Text, "69360 Joshua Vista", "***"),
        ] {
            assert_eq!(mask.apply(&json!(text)), json!(masked), "{mask:?}");
        }
    }

    #[test]
    fn what_does_not_look_the_part_is_not_shown_at_all() {
        for (mask, text) in [
            (Mask::Email, "+201024591510"),
            (Mask::Email, "me@localhost"),
            (Mask::Email, "@example.org"),
            (Mask::Email, "a@b.c d e f"),
            (Mask::Phone, "call me"),
            (Mask::Phone, "123456"),
            (Mask::Name, "  "),
            (Mask::Date, "09.01.1985"),
            (Mask::Date, "1985"),
            (Mask::Date, "born in 1985-01-09"),
            (Mask::PostalCode, "123"),
            (Mask::PostalCode, "- - - -"),
            (Mask::Card, "4242424242424241"),
            (Mask::Card, "card 4242424242424242"),
            (Mask::Card, "00000000000"),
            (Mask::Card, "00000000000000000000"),
            (Mask::Card, "+4915669764803"),
            (Mask::Place, "69360 Joshua Vista, Berlin, DE"),
            (Mask::Place, "DE"),
            (Mask::Text, ""),
        ] {
            assert_eq!(mask.apply(&json!(text)), json!("***"), "{mask:?} {text}");
        }
    }

    #[test]
    fn of_a_place_in_parts_the_region_is_shown() {
        for (value, masked) in [
            (
                json!({"street": "Lindenweg 7", "city": "München", "postal_code": "81461", "country": "DE"}),
                json!({"postal_code": "81***", "country": "DE"}),
            ),
            (
                json!({"state": "Baden-Württemberg", "region": "Provence-Alpes-Côte d'Azur"}),
                json!({"state": "Baden-Württemberg", "region": "Provence-Alpes-Côte d'Azur"}),
            ),
            (json!({"country": "Lindenweg 7, 81461 München", "region": "x".repeat(49)}), json!({})),
            (json!({"country": {"code": "DE"}, "postal_code": 81461, "state": ["BY"]}), json!({})),
            (json!({"postal_code": "81"}), json!({"postal_code": "***"})),
        ] {
            assert_eq!(Mask::Place.apply(&value), masked);
            assert_eq!(Mask::Text.apply(&value), json!({}), "no other mask looks into an object");
        }
    }

    #[test]
    fn other_values_keep_their_kind() {
        for mask in Mask::ALL {
            for (value, masked) in [
                (json!(42.5), json!(0)),
                (json!(true), json!(false)),
                (json!(["a"]), json!([])),
                (json!({"a": 1}), json!({})),
                (json!(null), json!(null)),
            ] {
                assert_eq!(mask.apply(&value), masked);
            }
        }
    }
}
