//! The compiled policy against a plain reading of its rules, on random policies.
//!
//! The reading here knows no tables: it walks the rules for each question. In particular no field is ever shown clear
//! that no rule shows clear.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::{Action, Denial, Facts, Policy, Treatment, decide};
use super::Ask;
use crate::types::Role;

const PURPOSES: [&str; 3] = ["alpha", "beta", "gamma"];
const COMPARTMENTS: [&str; 3] = ["core", "orders", "health"];
const FIELDS: [&str; 4] = ["email", "name", "note", "other"];
const WORDS: [&str; 4] = ["clear", "masked", "pseudonym", "hidden"];
const ACTIONS: [Action; 4] = [Action::RecordRead, Action::RecordWrite, Action::RecordList, Action::MemberExport];

#[derive(Clone, Debug)]
struct Rule {
    actions: Vec<Action>,
    /// Empty: all.
    compartments: Vec<&'static str>,
    /// Empty: not said.
    purposes: Vec<&'static str>,
    /// For `allow`: the word of each field; for `deny`: ignored.
    words: Vec<(&'static str, &'static str)>,
    rest: Option<&'static str>,
    /// For `deny`: the fields denied; empty: the act.
    denied: Vec<&'static str>,
}

impl Rule {
    fn covers(&self, action: Action, compartment: &str, purpose: &str) -> bool {
        self.actions.contains(&action)
            && (self.compartments.is_empty() || self.compartments.contains(&compartment))
            && (self.purposes.is_empty() || self.purposes.contains(&purpose))
    }

    fn shows(&self) -> bool {
        self.actions.iter().any(|action| action.shows_fields())
    }

    fn write(&self, kind: &str, out: &mut String) {
        let compartments = if self.compartments.is_empty() { vec!["*"] } else { self.compartments.clone() };
        let actions: Vec<_> = self.actions.iter().map(|action| action.as_str()).collect();
        writeln!(out, "[[roles.crm.{kind}]]\nactions = {actions:?}\ncompartments = {compartments:?}").unwrap();
        if !self.purposes.is_empty() {
            writeln!(out, "purposes = {:?}", self.purposes).unwrap();
        }
        match kind {
            "allow" if self.shows() => {
                let words = self.words.iter().copied().chain(self.rest.map(|word| ("*", word)));
                for (field, word) in words {
                    writeln!(out, "fields.{field:?} = {word:?}").unwrap();
                }
                if self.words.is_empty() && self.rest.is_none() {
                    writeln!(out, "fields = {{}}").unwrap();
                }
            }
            "deny" if !self.denied.is_empty() => writeln!(out, "fields = {:?}", self.denied).unwrap(),
            _ => {}
        }
    }

    fn word(&self, field: &str) -> &'static str {
        let named = self.words.iter().find(|(name, _)| *name == field);
        named.map_or(self.rest.unwrap_or("hidden"), |(_, word)| word)
    }
}

fn rule(actions: impl Strategy<Value = Vec<Action>>) -> impl Strategy<Value = Rule> {
    let words = subsequence(FIELDS[..3].to_vec(), 0..=3).prop_flat_map(|fields| {
        fields.into_iter().map(|field| (Just(field), select(WORDS.to_vec()))).collect::<Vec<_>>()
    });
    let parts = (
        actions,
        subsequence(COMPARTMENTS[..2].to_vec(), 0..=2),
        subsequence(PURPOSES.to_vec(), 0..=2),
        words,
        proptest::option::of(select(WORDS.to_vec())),
        subsequence(FIELDS[..3].to_vec(), 0..=2),
    );
    parts.prop_map(|(actions, compartments, purposes, words, rest, denied)| Rule {
        actions,
        compartments,
        purposes,
        words,
        rest,
        denied,
    })
}

#[derive(Clone, Debug)]
struct Model {
    required: bool,
    allow: Vec<Rule>,
    deny: Vec<Rule>,
}

