//! The eight roles. What each may do is the policy's affair; that there are these eight is not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a token may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A CRM backend: stores, reads, searches and updates.
    Crm,
    /// A support clerk: masked views.
    Support,
    /// A marketing backend: its compartments, for its purposes.
    Marketing,
    /// An analyst: pseudonyms and aggregates.
    Analyst,
    /// An operator: keys, seals, backups; no member data.
    Ops,
    /// Compliance: erasures, certificates, log, holds; no member data.
    Compliance,
    /// The member's own token, for one member.
    Member,
    /// An administrator: tokens and policy; no member data.
    Admin,
}

impl Role {
    /// All roles, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Crm,
        Self::Support,
        Self::Marketing,
        Self::Analyst,
        Self::Ops,
        Self::Compliance,
        Self::Member,
        Self::Admin,
    ];

    /// The role's name in policy files, tokens and routes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Support => "support",
            Self::Marketing => "marketing",
            Self::Analyst => "analyst",
            Self::Ops => "ops",
            Self::Compliance => "compliance",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// The role's number in stored rows. Never changes.
    pub const fn number(self) -> u8 {
        match self {
            Self::Crm => 1,
            Self::Support => 2,
            Self::Marketing => 3,
            Self::Analyst => 4,
            Self::Ops => 5,
            Self::Compliance => 6,
            Self::Member => 7,
            Self::Admin => 8,
        }
    }

    /// The role of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = super::name::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(super::name::InvalidName {
            kind: "role",
            form: "one of crm, support, marketing, analyst, ops, compliance, member, admin",
        })
    }
}
