//! Policy files that are refused or remarked on, and what their author is told.

use std::fmt::Write;

use super::super::Policy;
use crate::code::{Code, Coded};

/// A policy with one good role; each case adds lines or replaces some.
const HEAD: &str = r#"version = 1
[purposes]
support = "Answering a member"
[masks]
email = "email"
[roles.support]
about = "A clerk"
purpose = "required"
purposes = ["support"]
"#;

const REFUSED: &[(&str, &str)] = &[
    ("not TOML", "version = 1\n[roles.crm\n"),
    ("no version", "[purposes]\n"),
    ("another version", "version = 2\n"),
    ("an unknown table", "version = 1\n[role.crm]\n"),
    ("an unknown key in a rule", "+[[roles.support.allow]]\nactions = [\"member.list\"]\ncompartment = [\"core\"]\n"),
    ("a role without a description", "version = 1\n[roles.ops]\npurpose = \"none\"\n"),
    ("a role with an empty description", "version = 1\n[roles.ops]\nabout = \" \"\npurpose = \"none\"\n"),
    ("a role that is not one of the eight", "+[roles.boss]\nabout = \"x\"\npurpose = \"none\"\n"),
    ("a role twice", "+[roles.support]\nabout = \"x\"\npurpose = \"none\"\n"),
    ("an unknown purpose mode", "version = 1\n[roles.ops]\nabout = \"x\"\npurpose = \"sometimes\"\n"),
    (
        "purposes for a role that states none",
        "+[roles.ops]\nabout = \"x\"\npurpose = \"none\"\npurposes = [\"support\"]\n",
    ),
    ("no purposes for a role that must state one", "+[roles.analyst]\nabout = \"x\"\npurpose = \"required\"\n"),
    (
        "a purpose of a role that is not declared",
        "+[roles.analyst]\nabout = \"x\"\npurpose = \"required\"\npurposes = [\"analytics\"]\n",
    ),
    ("a purpose that cannot be a name", "version = 1\n[purposes]\n\"Direct mail\" = \"x\"\n"),
    ("a purpose without a meaning", "version = 1\n[purposes]\nmail = \"\"\n"),
    (
        "a purpose of a rule that its role may not state",
        "+[[roles.support.allow]]\nactions = [\"member.list\"]\npurposes = [\"sales\"]\n",
    ),
    ("an unknown action", "+[[roles.support.allow]]\nactions = [\"record.raed\"]\n"),
    ("all actions at once", "+[[roles.support.allow]]\nactions = [\"*\"]\n"),
    ("no action", "+[[roles.support.allow]]\nactions = []\n"),
    ("an action twice", "+[[roles.support.allow]]\nactions = [\"member.list\", \"member.list\"]\n"),
    ("an unknown mask", "version = 1\n[masks]\nemail = \"stars\"\n"),
    ("a mask of a field that cannot be named", "version = 1\n[masks]\n\"E-Mail\" = \"email\"\n"),
    (
        "an unknown treatment",
        "+[[roles.support.allow]]\nactions = [\"record.read\"]\ncompartments = [\"core\"]\nfields.email = \"plain\"\n",
    ),
    (
        "a compartment that cannot be a name",
        "+[[roles.support.allow]]\nactions = [\"record.list\"]\ncompartments = [\"Core\"]\n",
    ),
    (
        "all compartments and one",
        "+[[roles.support.allow]]\nactions = [\"record.list\"]\ncompartments = [\"*\", \"core\"]\n",
    ),
    ("records without compartments", "+[[roles.support.allow]]\nactions = [\"record.list\"]\n"),
    (
        "compartments without records",
        "+[[roles.support.allow]]\nactions = [\"member.list\"]\ncompartments = [\"core\"]\n",
    ),
    ("reading without fields", "+[[roles.support.allow]]\nactions = [\"record.read\"]\ncompartments = [\"core\"]\n"),
    (
        "fields without reading",
        "+[[roles.support.allow]]\nactions = [\"record.list\"]\ncompartments = [\"core\"]\nfields.\"*\" = \"clear\"\n",
    ),
    (
        "denied fields of an action that shows none",
        "+[[roles.support.deny]]\nactions = [\"record.list\"]\ncompartments = [\"core\"]\nfields = [\"email\"]\n",
    ),
    (
        "two rules for the same records",
        "+[[roles.support.allow]]\nactions = [\"record.read\"]\ncompartments = [\"core\"]\nfields.email = \"clear\"\n\
         [[roles.support.allow]]\nactions = [\"record.read\"]\ncompartments = [\"core\", \"orders\"]\nfields.name = \"clear\"\n",
    ),
    (
        "a pseudonym without a purpose",
        "+[roles.crm]\nabout = \"x\"\npurpose = \"optional\"\npurposes = [\"*\"]\n[[roles.crm.allow]]\n\
         actions = [\"record.read\"]\ncompartments = [\"*\"]\nfields.email = \"pseudonym\"\n",
    ),
    (
        "one role that uses data and gives out tokens",
        "+[roles.admin]\nabout = \"x\"\npurpose = \"none\"\n[[roles.admin.allow]]\nactions = [\"token.create\"]\n\
         [[roles.admin.allow]]\nactions = [\"member.list\"]\n",
    ),
    (
        "a member that lists members",
        "+[roles.member]\nabout = \"x\"\npurpose = \"none\"\n[[roles.member.allow]]\nactions = [\"member.list\"]\n",
    ),
    (
        "a member that releases its own hold",
        "+[roles.member]\nabout = \"x\"\npurpose = \"none\"\n[[roles.member.allow]]\nactions = [\"hold.release\"]\n",
    ),
];

