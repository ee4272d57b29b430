//! The bundle: all that is held of one member, as files that a machine and a person can read, in one archive that is
//! signed and can be checked without the vault.
//!
//! | file | what |
//! |---|---|
//! | `index.html` | a page to be read: the data, the consents, who used it; no script, nothing loaded from anywhere |
//! | `member.json` | everything, for machines |
//! | `records.csv` | one line a field |
//! | `history.csv` | one line a use |
//! | `manifest.json`, `manifest.sig` | SHA-256 of each file, and the signature of the log under it |
//!
//! Whoever may take out all that is held of a member (`member.export`) gets the bundle; what policy and data map withhold
//! from it is named in its place. Deciding a request gives nobody a right to its bundle. What is in it is hostile input:
//! every value is data in each format, whatever it says.

mod csv;
mod dossier;
mod html;
mod manifest;
mod request;
mod verify;
mod words;
mod zip;

use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::secret::Wiped;
use crate::types::{Ctx, MemberId, RequestCaseId};

use super::act::{Act, Decision, Prepared, Refusal};
use super::evidence::AccessDetail;
use super::pipeline::Case;
use super::{Error, Vault};

pub use dossier::HISTORY_MAX;
pub use manifest::{FORMAT, FileEntry, Manifest};
pub use verify::{Content, FILES_MAX, verify};
pub use zip::{ZipError, read as read_archive};

/// A file of a bundle.
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// Its content: personal data, wiped when dropped.
    pub content: Wiped,
}

/// A bundle: its files, the manifest last.
pub struct Bundle {
    /// The member.
    pub member: MemberId,
    /// The files.
    pub files: Vec<File>,
}

impl Bundle {
    /// The name of the archive. It names the random id only.
    pub fn file_name(&self) -> String {
        format!("member-{}.zip", self.member)
    }

    /// The files as one archive: zip, stored.
    pub fn archive(&self) -> Wiped {
        zip::write(&self.files)
    }
}

impl Vault {
    /// The bundle of a member.
    ///
    /// # Errors
    /// `not_found`, `gone`; a denial of the policy.
    pub fn member_bundle<'v>(&'v self, ctx: &'v Ctx, member: &'v MemberId) -> Act<'v, Bundle> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, None))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, request: Option<&RequestCaseId>) -> Decision<Bundle> {
    let (bundle, change) = made(case, member, request)?;
    Ok(Prepared::durable(bundle, change))
}

/// Decides and makes a bundle, with the evidence of it.
fn made(
    case: &Case<'_>,
    member: &MemberId,
    request: Option<&RequestCaseId>,
) -> Result<(Bundle, crate::ledger::Change), Refusal> {
    let opened = case.open_member(Action::MemberExport, member, None)?;
    let records = super::export::everything(case, &opened, member)?;
    let detail = AccessDetail::of_member(case.ctx, case.now).showing_all_of(&records);
    let mut change = case.vault.access(case.ctx, Event::MemberExport, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    let dossier = dossier::Dossier::gather(case, &opened, member, &records)?;
    let mut files = vec![
        File { name: "index.html", content: html::page(&dossier) },
        File { name: "member.json", content: json(&dossier)? },
        File { name: "records.csv", content: csv::records(&dossier)? },
        File { name: "history.csv", content: csv::history(&dossier) },
    ];
    files.extend(manifest::signed(case.vault, &dossier, request, &files)?);
    Ok((Bundle { member: *member, files }, change))
}

fn json(dossier: &dossier::Dossier<'_>) -> Result<Wiped, Error> {
    let mut text = Wiped::with_capacity(64 * 1024);
    serde_json::to_writer_pretty(&mut *text, dossier).map_err(|_| Error::Internal("a dossier is serialisable"))?;
    text.push(b'\n');
    Ok(text)
}
