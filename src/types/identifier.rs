//! Identifiers by which a member can be found: e-mail, phone, external id; normalised, versioned.

use serde::{Deserialize, Serialize};

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

/// A normalised identifier. Personal data: it has no `Debug` and is wiped when dropped.
pub struct Identifier {
    kind: IdentifierKind,
    normal: zeroize::Zeroizing<String>,
}
