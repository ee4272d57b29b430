//! How far the place of the root key can be trusted to forget, and what its holders said.

use serde::{Deserialize, Serialize};

use super::HolderName;

/// Where the root of the key tree is kept, by what it takes to bring a replaced one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SlotLevel {
    /// A keyring file. Flash, snapshots and copies of the file may keep an earlier one.
    #[serde(rename = "L0")]
    File = 0,
}

impl SlotLevel {
    /// The number in the ledger.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The level of a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::File),
            _ => None,
        }
    }
}

/// What a holder of the keyring said when the old root was to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HolderState {
    /// Its copy holds the present root alone.
    Acknowledged = 1,
    /// It was given up while it was away, and may keep an old root.
    Revoked = 2,
}

impl HolderState {
    /// The number in the ledger.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The state of a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Acknowledged),
            2 => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// One holder, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderStatement {
    /// The holder.
    pub name: HolderName,
    /// What it said.
    pub state: HolderState,
}
