//! What is counted, and how much is too much.

/// How the guards are set. Zero is "no bound".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// Members that a token may be shown in bulk within an hour while no window is open for it.
    pub bulk_members_per_hour: u32,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self { bulk_members_per_hour: 10_000 }
    }
}
