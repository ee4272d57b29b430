//! Which column of a file becomes which field of the profile, and what its text means.
//!
//! By default a column becomes the text field of its own name; `consent_x` becomes the yes/no field `consents.x`, and
//! `preferences` is JSON. A rule `COLUMN=FIELD[:KIND]` says otherwise; `COLUMN=-` leaves the column out.

use std::str::FromStr;

use serde_json::{Map, Number, Value};
use thiserror::Error;

use super::row::{Fault, Reason};
use crate::types::FieldName;

/// How deep a rule may place a field: `a.b.c.d`.
const PATH_STEPS_MAX: usize = 4;
/// What stands in a rule for "leave out".
const LEAVE_OUT: &str = "-";

/// What the text of a column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text as it is.
    Text,
    /// yes or no, true or false, y or n, 1 or 0.
    YesNo,
    /// JSON of any type.
    Json,
    /// A number.
    Number,
}

impl Kind {
    /// The value of `text`.
    fn read(self, text: &str) -> Result<Value, Reason> {
        match self {
            Self::Text => Ok(Value::String(text.to_owned())),
            Self::YesNo => yes_or_no(text).map(Value::Bool).ok_or(Reason::NotYesOrNo),
            Self::Json => serde_json::from_str(text).map_err(|_| Reason::NotJson),
            Self::Number => Number::from_str(text).map(Value::Number).map_err(|_| Reason::NotANumber),
        }
    }

    /// The value of `value`, which a JSON file may have typed already.
    fn convert(self, value: Value) -> Result<Value, Reason> {
        match (self, value) {
            (Self::YesNo, Value::Bool(yes)) => Ok(Value::Bool(yes)),
            (Self::Number, Value::Number(number)) => Ok(Value::Number(number)),
            (Self::Text, value) => Ok(value),
            (kind, Value::String(text)) => kind.read(&text),
            (Self::Json, value) => Ok(value),
            (Self::YesNo, _) => Err(Reason::NotYesOrNo),
            (Self::Number, _) => Err(Reason::NotANumber),
        }
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    let is = |word: &&str| word.eq_ignore_ascii_case(text);
    if ["yes", "true", "y", "1"].iter().any(is) {
        Some(true)
    } else if ["no", "false", "n", "0"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// Where a column goes and what its text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The steps from the profile to the field; at least one.
    path: Vec<FieldName>,
    kind: Kind,
}

impl Target {
    /// The field with dots, as lists of rejects name it.
    pub(super) fn name(&self) -> String {
        let steps: Vec<_> = self.path.iter().map(FieldName::as_str).collect();
        steps.join(".")
    }

    /// Whether both would write the same place: equal paths, or one within the other.
    pub(super) fn collides(&self, other: &Self) -> bool {
        self.path.iter().zip(&other.path).all(|(a, b)| a == b)
    }

    /// Puts the text of a column into the profile. Empty text is no value: the field is left out.
    pub(super) fn put_text(&self, profile: &mut Map<String, Value>, text: &str) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        let value = self.kind.read(text).map_err(|reason| Fault::field(reason, self.name()))?;
        self.put(profile, value)
    }

    /// Puts a value of a JSON file into the profile. `null` and empty text are no value.
    pub(super) fn put_value(&self, profile: &mut Map<String, Value>, value: Value) -> Result<(), Fault> {
        if value.is_null() || value.as_str().is_some_and(str::is_empty) {
            return Ok(());
        }
        let value = self.kind.convert(value).map_err(|reason| Fault::field(reason, self.name()))?;
        self.put(profile, value)
    }

    fn put(&self, profile: &mut Map<String, Value>, value: Value) -> Result<(), Fault> {
        let taken = || Fault::field(Reason::DuplicateField, self.name());
        let (last, parents) = self.path.split_last().ok_or_else(taken)?;
        let mut place = profile;
        for step in parents {
            let inner = place.entry(step.as_str()).or_insert_with(|| Value::Object(Map::new()));
            place = inner.as_object_mut().ok_or_else(taken)?;
        }
        match place.insert(last.as_str().to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(taken()),
        }
    }
}

/// A rule is not well-formed.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("expected COLUMN=FIELD, COLUMN=FIELD:KIND or COLUMN=-, where KIND is text, yesno, json or number")]
pub(super) struct InvalidRule;

/// The rule of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    column: String,
    target: Option<Target>,
}

impl FromStr for Rule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let (column, target) = text.rsplit_once('=').filter(|(column, _)| !column.is_empty()).ok_or(InvalidRule)?;
        let target = if target == LEAVE_OUT { None } else { Some(target_of_rule(target)?) };
        Ok(Self { column: column.to_owned(), target })
    }
}

fn target_of_rule(text: &str) -> Result<Target, InvalidRule> {
    let (path, kind) = match text.split_once(':') {
        None => (text, None),
        Some((path, kind)) => (path, Some(kind_named(kind).ok_or(InvalidRule)?)),
    };
    let path: Vec<FieldName> = path.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| InvalidRule)?;
    let kind = kind.or_else(|| default_target(text).map(|target| target.kind)).unwrap_or(Kind::Text);
    if path.len() > PATH_STEPS_MAX { Err(InvalidRule) } else { Ok(Target { path, kind }) }
}

fn kind_named(name: &str) -> Option<Kind> {
    match name {
        "text" => Some(Kind::Text),
        "yesno" => Some(Kind::YesNo),
        "json" => Some(Kind::Json),
        "number" => Some(Kind::Number),
        _ => None,
    }
}

