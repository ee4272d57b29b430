//! `membervault certificate`: the certificates of sealed erasures, as files.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::failure::{Done, Failure};
use super::session::Session;
use crate::code::Code;
use crate::types::{Ctx, ErasureId, MemberId, Role};
use crate::vault::Vault;
use crate::vault::api::{Erasure, Page, Stage};
use crate::vault::certificate::{self, Certificate};

/// Arguments of `certificate`.
#[derive(Args)]
#[command(group(ArgGroup::new("of").required(true).args(["erasure", "member", "all"])))]
#[command(after_long_help = "\
Examples:
  membervault certificate --erasure 5b6d... --out erasure.certificate
  membervault certificate --member 0c1e... --out certificates/     one file for each of its erasures
  membervault certificate --all --out certificates/                those that are sealed and not written yet
  membervault certificate --erasure 5b6d... --html > page.html     to be printed

A certificate needs no personal data and holds none. Only a sealed erasure has one. Whoever has the key that \
`membervault log key` prints checks it with `membervault verify-certificate`, without the vault. While the vault is \
served: GET /v1/erasures/<id>/certificate.")]
pub(super) struct Arguments {
    /// Of this erasure
    #[arg(long, value_name = "ID")]
    erasure: Option<ErasureId>,
    /// Of all sealed erasures of this member
    #[arg(long, value_name = "ID")]
    member: Option<MemberId>,
    /// Of all sealed erasures; files that are in the directory already are left as they are
    #[arg(long, requires = "out")]
    all: bool,
    /// The file to write, or a directory to write files into; neither is overwritten
    #[arg(long, short, value_name = "PATH")]
    out: Option<PathBuf>,
    /// As a page to be printed
    #[arg(long)]
    html: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let (vault, ctx) = (session.vault()?, session.ctx(Role::Compliance));
        let (sealed, fenced) = self.erasures(&vault, &ctx)?;
        let directory = self.out.as_deref().is_some_and(Path::is_dir);
        if (sealed.len() > 1 || self.all) && !directory {
            let what = format!("there are {} certificates to write", sealed.len());
            return Err(Failure::usage(what, "name a directory with --out, or one erasure with --erasure"));
        }
        for id in sealed.iter().filter(|id| !(self.all && self.place(id).is_some_and(|path| path.exists()))) {
            self.write(session, id, &self.text(&vault, &ctx, id)?)?;
        }
        vault.close()?;
        for id in &fenced {
            session.out.remark(format_args!("erasure {id} is fenced and not sealed yet: it has no certificate"));
        }
        match (sealed.is_empty(), fenced.is_empty()) {
            (true, true) if self.all => Ok(Done::Fully),
            (true, _) => Err(Failure::new(
                Code::NotSealed,
                "nothing that was asked for is sealed yet",
                "run 'membervault seal', then ask again",
            )),
            (false, true) => Ok(Done::Fully),
            (false, false) => Ok(Done::InPart),
        }
    }

    /// The erasures that were asked for: sealed ones, and those that are only fenced.
    fn erasures(&self, vault: &Vault, ctx: &Ctx) -> Result<(Vec<ErasureId>, Vec<ErasureId>), Failure> {
        match (&self.erasure, &self.member) {
            // Whether it is sealed is for the vault to say.
            (Some(id), _) => Ok((vec![*id], Vec::new())),
            (None, Some(member)) => Ok(parted(vault.erasures_of(ctx, member).wait()?)),
            (None, None) => Ok(parted(everything(vault, ctx)?)),
        }
    }

    fn text(&self, vault: &Vault, ctx: &Ctx, id: &ErasureId) -> Result<String, Failure> {
        let note = vault.certificate(ctx, id).wait()?;
        if !self.html {
            return Ok(note);
        }
        let verdict = certificate::verify(&note, vault.log_verifier(), &[]);
        let unverified = || Failure::new(Code::Internal, "a certificate just issued does not hold", "please report it");
        let certificate = verdict.certificate.as_ref().filter(|_| verdict.holds()).ok_or_else(unverified)?;
        Ok(certificate::page(certificate, &note, &verdict))
    }

    /// The file of a certificate; standard output if none was named.
    fn place(&self, id: &ErasureId) -> Option<PathBuf> {
        let out = self.out.as_deref()?;
        let name = Certificate::file_name(id) + if self.html { ".html" } else { "" };
        Some(if out.is_dir() { out.join(name) } else { out.to_owned() })
    }

    fn write(&self, session: &Session, id: &ErasureId, text: &str) -> Result<(), Failure> {
        let Some(path) = self.place(id) else { return session.out.text(text.as_bytes()) };
        write_new(&path, text)?;
        session.out.remark(format_args!("written to {}", path.display()));
        Ok(())
    }
}

/// Sealed ones and fenced ones.
fn parted(erasures: Vec<Erasure>) -> (Vec<ErasureId>, Vec<ErasureId>) {
    let (fenced, sealed): (Vec<_>, Vec<_>) = erasures.into_iter().partition(|erasure| erasure.stage == Stage::Fenced);
    let ids = |list: Vec<Erasure>| list.into_iter().map(|erasure| erasure.id).collect();
    (ids(sealed), ids(fenced))
}

fn everything(vault: &Vault, ctx: &Ctx) -> Result<Vec<Erasure>, Failure> {
    let mut page = Page { cursor: None, limit: Page::LIMIT_MAX };
    let mut all = Vec::new();
    loop {
        let listing = vault.list_erasures(ctx, &page).wait()?;
        all.extend(listing.items);
        page.cursor = listing.next;
        if page.cursor.is_none() {
            return Ok(all);
        }
    }
}

/// Writes a file that must not exist.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| Failure::io(format_args!("{} cannot be written", path.display()), error))
}
