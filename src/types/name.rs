//! Names chosen by the operator or the application: compartments, records, fields, purposes.
//!
//! Names may appear in URLs and logs, so their alphabet has no room for an e-mail address or a sentence. They must not
//! carry personal data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The text is not a name of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} is {form}")]
pub struct InvalidName {
    /// What was to be named.
    pub kind: &'static str,
    /// The form that was expected, in words.
    pub form: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $extra:literal, $form:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest name of this kind, in bytes.
            pub const LEN_MAX: usize = $max;

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let bytes = text.as_bytes();
                let first = bytes.first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
                let rest = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || $extra.contains(b));
                if first && rest && bytes.len() <= $max {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { kind: $kind, form: $form })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

name! {
    /// The granularity of keys inside a member: each member x compartment has its own data key.
    Compartment, "compartment", 32, b"_-",
    "1 to 32 lower-case letters, digits, '_' or '-', beginning with a letter or digit"
}
name! {
    /// The name of a record inside a compartment.
    RecordName, "record name", 64, b"_-.",
    "1 to 64 lower-case letters, digits, '_', '-' or '.', beginning with a letter or digit"
}
name! {
    /// The name of a top-level field of a record's JSON object, as far as a policy can speak of it.
    FieldName, "field name", 64, b"_-",
    "1 to 64 lower-case letters, digits, '_' or '-', beginning with a letter or digit"
}
name! {
    /// Why data is used. Declared in the policy, stated by the caller, weighed in the decision.
    Purpose, "purpose", 32, b"_-",
    "1 to 32 lower-case letters, digits, '_' or '-', beginning with a letter or digit"
}
name! {
    /// What an operator calls a directory that keeps a copy of the keyring.
    HolderName, "holder name", 32, b"_-",
    "1 to 32 lower-case letters, digits, '_' or '-', beginning with a letter or digit"
}
name! {
    /// To whom data goes: a processor, a partner, an authority. The register of recipients says more of each.
    RecipientName, "recipient name", 32, b"_-",
    "1 to 32 lower-case letters, digits, '_' or '-', beginning with a letter or digit"
}

impl Compartment {
    /// The compartment of the profile.
    pub fn core() -> Self {
        Self("core".into())
    }

    /// The compartment of what the vault itself keeps of a member: consents, preferences, requests. Only the vault's own
    /// verbs write it.
    pub fn dossier() -> Self {
        Self(Self::DOSSIER.into())
    }

    /// Whether only the vault's own verbs write it.
    pub fn is_reserved(&self) -> bool {
        self.as_str() == Self::DOSSIER
    }

    const DOSSIER: &str = "dossier";
}

impl Purpose {
    /// Stands for "no purpose was stated" where pseudonyms are derived by purpose.
    pub fn unstated() -> Self {
        Self("unstated".into())
    }
}

impl RecordName {
    /// The profile is the record `core/profile`.
    pub fn profile() -> Self {
        Self("profile".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_room_for_personal_data() {
        for text in ["core", "orders", "a", "2024", "a-b_c"] {
            assert_eq!(text.parse::<Compartment>().map(|c| c.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "Core", "a b", "a@b", "ä", "-a", "_a", "a/b", "..", "a.b", &"a".repeat(33)] {
            assert!(text.parse::<Compartment>().is_err(), "{text}");
        }
        assert!("2024-11.order_7".parse::<RecordName>().is_ok());
        for text in [".", "..", ".hidden", "a/b", "a%2fb", "", &"a".repeat(65)] {
            assert!(text.parse::<RecordName>().is_err(), "{text}");
        }
    }
}
