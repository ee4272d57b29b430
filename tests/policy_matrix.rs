//! The whole of the default policy, cell by cell, in two files a person from legal can read:
//!
//! * `tests/golden/policy_matrix.txt`: role x action x compartment x purpose x state of the member -> allowed or why not;
//! * `tests/golden/policy_fields.txt`: how each field of a profile is shown to each role, with an example.
//!
//! A change of the policy shows as a change of these files. If it is meant: `BLESS=1 cargo test --test policy_matrix`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a test")]

use std::fmt::Write;
use std::path::Path;

use membervault::clock::Timestamp;
use membervault::code::Coded;
use membervault::policy::{
    Action, Denial, Facts, MemberState, Permit, Policy, Request, Scales, Screen, Treatment, View, decide,
};
use membervault::schema::DataMap;
use membervault::types::standing::Consent;
use membervault::types::{Actor, Compartment, MemberId, Purpose, RecordMeta, RecordName, Role, Standing, TokenId};
use serde_json::{Map, Value, json};

/// One of each class: the profile's, one the default policy names, and one nobody named.
const COMPARTMENTS: [&str; 3] = ["core", "marketing", "orders"];

/// The states a request can meet. The last asks about a member that is not the token's own.
const STATES: [(&str, Facts); 6] = [
    ("live", Facts::NONE),
    ("held", Facts { held: true, ..Facts::NONE }),
    ("part erased", Facts { compartment_erased: true, ..Facts::NONE }),
    ("erased", Facts { member: MemberState::Erased, ..Facts::NONE }),
    ("absent", Facts { member: MemberState::Absent, ..Facts::NONE }),
    ("another's", Facts::NONE),
];

const HEADING: &str = "\
The default policy, decided: role, action, compartment, purpose, and the state of the member.

\"orders\" stands for every compartment the policy does not name. \"part erased\" means the compartment asked for.
\"another's\" is a member that a token of role member is not for. A purpose that is not declared is refused as
purpose_unknown wherever the action is not forbidden. An answer without a state is the same in all of them.
";

fn somebody() -> MemberId {
    MemberId::from_random([1; 16])
}

fn somebody_else() -> MemberId {
    MemberId::from_random([2; 16])
}

fn compartment(name: &str) -> Compartment {
    name.parse().unwrap()
}

/// What a request can say of compartments: one of each class, or nothing where the action takes none.
fn places(action: Action) -> Vec<Option<Compartment>> {
    if action.takes_compartment() { COMPARTMENTS.map(|name| Some(compartment(name))).to_vec() } else { vec![None] }
}

/// The purposes a request can state: none, and each declared one.
fn purposes(policy: &Policy) -> Vec<Option<Purpose>> {
    let declared = policy.purposes().map(|(purpose, _)| Some(purpose.clone()));
    [None].into_iter().chain(declared).collect()
}

fn purpose_name(purpose: Option<&Purpose>) -> &str {
    purpose.map_or("none", Purpose::as_str)
}

fn ask(
    policy: &Policy,
    role: Role,
    action: Action,
    compartment: Option<&Compartment>,
    purpose: Option<&Purpose>,
    state: (&str, Facts),
) -> Result<Permit, Denial> {
    let own = if state.0 == "another's" { somebody_else() } else { somebody() };
    let member = (role == Role::Member).then_some(own);
    let actor = Actor { token: TokenId::from_bytes([1; 8]), member, ..Actor::local(role) };
    let member = somebody();
    decide(policy, &Request { actor: &actor, action, purpose, member: Some(&member), compartment }, &state.1)
}

/// How a view shows the fields of a profile, in few words.
fn summary(view: &View) -> String {
    if view.is_all_clear() {
        return "all clear".to_owned();
    }
    let fields = specimen();
    let count = |word: &str| fields.keys().filter(|field| view.treatment(field).as_str() == word).count();
    let counts = ["clear", "masked", "pseudonym", "hidden"].map(|word| (count(word), word));
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    counts.collect::<Vec<_>>().join(" ")
}

