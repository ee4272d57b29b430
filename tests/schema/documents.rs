//! What people are told: remarks, differences, the record of processing activities, and docs/SCHEMA.md.

use membervault::policy::{Mask, Policy};
use membervault::schema::{DataMap, FieldKind, LegalBasis, Report, Sensitivity, Start, diff, report};
use membervault::types::Purpose;
use serde_json::Value;

use super::support::{map, strict_map};

const PAGE: &str = include_str!("../../docs/SCHEMA.md");

fn policy() -> Policy {
    Policy::parse(Policy::default_text()).unwrap()
}

fn made(map: &DataMap) -> Report {
    report(map, |purpose: &Purpose| policy().roles_for(map, purpose).into_iter().map(|role| role.to_string()).collect())
}

#[test]
fn the_default_map_is_without_remarks() {
    let map = DataMap::default_map();
    assert_eq!(map.remarks(), []);
    assert_eq!(policy().remarks_on(&map), []);
    assert!(policy().fits(&map).is_ok());
}

#[track_caller]
fn remarked(replace: &[(&str, &str)], words: &str) {
    let map = map(replace);
    let mut remarks = map.remarks();
    remarks.extend(policy().remarks_on(&map));
    assert!(remarks.iter().any(|remark| remark.text.contains(words) && remark.line > 1), "{words}: {remarks:#?}");
}

#[test]
fn remarks_say_what_is_odd() {
    remarked(
        &[("broad      =", "about = \"x\"\n# broad ="), ("about      = \"Serving", "# \"Serving")],
        "the purpose service uses nearly every field of core/profile",
    );
    let sensitive = "purposes    = [\"service\"]\nmask        = \"text\"";
    remarked(
        &[(sensitive, "purposes = [\"service\", \"support\", \"newsletter\", \"analytics\"]")],
        "the field address of core/profile is sensitive and serves 4 purposes",
    );
    let sold =
        "\n[purposes.sale]\nabout = \"x\"\nbasis = \"consent\"\ndpv = \"dpv:SellProducts\"\n\n[purposes.service]";
    remarked(&[("\n[purposes.service]", sold)], "no field serves the purpose sale");
    remarked(&[("\n[purposes.service]", sold)], "the policy does not have the purpose sale: nobody can state it");
    remarked(
        &[(
            "about      = \"Choosing offers and content by what is known of the member\"\nbasis      = \"consent\"",
            "about = \"x\"\nbasis = \"legitimate_interest\"",
        )],
        "the purpose personalisation decides without a person on the basis legitimate_interest",
    );
    remarked(&[("automated  = true ", "despite_restriction = true ")], "rests on consent alone");
    remarked(
        &[("purposes    = [\"service\", \"support\", \"newsletter\"]", "purposes = [\"service\", \"support\"]")],
        "the policy lets marketing see the field email of core/profile for newsletter, which it does not serve",
    );
}

#[test]
fn a_field_nobody_may_see_is_unused() {
    let text = Policy::default_text().replacen(
        "fields.\"*\" = \"clear\"",
        "fields.\"*\" = \"clear\"\nfields.city = \"hidden\"",
        1,
    );
    let remarks = Policy::parse(&text).unwrap().remarks_on(&DataMap::default_map());
    assert!(
        remarks.iter().any(|remark| remark.text.contains("nobody may see the field city of core/profile")),
        "{remarks:#?}"
    );
}

/// The difference to the default map, a change a line.
fn changes(replace: &[(&str, &str)]) -> Vec<(String, &'static str)> {
    diff(&DataMap::default_map(), &map(replace)).into_iter().map(|change| (change.what, change.means)).collect()
}

#[track_caller]
fn changed(replace: &[(&str, &str)], what: &str, means: &str) {
    let found = changes(replace);
    assert!(found.iter().any(|(said, meant)| said.contains(what) && meant.contains(means)), "{what}: {found:#?}");
}

