//! What a file of members is made of: rows that can be sent on, and rows that cannot, with the reason.
//!
//! A rejected row is named by its line, its field and a code. Its content is never repeated, so that a list of rejects
//! can be mailed around.

use std::io;

use serde_json::{Map, Value};

use crate::types::record::limits::RECORD_BYTES_MAX;

/// Bytes of one row of a file: a row holds one record, and a record has this limit.
pub(super) const ROW_BYTES_MAX: usize = RECORD_BYTES_MAX;

/// One member as the file has it.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    /// The line on which the row begins, from 1.
    pub(super) line: u64,
    /// The bytes of the row in the file, for the size of a batch.
    pub(super) bytes: usize,
    /// The profile.
    pub(super) profile: Map<String, Value>,
}

/// A row that cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reject {
    /// The line on which the row begins, from 1.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) fault: Fault,
}

/// What is wrong with a row: a field, unless it is the whole row, and a code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Fault {
    /// The code, from [`Reason`] or from the vault.
    pub(super) reason: &'static str,
    /// The field of the profile.
    pub(super) field: Option<String>,
}

impl Fault {
    /// The whole row is wrong.
    pub(super) fn row(reason: Reason) -> Self {
        Self { reason: reason.as_str(), field: None }
    }

    /// One field is wrong.
    pub(super) fn field(reason: Reason, field: impl Into<String>) -> Self {
        Self { reason: reason.as_str(), field: Some(field.into()) }
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Why a row is rejected before it reaches the vault. The vault's own codes join these in the list of rejects.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// Every reason with its meaning, in the order of the documentation.
            #[cfg(test)]
            pub(super) const ALL: &'static [(&'static str, &'static str)] =
                &[$(($text, concat!($($doc,)+).trim_ascii()),)+];

            /// The reason as programs see it.
            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

reasons! {
    /// The row has more or fewer columns than the header.
    WrongColumnCount = "wrong_column_count",
    /// The row, or the field, is not UTF-8.
    NotUtf8 = "not_utf8",
    /// The row is larger than 1 MiB.
    RowTooLarge = "row_too_large",
    /// The row, or the field, is not well-formed JSON.
    NotJson = "not_json",
    /// The row is JSON, but not an object.
    NotAnObject = "not_an_object",
    /// The row has the field twice.
    DuplicateField = "duplicate_field",
    /// The row has a field whose name is not a field name; rename it with --map.
    InvalidFieldName = "invalid_field_name",
    /// The field is not yes or no (or true, false, y, n, 1, 0).
    NotYesOrNo = "not_yes_or_no",
    /// The field is not a number.
    NotANumber = "not_a_number",
    /// The external_id stands on an earlier row close by; which of the two should update the member is not known.
    RepeatedExternalId = "repeated_external_id",
    /// The row has no external_id, so a second run could not tell that it was imported.
    NoExternalId = "no_external_id",
}

/// Rows read from a file, one after the other.
pub(super) trait Rows {
    /// The next row, or what is wrong with it; `None` at the end. An error ends the reading.
    fn next_row(&mut self) -> io::Result<Option<Result<Row, Reject>>>;
}

impl<T: Rows + ?Sized> Rows for Box<T> {
    fn next_row(&mut self) -> io::Result<Option<Result<Row, Reject>>> {
        (**self).next_row()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_reason() {
        let page = include_str!("../../../docs/OPERATING.md");
        for (reason, meaning) in Reason::ALL {
            let row = format!("| `{reason}` | {meaning} |");
            assert!(page.contains(&row), "docs/OPERATING.md lacks: {row}");
        }
    }
}