/// The answer in words: the denial's code, or what the permit reaches and shows.
fn cell(action: Action, place: Option<&Compartment>, answer: &Result<Permit, Denial>) -> String {
    let permit = match answer {
        Err(denial) => return denial.code().as_str().to_owned(),
        Ok(permit) => permit,
    };
    let reached = COMPARTMENTS.iter().filter_map(|name| Some((name, permit.view(&compartment(name))?)));
    let shows = action.shows_fields();
    match place {
        Some(place) if shows => format!("allow ({})", summary(permit.view(place).unwrap())),
        None if action.spans_compartments() => {
            let reached = reached
                .map(|(name, view)| if shows { format!("{name} {}", summary(view)) } else { (*name).to_owned() });
            format!("allow ({})", reached.collect::<Vec<_>>().join(", "))
        }
        _ => "allow".to_owned(),
    }
}

/// The answers in every state, joined where they are the same.
fn answers(
    policy: &Policy,
    role: Role,
    action: Action,
    place: Option<&Compartment>,
    purpose: Option<&Purpose>,
) -> String {
    let mut joined: Vec<(String, Vec<&str>)> = Vec::new();
    for state in STATES.into_iter().filter(|(name, _)| role == Role::Member || *name != "another's") {
        let answer = cell(action, place, &ask(policy, role, action, place, purpose, state));
        match joined.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, states)) => states.push(state.0),
            None => joined.push((answer, vec![state.0])),
        }
    }
    match joined.as_slice() {
        [(answer, _)] => answer.clone(),
        _ => joined
            .iter()
            .map(|(answer, states)| format!("{}: {answer}", states.join(", ")))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// Joins the keys that have the same value, in the order of their first.
fn joined<V: PartialEq>(entries: impl IntoIterator<Item = (String, V)>) -> Vec<(String, V)> {
    let mut groups: Vec<(String, V)> = Vec::new();
    for (key, value) in entries {
        match groups.iter_mut().find(|(_, known)| *known == value) {
            Some((keys, _)) => *keys = format!("{keys}, {key}"),
            None => groups.push((key, value)),
        }
    }
    groups
}

/// The lines of one action: (compartments, (purposes, answers)).
fn block(policy: &Policy, role: Role, action: Action) -> Vec<(String, Vec<(String, String)>)> {
    let of_place = |place: Option<Compartment>| {
        let purposes = purposes(policy);
        let lines = purposes.iter().map(|purpose| {
            let answers = answers(policy, role, action, place.as_ref(), purpose.as_ref());
            (purpose_name(purpose.as_ref()).to_owned(), answers)
        });
        (place.as_ref().map_or(String::new(), ToString::to_string), joined(lines))
    };
    joined(places(action).into_iter().map(of_place))
}

fn matrix(policy: &Policy) -> String {
    let mut out = String::from(HEADING);
    for role in Role::ALL {
        writeln!(out, "\n== {role}").unwrap();
        let mut forbidden = Vec::new();
        for action in Action::ALL.iter().copied() {
            let block = block(policy, role, action);
            let is_forbidden = |lines: &[(String, String)]| lines.iter().all(|(_, answer)| answer == "forbidden");
            if block.iter().all(|(_, lines)| is_forbidden(lines)) {
                forbidden.push(action.as_str());
                continue;
            }
            for (places, lines) in block {
                let places = if places.is_empty() { places } else { format!(" in {places}") };
                writeln!(out, "\n{role} {action}{places}").unwrap();
                match is_forbidden(&lines) {
                    true => writeln!(out, "    forbidden").unwrap(),
                    false => lines.iter().for_each(|(purposes, answers)| {
                        writeln!(out, "    for {purposes}\n        {answers}").unwrap();
                    }),
                }
            }
        }
        writeln!(out, "\n{role} may not\n    {}", forbidden.join(", ")).unwrap();
    }
    out
}

/// A profile as the CRM sends it.
fn specimen() -> Map<String, Value> {
    let profile = json!({
        "external_id": "CRM-100000",
        "email": "comptonrickey0@example.org",
        "phone": "+201024591510",
        "name": "Pamela Fleming",
        "birth_date": "1985-01-09",
        "locale": "ar_EG",
        "address": "69360 Joshua Vista",
        "city": "Port Derrick",
        "postal_code": "81461",
        "country": "EG",
        "loyalty_tier": "gold",
        "joined_at": "2023-11-24T03:26:42.121770Z",
        "preferences": {"channels": ["push"]},
        "consents": {"newsletter": true},
        "anything_else": "?",
    });
    profile.as_object().unwrap().clone()
}

/// A member who agreed to everything, explicitly.
fn agreeing() -> Standing {
    let mut standing = Standing::default();
    for purpose in DataMap::default_map().purposes() {
        assert!(standing.set_consent(&purpose.name, Some(Consent { explicit: true, until: None })));
    }
    standing
}

fn fields(policy: &Policy) -> String {
    let mut out = String::from(
        "How each field of a profile (core/profile) is shown, with an example: to whom a member agreed to everything; and \
         what is\nsaid of a member who agreed to nothing.\n",
    );
    let (map, agreeing, silent) = (DataMap::default_map(), agreeing(), Standing::default());
    let core: Compartment = "core".parse().unwrap();
    for role in Role::ALL {
        let read = |purpose: &Option<Purpose>| {
            let permit = ask(policy, role, Action::RecordRead, Some(&core), purpose.as_ref(), STATES[0]).ok()?;
            let scales = |standing| Scales {
                map: &map,
                standing,
                purpose: purpose.as_ref(),
                recipient: None,
                now: Timestamp::from_millis(0),
            };
            let refused = scales(&silent).admit(&permit).err().map_or("as above", |denial| denial.code().as_str());
            scales(&agreeing).admit(&permit).unwrap();
            let screen = scales(&agreeing).screen(&permit, &core, &RecordName::profile(), &RecordMeta::default());
            let table = shown(permit.view(&core).unwrap(), &screen);
            Some((purpose_name(purpose.as_ref()).to_owned(), format!("{table}who agreed to nothing: {refused}\n")))
        };
        let tables = joined(purposes(policy).iter().filter_map(read));
        if tables.is_empty() {
            writeln!(out, "\n== {role}\nreads no profiles").unwrap();
        }
        for (purposes, table) in tables {
            write!(out, "\n== {role}, for {purposes}\n{table}").unwrap();
        }
    }
    out
}

/// A line for each field of the specimen.
fn shown(view: &View, screen: &Screen<'_>) -> String {
    let projection = view.project(specimen(), None, screen, || [0x5a; 16]);
    let line = |field: &String| {
        let treatment = match view.treatment(field) {
            Treatment::Masked(mask) => format!("masked as {}", mask.as_str()),
            other => other.as_str().to_owned(),
        };
        let kept = view.treatment(field) != Treatment::Hidden;
        let treatment = screen.withholds(field).filter(|_| kept).map_or(treatment, |why| why.as_str().to_owned());
        let example = projection.object.get(field).map(Value::to_string).unwrap_or_default();
        format!("{field:<14} {treatment:<22} {example}").trim_end().to_owned() + "\n"
    };
    specimen().keys().map(line).collect()
}

fn compare(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != actual {
        let diff = difference(&expected, actual);
        panic!(
            "the policy decides otherwise than tests/golden/{name} says; if that is meant, run\n\
                BLESS=1 cargo test --test policy_matrix\n{diff}"
        );
    }
}

/// Lines that came and went, each with the heading it stands under.
fn difference(expected: &str, actual: &str) -> String {
    let headed = |text: &str| {
        let mut heading = String::new();
        let mut lines = Vec::new();
        for line in text.lines() {
            match line.chars().next() {
                Some(first) if first != ' ' => heading = line.to_owned(),
                _ => {}
            }
            lines.push(format!("{heading} | {}", line.trim_start()));
        }
        lines
    };
    let (old, new) = (headed(expected), headed(actual));
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}\n"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}

#[test]
fn an_undeclared_purpose_is_unknown_wherever_the_action_is_not_forbidden() {
    let policy = Policy::parse(Policy::default_text()).unwrap();
    let undeclared: Purpose = "undeclared".parse().unwrap();
    for (role, action) in Role::ALL.into_iter().flat_map(|role| Action::ALL.iter().map(move |action| (role, *action))) {
        for (place, state) in places(action).iter().flat_map(|place| STATES.map(|state| (place, state))) {
            let stated = |purpose| ask(&policy, role, action, place.as_ref(), purpose, state).map(|_| ());
            let forbidden = stated(None) == Err(Denial::Forbidden);
            let expected = if forbidden { Denial::Forbidden } else { Denial::PurposeUnknown };
            assert_eq!(stated(Some(&undeclared)), Err(expected), "{role} {action}");
        }
    }
}

#[test]
fn the_matrix_is_as_agreed() {
    compare("policy_matrix.txt", &matrix(&Policy::parse(Policy::default_text()).unwrap()));
}

#[test]
fn the_fields_are_shown_as_agreed() {
    compare("policy_fields.txt", &fields(&Policy::parse(Policy::default_text()).unwrap()));
}
