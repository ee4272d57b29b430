//! `membervault retention`: what has been kept long enough, and taking it.

use clap::Subcommand;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::types::Role;
use crate::vault::api::Page;
use crate::vault::retention::{Due, Reach};

/// What to do about retention.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Tell what is due: what, whose, why and since when; changes nothing
    Plan {
        /// Answer as JSON, one page a line
        #[arg(long)]
        json: bool,
    },
    /// Erase and delete what is due; a legal hold keeps what it covers
    #[command(after_long_help = "\
Examples:
  membervault retention plan
  membervault retention run
  membervault seal                             then the erasures can be certified

The rules are those of the data map: the retention of each record type, the expires_at of a record, and the end of the \
consents a record lives by. When the profile is due the member is erased, when all of a compartment is due the \
compartment is; both are final. What is due is decided anew for each thing when its turn comes.

serve does it by itself every retention.interval_s seconds, if that is set.")]
    Run {
        /// Answer as JSON, one page a line
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let vault = session.vault()?;
        let ctx = session.ctx(Role::Compliance);
        let mut page = Page { cursor: None, limit: Page::LIMIT_MAX };
        let mut sums = Sums::default();
        loop {
            page.cursor = match &self {
                Self::Plan { json } => {
                    let plan = vault.retention_plan(&ctx, &page)?;
                    sums.add(plan.items.len(), 0, plan.examined, plan.unreadable);
                    if *json {
                        line(session, &plan)?;
                    } else {
                        plan.items.iter().try_for_each(|due| session.out.line(words(due)))?;
                    }
                    plan.next
                }
                Self::Run { json } => {
                    let report = vault.retention_run(&ctx, &page)?;
                    sums.add(report.removed.len(), report.held.len(), report.examined, report.unreadable);
                    if *json {
                        line(session, &report)?;
                    } else {
                        for removal in &report.removed {
                            let erasure = removal.erasure.map(|id| format!(", erasure {id}")).unwrap_or_default();
                            session.out.line(format_args!("{}{erasure}", words(&removal.due)))?;
                        }
                        report.held.iter().try_for_each(|due| session.out.line(words(due)))?;
                    }
                    report.next
                }
            };
            if page.cursor.is_none() {
                break;
            }
        }
        vault.close()?;
        sums.tell(session, matches!(self, Self::Run { .. }));
        Ok(if sums.unreadable > 0 { Done::InPart } else { Done::Fully })
    }
}

#[derive(Default)]
struct Sums {
    things: usize,
    held: usize,
    examined: u64,
    unreadable: u64,
}

impl Sums {
    fn add(&mut self, things: usize, held: usize, examined: u64, unreadable: u64) {
        self.things += things;
        self.held += held;
        self.examined += examined;
        self.unreadable += unreadable;
    }

    fn tell(&self, session: &Session, ran: bool) {
        let Self { things, held, examined, unreadable } = self;
        let done = if ran { "went" } else { "due" };
        session.out.remark(format_args!("{examined} members looked at, {things} {done}, {held} kept by a hold"));
        if *unreadable > 0 {
            session.out.remark(format_args!("{unreadable} members could not be read; the log says why"));
        }
    }
}

fn line(session: &Session, page: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(page).map_err(std::io::Error::from);
    session.out.line(text.map_err(|error| Failure::io("the answer cannot be written", error))?)
}

/// One thing that is due, on a line.
fn words(due: &Due) -> String {
    let place = match (due.what, &due.compartment, &due.record) {
        (Reach::Member, ..) => "all of it".to_owned(),
        (_, Some(compartment), None) => format!("{compartment}/*"),
        (_, Some(compartment), Some(record)) if due.fields.is_empty() => format!("{compartment}/{record}"),
        (_, Some(compartment), Some(record)) => {
            let fields: Vec<_> = due.fields.iter().map(ToString::to_string).collect();
            format!("{compartment}/{record} {}", fields.join(","))
        }
        _ => String::new(),
    };
    let period = due.period.as_ref().map(|period| format!(" {period}")).unwrap_or_default();
    let held = if due.held { ", kept by a legal hold" } else { "" };
    format!("{} {place}: {}{period}, due since {}{held}", due.member, due.rule.as_str(), due.due_at)
}
