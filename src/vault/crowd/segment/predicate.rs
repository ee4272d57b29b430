//! The questions a segment is made of: a small language over the fields as this caller may see them.
//!
//! ```json
//! {"all": [{"field": "country", "in": ["DE", "AT"]},
//!          {"field": "joined_at", "range": {"from": "2020", "to": "2023"}},
//!          {"field": "preferences", "at": ["topics"], "contains": "books"},
//!          {"not": {"field": "loyalty_tier", "eq": "basic"}}]}
//! ```
//!
//! It is asked of the projection, never of the record: what a caller may not see it cannot ask about, and a masked date has
//! its year alone. A field that is not there, or not shown, makes the answer unknown, which `not` does not turn round.

use serde_json::{Map, Value};

use crate::types::FieldName;
use crate::vault::Error;

/// How deep questions may be nested.
pub const DEPTH_MAX: usize = 8;
/// Questions and answers to compare with, all together.
pub const SIZE_MAX: usize = 128;
/// Bytes of one text to compare with.
pub const TEXT_BYTES_MAX: usize = 256;
/// Names that lead into a field.
pub const PATH_MAX: usize = 4;

const WHERE: &str = "/where";

/// A question about one member.
#[derive(Debug, PartialEq)]
pub struct Predicate(Node);

#[derive(Debug, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Field(FieldName, Vec<String>, Test),
}

#[derive(Debug, PartialEq)]
enum Test {
    /// The value is one of these texts, numbers or truths.
    In(Vec<Value>),
    /// The value is a list with this in it.
    Contains(Value),
    /// The value is a number between these, both included.
    Numbers(Option<f64>, Option<f64>),
    /// The value is a date between these, both included, as far as it is known.
    Dates(Option<String>, Option<String>),
}

impl Predicate {
    /// Reads a question.
    ///
    /// # Errors
    /// `invalid_request`, without a word of what was asked.
    pub fn parse(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut budget = SIZE_MAX;
        node(object, DEPTH_MAX, &mut budget).map(Self)
    }

    /// The fields it asks about, each once.
    pub fn fields(&self) -> Vec<FieldName> {
        let mut fields = Vec::new();
        gather(&self.0, &mut fields);
        fields.sort();
        fields.dedup();
        fields
    }

    /// Whether it is so, for certain.
    pub fn holds(&self, shown: &Map<String, Value>) -> bool {
        answer(&self.0, shown) == Some(true)
    }
}

fn gather(node: &Node, fields: &mut Vec<FieldName>) {
    match node {
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| gather(node, fields)),
        Node::Not(node) => gather(node, fields),
        Node::Field(field, ..) => fields.push(field.clone()),
    }
}

/// `None`: unknown.
fn answer(node: &Node, shown: &Map<String, Value>) -> Option<bool> {
    match node {
        Node::All(nodes) => joined(nodes, shown, false),
        Node::Any(nodes) => joined(nodes, shown, true),
        Node::Not(node) => answer(node, shown).map(|so| !so),
        Node::Field(field, path, test) => {
            let inside = |value, name: &String| -> Option<&Value> { Value::as_object(value)?.get(name) };
            let value = path.iter().try_fold(shown.get(field.as_str())?, inside)?;
            (!value.is_null()).then(|| test.passes(value)).flatten()
        }
    }
}

