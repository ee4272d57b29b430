//! Identifiers by which a member can be found: e-mail, phone, external id; normalised, versioned.

use serde::{Deserialize, Serialize};

use crate::code::{Code, Coded};

/// The version of the normaliser. Index entries depend on it: a change of any rule needs a new version and a rebuilt
/// index.
pub const NORMALISER_VERSION: u8 = 1;

/// The kinds of identifier. Their numbers are part of the index format and never change.
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
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Email, Self::Phone, Self::ExternalId];

    /// The kind's name in requests, which is also the name of its top-level field in the profile.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::ExternalId => "external_id",
        }
    }

    /// The top-level field of the profile that carries this identifier.
    pub const fn field_name(self) -> &'static str {
        self.as_str()
    }

    /// The kind's number in the index.
    pub const fn number(self) -> u8 {
        match self {
            Self::Email => 1,
            Self::Phone => 2,
            Self::ExternalId => 3,
        }
    }
}

/// The text is not an identifier of this kind. Names the rule, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} is not valid: {rule}", kind.as_str())]
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

/// A normalised identifier. Personal data: it has no `Debug` and is wiped when dropped.
pub struct Identifier {
    kind: IdentifierKind,
    normal: zeroize::Zeroizing<String>,
}

impl Identifier {
    /// Normalises `raw`.
    pub fn parse(kind: IdentifierKind, _raw: &str) -> Result<Self, InvalidIdentifier> {
        let _ = kind;
        todo!()
    }

    /// The kind.
    pub fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// The normalised identifier. Every caller of this word is counted.
    pub fn normal(&self) -> &[u8] {
        self.normal.as_bytes()
    }
}
