//! Phone numbers: E.164, written internationally.
//!
//! The numbering plans come from `phonenumber` (the data of libphonenumber). Its parser is not used: it also strips
//! what it takes for carrier codes, which makes different numbers one (`+86 112203 5417` and `+86 35417`), and it
//! compiles regular expressions as it goes, 0.3 ms a number when many countries mix. Here a number is its digits, less
//! the trunk zero that is dialled at home only. A test holds this and the library together on all numbers it calls
//! valid.

use std::sync::LazyLock;

use phonenumber::Type;
use phonenumber::metadata::DATABASE;
use zeroize::Zeroizing;

use super::Normalised;

/// Digits of a number, country code included (E.164, 6.2).
const DIGITS_MAX: usize = 15;
/// Country codes have one to three digits.
const COUNTRY_CODE_DIGITS_MAX: usize = 3;
const COUNTRY_CODES: usize = 1000;
/// The digit zero in the scripts in which phone numbers are typed: full-width, Arabic, Persian, Devanagari, Bengali,
/// Thai. The other nine follow it.
const ZEROS: [char; 6] = ['０', '٠', '۰', '०', '০', '๐'];
/// What people put between digits. No letters: a word on a keypad is not a number somebody has.
const SEPARATORS: &str = " \u{a0}\u{2009}\u{202f}\u{3000}-\u{2010}\u{2011}\u{2012}\u{2013}\u{2212}\u{ff0d}.()/";

/// The kinds of number a plan gives lengths for. Not short codes and emergency numbers: nobody is found by one.
const KINDS: [Type; 10] = [
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

/// What a country's plan says of the national numbers behind its code.
#[derive(Clone, Copy)]
struct Plan {
    /// Whether numbers are dialled with a leading zero at home that is not part of the international number.
    trunk_zero: bool,
    /// Bit n: a national number may have n digits.
    lengths: u32,
}

/// By country code. Loading the plans takes about 0.1 s and 5 MB, once; after that a number takes well under a
/// microsecond.
static PLANS: LazyLock<Vec<Option<Plan>>> =
    LazyLock::new(|| (0..COUNTRY_CODES).map(|code| plan(u16::try_from(code).ok()?)).collect());

/// Where regions share a code (as in North America), the main one speaks for all, as in libphonenumber: its plan has
/// the lengths that can be dialled from abroad.
fn plan(code: u16) -> Option<Plan> {
    let regions = DATABASE.by_code(&code)?;
    let main = regions.iter().find(|region| region.is_main_country_for_code()).or(regions.first())?;
    let numbers = KINDS.iter().filter_map(|kind| main.descriptors().get(*kind));
    let lengths = numbers.flat_map(|number| number.possible_length());
    Some(Plan {
        trunk_zero: main.national_prefix() == Some("0"),
        lengths: lengths.fold(0, |bits, length| bits | 1_u32.checked_shl(u32::from(*length)).unwrap_or(0)),
    })
}

/// Loads the numbering plans, so that the first request need not wait for them.
pub(super) fn load() {
    LazyLock::force(&PLANS);
}

pub(super) fn normalise(raw: &str) -> Normalised {
    let digits = digits(raw)?;
    let (code, plan) = country(&digits).ok_or("no country has this code")?;
    let national = digits.get(code.len()..).unwrap_or_default();
    let national = if plan.trunk_zero { without_trunk_zero(national)? } else { national };
    let possible = plan.lengths.checked_shr(u32::try_from(national.len()).unwrap_or(u32::MAX)).unwrap_or(0) & 1 == 1;
    if !possible || code.len() + national.len() > DIGITS_MAX {
        return Err("no number of this country has that many digits");
    }
    let mut normal = Zeroizing::new(String::with_capacity(1 + DIGITS_MAX));
    normal.push('+');
    normal.push_str(code);
    normal.push_str(national);
    Ok(normal)
}

fn without_trunk_zero(national: &str) -> Result<&str, &'static str> {
    let national = national.strip_prefix('0').unwrap_or(national);
    if national.starts_with('0') { Err("a number has at most one zero after the country code") } else { Ok(national) }
}

/// The digits behind the plus sign, in ASCII.
fn digits(raw: &str) -> Normalised {
    let raw = raw.trim();
    let rest = raw.strip_prefix(['+', '\u{ff0b}']).ok_or("written internationally: '+', country code, number")?;
    let mut digits = Zeroizing::new(String::with_capacity(DIGITS_MAX + 1));
    for c in rest.chars().filter(|c| !SEPARATORS.contains(*c)) {
        digits.push(ascii_digit(c).ok_or("only digits, spaces and the signs - . ( ) / follow the '+'")?);
        // One more than the most, for a trunk zero. Never grows, so that no copy is left unwiped.
        if digits.len() > DIGITS_MAX + 1 {
            return Err("a phone number has at most 15 digits");
        }
    }
    Ok(digits)
}

