//! Why a body does not have the required shape, in words that are all ours.
//!
//! serde_json's own messages quote what they found (`invalid type: string "jane@example.org"`), so they never leave the
//! process. When a body is refused, it is read a second time through this deserializer, whose errors keep only what the
//! *type* says: the expected form, the known fields, the pointer to the place.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::Value;

use super::super::problem::Problem;
use crate::code::Code;

/// What is wrong with the shape of a body, and where.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct ShapeError {
    code: Code,
    message: String,
    /// Field names from the inside out. Only names of fields that our types declare.
    path: Vec<String>,
}

impl ShapeError {
    fn new(code: Code, message: String) -> Self {
        Self { code, message, path: Vec::new() }
    }

    fn inside(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    /// The refusal to answer with.
    pub(super) fn into_problem(self) -> Problem {
        let pointer: String = self.path.iter().rev().map(|name| format!("/{name}")).collect();
        let problem = Problem::because(self.code, self.message);
        if pointer.is_empty() { problem } else { problem.at(pointer) }
    }
}

impl Error for ShapeError {
    /// Custom messages come from the `Deserialize` implementations of our own types, which are constant sentences.
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Code::InvalidRequest, message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Code::InvalidRequest, format!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Code::InvalidRequest, format!("expected {expected}"))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(Code::InvalidRequest, format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Code::InvalidRequest, format!("expected one of: {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Code::UnknownField, format!("the known fields are: {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Code::InvalidRequest, format!("the field {field} is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Code::InvalidRequest, format!("the field {field} appears twice"))
    }
}

/// A parsed value to be read into a type for the sake of the error.
pub(super) struct Shape(pub(super) Value);

impl<'de> Deserializer<'de> for Shape {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(value) => match (value.as_u64(), value.as_i64(), value.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, value) => visitor.visit_f64(value.unwrap_or(f64::NAN)),
            },
            Value::String(value) => visitor.visit_string(value),
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(fields) => visitor.visit_map(Fields { rest: fields.into_iter(), value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = ShapeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ShapeError> {
        self.0.next().map(|item| seed.deserialize(Shape(item))).transpose()
    }
}

struct Fields {
    rest: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = ShapeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        let key: StringDeserializer<ShapeError> = name.clone().into_deserializer();
        self.value = Some((name, value));
        seed.deserialize(key).map(Some)
    }

    /// A value is asked for only under a key that the type knows, so naming it repeats nothing of the client's. (A map
    /// of free keys holds free values, and reading those cannot fail.)
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ShapeError> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Shape(value)).map_err(|error| error.inside(&name))
    }
}
