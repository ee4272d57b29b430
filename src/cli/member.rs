//! `membervault member`: single members, at the machine itself.

use std::io::{self, BufRead, IsTerminal, Read};

use clap::{Args, Subcommand, ValueEnum};
use zeroize::Zeroizing;

use super::bundle::Bundle;
use super::failure::{Done, Failure};
use super::history::History;
use super::session::Session;
use crate::types::{Compartment, Ctx, FieldName, IdentifierKind, MemberId, Purpose, RecordName, Role};
use crate::vault::Vault;
use crate::vault::api::{NewHold, RecordAddress, RecordQuery};

/// Bytes of an identifier on standard input.
const IDENTIFIER_BYTES_MAX: u64 = 4096;

/// What to do with a member.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print a record of a member, decrypted; the access is logged
    Show(Show),
    /// Find a member by an identifier that is read from standard input
    Find(Find),
    /// Write all that is held of a member to files, for the member; the access is logged
    Bundle(Bundle),
    /// Tell who used the data of a member: when, which fields, for what, and to whom they went
    History(History),
    /// Erase a member, or one compartment of it, for good
    Erase(Erase),
    /// Seal a compartment's records under a new data key; nothing is lost
    #[command(after_long_help = "\
Examples:
  membervault member rotate-key 5b6d... marketing

The next seal destroys the old key. Take a backup afterwards: those from before no longer yield these records.")]
    RotateKey {
        /// The member
        id: MemberId,
        /// The compartment
        compartment: Compartment,
    },
    /// Set a legal hold: while it stands, the member cannot be erased
    #[command(
        after_help = "Examples:\n  membervault member hold 5b6d... --reason 'pending claim' --reference 2026/114"
    )]
    Hold {
        /// The member
        id: MemberId,
        /// Why, in a few words; no personal data
        #[arg(long)]
        reason: String,
        /// The matter it belongs to
        #[arg(long)]
        reference: Option<String>,
    },
    /// Release a legal hold
    Unhold {
        /// The member
        id: MemberId,
    },
}

/// Arguments of `member show`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault member show 5b6d...                            the profile
  membervault member show 5b6d... --record orders/2026-114
  membervault member show 5b6d... --as support --purpose support     as that role would see it")]
pub(super) struct Show {
    /// The member
    id: MemberId,
    /// Which record: COMPARTMENT/NAME
    #[arg(long, value_name = "RECORD", default_value = "core/profile")]
    record: RecordPath,
    /// Only these top-level fields, separated by commas
    #[arg(long, value_delimiter = ',')]
    fields: Option<Vec<FieldName>>,
    /// The role whose view is shown
    #[arg(long = "as", value_name = "ROLE", default_value = "crm")]
    role: Role,
    /// The purpose, for roles that must state one
    #[arg(long)]
    purpose: Option<Purpose>,
    /// Answer with version, times, metadata and what was withheld
    #[arg(long)]
    json: bool,
}

/// Arguments of `member find`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault member find email                 asks for the address
  membervault member find external-id < id.txt

The identifier is never an argument: arguments are seen by every user of the machine (ps) and kept by shells.")]
pub(super) struct Find {
    /// What is searched
    kind: Kind,
    /// Refused with advice; its value is not repeated.
    #[arg(hide = true, num_args = 0..)]
    refused: Vec<String>,
}

/// Arguments of `member erase`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault member erase 5b6d...
  membervault member erase 5b6d... --compartment marketing --yes

From the answer on, every read of it says `gone`. An erasure cannot be undone, and the id is never used again.")]
pub(super) struct Erase {
    /// The member
    id: MemberId,
    /// Only this compartment
    #[arg(long)]
    compartment: Option<Compartment>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// What members are found by.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// E-mail address
    Email,
    /// Phone number, with its country code
    Phone,
    /// The member's number in another system
    ExternalId,
}

/// `COMPARTMENT/NAME`.
#[derive(Clone)]
struct RecordPath(Compartment, RecordName);

impl std::str::FromStr for RecordPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (compartment, name) = text.split_once('/').ok_or("expected COMPARTMENT/NAME, such as core/profile")?;
        let compartment = compartment.parse().map_err(|error: crate::types::name::InvalidName| error.to_string())?;
        let name = name.parse().map_err(|error: crate::types::name::InvalidName| error.to_string())?;
        Ok(Self(compartment, name))
    }
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        match self {
            Self::Show(show) => show.run(session),
            Self::Find(find) => find.run(session),
            Self::History(history) => history.run(session),
            Self::Bundle(bundle) => bundle.run(session),
            Self::Erase(erase) => erase.run(session),
            Self::RotateKey { id, compartment } => rotate_key(session, &id, &compartment),
            Self::Hold { id, reason, reference } => as_compliance(session, |vault, ctx| {
                let hold = vault.set_hold(ctx, &id, &NewHold { reason, reference }).wait()?;
                session.out.line(format_args!("{id} is held since {}", hold.set_at))
            }),
            Self::Unhold { id } => as_compliance(session, |vault, ctx| {
                vault.release_hold(ctx, &id).wait()?;
                session.out.line(format_args!("{id} is held no more"))
            }),
        }
    }
}

