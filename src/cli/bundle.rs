//! `membervault member bundle`: all that is held of one member, as files.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::types::{MemberId, Role};

/// Arguments of `member bundle`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault member bundle 5b6d... --out for-the-member.zip
  membervault member bundle 5b6d... --out ./bundle              a directory, with the same files

A page for people, JSON and tables for machines, and a manifest that is signed under the key of the log; \
`membervault verify-bundle` checks it. The access is logged. The files are decrypted: only their owner can read them, \
and whoever has them answers for them.")]
pub(super) struct Bundle {
    /// The member
    id: MemberId,
    /// Where to: a file that ends with .zip, or a directory; neither may exist
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

impl Bundle {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let vault = session.vault()?;
        let bundle = vault.member_bundle(&session.ctx(Role::Crm), &self.id).wait()?;
        if self.out.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip")) {
            write(&self.out, &bundle.archive())?;
        } else {
            let created = DirBuilder::new().mode(0o700).create(&self.out);
            created.map_err(|error| unwritable(&self.out, error))?;
            for file in &bundle.files {
                write(&self.out.join(file.name), &file.content)?;
            }
        }
        session.out.line(format_args!("{}: {} files in {}", self.id, bundle.files.len(), self.out.display()))?;
        vault.close()?;
        Ok(Done::Fully)
    }
}

/// Writes a file that was not there, for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::io(format_args!("{} cannot be written", path.display()), error)
}
