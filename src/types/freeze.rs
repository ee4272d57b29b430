//! Whom a stop of the use of member data stops.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::name::InvalidName;
use super::{Role, TokenId};

/// Whom a freeze stops. Written `all`, `role:support` or `token:3f0c5a8e91d2b764`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FreezeScope {
    /// Everybody, as far as member data is used.
    All,
    /// All tokens of a role, in all they do.
    Role(Role),
    /// One token, in all it does.
    Token(TokenId),
}

const ALL: &str = "all";
const ROLE: &str = "role:";
const TOKEN: &str = "token:";

impl fmt::Display for FreezeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::Role(role) => write!(f, "{ROLE}{role}"),
            Self::Token(token) => write!(f, "{TOKEN}{token}"),
        }
    }
}

impl FromStr for FreezeScope {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let role = || text.strip_prefix(ROLE)?.parse().ok().map(Self::Role);
        let token = || text.strip_prefix(TOKEN)?.parse().ok().map(Self::Token);
        let found = if text == ALL { Some(Self::All) } else { role().or_else(token) };
        found.ok_or(InvalidName { kind: "scope", form: "all, role:NAME or token:ID" })
    }
}

impl Serialize for FreezeScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FreezeScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_one_text() {
        for text in ["all", "role:crm", "token:3f0c5a8e91d2b764"] {
            assert_eq!(text.parse::<FreezeScope>().map(|scope| scope.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "All", "role:", "role:king", "crm", "token:", "token:3F0C5A8E91D2B764", "role:crm "] {
            assert!(text.parse::<FreezeScope>().is_err(), "{text:?}");
        }
    }
}
