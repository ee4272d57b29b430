//! What a role gets to see of a record.

use std::cell::Cell;

use serde_json::{Map, Value, json};

use super::super::{Action, Mask, Policy, Screen, Treatment, View, decide};
use super::Ask;
use crate::types::{FieldName, Role};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn field(name: &str) -> FieldName {
    name.parse().unwrap()
}

fn fields(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(|name| field(name)).collect()
}

/// What is shown and what is said to be withheld.
fn check(view: &View, record: Value, selection: Option<&[FieldName]>, shown: Value, withheld: Value) {
    let projection = view.project(object(record), selection, &Screen::open(), || [0xab; 16]);
    assert_eq!(Value::Object(projection.object), shown);
    assert_eq!(serde_json::to_value(projection.withheld).unwrap(), withheld);
}

fn specimen_view() -> View {
    let named = [
        (field("email"), Treatment::Masked(Mask::Email)),
        (field("external_id"), Treatment::Pseudonym),
        (field("locale"), Treatment::Clear),
        (field("phone"), Treatment::Hidden),
    ];
    View::new(named, Treatment::Hidden)
}

#[test]
fn each_field_is_shown_as_its_treatment_says() {
    check(
        &specimen_view(),
        json!({"external_id": "CRM-1", "email": "ada@example.org", "locale": {"a": [1]}, "phone": "+4915669764803"}),
        None,
        json!({"external_id": "psn_vov2xk5lvov2xk5lvov2xk5lvm", "email": "a***@e***.org", "locale": {"a": [1]}}),
        json!([
            {"field": "external_id", "reason": "pseudonym"},
            {"field": "email", "reason": "masked"},
            {"field": "phone", "reason": "hidden"},
        ]),
    );
}

#[test]
fn hidden_fields_the_policy_does_not_name_stay_nameless() {
    check(
        &specimen_view(),
        json!({"pregnant_since": "2026-05", "locale": "de", "ada@example.org": true, "a b": null}),
        None,
        json!({"locale": "de"}),
        json!([{"field": "*", "reason": "hidden"}]),
    );
}

#[test]
fn a_selection_shows_no_more_and_says_nothing_of_the_rest() {
    let record = json!({"email": "ada@example.org", "locale": "de", "phone": "+4915669764803"});
    let choice = fields(&["locale", "phone", "no_such_field"]);
    let withheld = json!([{"field": "phone", "reason": "hidden"}]);
    check(&specimen_view(), record.clone(), Some(&choice), json!({"locale": "de"}), withheld);
    check(&specimen_view(), record, Some(&[]), json!({}), json!([]));
}

#[test]
fn the_order_of_the_record_is_kept() {
    let view = View::new([], Treatment::Clear);
    let record = object(json!({"z": 1, "a": 2, "m": 3}));
    let shown = view.project(record, Some(&fields(&["a", "z"])), &Screen::open(), || [0; 16]).object;
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["z", "a"]);
}

#[test]
fn a_pseudonym_is_derived_once_and_only_when_needed() {
    let derived = Cell::new(0);
    let derive = || {
        derived.set(derived.get() + 1);
        [1; 16]
    };
    let view = View::new([(field("a"), Treatment::Pseudonym), (field("b"), Treatment::Pseudonym)], Treatment::Clear);
    assert!(view.needs_pseudonym() && !view.is_all_clear());
    view.project(object(json!({"c": 1})), None, &Screen::open(), derive);
    assert_eq!(derived.get(), 0);
    let shown = view.project(object(json!({"a": 1, "b": [2], "c": 3})), None, &Screen::open(), derive).object;
    assert_eq!(derived.get(), 1);
    assert_eq!(shown["a"], shown["b"], "it stands for the member, not for the value");
    assert!(shown["a"].as_str().unwrap().starts_with("psn_"));
}

#[test]
fn a_masked_rest_still_masks_known_fields_by_their_kind() {
    let text = "version = 1\n[purposes]\n[masks]\nemail = \"email\"\n[roles.crm]\nabout = \"x\"\npurpose = \"none\"\n\
                [[roles.crm.allow]]\nactions = [\"record.read\"]\ncompartments = [\"core\"]\nfields.\"*\" = \"masked\"\n";
    let ask = Ask::new(Role::Crm, Action::RecordRead, "core", "");
    let permit = decide(&Policy::parse(text).unwrap(), &ask.request(), &ask.facts).unwrap();
    check(
        permit.view(&"core".parse().unwrap()).unwrap(),
        json!({"email": "ada@example.org", "shoe size": 43}),
        None,
        json!({"email": "a***@e***.org", "shoe size": 0}),
        json!([{"field": "email", "reason": "masked"}, {"field": "shoe size", "reason": "masked"}]),
    );
}
