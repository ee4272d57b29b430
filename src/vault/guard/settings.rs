//! What is counted, and how much is too much.

use std::collections::BTreeMap;

use crate::types::Role;

/// How the guards are set. Zero, or a role that is not there, is "no bound".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// Members that a token of a role may touch within an hour, each time anew.
    pub members_per_hour: BTreeMap<Role, u32>,
    /// Members that a token of a role may touch within a day, each time anew.
    pub members_per_day: BTreeMap<Role, u32>,
    /// Members that a token may be shown in bulk within an hour while no window is open for it.
    pub bulk_members_per_hour: u32,
    /// Denials of one token within a minute that are worth an alert.
    pub denials_per_minute: u32,
}

impl GuardSettings {
    /// Members of a token of role `support` within an hour: more than a desk full of clerks needs, fewer than a copy.
    pub const SUPPORT_PER_HOUR: u32 = 1_000;
    /// Members shown in bulk within an hour without a window.
    pub const BULK_PER_HOUR: u32 = 10_000;
    /// Denials within a minute: more than a person's mistakes.
    pub const DENIALS_PER_MINUTE: u32 = 30;
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            members_per_hour: BTreeMap::from([(Role::Support, Self::SUPPORT_PER_HOUR)]),
            members_per_day: BTreeMap::new(),
            bulk_members_per_hour: Self::BULK_PER_HOUR,
            denials_per_minute: Self::DENIALS_PER_MINUTE,
        }
    }
}
