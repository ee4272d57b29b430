//! The data map: which record types and fields there are, how sensitive they are, for which purposes they may serve, on
//! which legal basis, and for how long they are kept.
//!
//! It is one text file (TOML, see `docs/SCHEMA.md`), read once and kept as sorted lists, so that a look-up allocates
//! nothing. What it does not declare does not exist in strict mode: data is minimised where it is written down what it
//! is for. A field without a purpose, or without an end, cannot be declared.
//!
//! Pure: it knows no member and no content, reads no file and decides nothing. `policy` weighs what it says, `vault`
//! keeps it in force, `cli` prints it.

mod diff;
mod dpv;
mod field;
mod lint;
mod map;
mod parse;
mod raw;
mod report;
mod value;
mod words;

pub use diff::{Change, diff};
pub use dpv::{DPV_NAMESPACE, DPV_VERSION};
pub use lint::Remark;
pub use map::{Controller, DataMap, FieldEntry, PurposeEntry, RecordPattern, RecordType};
pub use parse::SchemaError;
pub use report::{Report, report};
pub use words::{FieldKind, LegalBasis, Retention, Sensitivity, Start};

#[cfg(test)]
mod tests;
