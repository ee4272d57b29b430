//! What the data map lets be written, where it is strict: what it declares, and nothing else.
//!
//! A refusal names the field only where its name is one a map could declare: other names may hold anything.

use std::fmt;

use serde_json::{Map, Value};

use crate::code::{Code, Coded};
use crate::schema::{DataMap, FieldKind, RecordType};
use crate::types::{Compartment, FieldName, RecordName};
use crate::vault::api::RecordAddress;

/// Something cannot be written under the data map in force.
#[derive(Debug)]
pub enum Undeclared {
    /// No record type fits the name.
    Record {
        /// Where it was to be written.
        label: String,
    },
    /// The record type has no such field.
    Field {
        /// The record type.
        label: String,
        /// The field; `None` if no map could declare a field of this name.
        field: Option<FieldName>,
    },
    /// The field is declared, but its value is of another kind.
    Kind {
        /// The field.
        field: FieldName,
        /// The kind it is declared with.
        kind: FieldKind,
    },
}

impl fmt::Display for Undeclared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { label } => write!(
                f,
                "the data map declares no record {label}; declare it with its fields, or write to one that is declared"
            ),
            Self::Field { label, field: Some(field) } => write!(
                f,
                "the data map does not declare the field {field} of {label}; declare it with its purposes, or leave it out"
            ),
            Self::Field { label, field: None } => write!(
                f,
                "a field of {label} has a name the data map cannot declare (lower-case letters, digits, '_' and '-'); \
                 leave it out"
            ),
            Self::Kind { field, kind } => {
                write!(f, "the data map declares the field {field} as {kind}; write {}, or null", kind.example())
            }
        }
    }
}

impl std::error::Error for Undeclared {}

impl Coded for Undeclared {
    fn code(&self) -> Code {
        match self {
            Self::Record { .. } | Self::Field { .. } => Code::UnknownField,
            Self::Kind { .. } => Code::InvalidRequest,
        }
    }
}

impl Undeclared {
    /// The field at fault, as far as its name may be repeated.
    pub fn field(&self) -> Option<&FieldName> {
        match self {
            Self::Record { .. } => None,
            Self::Field { field, .. } => field.as_ref(),
            Self::Kind { field, .. } => Some(field),
        }
    }
}

/// A whole profile, about to be written.
pub(in crate::vault) fn profile(map: &DataMap, data: &Map<String, Value>) -> Result<(), Undeclared> {
    whole(map, &Compartment::core(), &RecordName::profile(), data)
}

/// A whole record, about to be written.
pub(in crate::vault) fn record(map: &DataMap, at: &RecordAddress, data: &Map<String, Value>) -> Result<(), Undeclared> {
    whole(map, &at.compartment, &at.name, data)
}

/// A record about to be changed: what the patch names. What the record held before stays, also what is no longer
/// declared; and to take something away is always allowed.
pub(in crate::vault) fn patched(
    map: &DataMap,
    at: &RecordAddress,
    patch: &Map<String, Value>,
    data: &Map<String, Value>,
) -> Result<(), Undeclared> {
    let mut named = patch.keys().filter_map(|field| data.get_key_value(field)).peekable();
    if !map.is_strict() || named.peek().is_none() {
        return Ok(());
    }
    fields(declared(map, &at.compartment, &at.name)?, named)
}

fn whole(
    map: &DataMap,
    compartment: &Compartment,
    name: &RecordName,
    data: &Map<String, Value>,
) -> Result<(), Undeclared> {
    if !map.is_strict() {
        return Ok(());
    }
    fields(declared(map, compartment, name)?, data.iter())
}

fn declared<'m>(map: &'m DataMap, compartment: &Compartment, name: &RecordName) -> Result<&'m RecordType, Undeclared> {
    map.record_type(compartment, name).ok_or_else(|| Undeclared::Record { label: format!("{compartment}/{name}") })
}

fn fields<'d>(record: &RecordType, data: impl Iterator<Item = (&'d String, &'d Value)>) -> Result<(), Undeclared> {
    for (name, value) in data {
        match record.field(name) {
            None => return Err(Undeclared::Field { label: record.label(), field: name.parse().ok() }),
            Some(field) if !field.kind.accepts(value) => {
                return Err(Undeclared::Kind { field: field.name.clone(), kind: field.kind });
            }
            Some(_) => {}
        }
    }
    Ok(())
}