/// One answer of this kind decides; without one, what is unknown leaves it unknown.
fn joined(nodes: &[Node], shown: &Map<String, Value>, deciding: bool) -> Option<bool> {
    let mut is_known = true;
    for node in nodes {
        match answer(node, shown) {
            Some(so) if so == deciding => return Some(deciding),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(!deciding)
}

impl Test {
    /// `None` where the value is of another kind than what it is compared with.
    fn passes(&self, value: &Value) -> Option<bool> {
        match self {
            Self::In(wanted) => is_plain(value).then(|| wanted.iter().any(|wanted| equal(wanted, value))),
            Self::Contains(wanted) => Some(value.as_array()?.iter().any(|item| equal(wanted, item))),
            Self::Numbers(from, to) => {
                let number = value.as_f64()?;
                Some(from.is_none_or(|from| number >= from) && to.is_none_or(|to| number <= to))
            }
            Self::Dates(from, to) => {
                let date = value.as_str().filter(|text| is_date(text))?;
                // Compared as far as both are known, so that the year of a masked date counts as a whole.
                let known = |bound: &String| date.len().min(bound.len());
                let cut = |text: &str, len| text.get(..len).unwrap_or(text).to_owned();
                let after = from.as_ref().is_none_or(|from| cut(date, known(from)) >= cut(from, known(from)));
                let before = to.as_ref().is_none_or(|to| cut(date, known(to)) <= cut(to, known(to)));
                Some(after && before)
            }
        }
    }
}

fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

/// A year, or a day, perhaps with a time behind it.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let day =
        digits(0, 4) && bytes.get(4) == Some(&b'-') && digits(5, 7) && bytes.get(7) == Some(&b'-') && digits(8, 10);
    (bytes.len() == 4 && digits(0, 4)) || day
}

fn invalid(problem: &'static str) -> Error {
    Error::invalid(WHERE, problem)
}

fn spend(budget: &mut usize) -> Result<(), Error> {
    *budget = budget.checked_sub(1).ok_or(invalid("the question is too long; ask for less at a time"))?;
    Ok(())
}

fn node(object: &Map<String, Value>, depth: usize, budget: &mut usize) -> Result<Node, Error> {
    spend(budget)?;
    let deeper = depth.checked_sub(1).ok_or(invalid("the question is nested more than 8 levels deep"))?;
    if object.contains_key("field") {
        return field(object, budget);
    }
    let mut entries = object.iter();
    let (Some((word, value)), None) = (entries.next(), entries.next()) else {
        return Err(invalid("a question is one of all, any, not, or one about a field"));
    };
    let mut inner = |value: &Value| match value {
        Value::Object(object) => node(object, deeper, budget),
        _ => Err(invalid("a question is an object")),
    };
    let mut several = |value: &Value| match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(&mut inner).collect::<Result<Vec<_>, _>>(),
        _ => Err(invalid("all and any take a list of at least one question")),
    };
    match word.as_str() {
        "all" => several(value).map(Node::All),
        "any" => several(value).map(Node::Any),
        "not" => inner(value).map(Box::new).map(Node::Not),
        _ => Err(invalid("a question is one of all, any, not, or one about a field")),
    }
}

fn field(object: &Map<String, Value>, budget: &mut usize) -> Result<Node, Error> {
    let name = object.get("field").and_then(Value::as_str).and_then(|name| name.parse().ok());
    let name = name.ok_or(invalid("field names a top-level field of the record"))?;
    let path = object.get("at").map_or(Ok(Vec::new()), path)?;
    let mut tests = object.iter().filter(|(word, _)| !["field", "at"].contains(&word.as_str()));
    let (Some((word, value)), None) = (tests.next(), tests.next()) else {
        return Err(invalid("a field is asked one thing: eq, in, contains or range"));
    };
    let test = match (word.as_str(), value) {
        ("eq", value) => Test::In(vec![plain(value)?]),
        ("in", Value::Array(items)) if !items.is_empty() => {
            items.iter().map(|item| spend(budget).and_then(|()| plain(item))).collect::<Result<_, _>>().map(Test::In)?
        }
        ("contains", value) => Test::Contains(plain(value)?),
        ("range", Value::Object(bounds)) => range(bounds)?,
        _ => return Err(invalid("a field is asked one thing: eq, in, contains or range")),
    };
    Ok(Node::Field(name, path, test))
}

fn path(value: &Value) -> Result<Vec<String>, Error> {
    let problem = "at is a list of 1 to 4 names that lead into the field";
    let names = value.as_array().filter(|names| (1..=PATH_MAX).contains(&names.len())).ok_or(invalid(problem))?;
    let name = |name: &Value| name.as_str().filter(|name| name.len() <= TEXT_BYTES_MAX).map(str::to_owned);
    names.iter().map(|one| name(one).ok_or(invalid(problem))).collect()
}

fn plain(value: &Value) -> Result<Value, Error> {
    let fits = value.as_str().is_none_or(|text| text.len() <= TEXT_BYTES_MAX);
    if fits && is_plain(value) {
        return Ok(value.clone());
    }
    Err(invalid("compare with a text of at most 256 bytes, a number, true or false"))
}

fn range(bounds: &Map<String, Value>) -> Result<Test, Error> {
    let problem = "a range has from, to or both: numbers, or dates as 2026 or 2026-01-31";
    let known = bounds.keys().all(|word| ["from", "to"].contains(&word.as_str()));
    let (from, to) = (bounds.get("from"), bounds.get("to"));
    if !known || bounds.is_empty() {
        return Err(invalid(problem));
    }
    if [from, to].into_iter().flatten().all(Value::is_number) {
        return Ok(Test::Numbers(from.and_then(Value::as_f64), to.and_then(Value::as_f64)));
    }
    let date = |value: &Value| value.as_str().filter(|text| text.len() <= 10 && is_date(text)).map(str::to_owned);
    let bound = |value: Option<&Value>| value.map(|value| date(value).ok_or(invalid(problem))).transpose();
    Ok(Test::Dates(bound(from)?, bound(to)?))
}
