//! Identities: random numbers that say nothing about whom or what they name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The text is not an id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct InvalidId {
    /// The form that was expected, in words.
    pub expected: &'static str,
}

/// The text of an id.
pub struct IdText([u8; uuid::fmt::Hyphenated::LENGTH]);

impl IdText {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Bytes of the id, on disk and in associated data.
            pub const LEN: usize = 16;

            /// Makes a version 4 UUID (RFC 9562) of 16 random bytes.
            pub fn from_random(mut bytes: [u8; 16]) -> Self {
                bytes[6] = (bytes[6] & 0x0f) | 0x40;
                bytes[8] = (bytes[8] & 0x3f) | 0x80;
                Self(bytes)
            }

            /// Takes bytes that were stored before.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The canonical text, where `fmt` would take longer than the writing.
            pub fn text(&self) -> IdText {
                let mut text = IdText([0; uuid::fmt::Hyphenated::LENGTH]);
                uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut text.0);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text().as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Reads the canonical form only (lower case, hyphenated), so that one id has one text.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { expected: "a lower-case hyphenated UUID" };
                let uuid = uuid::Uuid::try_parse(text).map_err(|_| invalid)?;
                let mut canonical = uuid::Uuid::encode_buffer();
                if *uuid.hyphenated().encode_lower(&mut canonical) != *text {
                    return Err(invalid);
                }
                Ok(Self(*uuid.as_bytes()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = uuid::Uuid::encode_buffer();
                serializer.serialize_str(uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(&mut text))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

uuid_id! {
    /// A member: UUID v4. The leading bits choose the key shard. Never reused.
    MemberId
}
uuid_id! {
    /// A vault. Part of all associated data, so that rows of one vault never open in another.
    VaultId
}
uuid_id! {
    /// One erasure, of a member or of one compartment of a member.
    ErasureId
}
uuid_id! {
    /// One backup.
    BackupId
}
uuid_id! {
    /// One request of a member for one of its rights, from its opening to its end.
    RequestCaseId
}
uuid_id! {
    /// One link by which a recipient reads.
    ShareId
}
uuid_id! {
    /// One request over HTTP, in replies and logs.
    RequestId
}

/// The public part of an API token: 8 random bytes, written as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 8]);

impl TokenId {
    /// Bytes of the id, on disk and in the ledger.
    pub const LEN: usize = 8;
    /// The actor of what is done at the command line of the machine itself.
    pub const LOCAL_OPERATOR: Self = Self([0; 8]);
    /// Stands for whoever needs no token: what anyone may do has no actor.
    pub const NOBODY: Self = Self([0xff; Self::LEN]);

    /// Takes random or stored bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TokenId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { expected: "a token id of 16 lower-case hex digits" };
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| invalid)?;
        Ok(Self(bytes.try_into().map_err(|_| invalid)?))
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_id_has_one_text() {
        let id = MemberId::from_random([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF",
            "ffffffffffff4fffbfffffffffffffff",
            "{ffffffff-ffff-4fff-bfff-ffffffffffff}",
            "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff",
            "../../etc/passwd",
            "",
        ] {
            assert!(text.parse::<MemberId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_id_is_sixteen_hex_digits() {
        let id = TokenId::from_bytes([0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff]);
        assert_eq!(id.to_string(), "00010203fcfdfeff");
        assert_eq!("00010203fcfdfeff".parse(), Ok(id));
        for text in ["", "00", "00010203FCFDFEFF", "00010203fcfdfeff00"] {
            assert!(text.parse::<TokenId>().is_err(), "{text}");
        }
    }
}