#[test]
fn a_difference_says_what_it_means_for_members() {
    assert_eq!(changes(&[]), []);
    assert_eq!(diff(&DataMap::default_map(), &strict_map()).len(), 1);
    changed(&[("strict = false", "strict = true")], "the map becomes strict", "can no longer be written");
    let of_email = "purposes    = [\"service\", \"support\", \"newsletter\"]\nmask";
    changed(
        &[(of_email, "purposes = [\"service\", \"support\", \"newsletter\", \"analytics\"]\nmask")],
        "the field email of core/profile serves analytics too",
        "members are to be asked",
    );
    changed(
        &[(of_email, "purposes = [\"service\", \"newsletter\"]\nmask")],
        "no longer serves support",
        "nothing is to be done",
    );
    changed(
        &[("retention   = \"P3Y\"", "retention = \"P4Y\"")],
        "the records core/profile, retention: P3Y becomes P4Y",
        "longer than members were told",
    );
    changed(
        &[("retention   = \"P3Y\"", "retention = \"P30D\"")],
        "retention: P3Y becomes P30D",
        "look at the retention plan",
    );
    changed(
        &[("start       = \"updated\"", "start = \"created\"")],
        "start of their retention: updated becomes created",
        "due at another time",
    );
    changed(
        &[("recipients = [\"mailer\"]", "recipients = [\"other\"]")],
        "the purpose newsletter, other may receive data",
        "GDPR Art. 28",
    );
    changed(
        &[("recipients = [\"mailer\"]", "recipients = []")],
        "mailer no longer receives data",
        "delete or give back",
    );
    changed(
        &[("basis      = \"contract\"", "basis = \"consent\"")],
        "the purpose service, legal basis: contract becomes consent",
        "asked",
    );
    changed(&[("automated  = true ", "automated = false ")], "it no longer decides without a person", "less");
    let city = "[records.fields.city]\nabout       = \"The place of the address\"\ntype        = \"text\"\nsensitivity = \"ordinary\"\npurposes    = [\"service\"]\nsource      = \"the member\"\ncorrectable = true\n";
    changed(&[(city, "")], "the field city of core/profile is no longer declared", "with a patch that sets it to null");
    changed(
        &[(city, &city.replace("ordinary", "sensitive"))],
        "sensitivity: ordinary becomes sensitive",
        "who may see it",
    );
    changed(
        &[(city, &city.replace("fields.city", "fields.town"))],
        "the field town of core/profile is new, for service",
        "members are to be told",
    );
    changed(
        &[(city, &city.replace("correctable = true", ""))],
        "who corrects it is said differently",
        "ask for a correction",
    );
    changed(&[(city, &city.replace("text", "list"))], "type: text becomes list", "old values stay as they are");
    changed(
        &[("name        = \"*\"", "name = \"offer-*\"")],
        "the records marketing/* are no longer declared",
        "erase the compartment",
    );
    changed(
        &[("name        = \"*\"", "name = \"offer-*\"")],
        "the records marketing/offer-* are new, with 3 fields",
        "told",
    );
}

#[test]
fn the_record_of_processing_activities_is_whole() {
    let map = DataMap::default_map();
    let report = made(&map);
    let page = report.markdown();
    let data: Value = serde_json::to_value(&report).unwrap();
    assert_eq!(data["@context"]["dpv"], "https://w3id.org/dpv#");
    assert_eq!(data["data_map_sha256"], data_encoding::HEXLOWER.encode(&map.digest()));
    for purpose in map.purposes() {
        let activity =
            data["activities"].as_array().unwrap().iter().find(|one| one["purpose"] == purpose.name.as_str()).unwrap();
        assert_eq!(activity["dpv"], purpose.dpv.as_str());
        assert!(page.contains(&format!("## {}\n", purpose.name)) && page.contains(&purpose.dpv));
        let used =
            map.record_types().flat_map(|record| record.fields()).filter(|field| field.serves(&purpose.name)).count();
        assert_eq!(activity["data"].as_array().unwrap().len(), used);
    }
    assert_eq!(data["activities"][1]["roles"], serde_json::json!(["crm", "marketing"]), "the newsletter");
    for record in map.record_types() {
        assert!(page.contains(&format!("| {} |", record.label())));
    }
    for chapter in [
        "Controller:",
        "Contact:",
        "Legal basis:",
        "Recipients: mailer",
        "## Security measures",
        "third countries",
        "P3Y",
    ] {
        assert!(page.contains(chapter), "{chapter}");
    }
}

#[test]
fn the_page_about_the_language_has_every_word() {
    let words = [
        FieldKind::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(),
        LegalBasis::ALL.iter().map(|word| word.as_str()).collect(),
        Sensitivity::ALL.iter().map(|word| word.as_str()).collect(),
        Start::ALL.iter().map(|word| word.as_str()).collect(),
        Mask::ALL.iter().map(|mask| mask.as_str()).collect(),
        vec![
            "version",
            "strict",
            "controller",
            "contact",
            "officer",
            "purposes",
            "about",
            "basis",
            "dpv",
            "automated",
            "shred_on_withdrawal",
            "despite_restriction",
            "recipients",
            "retention",
            "broad",
            "records",
            "compartment",
            "name",
            "start",
            "until_erased",
            "fields",
            "type",
            "sensitivity",
            "mask",
            "index",
            "source",
            "correctable",
        ],
    ];
    for word in words.into_iter().flatten() {
        let is_there = PAGE.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|one| one == word);
        assert!(is_there, "docs/SCHEMA.md does not have the word {word}");
    }
}

#[test]
fn the_example_of_the_page_is_a_data_map() {
    let example = PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    DataMap::parse(example).unwrap();
}
