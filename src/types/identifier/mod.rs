//! Identifiers by which a member can be found: e-mail, phone, external id.
//!
//! An identifier is normalised before it is looked for or stored, so that one person typed in two ways is found once.
//! The other mistake is the worse one: two people must never become one. So nothing is folded that a mail system or a
//! telephone network could tell apart in practice, look-alike letters stay different, and what cannot be understood is
//! refused. [`NORMALISER_VERSION`] names these rules.

mod email;
mod external_id;
mod phone;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::name::InvalidName;
use crate::code::{Code, Coded};

/// The version of the normaliser. The sealed index depends on it: a changed rule is a new version and a rebuilt index.
pub const NORMALISER_VERSION: u8 = 1;

/// No identifier of any kind has a longer text, however it is written; longer input is refused unread.
const RAW_BYTES_MAX: usize = 1024;

/// The kinds of identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The member's number in another system.
    ExternalId,
}

impl IdentifierKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Email, Self::Phone, Self::ExternalId];

    /// The kind's name in requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::ExternalId => "external_id",
        }
    }

    /// The top-level field of the profile that carries the identifier: it has the same name.
    pub const fn field_name(self) -> &'static str {
        self.as_str()
    }

    /// The kind's number in the index and in the key tree. Never changes.
    pub const fn number(self) -> u8 {
        match self {
            Self::Email => 1,
            Self::Phone => 2,
            Self::ExternalId => 3,
        }
    }

    /// The kind of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for IdentifierKind {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let form = "one of email, phone, external_id";
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidName { kind: "kind of identifier", form })
    }
}

/// The text is not an identifier of this kind. Names the rule, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {rule}")]
pub struct InvalidIdentifier {
    /// What it was to be.
    pub kind: IdentifierKind,
    /// The rule it breaks, in words.
    pub rule: &'static str,
}

impl Coded for InvalidIdentifier {
    fn code(&self) -> Code {
        Code::InvalidIdentifier
    }
}

/// A normalised identifier. Personal data: it cannot be printed and is wiped when dropped.
///
/// ```compile_fail
/// use membervault::types::{Identifier, IdentifierKind};
/// let id = Identifier::parse(IdentifierKind::Email, "a@example.org").unwrap();
/// println!("{id:?}"); // an Identifier has no Debug
/// ```
pub struct Identifier {
    kind: IdentifierKind,
    normal: Zeroizing<String>,
}

impl Identifier {
    /// Normalises `raw`.
    pub fn parse(kind: IdentifierKind, raw: &str) -> Result<Self, InvalidIdentifier> {
        let invalid = |rule| InvalidIdentifier { kind, rule };
        if raw.len() > RAW_BYTES_MAX {
            return Err(invalid("longer than any identifier of this kind"));
        }
        let normal = match kind {
            IdentifierKind::Email => email::normalise(raw),
            IdentifierKind::Phone => phone::normalise(raw),
            IdentifierKind::ExternalId => external_id::normalise(raw),
        };
        Ok(Self { kind, normal: normal.map_err(invalid)? })
    }

    /// Loads what normalising needs (about 0.1 s, once), so that the first request need not wait for it.
    pub fn prepare() {
        phone::load();
    }

    /// The kind.
    pub fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// The normalised bytes, for the index. Every caller of this word is counted.
    pub fn normal(&self) -> &[u8] {
        self.normal.as_bytes()
    }
}

/// A normalised text, or the rule that was broken.
type Normalised = Result<Zeroizing<String>, &'static str>;

/// Applies a PRECIS profile until it changes nothing, as RFC 8264, 7 asks: its steps can undo each other.
fn enforced<E>(text: &str, profile: impl Fn(&str) -> Result<Cow<'_, str>, E>, refusal: &'static str) -> Normalised {
    const ROUNDS_MAX: usize = 4;
    let mut text = Zeroizing::new(text.to_owned());
    for _ in 0..ROUNDS_MAX {
        let next = Zeroizing::new(profile(&text).map_err(|_| refusal)?.into_owned());
        if next == text {
            return Ok(text);
        }
        text = next;
    }
    Err(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case: the raw text, and its normal form or the rule it breaks.
    pub(super) fn check(kind: IdentifierKind, cases: &[(&str, Result<&str, &str>)]) {
        for (raw, expected) in cases {
            let parsed = Identifier::parse(kind, raw);
            let normal = parsed.as_ref().map(|id| std::str::from_utf8(id.normal()).unwrap());
            assert_eq!(normal.map_err(|e| e.rule), *expected, "{raw:?}");
        }
    }

    #[test]
    fn kinds_read_back() {
        for kind in IdentifierKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(IdentifierKind::from_number(kind.number()), Some(kind));
        }
        assert!("Email".parse::<IdentifierKind>().is_err());
    }

    #[test]
    fn an_error_names_kind_and_rule_but_not_the_text() {
        let error = Identifier::parse(IdentifierKind::Email, "pamela fleming@example.org").err().unwrap();
        assert!(error.to_string().starts_with("email: "));
        assert!(!error.to_string().contains("pamela"));
    }

    #[test]
    fn overlong_text_is_refused_unread() {
        for kind in IdentifierKind::ALL {
            assert!(Identifier::parse(kind, &"1".repeat(RAW_BYTES_MAX + 1)).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn normalising_twice_changes_nothing(raw in "\\PC{0,40}|\\PC{1,20}@\\PC{1,20}|[+＋][0-9 ()-]{5,20}") {
            for kind in IdentifierKind::ALL {
                let Ok(once) = Identifier::parse(kind, &raw) else { continue };
                let text = std::str::from_utf8(once.normal()).unwrap();
                let twice = Identifier::parse(kind, text);
                proptest::prop_assert!(twice.is_ok_and(|twice| twice.normal() == once.normal()));
            }
        }
    }
}
