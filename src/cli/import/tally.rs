//! What became of the rows: counted for the summary, and the rejected ones listed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::row::{Fault, Reject};
use crate::cli::failure::Failure;

/// Lines named in the summary for each kind of fault; the list of rejects has all.
const LINES_NAMED: usize = 5;
/// Kinds of fault told apart in the summary. A file of JSON can have any number of fields, so there is a bound.
const KINDS_MAX: usize = 50;

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A member was created.
    Created,
    /// The member was there and its profile was replaced.
    Updated,
    /// The member was there and was left as it is.
    Existing,
    /// The row was not taken.
    Rejected(Fault),
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) existing: u64,
    pub(super) rejected: u64,
    faults: BTreeMap<Fault, Kind>,
    other_faults: u64,
}

#[derive(Debug, Default)]
struct Kind {
    count: u64,
    lines: Vec<u64>,
}

impl Tally {
    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.created + self.updated + self.existing + self.rejected
    }

    /// Counts the row that begins on `line`.
    pub(super) fn count(&mut self, line: u64, fate: &Fate) {
        match fate {
            Fate::Created => self.created += 1,
            Fate::Updated => self.updated += 1,
            Fate::Existing => self.existing += 1,
            Fate::Rejected(fault) => self.reject(line, fault),
        }
    }

    fn reject(&mut self, line: u64, fault: &Fault) {
        self.rejected += 1;
        if self.faults.len() >= KINDS_MAX && !self.faults.contains_key(fault) {
            self.other_faults += 1;
            return;
        }
        let kind = self.faults.entry(fault.clone()).or_default();
        kind.count += 1;
        if kind.lines.len() < LINES_NAMED {
            kind.lines.push(line);
        }
    }

    /// One line for each kind of fault: how many, which, and on which lines.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.faults.iter().map(|(fault, kind)| kind.describe(fault)).collect();
        if self.other_faults > 0 {
            lines.push(format!("{:>8} for other reasons", self.other_faults));
        }
        lines
    }
}

impl Kind {
    fn describe(&self, fault: &Fault) -> String {
        let field = fault.field.as_ref().map(|field| format!(" in {field}")).unwrap_or_default();
        let lines: Vec<String> = self.lines.iter().map(u64::to_string).collect();
        let more = if self.count > self.lines.len() as u64 { ", ..." } else { "" };
        format!("{:>8} {}{field} (line {}{more})", self.count, fault.reason, lines.join(", "))
    }
}

/// The list of rejects: CSV with line, field and reason, in a file that only its owner can read.
pub(super) struct RejectList {
    path: PathBuf,
    file: BufWriter<File>,
}

impl RejectList {
    /// Begins the list in `path`, which may hold the list of an earlier run.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = file.map_err(|error| unwritable(path, error))?;
        let mut list = Self { path: path.to_owned(), file: BufWriter::new(file) };
        list.write("line,field,reason")?;
        Ok(list)
    }

    /// Adds one row. Fields and reasons are names, which need no quoting.
    pub(super) fn add(&mut self, reject: &Reject) -> Result<(), Failure> {
        let field = reject.fault.field.as_deref().unwrap_or_default();
        self.write(&format!("{},{field},{}", reject.line, reject.fault.reason))
    }

    /// Ends the list.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| unwritable(&self.path, error))
    }

    fn write(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.file, "{line}").map_err(|error| unwritable(&self.path, error))
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::io(format_args!("the list of rejects cannot be written: {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::super::row::Reason;
    use super::*;

    #[test]
    fn the_summary_groups_faults_and_names_some_lines() {
        let mut tally = Tally::default();
        tally.count(2, &Fate::Created);
        tally.count(3, &Fate::Rejected(Fault::row(Reason::NotUtf8)));
        for line in 10..17 {
            tally.count(line, &Fate::Rejected(Fault::field(Reason::NotJson, "preferences")));
        }
        assert_eq!((tally.rows(), tally.rejected), (9, 8));
        let expected =
            ["       7 not_json in preferences (line 10, 11, 12, 13, 14, ...)", "       1 not_utf8 (line 3)"];
        assert_eq!(tally.faults(), expected);
    }

    #[test]
    fn the_summary_is_bounded() {
        let mut tally = Tally::default();
        for line in 0..200 {
            tally.count(line, &Fate::Rejected(Fault::field(Reason::NotJson, format!("f{line}"))));
        }
        assert_eq!(tally.faults().len(), KINDS_MAX + 1);
        assert_eq!(tally.faults().last().unwrap(), "     150 for other reasons");
    }

    #[test]
    fn the_list_of_rejects_is_private_and_holds_no_content() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rejects.csv");
        let mut list = RejectList::create(&path).ok().unwrap();
        let fault = Fault::field(Reason::NotYesOrNo, "consents.newsletter");
        list.add(&Reject { line: 7, fault }).ok().unwrap();
        list.add(&Reject { line: 9, fault: Fault::row(Reason::NotUtf8) }).ok().unwrap();
        list.finish().ok().unwrap();
        let expected = "line,field,reason\n7,consents.newsletter,not_yes_or_no\n9,,not_utf8\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
