//! `membervault config`: which settings stand and where they come from.

use clap::Subcommand;
use serde::Serialize;

use super::failure::{Done, Failure};
use super::session::Session;

/// What to do with the settings.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print every setting, its value and where it comes from
    #[command(after_help = "\
Examples:
  membervault config show
  membervault --config /etc/membervault.toml config show --json")]
    Show {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'static str,
    value: &'a str,
    origin: String,
    about: &'static str,
}

impl Command {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let Self::Show { json } = self;
        let entries: Vec<Entry<'_>> = session
            .resolved
            .chosen
            .iter()
            .map(|(key, chosen)| Entry {
                name: key.name,
                value: &chosen.text,
                origin: chosen.origin.to_string(),
                about: key.about,
            })
            .collect();
        if json {
            session.out.json(&entries)?;
        } else {
            let row = |entry: &Entry<'_>| vec![entry.name.to_owned(), shown(entry.value), entry.origin.clone()];
            session.out.table(&entries.iter().map(row).collect::<Vec<_>>())?;
        }
        for variable in &session.resolved.unused_variables {
            session.out.remark(format_args!("not a setting, so not used: {variable}"));
        }
        Ok(Done::Fully)
    }
}

fn shown(value: &str) -> String {
    if value.is_empty() { "(not set)".to_owned() } else { value.to_owned() }
}
