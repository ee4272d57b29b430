//! What a bundle consists of, signed: a C2SP signed note in two files, so that the manifest is JSON to every reader.
//! `manifest.json`, a blank line and `manifest.sig`, one after the other, are the note.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::crypto;
use crate::secret::Wiped;
use crate::tlog::sign_note;
use crate::types::{MemberId, RequestCaseId, VaultId};

use super::super::{Error, Vault};
use super::File;
use super::dossier::Dossier;

/// What the first field of a manifest says.
pub const FORMAT: &str = "membervault/bundle/v1";
/// The file of the text.
pub(super) const TEXT: &str = "manifest.json";
/// The file of the signature.
pub(super) const SIGNATURE: &str = "manifest.sig";

/// The manifest of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub bundle: String,
    /// The vault.
    pub vault: VaultId,
    /// The origin of its log, whose key signs.
    pub log: String,
    /// The member's random id.
    pub member: MemberId,
    /// The request it answers, if it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestCaseId>,
    /// When it was made.
    pub made_at: Timestamp,
    /// The program that made it.
    pub software: String,
    /// How many records it has.
    pub records: usize,
    /// How many uses it lists, and how many older ones it leaves out.
    pub history: usize,
    /// Uses that are left out.
    pub history_left_out: usize,
    /// The other files.
    pub files: Vec<FileEntry>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: usize,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// SHA-256 in the form of the manifest.
pub(super) fn digest(content: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&crypto::sha256(&[content]))
}

/// The two files of the manifest over `files`.
pub(super) fn signed(
    vault: &Vault,
    dossier: &Dossier<'_>,
    request: Option<&RequestCaseId>,
    files: &[File],
) -> Result<[File; 2], Error> {
    let (origin, key) = (vault.log_verifier().name(), vault.keyring().log_key());
    let entry = |file: &File| FileEntry {
        name: file.name.to_owned(),
        bytes: file.content.len(),
        sha256: digest(&file.content),
    };
    let manifest = Manifest {
        bundle: FORMAT.to_owned(),
        vault: dossier.vault,
        log: origin.to_string(),
        member: dossier.member,
        request: request.copied(),
        made_at: dossier.exported_at,
        software: format!("membervault {}", env!("CARGO_PKG_VERSION")),
        records: dossier.records.len(),
        history: dossier.history.len(),
        history_left_out: dossier.history_left_out,
        files: files.iter().map(entry).collect(),
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|_| Error::Internal("a manifest is serialisable"))?;
    let text = text + "\n";
    let note = sign_note(&text, origin, key);
    // The note is the text, a newline, and the signature.
    let signature = note.get(text.len() + 1..).unwrap_or_default();
    Ok([file(TEXT, text.as_bytes()), file(SIGNATURE, signature.as_bytes())])
}

fn file(name: &'static str, bytes: &[u8]) -> File {
    let mut content = Wiped::with_capacity(bytes.len());
    content.extend_from_slice(bytes);
    File { name, content }
}
