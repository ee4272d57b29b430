//! `membervault export`: members out of the vault, decrypted.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::types::{Ctx, MemberId, Role};
use crate::vault::Vault;
use crate::vault::api::Page;

/// Arguments of `export`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault export --member 5b6d... > member.json       one member, as the member may ask for it
  membervault export --output all.jsonl                   everyone, one JSON object a line

What leaves the vault is not encrypted, and no erasure reaches it. The file is made with mode 600 and must not exist. \
Every member taken out is an entry in the ledger.")]
pub(super) struct Arguments {
    /// Only this member
    #[arg(long, value_name = "ID")]
    member: Option<MemberId>,
    /// The file to write; required unless one member is taken out
    #[arg(long, short, value_name = "FILE", required_unless_present = "member")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let (vault, ctx) = (session.vault()?, session.ctx(Role::Crm));
        match (self.member, self.output) {
            (Some(member), None) => session.out.json(&vault.export_member(&ctx, &member).wait()?)?,
            (member, Some(path)) => {
                let mut file = Lines::create(&path)?;
                match member {
                    Some(member) => file.export(&vault, &ctx, &member)?,
                    None => everyone(&vault, &ctx, &mut file)?,
                }
                let written = file.finish()?;
                session.out.remark(format_args!("{written} members written to {}, not encrypted", path.display()));
            }
            (None, None) => {}
        }
        vault.close()?;
        Ok(Done::Fully)
    }
}

fn everyone(vault: &Vault, ctx: &Ctx, file: &mut Lines) -> Result<(), Failure> {
    let mut page = Page { cursor: None, limit: Page::LIMIT_MAX };
    loop {
        let listing = vault.list_members(ctx, &page).wait()?;
        listing.items.iter().try_for_each(|member| file.export(vault, ctx, member))?;
        page.cursor = listing.next;
        if page.cursor.is_none() {
            return Ok(());
        }
    }
}

/// A new file that only its owner can read, of one JSON object a line.
struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    written: u64,
}

impl Lines {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| unwritable(path, error))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), written: 0 })
    }

    fn export(&mut self, vault: &Vault, ctx: &Ctx, member: &MemberId) -> Result<(), Failure> {
        let export = vault.export_member(ctx, member).wait()?;
        let written = serde_json::to_writer(&mut self.file, &export).map_err(io::Error::from);
        written.and_then(|()| self.file.write_all(b"\n")).map_err(|error| unwritable(&self.path, error))?;
        self.written += 1;
        Ok(())
    }

    /// Ends the file, so that what is counted is on disk.
    fn finish(self) -> Result<u64, Failure> {
        let file = self.file.into_inner().map_err(|error| unwritable(&self.path, error.into_error()))?;
        file.sync_all().map_err(|error| unwritable(&self.path, error))?;
        Ok(self.written)
    }
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    Failure::io(format_args!("the export cannot be written: {}", path.display()), error)
}