/// The target of a column no rule speaks of; `None` if its name is no field name.
fn default_target(column: &str) -> Option<Target> {
    let field = |name: &str| name.parse::<FieldName>().ok();
    if let Some(purpose) = column.strip_prefix("consent_").and_then(field) {
        return Some(Target { path: vec![field("consents")?, purpose], kind: Kind::YesNo });
    }
    let kind = if column == "preferences" { Kind::Json } else { Kind::Text };
    Some(Target { path: vec![field(column)?], kind })
}

/// Where a column goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// Nowhere: a rule leaves it out.
    Out,
    /// To this field.
    To(Target),
}

/// The rules of one import.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    rules: Vec<Rule>,
}

impl Mapping {
    /// These rules; of two for the same column the later stands.
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Where `column` goes; `None` if no rule says and its name is no field name.
    pub(super) fn destination(&self, column: &str) -> Option<Destination> {
        match self.rules.iter().rev().find(|rule| rule.column == column) {
            Some(rule) => Some(rule.target.clone().map_or(Destination::Out, Destination::To)),
            None => default_target(column).map(Destination::To),
        }
    }

    /// The columns of the rules, to find rules for columns that are not there.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.column.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put(rules: &[&str], cells: &[(&str, Value)]) -> Result<Value, String> {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let mapping = Mapping::new(rules);
        let mut profile = Map::new();
        for (column, value) in cells {
            match mapping.destination(column) {
                None => return Err(format!("{column} has no destination")),
                Some(Destination::Out) => {}
                Some(Destination::To(target)) => {
                    let put = match value {
                        Value::String(text) => target.put_text(&mut profile, text),
                        value => target.put_value(&mut profile, value.clone()),
                    };
                    put.map_err(|fault| format!("{} {}", fault.reason, fault.field.unwrap_or_default()))?;
                }
            }
        }
        Ok(Value::Object(profile))
    }

    #[track_caller]
    fn check(rules: &[&str], cells: &[(&str, Value)], expected: Result<Value, &str>) {
        assert_eq!(put(rules, cells), expected.map_err(str::to_owned), "{rules:?} {cells:?}");
    }

    #[test]
    fn columns_become_fields_by_their_names() {
        check(&[], &[("name", json!("Ada")), ("city", json!(""))], Ok(json!({"name": "Ada"})));
        let consents = [("consent_newsletter", json!("yes")), ("consent_analytics", json!("No"))];
        check(&[], &consents, Ok(json!({"consents": {"newsletter": true, "analytics": false}})));
        check(&[], &[("preferences", json!("{\"topics\": [1]}"))], Ok(json!({"preferences": {"topics": [1]}})));
        check(&[], &[("preferences", json!({"a": 1}))], Ok(json!({"preferences": {"a": 1}})));
        check(&[], &[("consent_x", json!(true)), ("age", json!(null))], Ok(json!({"consents": {"x": true}})));
        check(&[], &[("E-Mail", json!("a@b"))], Err("E-Mail has no destination"));
    }

    #[test]
    fn rules_rename_retype_and_leave_out() {
        check(&["E-Mail=email"], &[("E-Mail", json!("a@b"))], Ok(json!({"email": "a@b"})));
        check(&["a=b=c"], &[("a=b", json!("x"))], Ok(json!({"c": "x"})));
        check(&["notes=-"], &[("notes", json!("x")), ("name", json!("y"))], Ok(json!({"name": "y"})));
        check(
            &["points=loyalty.points:number"],
            &[("points", json!("12.5"))],
            Ok(json!({"loyalty": {"points": 12.5}})),
        );
        check(&["n=a", "n=b"], &[("n", json!("x"))], Ok(json!({"b": "x"})));
        check(&["opt in=consent_mail"], &[("opt in", json!("y"))], Ok(json!({"consent_mail": true})));
    }

    #[test]
    fn values_of_the_wrong_kind_are_named_by_field_and_never_repeated() {
        check(&[], &[("consent_x", json!("perhaps"))], Err("not_yes_or_no consents.x"));
        check(&[], &[("consent_x", json!(1))], Err("not_yes_or_no consents.x"));
        check(&[], &[("preferences", json!("{oops"))], Err("not_json preferences"));
        check(&["a=a:number"], &[("a", json!("1e"))], Err("not_a_number a"));
        check(&["a=a:number"], &[("a", json!("NaN"))], Err("not_a_number a"));
        check(&["a=a:number"], &[("a", json!([1]))], Err("not_a_number a"));
    }

    #[test]
    fn one_field_is_written_once() {
        check(&["a=x", "b=x"], &[("a", json!("1")), ("b", json!("2"))], Err("duplicate_field x"));
        check(&["a=x.y", "b=x"], &[("a", json!("1")), ("b", json!("2"))], Err("duplicate_field x"));
        check(&["a=x.y", "b=x"], &[("b", json!("2")), ("a", json!("1"))], Err("duplicate_field x.y"));
        check(&["a=x.y", "b=x.z"], &[("b", json!("2")), ("a", json!("1"))], Ok(json!({"x": {"z": "2", "y": "1"}})));
    }

    #[test]
    fn rules_that_are_none_are_refused() {
        for text in ["", "a", "=b", "a=", "a=B", "a=b:c", "a=b.", "a=.b", "a=a.b.c.d.e", "a=b:yesno:json"] {
            assert_eq!(text.parse::<Rule>(), Err(InvalidRule), "{text}");
        }
    }
}
