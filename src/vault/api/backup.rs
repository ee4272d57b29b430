//! Backups and mirrors as callers see them.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::code::Code;
use crate::types::BackupId;

/// How far a backup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupState {
    /// Files are being copied. Nothing counts yet.
    Running,
    /// All of it is in the depot, and on disk.
    Done,
    /// It ended early. Nothing counts.
    Failed,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// The backup.
    pub id: BackupId,
    /// How far it has come.
    pub state: BackupState,
    /// When its checkpoint was taken.
    pub created_at: Timestamp,
    /// Bytes of all its files; 0 while that is not known.
    pub bytes_total: u64,
    /// Bytes copied, or recognised as copied before.
    pub bytes_done: u64,
    /// Bytes copied; known of the last backup only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_copied: Option<u64>,
    /// Files, once it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
    /// Leaves of the ledger it holds, once it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_size: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "code_text")]
    pub code: Option<Code>,
}

fn code_text<S: serde::Serializer>(code: &Option<Code>, serializer: S) -> Result<S::Ok, S::Error> {
    code.map(Code::as_str).serialize(serializer)
}

/// Whether a mirror can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MirrorState {
    /// All that was acknowledged is there too.
    Whole,
    /// It could not be written, or is being made anew.
    Away,
}

/// A mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mirror {
    /// Its directory.
    pub directory: String,
    /// Whether it can be relied on.
    pub state: MirrorState,
}