/// Step by step, until the old key is dropped.
fn rotate_key(session: &Session, id: &MemberId, compartment: &Compartment) -> Result<Done, Failure> {
    let vault = session.vault()?;
    let ctx = session.ctx(Role::Ops);
    let mut records = 0;
    loop {
        let step = vault.rotate_dek(&ctx, id, compartment).wait()?;
        records += step.records;
        if step.done {
            break;
        }
    }
    session.out.line(format_args!("{id}: {records} records of {compartment} are under a new data key"))?;
    session
        .out
        .remark("The next seal destroys the old one. Take a backup: earlier ones no longer yield these records.");
    vault.close()?;
    Ok(Done::Fully)
}

fn as_compliance(session: &Session, act: impl FnOnce(&Vault, &Ctx) -> Result<(), Failure>) -> Result<Done, Failure> {
    let vault = session.vault()?;
    act(&vault, &session.ctx(Role::Compliance))?;
    vault.close()?;
    Ok(Done::Fully)
}

impl Show {
    fn run(self, session: &Session) -> Result<Done, Failure> {
        let Self { id, record: RecordPath(compartment, name), fields, role, purpose, json } = self;
        let address = RecordAddress { member: id, compartment, name };
        let vault = session.vault()?;
        let ctx = Ctx { purpose, ..session.ctx(role) };
        let view = vault.read_record(&ctx, &RecordQuery { address, fields }).wait()?;
        if json {
            session.out.json(&view)?
        } else {
            session.out.object(view.data.as_bytes())?
        }
        vault.close()?;
        Ok(Done::Fully)
    }
}

impl Find {
    fn run(self, session: &Session) -> Result<Done, Failure> {
        if !self.refused.is_empty() {
            let advice = "run the command without it and type it when asked, or give it on standard input";
            return Err(Failure::usage("an identifier is not taken as an argument, where others can see it", advice));
        }
        let kind = match self.kind {
            Kind::Email => IdentifierKind::Email,
            Kind::Phone => IdentifierKind::Phone,
            Kind::ExternalId => IdentifierKind::ExternalId,
        };
        let vault = session.vault()?;
        let value = identifier(session)?;
        let member = vault.lookup(&session.ctx(Role::Crm), kind, &value).wait()?;
        session.out.line(member)?;
        vault.close()?;
        Ok(Done::Fully)
    }
}

/// One line from standard input; a person at the terminal is told to type it.
fn identifier(session: &Session) -> Result<Zeroizing<String>, Failure> {
    let input = io::stdin();
    if input.is_terminal() {
        session.out.remark("Type the identifier and press enter:");
    }
    let mut line = Zeroizing::new(String::new());
    let read = input.lock().take(IDENTIFIER_BYTES_MAX).read_line(&mut line);
    read.map_err(|error| Failure::io("the identifier cannot be read from standard input", error))?;
    let text = line.trim();
    if text.is_empty() {
        return Err(Failure::usage("there is no identifier on standard input", "give it as one line"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

impl Erase {
    fn run(self, session: &Session) -> Result<Done, Failure> {
        let Self { id, compartment, yes } = self;
        if !yes {
            confirm(&id, compartment.as_ref())?;
        }
        as_compliance(session, |vault, ctx| {
            let erasure = vault.erase(ctx, &id, compartment.as_ref()).wait()?;
            session.out.json(&erasure)
        })
    }
}

fn confirm(id: &MemberId, compartment: Option<&Compartment>) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "an erasure is confirmed at a terminal, and there is none",
            "add --yes if it is meant",
        ));
    }
    let what = compartment.map_or_else(|| "all of it".to_owned(), |part| format!("its compartment {part}"));
    super::output::complain(&[format!("This erases member {id}, {what}, and cannot be undone. Type yes to go on:")]);
    let mut answer = String::new();
    let read = io::stdin().lock().take(IDENTIFIER_BYTES_MAX).read_line(&mut answer);
    read.map_err(|error| Failure::io("the answer cannot be read", error))?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::usage("not confirmed", "nothing was erased")) }
}
