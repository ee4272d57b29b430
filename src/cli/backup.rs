//! `membervault backup`: take backups, list them, and read every byte of them again.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::failure::{Done, Failure};
use super::output::Output;
use super::session::Session;
use crate::backup::{Depot, Examined, Manifest, Progress, Seen};
use crate::code::Code;
use crate::config::Typed;
use crate::types::{BackupId, Role};
use crate::vault::api::Backup;

const BAR: &str = "{bar:30} {bytes} of {total_bytes}  {elapsed}, {eta} to go";

/// What to do with backups.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Take a backup while nothing serves
    Create(Create),
    /// List backups, oldest first
    List(List),
    /// Read and hash every file of a backup
    Verify(Verify),
}

/// Where backups are.
#[derive(Args)]
pub(super) struct Place {
    /// Directory of backups [env: MEMBERVAULT_BACKUP_DIRECTORY]
    #[arg(long, value_name = "DIR")]
    directory: Option<String>,
}

/// Arguments of `backup create`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault backup create --directory /mnt/backups/membervault
  curl -X POST http://127.0.0.1:8200/v1/backups -H \"Authorization: Bearer $OPS_TOKEN\"     while serve runs

The first backup copies everything, a later one what is new. All of it is ciphertext; the keyring is not part of it. A \
backup does not become unreadable for anybody but those who are erased, however old it gets.")]
pub(super) struct Create {
    #[command(flatten)]
    place: Place,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `backup list`.
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `backup verify`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault backup verify                    the newest
  membervault backup verify 5b6d...-...
  membervault backup verify --all

Needs no key and no database. Exit code 0: whole. 5: a file is missing, short or changed, and is named.")]
pub(super) struct Verify {
    #[command(flatten)]
    place: Place,
    /// The backup; the newest if none is named
    id: Option<BackupId>,
    /// Every backup
    #[arg(long, conflicts_with = "id")]
    all: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Command {
    /// The settings among the arguments.
    pub(super) fn typed(&self) -> Typed {
        let (Self::Create(Create { place, .. }) | Self::List(List { place, .. }) | Self::Verify(Verify { place, .. })) =
            self;
        let mut typed = Typed::default();
        typed.flag("backup.directory", "--directory", place.directory.clone());
        typed
    }

    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let directory = directory(session)?;
        match self {
            Self::Create(create) => create.run(session),
            Self::List(list) => list.run(session, &Depot::at(directory)),
            Self::Verify(verify) => verify.run(session, &Depot::at(directory)),
        }
    }
}

fn directory(session: &Session) -> Result<PathBuf, Failure> {
    let missing = || {
        Failure::new(
            Code::NotConfigured,
            "no directory of backups is set",
            "give --directory DIR, or set 'backup.directory'",
        )
    };
    session.settings().backup_directory.clone().ok_or_else(missing)
}

impl Create {
    fn run(self, session: &Session) -> Result<Done, Failure> {
        let (vault, bar) = (session.vault()?, Bar::begin(session.out));
        let taken = vault.take_backup(&session.ctx(Role::Ops), &mut |seen| bar.show(seen));
        bar.end();
        let closed = vault.close();
        let backup = taken?;
        closed?;
        if self.json {
            session.out.json(&backup)?;
        } else {
            let Backup { id, bytes_total, bytes_copied, files, .. } = &backup;
            session.out.line(format_args!("backup {id}"))?;
            let (files, copied) = (files.unwrap_or_default(), bytes_copied.unwrap_or_default());
            session.out.remark(format_args!("{files} files, {bytes_total} bytes, of which {copied} were new"));
        }
        Ok(Done::Fully)
    }
}

impl List {
    fn run(self, session: &Session, depot: &Depot) -> Result<Done, Failure> {
        let backups = depot.list()?;
        if self.json {
            let shown = |one: &Manifest| {
                json!({"id": one.backup, "created_at": one.created_at, "vault": one.vault,
                "bytes": one.bytes(), "files": one.files.len(), "ledger_size": one.ledger_size, "epoch": one.epoch})
            };
            session.out.json(&backups.iter().map(shown).collect::<Vec<_>>())?;
            return Ok(Done::Fully);
        }
        let header = ["id", "taken", "bytes", "files", "leaves"].map(str::to_owned).to_vec();
        let row = |one: &Manifest| {
            let numbers = [one.bytes(), one.files.len() as u64, one.ledger_size].map(|number| number.to_string());
            [one.backup.to_string(), one.created_at.to_string()].into_iter().chain(numbers).collect()
        };
        session.out.table(&std::iter::once(header).chain(backups.iter().map(row)).collect::<Vec<_>>())?;
        Ok(Done::Fully)
    }
}

impl Verify {
    fn run(self, session: &Session, depot: &Depot) -> Result<Done, Failure> {
        let mut done = Done::Fully;
        let mut reports = Vec::new();
        for id in self.chosen(depot)? {
            let examined = depot.verify(&id, &Progress::default())?;
            if !examined.is_whole() {
                done = Done::WithFindings;
            }
            if self.json {
                reports.push(json!({"id": id, "files": examined.manifest.files.len(), "damage": examined.damage}));
            } else {
                report(session.out, &examined)?;
            }
        }
        if self.json {
            session.out.json(&reports)?;
        }
        Ok(done)
    }

    fn chosen(&self, depot: &Depot) -> Result<Vec<BackupId>, Failure> {
        if let Some(id) = self.id {
            return Ok(vec![id]);
        }
        let mut all: Vec<_> = depot.list()?.iter().map(|manifest| manifest.backup).collect();
        let newest = all.len().saturating_sub(1);
        if all.is_empty() {
            return Err(none_in(depot.path()));
        }
        Ok(if self.all { all } else { all.split_off(newest) })
    }
}

fn none_in(directory: &Path) -> Failure {
    Failure::new(
        Code::NotFound,
        format_args!("there is no backup in {}", directory.display()),
        "is it the right directory?",
    )
}

fn report(out: Output, examined: &Examined) -> Result<(), Failure> {
    let (id, files) = (examined.manifest.backup, examined.manifest.files.len());
    for damage in &examined.damage {
        out.line(format_args!("{id}  FOUND: {} {} (files/{})", damage.name, damage.problem, damage.sha256))?;
    }
    if examined.is_whole() {
        out.line(format_args!("{id}  whole: {files} files, {} bytes", examined.manifest.bytes()))?;
    }
    Ok(())
}

/// A bar for whoever watches; nothing, where nobody does.
struct Bar(ProgressBar);

impl Bar {
    fn begin(out: Output) -> Self {
        Self(if out.is_watched() { ProgressBar::new(0).with_style(style()) } else { ProgressBar::hidden() })
    }

    fn show(&self, seen: &Seen) {
        self.0.set_length(seen.bytes_total);
        self.0.set_position(seen.bytes_done);
    }

    fn end(self) {
        self.0.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar())
}