impl Model {
    fn text(&self) -> String {
        let mode = if self.required { "required" } else { "optional" };
        let mut out = String::from("version = 1\n[purposes]\nalpha = \"a\"\nbeta = \"b\"\ngamma = \"c\"\n");
        writeln!(out, "[roles.crm]\nabout = \"x\"\npurpose = {mode:?}\npurposes = [\"alpha\", \"beta\", \"gamma\"]")
            .unwrap();
        self.allow.iter().for_each(|rule| rule.write("allow", &mut out));
        self.deny.iter().for_each(|rule| rule.write("deny", &mut out));
        out
    }

    /// The words of each field, if the act is allowed. `purpose` may be empty for none.
    fn expected(&self, action: Action, compartment: &str, purpose: &str) -> Option<Vec<&'static str>> {
        if self.required && purpose.is_empty() {
            return None;
        }
        let covering = |rules: &[Rule]| -> Vec<Rule> {
            rules.iter().filter(|rule| rule.covers(action, compartment, purpose)).cloned().collect()
        };
        let allowing = covering(&self.allow);
        let specific = allowing.iter().find(|rule| rule.compartments.contains(&compartment));
        let rule = specific.or(allowing.first())?;
        let denying = covering(&self.deny);
        if denying.iter().any(|rule| rule.denied.is_empty()) {
            return None;
        }
        let word = |field: &&'static str| {
            let denied = denying.iter().any(|rule| rule.denied.contains(field));
            if denied || !action.shows_fields() { "hidden" } else { rule.word(field) }
        };
        Some(FIELDS.iter().map(word).collect())
    }
}

fn model() -> impl Strategy<Value = Model> {
    let allowed = subsequence(ACTIONS.to_vec(), 1..=3);
    let denied = prop_oneof![
        Just(vec![Action::RecordRead]),
        Just(vec![Action::MemberExport]),
        Just(vec![Action::RecordRead, Action::MemberExport])
    ];
    let rules = (proptest::collection::vec(rule(allowed), 1..4), proptest::collection::vec(rule(denied), 0..3));
    (any::<bool>(), rules).prop_map(|(required, (allow, deny))| Model { required, allow, deny })
}

/// What the compiled policy says, in the words of the model.
fn answered(policy: &Policy, action: Action, compartment: &str, purpose: &str) -> Result<Vec<&'static str>, Denial> {
    let ask = Ask::new(Role::Crm, action, compartment, purpose);
    let permit = decide(policy, &ask.request(), &Facts::NONE)?;
    let view = permit.view(ask.compartment.as_ref().unwrap()).unwrap();
    Ok(FIELDS.iter().map(|field| view.treatment(field).as_str()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_tables_say_what_the_rules_say(model in model()) {
        // Overlaps and purposeless pseudonyms are refused; what remains must agree in every case.
        let Ok(policy) = Policy::parse(&model.text()) else { return Ok(()) };
        for action in ACTIONS {
            for compartment in COMPARTMENTS {
                for purpose in ["", "alpha", "beta", "gamma"] {
                    let expected = model.expected(action, compartment, purpose);
                    let answered = answered(&policy, action, compartment, purpose);
                    prop_assert_eq!(answered.ok(), expected, "{} {} {:?}", action, compartment, purpose);
                }
            }
        }
    }

    #[test]
    fn nothing_is_clear_that_no_rule_shows_clear(model in model(), field in "[a-z]{1,8}|\\PC{1,6}") {
        let Ok(policy) = Policy::parse(&model.text()) else { return Ok(()) };
        let may_be_clear = model.allow.iter().any(|rule| rule.word(&field) == "clear");
        for (compartment, purpose) in [("core", "alpha"), ("health", "beta"), ("orders", "")] {
            let ask = Ask::new(Role::Crm, Action::RecordRead, compartment, purpose);
            let Ok(permit) = decide(&policy, &ask.request(), &Facts::NONE) else { continue };
            let treatment = permit.view(ask.compartment.as_ref().unwrap()).unwrap().treatment(&field);
            prop_assert!(treatment != Treatment::Clear || may_be_clear);
        }
    }
}
