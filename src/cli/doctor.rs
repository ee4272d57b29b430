//! `membervault doctor`: look for damage, and say what to do about it.

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use super::unlock;
use crate::app;
use crate::types::Role;
use crate::vault::doctor::Examination;

/// Arguments of `doctor`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault doctor
  membervault doctor --json > report.json

Looks at the keyring file and its permissions, whether database and keyring belong together, the key tree, the ledger's \
root, and whether every member, record and index entry opens and points where it should. It shows no content and changes \
nothing, but for the ledger's note that the vault was opened. Takes about as long as reading the whole database.

Exit code 0: nothing found. 5: something is damaged. 4: the keyring cannot be opened.")]
pub(super) struct Arguments {
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Result<Done, Failure> {
        let settings = session.settings();
        let passed = |what: &str| session.out.remark(format_args!("ok  {what}"));
        let keyring = app::describe_keyring(settings)?;
        passed(&format!("keyring file: whole, and readable by its owner only ({keyring})"));
        let vault = session.vault_with(&unlock::existing(settings)?)?;
        passed("keyring opens; database and keyring belong together; the ledger has the root that was stored");
        let seen = vault.examine(&session.ctx(Role::Ops)).wait()?;
        vault.close()?;
        if self.json {
            session.out.json(&seen)?
        } else {
            session.out.table(&rows(&seen))?
        }
        Ok(if seen.is_sound() { Done::Fully } else { Done::WithFindings })
    }
}

fn rows(seen: &Examination) -> Vec<Vec<String>> {
    let Examination { key_leaves, members, records, index_entries, void_entries, erasures, findings } = seen;
    let looked_at = [
        (key_leaves, "nodes of the key tree"),
        (members, "members"),
        (records, "records"),
        (index_entries, "index entries"),
        (void_entries, "index entries of erased members, void until the next seal"),
        (erasures, "erasures"),
    ];
    let mut rows: Vec<_> = looked_at.map(|(count, what)| vec![count.to_string(), what.to_owned()]).to_vec();
    rows.extend(findings.iter().map(|finding| vec![finding.count.to_string(), format!("FOUND: {}", finding.problem)]));
    if findings.is_empty() {
        rows.push(vec!["0".to_owned(), "findings".to_owned()]);
    }
    rows
}
