//! `membervault member history`: who used the data of a member.

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use crate::types::{MemberId, Role};
use crate::vault::api::Page;
use crate::vault::history::HistoryEntry;

/// Arguments of `member history`.
#[derive(Args)]
pub(super) struct History {
    /// The member
    id: MemberId,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl History {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let (vault, ctx) = (session.vault()?, session.ctx(Role::Compliance));
        let mut page = Page { cursor: None, limit: Page::LIMIT_MAX };
        let mut entries = Vec::new();
        loop {
            let listing = vault.history(&ctx, &self.id, &page).wait()?;
            entries.extend(listing.items);
            page.cursor = listing.next;
            if page.cursor.is_none() {
                break;
            }
        }
        if self.json {
            session.out.json(&entries)?;
        } else {
            let header = ["at", "what", "role", "organisation", "purpose", "record", "fields", "recipient"];
            let header = header.map(str::to_owned).to_vec();
            let rows: Vec<_> = std::iter::once(header).chain(entries.iter().map(row)).collect();
            session.out.table(&rows)?;
        }
        vault.close()?;
        Ok(Done::Fully)
    }
}

fn row(entry: &HistoryEntry) -> Vec<String> {
    let text = |part: Option<&dyn ToString>| part.map_or("-".to_owned(), ToString::to_string);
    let record = match (&entry.compartment, &entry.record) {
        (Some(compartment), Some(record)) => format!("{compartment}/{record}"),
        _ => "-".to_owned(),
    };
    let masked = entry.masked.iter().map(|name| format!("{name} (masked)"));
    let fields: Vec<_> = entry.fields.iter().flatten().cloned().chain(masked).collect();
    let fields = if entry.fields.is_none() && fields.is_empty() { "all".to_owned() } else { fields.join(",") };
    vec![
        entry.at.to_string(),
        entry.what.to_owned(),
        text(entry.role.as_ref().map(|role| role as &dyn ToString)),
        text(entry.organisation.as_ref().map(|name| name as &dyn ToString)),
        text(entry.purpose.as_ref().map(|purpose| purpose as &dyn ToString)),
        record,
        fields,
        text(entry.recipient.as_ref().map(|name| name as &dyn ToString)),
    ]
}
