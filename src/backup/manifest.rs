//! The manifest of a backup: what it is a copy of, and every file with its size and hash. Written last.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::BackupError;
use crate::clock::Timestamp;
use crate::crypto;
use crate::types::{BackupId, VaultId};

/// The version this program writes.
const VERSION: u32 = 1;
/// Bytes of a manifest: some 200 for each file.
pub const MANIFEST_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Files of one backup.
pub const FILES_MAX: usize = 1_000_000;

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this layout.
    version: u32,
    /// The vault it is a copy of.
    pub vault: VaultId,
    /// The backup.
    pub backup: BackupId,
    /// When the checkpoint was taken.
    pub created_at: Timestamp,
    /// Leaves of the ledger just before the checkpoint: the backup holds these, and perhaps a few more.
    pub ledger_size: u64,
    /// The root of the ledger over those leaves, in hex.
    pub ledger_root: String,
    /// The epoch of the key tree.
    pub epoch: u64,
    /// The files of the database, in the order of their names.
    pub files: Vec<FileEntry>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the directory of the database.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of its content, in hex; also its name in the depot.
    pub sha256: String,
    /// Where it was seen (device, inode, time of change): by this a later backup knows an immutable file again without
    /// reading it. Only a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Manifest {
    /// The name of the file.
    pub(super) const FILE: &'static str = "manifest.json";

    /// A manifest without files.
    pub fn new(vault: VaultId, backup: BackupId, created_at: Timestamp, ledger: (u64, [u8; 32]), epoch: u64) -> Self {
        let (ledger_size, root) = ledger;
        let ledger_root = data_encoding::HEXLOWER.encode(&root);
        Self { version: VERSION, vault, backup, created_at, ledger_size, ledger_root, epoch, files: Vec::new() }
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        // Strings and numbers: nothing here can fail to be written.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads the manifest in `directory`, with the SHA-256 of its bytes, which is what the ledger names it by.
    pub(super) fn read(directory: &Path) -> Result<(Self, [u8; 32]), BackupError> {
        let path = directory.join(Self::FILE);
        let damaged = |problem| BackupError::Manifest { path: path.clone(), problem };
        let bytes = match path.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BackupError::NotABackup { path: directory.to_owned() });
            }
            Ok(metadata) if metadata.len() > MANIFEST_BYTES_MAX => return Err(damaged("it is too long")),
            _ => fs::read(&path).map_err(BackupError::file("read the manifest of a backup", &path))?,
        };
        let manifest = Self::parse(&bytes).map_err(|problem| match problem {
            None => BackupError::Version { path: path.clone() },
            Some(problem) => damaged(problem),
        })?;
        Ok((manifest, crypto::sha256(&[&bytes])))
    }

    /// Reads the bytes of a manifest. The error is what is wrong; `None` for a later version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Option<&'static str>> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        match serde_json::from_slice(bytes) {
            Ok(Versioned { version: VERSION }) => {}
            Ok(Versioned { version: 0 }) | Err(_) => return Err(Some("it is not the JSON of a manifest")),
            Ok(_) => return Err(None),
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| Some("a field is missing, unknown or wrong"))?;
        manifest.checked()
    }

    /// A manifest may come from anywhere: no name in it may lead out of a directory.
    fn checked(self) -> Result<Self, Option<&'static str>> {
        if self.files.len() > FILES_MAX {
            return Err(Some("it lists too many files"));
        }
        if !is_hash(&self.ledger_root) || self.files.iter().any(|file| !is_hash(&file.sha256)) {
            return Err(Some("a hash is no hash"));
        }
        if !self.files.iter().all(|file| is_plain(&file.name)) {
            return Err(Some("a file has an impossible name"));
        }
        let ordered = self.files.iter().zip(self.files.iter().skip(1)).all(|(one, next)| one.name < next.name);
        if ordered { Ok(self) } else { Err(Some("its files are not in order")) }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Names of database files: letters, digits, `.`, `-` and `_`, not beginning with a dot.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}