const REMARKED: &[(&str, &str)] = &[
    ("a purpose nobody states", "version = 1\n[purposes]\nsales = \"x\"\n"),
    (
        "a rule that another one makes a dead letter",
        "+[[roles.support.allow]]\nactions = [\"record.list\"]\ncompartments = [\"core\"]\n\
         [[roles.support.deny]]\nactions = [\"record.list\"]\ncompartments = [\"*\"]\n",
    ),
    (
        "a denial of what nobody allowed",
        "+[[roles.support.deny]]\nactions = [\"member.export\"]\ncompartments = [\"*\"]\n",
    ),
    (
        "everything, everywhere",
        "+[[roles.support.allow]]\nactions = [\"record.read\"]\ncompartments = [\"*\"]\nfields.\"*\" = \"clear\"\n",
    ),
    (
        "writing what is not seen",
        "+[[roles.support.allow]]\nactions = [\"record.read\", \"record.write\"]\ncompartments = [\"core\"]\nfields.email = \"masked\"\n",
    ),
    (
        "data for those who are to work without",
        "+[roles.ops]\nabout = \"x\"\npurpose = \"none\"\n[[roles.ops.allow]]\nactions = [\"member.list\"]\n",
    ),
];

/// A text that begins with `+` is added to [`HEAD`].
fn whole(text: &str) -> String {
    text.strip_prefix('+').map_or_else(|| text.to_owned(), |rest| format!("{HEAD}{rest}"))
}

#[test]
fn a_refusal_says_where_what_and_what_to_do() {
    let mut report = String::new();
    for (case, text) in REFUSED {
        let text = whole(text);
        let error = Policy::parse(&text).err().unwrap_or_else(|| panic!("accepted: {case}"));
        assert_eq!(error.code(), Code::InvalidPolicy);
        let quoted = text.lines().nth(error.line() - 1).unwrap_or_default();
        writeln!(report, "{case}\n  | {quoted}\n  {error}").unwrap();
    }
    insta::assert_snapshot!(report);
}

#[test]
fn a_remark_says_where_and_what_is_odd() {
    let mut report = String::new();
    for (case, text) in REMARKED {
        let text = whole(text);
        let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{case}: {error}"));
        writeln!(report, "{case}").unwrap();
        // That the other roles have no rules is remarked on in every one of these short policies.
        for lint in policy.lints().iter().filter(|lint| !lint.text.contains("has no rules")) {
            writeln!(report, "  | {}\n  line {}: {}", text.lines().nth(lint.line - 1).unwrap(), lint.line, lint.text)
                .unwrap();
        }
    }
    insta::assert_snapshot!(report);
}

#[test]
fn limits_are_held() {
    let purposes: String = (0..65).map(|i| format!("p{i} = \"x\"\n")).collect();
    let rules = "[[roles.support.allow]]\nactions = [\"member.list\"]\n".repeat(65);
    let names: Vec<String> = (0..129).map(|i| format!("c{i}")).collect();
    for (case, text) in [
        ("a long file", format!("version = 1\n{}", "# \n".repeat(100_000))),
        ("many purposes", format!("version = 1\n[purposes]\n{purposes}")),
        ("many rules", format!("{HEAD}{rules}")),
        (
            "a long list",
            format!("{HEAD}[[roles.support.allow]]\nactions = [\"record.list\"]\ncompartments = {names:?}\n"),
        ),
    ] {
        assert!(Policy::parse(&text).is_err(), "{case}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", at in 0..6000_usize) {
        let _ = Policy::parse(&text);
        let mut changed = Policy::default_text().to_owned();
        if changed.is_char_boundary(at) {
            changed.insert_str(at, &text);
            let _ = Policy::parse(&changed);
        }
    }
}
