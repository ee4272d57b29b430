//! What commands print: answers on standard output, remarks on standard error.
//!
//! An answer is what a script would take on; a remark is for the person before the terminal, and `--quiet` keeps it
//! back.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::failure::{Done, Failure};

/// Where and how to print.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Output {
    /// No remarks.
    pub(super) quiet: bool,
}

fn failed(error: io::Error) -> Failure {
    Failure::io("the answer cannot be written to standard output", error)
}

impl Output {
    /// One line of an answer.
    pub(super) fn line(self, text: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(io::stdout().lock(), "{text}").map_err(failed)
    }

    /// Text of an answer that has its own line breaks.
    pub(super) fn text(self, text: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text).and_then(|()| out.flush()).map_err(failed)
    }

    /// An answer as JSON over several lines.
    pub(super) fn json(self, answer: &impl Serialize) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, answer).map_err(|error| failed(error.into()))?;
        writeln!(out).map_err(failed)
    }

    /// An answer that is JSON text already, over several lines.
    pub(super) fn object(self, text: &[u8]) -> Result<(), Failure> {
        let object: serde_json::Value = serde_json::from_slice(text).map_err(|error| failed(error.into()))?;
        self.json(&object)
    }

    /// An answer as rows of columns, each as wide as its widest cell.
    pub(super) fn table(self, rows: &[Vec<String>]) -> Result<(), Failure> {
        aligned(rows).iter().try_for_each(|line| self.line(line))
    }

    /// A remark. A remark that cannot be printed is no reason to fail.
    pub(super) fn remark(self, text: impl std::fmt::Display) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Whether somebody sees remarks as they come.
    pub(super) fn is_watched(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// `membervault version`.
pub(super) fn version() -> Result<Done, Failure> {
    Output::default().line(format_args!("membervault {}", crate::types::VERSION))?;
    Ok(Done::Fully)
}

/// Prints the lines of a failure, or of the usage, on standard error.
pub(super) fn complain(lines: &[String]) {
    let mut err = io::stderr().lock();
    for line in lines {
        let _ = writeln!(err, "{line}");
    }
}

fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let width = |cell: &String| cell.chars().count();
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        widths.iter_mut().zip(row).for_each(|(most, cell)| *most = width(cell).max(*most));
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, most)| format!("{cell:<most$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["id".to_owned(), "role".to_owned()], vec!["0102".to_owned(), "crm".to_owned()], vec![]];
        assert_eq!(aligned(&rows), ["id    role", "0102  crm", ""]);
    }
}
