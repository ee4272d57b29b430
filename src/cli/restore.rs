//! `membervault restore`: the records of a backup under the newest keys, into a fresh directory.

use std::path::PathBuf;

use clap::Args;

use super::failure::{Done, Failure};
use super::session::Session;
use super::unlock;
use crate::app::RestoreRequest;
use crate::backup::Progress;
use crate::vault::restore::Restored;

/// Arguments of `restore`.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  membervault restore --data /mnt/backups/membervault/5b6d...-... --into /var/lib/membervault/restored
      the newest keys come from the directory of the database (the setting `data`)

  membervault restore --data /mnt/backups/membervault/5b6d...-... --control /mnt/mirror --into /var/lib/membervault/data
      when the database is lost: they come from a mirror

Here --data names the directory of one backup. The keyring is today's (--keyring). Whoever was erased since the backup \
has no key any more and is left out; members who came later keep their id and have no records. Before the new directory \
is a vault, every member in it is held against the erasures in the ledger, and the index against the profiles.

A restore that is cut short leaves a directory that no command opens: remove it, and restore again. Exit code 5: \
somebody was found whom the ledger says was erased. They were erased again; find out how their keys came back.")]
pub(super) struct Arguments {
    /// Where the newest keys, index and ledger are: a database, or a mirror [default: the setting `data`]
    #[arg(long, value_name = "DIR")]
    control: Option<PathBuf>,
    /// The directory of the restored database; must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// `backup` is what `--data` names for this command.
    pub(super) fn run(self, session: &Session, backup: Option<String>) -> Result<Done, Failure> {
        let settings = session.settings();
        let backup = backup.map(PathBuf::from).ok_or_else(|| {
            Failure::usage(
                "no backup is named",
                "give --data DIR, the directory of one backup (`backup list` shows them)",
            )
        })?;
        let Self { control, into, json } = self;
        let control = control.unwrap_or_else(|| settings.data.clone());
        let prepared = RestoreRequest { backup, control, into: into.clone() }.prepare(settings)?;
        let unlock = unlock::existing(settings)?;
        session.out.remark("copying the backup, then its records; nothing is served until all is checked");
        let restored = prepared.run(&unlock, &Progress::default())?;
        if json {
            session.out.json(&restored)?
        } else {
            session.out.table(&rows(&restored))?
        }
        if !restored.backup_is_logged {
            session.out.remark("the ledger does not name this backup: its manifest could not be compared");
        }
        session
            .out
            .remark(format_args!("restored into {}: set `data` to it, then `membervault serve`", into.display()));
        Ok(if restored.erased_again == 0 { Done::Fully } else { Done::WithFindings })
    }
}

fn rows(restored: &Restored) -> Vec<Vec<String>> {
    let Restored { members, members_without_profile, records, records_left_out, index_removed, index_entered, .. } =
        restored;
    let mut rows = vec![
        (*members, "members"),
        (*members_without_profile, "of them without a profile in the backup"),
        (*records, "records"),
        (*records_left_out, "records left out: erased since"),
        (*index_removed, "index entries removed"),
        (*index_entered, "index entries entered"),
    ];
    if restored.records_under_old_keys > 0 {
        rows.push((
            restored.records_under_old_keys,
            "records left out: their data key was rotated after this backup; a later backup has them",
        ));
    }
    if restored.index_taken > 0 {
        rows.push((restored.index_taken, "identifiers that belong to another member by now"));
    }
    if restored.erased_again > 0 {
        rows.push((
            restored.erased_again.into(),
            "FOUND: keys of members or compartments that were erased; erased again",
        ));
    }
    rows.into_iter().map(|(count, what)| vec![count.to_string(), what.to_owned()]).collect()
}
