//! Backups: content-addressed copies of a checkpoint of the database, and the way back from them.
//!
//! A depot is a directory of backups. Files lie in it under the SHA-256 of their content, so what two backups share is
//! there once; each backup is a manifest that lists its files, and it is written last, so that half a backup is no
//! backup. All of it is ciphertext: the keyring is never here. `docs/FORMAT.md` draws both.
//!
//! Knows files, not rows: what a checkpoint holds is the storage engine's affair. Never opens anything, never asks for a
//! key. Called by `vault` (to take backups) and by `app` (to verify and fetch them).

mod copy;
mod depot;
mod error;
mod fetch;
mod manifest;
mod progress;
mod take;

pub use depot::Depot;
pub use error::BackupError;
pub use fetch::{Damage, Examined};
pub use manifest::{FILES_MAX, FileEntry, MANIFEST_BYTES_MAX, Manifest};
pub use progress::{Progress, Seen};
pub use take::{Taken, Taking, clear};

#[cfg(test)]
mod tests;
