//! The tables of a bundle: RFC 4180, UTF-8, one line of names first.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe before it: the file is for people, and people
//! open it there. `member.json` has every value as it is.

use std::fmt::Display;

use serde_json::Value;

use crate::secret::Wiped;

use super::super::Error;
use super::dossier::{Dossier, fields, text};

/// With these a formula begins.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A table under way.
struct Table(Wiped);

impl Table {
    fn of(names: &[&str]) -> Self {
        let mut table = Self(Wiped::with_capacity(16 * 1024));
        table.line(names);
        table
    }

    fn line<T: AsRef<str>>(&mut self, cells: &[T]) {
        for (position, cell) in cells.iter().enumerate() {
            if position > 0 {
                self.0.push(b',');
            }
            self.cell(cell.as_ref());
        }
        self.0.extend_from_slice(b"\r\n");
    }

    fn cell(&mut self, text: &str) {
        // A number is no formula, though it may begin with a sign.
        let guarded = text.starts_with(FORMULA_STARTS) && text.parse::<f64>().is_err();
        let quoted = guarded || text.contains([',', '"', '\r', '\n', ';']);
        if !quoted {
            return self.0.extend_from_slice(text.as_bytes());
        }
        self.0.push(b'"');
        if guarded {
            self.0.push(b'\'');
        }
        self.0.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        self.0.push(b'"');
    }
}

/// One line a top-level field.
pub(super) fn records(dossier: &Dossier<'_>) -> Result<Wiped, Error> {
    let names =
        ["compartment", "record", "version", "field", "value", "purposes", "source", "created_at", "updated_at"];
    let mut table = Table::of(&names);
    for record in &dossier.records {
        let line = |field: &str, value: &Value| {
            [
                record.compartment.to_string(),
                record.name.to_string(),
                record.version.0.to_string(),
                field.to_owned(),
                text(value),
                joined(&record.meta.purposes),
                record.meta.source.clone().unwrap_or_default(),
                record.created_at.to_string(),
                record.updated_at.to_string(),
            ]
        };
        let fields = fields(record)?;
        if fields.is_empty() {
            table.line(&line("", &Value::Null));
        }
        for (field, value) in &fields {
            table.line(&line(field, value));
        }
    }
    Ok(table.0)
}

/// One line a use.
pub(super) fn history(dossier: &Dossier<'_>) -> Wiped {
    let names = [
        "at",
        "what",
        "role",
        "organisation",
        "purpose",
        "recipient",
        "compartment",
        "record",
        "version",
        "fields",
        "glimpses",
        "ledger_entry",
    ];
    let mut table = Table::of(&names);
    for entry in &dossier.history {
        table.line(&[
            entry.at.to_string(),
            entry.what.to_owned(),
            or_empty(entry.role.as_ref()),
            entry.organisation.clone().unwrap_or_default(),
            or_empty(entry.purpose.as_ref()),
            or_empty(entry.recipient.as_ref()),
            or_empty(entry.compartment.as_ref()),
            or_empty(entry.record.as_ref()),
            or_empty(entry.version.map(|version| version.0).as_ref()),
            entry.fields.as_ref().map_or_else(String::new, |fields| fields.join(" ")),
            entry.masked.join(" "),
            entry.leaf.to_string(),
        ]);
    }
    table.0
}

fn or_empty(value: Option<&impl Display>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn joined(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut table = Table(Wiped::with_capacity(16));
        table.cell(text);
        String::from_utf8(table.0.to_vec()).unwrap()
    }

    #[test]
    fn a_cell_is_data_whatever_it_says() {
        for (text, expected) in [
            ("Ada", "Ada"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\n", "\"say \"\"hi\"\"\n\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("+49 30 901820", "\"'+49 30 901820\""),
            ("-12.5", "-12.5"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