fn ascii_digit(c: char) -> Option<char> {
    if c.is_ascii_digit() {
        return Some(c);
    }
    let offset = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(u32::from(*zero)).filter(|offset| *offset < 10));
    offset.and_then(|offset| char::from_digit(offset, 10))
}

/// No country code is the beginning of another, so the first match is the only one.
fn country(digits: &str) -> Option<(&str, Plan)> {
    (1..=COUNTRY_CODE_DIGITS_MAX).find_map(|length| {
        let code = digits.get(..length).filter(|code| !code.starts_with('0'))?;
        let plan = PLANS.get(code.parse::<usize>().ok()?).copied().flatten()?;
        Some((code, plan))
    })
}

#[cfg(test)]
mod tests {
    use phonenumber::Mode;

    use super::super::IdentifierKind;
    use super::super::tests::check;
    use super::*;

    #[test]
    fn one_number_has_one_normal_form() {
        check(
            IdentifierKind::Phone,
            &[
                ("+201024591510", Ok("+201024591510")),
                (" +20 102 459 15 10 ", Ok("+201024591510")),
                ("+49 (0) 156/69764803", Ok("+4915669764803")),
                ("+4915669764803", Ok("+4915669764803")),
                ("+49\u{a0}156–697.648.03", Ok("+4915669764803")),
                ("＋８１９０７１５２１３３５", Ok("+819071521335")),
                ("+٢٠١٠٢٤٥٩١٥١٠", Ok("+201024591510")),
                ("+1 (555) 123-4567", Ok("+15551234567")),
                // In Italy and the Ivory Coast the zero belongs to the number.
                ("+39 06 12345678", Ok("+390612345678")),
                ("+225 07 12 34 56 78", Ok("+2250712345678")),
                // Small islands, satellites, international freephone.
                ("+683 4002", Ok("+6834002")),
                ("+870 773111632", Ok("+870773111632")),
                ("+800 12345678", Ok("+80012345678")),
                // The library's parser would take 11220 for a carrier code and make this +8635417.
                ("+861122035417", Ok("+861122035417")),
            ],
        );
    }

    #[test]
    fn what_is_no_international_number_is_refused_with_its_rule() {
        let international = "written internationally: '+', country code, number";
        let digits = "only digits, spaces and the signs - . ( ) / follow the '+'";
        let code = "no country has this code";
        let length = "no number of this country has that many digits";
        check(
            IdentifierKind::Phone,
            &[
                ("", Err(international)),
                ("0156 69764803", Err(international)),
                ("0049 156 69764803", Err(international)),
                ("(+49) 156 69764803", Err(international)),
                ("+1 800 FLOWERS", Err(digits)),
                ("+49 156 69764803 ext 7", Err(digits)),
                ("+49 156 69764803;ext=7", Err(digits)),
                ("++49 156 69764803", Err(digits)),
                ("+49\t15669764803", Err(digits)),
                ("+", Err(code)),
                ("+0049 156 69764803", Err(code)),
                ("+999 1234567", Err(code)),
                ("+49 00156 69764803", Err("a number has at most one zero after the country code")),
                ("+1", Err(length)),
                ("+1 555 1234", Err(length)),
                ("+1 555 123 45678", Err(length)),
                ("+4915669764803123456", Err("a phone number has at most 15 digits")),
            ],
        );
    }

    fn by_library(text: &str) -> Option<String> {
        let number = phonenumber::parse(None, text).ok().filter(phonenumber::is_valid)?;
        Some(number.format().mode(Mode::E164).to_string())
    }

    #[test]
    fn every_countrys_examples_agree_with_the_library() {
        let mut compared = 0;
        // Company numbers are left out: some can be dialled at home only (310-1234 in Canada).
        let kinds = KINDS.into_iter().filter(|kind| *kind != Type::Uan);
        for region in DATABASE.iter() {
            for kind in kinds.clone() {
                let Some(example) = region.descriptors().get(kind).and_then(|descriptor| descriptor.example()) else {
                    continue;
                };
                let text = format!("+{}{example}", region.country_code());
                let Some(expected) = by_library(&text) else { continue };
                let normal = normalise(&text);
                assert_eq!(normal.as_deref().map(String::as_str), Ok(expected.as_str()), "{}", region.id());
                compared += 1;
            }
        }
        assert!(compared > 600, "{compared}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]
        #[test]
        fn a_valid_number_is_what_the_library_says_or_refused(
            code in proptest::sample::select(vec!["1", "7", "20", "33", "39", "44", "49", "55", "81", "86", "886"]),
            national in "0?[1-9][0-9]{7,10}",
        ) {
            let text = format!("+{code}{national}");
            if let Some(expected) = by_library(&text) {
                // Refused where the library drops a trunk prefix other than zero, as in +7 8 900 1234567.
                match normalise(&text) {
                    Ok(normal) => proptest::prop_assert_eq!(normal.as_str(), expected),
                    Err(_) => proptest::prop_assert!(expected.len() < text.len()),
                }
            }
        }
    }
}
