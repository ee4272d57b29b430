//! Checks of what a caller hands in, before anything is looked up.
//!
//! A refusal names the place and the rule, never the value.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::code::Code;
use crate::codec::Plaintext;
use crate::types::record::limits;
use crate::types::{Compartment, Identifier, IdentifierKind, RecordMeta};

use super::Error;

/// The object's text, within the limits of a record.
pub(crate) fn record_text(data: &Map<String, Value>) -> Result<Plaintext, Error> {
    if !data.values().all(|value| is_shallow(value, limits::RECORD_DEPTH_MAX - 1)) {
        return Err(Error::invalid("/data", "the object is nested more than 32 levels deep; flatten it"));
    }
    let mut text = Plaintext::with_capacity(1024);
    serde_json::to_writer(&mut text, data).map_err(|_| Error::Internal("a JSON object is serialisable"))?;
    if text.len() > limits::RECORD_BYTES_MAX {
        return Err(Error::Invalid {
            code: Code::TooLarge,
            at: "/data",
            problem: "the record is larger than 1 MiB of JSON; split it into several records",
        });
    }
    Ok(text)
}

/// The metadata, within its limits.
pub(crate) fn metadata(meta: &RecordMeta) -> Result<(), Error> {
    meta.passes_limit().map_or(Ok(()), |problem| Err(Error::invalid("/meta", problem)))
}

fn is_shallow(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_shallow(item, depth - 1)),
        Value::Object(fields) => depth > 0 && fields.values().all(|item| is_shallow(item, depth - 1)),
        _ => true,
    }
}

/// A compartment that callers may write to and erase.
pub(crate) fn open_to_callers(compartment: &Compartment) -> Result<(), Error> {
    if compartment.is_reserved() {
        let problem = "the compartment dossier is the vault's own";
        return Err(Error::Invalid { code: Code::InvalidName, at: "compartment", problem });
    }
    Ok(())
}

/// The identifiers of a profile: its top-level `email`, `phone` and `external_id`. `null` and absent are the same.
pub(crate) fn identifiers(profile: &Map<String, Value>) -> Result<Vec<Identifier>, Error> {
    named(|kind| profile.get(kind.as_str()))
}

/// What the text of a profile says of identifiers; the rest of it is passed over.
#[derive(Deserialize)]
pub(crate) struct Named {
    email: Option<Value>,
    phone: Option<Value>,
    external_id: Option<Value>,
}

impl Named {
    /// As [`identifiers`] of the whole profile.
    pub(crate) fn identifiers(&self) -> Result<Vec<Identifier>, Error> {
        named(|kind| match kind {
            IdentifierKind::Email => self.email.as_ref(),
            IdentifierKind::Phone => self.phone.as_ref(),
            IdentifierKind::ExternalId => self.external_id.as_ref(),
        })
    }
}

fn named<'v>(field: impl Fn(IdentifierKind) -> Option<&'v Value>) -> Result<Vec<Identifier>, Error> {
    let mut found = Vec::new();
    for kind in IdentifierKind::ALL {
        match field(kind) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => found.push(identifier(kind, text)?),
            Some(_) => return Err(Error::Identifier { kind, problem: format!("{kind}: it must be a text") }),
        }
    }
    Ok(found)
}

/// One identifier, normalised.
pub(crate) fn identifier(kind: IdentifierKind, text: &str) -> Result<Identifier, Error> {
    Identifier::parse(kind, text).map_err(|invalid| Error::Identifier { kind, problem: invalid.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Coded;

    fn object(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_record_may_be_deep_but_not_bottomless() {
        let nested = |levels: usize| object(&format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels)));
        assert!(record_text(&nested(31)).is_ok());
        assert_eq!(record_text(&nested(32)).err().map(|e| e.code()), Some(Code::InvalidRequest));
    }

    #[test]
    fn a_record_may_be_one_mebibyte_and_no_byte_more() {
        let sized = |bytes: usize| object(&format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8)));
        assert_eq!(record_text(&sized(limits::RECORD_BYTES_MAX)).map(|t| t.len()).ok(), Some(limits::RECORD_BYTES_MAX));
        assert_eq!(record_text(&sized(limits::RECORD_BYTES_MAX + 1)).err().map(|e| e.code()), Some(Code::TooLarge));
    }

    #[test]
    fn an_identifier_that_is_no_text_is_refused_by_name() {
        let error = identifiers(&object(r#"{"email": 7}"#)).err().unwrap();
        assert_eq!((error.code(), error.at()), (Code::InvalidIdentifier, Some("email")));
        assert!(identifiers(&object(r#"{"email": null, "phone": null}"#)).is_ok_and(|found| found.is_empty()));
    }

    #[test]
    fn the_text_of_a_profile_names_the_same_identifiers_as_the_object() {
        let all = r#"{"a": {"email": "x"}, "email": "ada@example.com", "phone": "+4930123456", "external_id": "E-1"}"#;
        for text in [all, "{}", r#"{"email": null, "external_id": "E-1"}"#] {
            let named: Named = serde_json::from_str(text).unwrap();
            let normal = |found: Vec<Identifier>| found.iter().map(|one| one.normal().to_owned()).collect::<Vec<_>>();
            let of_object = normal(identifiers(&object(text)).unwrap());
            assert_eq!(normal(named.identifiers().unwrap()), of_object, "{text}");
        }
        let named: Named = serde_json::from_str(r#"{"email": 7}"#).unwrap();
        assert_eq!(named.identifiers().err().map(|error| error.code()), Some(Code::InvalidIdentifier));
    }
}
