//! Every mistake has a line and an advice.

use super::super::DataMap;
use super::{plain, record, small};
use crate::code::{Code, Coded};

#[track_caller]
fn refused(text: &str, line: usize, words: &str) {
    let error = DataMap::parse(text).map(drop).unwrap_err();
    assert_eq!(error.code(), Code::InvalidSchema);
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(error.line(), line, "{error}\n{text}");
}

/// A field of one record, line 21 of the map.
#[track_caller]
fn field_refused(field: &str, words: &str) {
    refused(&small(&record("core", "profile", &[field])), 21, words);
}

#[test]
fn a_field_without_a_purpose_cannot_be_declared() {
    let rest = "sensitivity = \"ordinary\", source = \"x\", about = \"x\"";
    field_refused(
        &format!("a = {{ type = \"text\", {rest} }}"),
        "the field a serves no purpose; name what it is needed for",
    );
    field_refused(&format!("a = {{ type = \"text\", purposes = [], {rest} }}"), "serves no purpose");
    field_refused(
        &format!("a = {{ type = \"text\", purposes = [\"fun\"], {rest} }}"),
        "the purpose \"fun\" is not declared",
    );
    field_refused(
        &format!("a = {{ type = \"text\", purposes = [\"service\", \"service\"], {rest} }}"),
        "\"service\" stands twice",
    );
}

#[test]
fn a_record_without_an_end_cannot_be_declared() {
    let without = record("core", "profile", &[&plain("a")]).replace("retention = \"P2Y\"\n", "");
    refused(&small(&without), 18, "nobody said how long core/profile is kept; write retention = \"P2Y\"");
    let both = record("core", "profile", &[&plain("a")]).replace("name =", "until_erased = \"x\"\nname =");
    refused(&small(&both), 18, "core/profile both ends by itself and does not");
    let blank = record("core", "profile", &[&plain("a")]).replace("retention = \"P2Y\"", "until_erased = \" \"");
    refused(&small(&blank), 20, "why core/profile is kept until it is erased is not said");
    let fun = record("core", "profile", &[&plain("a")]).replace("P2Y", "2 years");
    refused(&small(&fun), 20, "\"2 years\" is not a period; a period is written as");
}

#[test]
fn a_field_never_outlives_its_record() {
    let field = plain("a").replace("type =", "retention = \"P3Y\", type =");
    field_refused(&field, "the field a would be kept longer than its record; a field goes with its record");
    for shorter in ["P1Y", "P2Y"] {
        let field = plain("a").replace("type =", &format!("retention = \"{shorter}\", type ="));
        assert!(DataMap::parse(&small(&record("core", "profile", &[&field]))).is_ok());
    }
}

#[test]
fn a_special_category_needs_consent() {
    let special = |purposes: &str, basis: &str| {
        format!(
            "a = {{ type = \"text\", sensitivity = \"special\", purposes = [{purposes}]{basis}, source = \"x\", about = \"x\" }}"
        )
    };
    let parse = |field: &str| DataMap::parse(&small(&record("core", "profile", &[field]))).map(drop);
    assert!(parse(&special("\"health\"", "")).is_ok());
    assert!(parse(&special("\"service\"", ", basis = { service = \"consent\" }")).is_ok());
    let words = "the field a is of a special category, but serves service on the basis contract; \
                 write basis.service = \"consent\" (it must be explicit)";
    field_refused(&special("\"health\", \"service\"", ""), words);
    field_refused(
        &special("\"health\"", ", basis = { health = \"legitimate_interest\" }"),
        "on the basis legitimate_interest",
    );
    field_refused(
        &special("\"health\"", ", basis = { service = \"consent\" }"),
        "for service, which it does not serve",
    );
}

#[test]
fn unknown_words_are_refused_with_those_that_are_known() {
    let field = |from: &str, to: &str| plain("a").replace(from, to);
    field_refused(&field("\"text\"", "\"string\""), "there is no type \"string\"; use one of text, email, phone");
    field_refused(
        &field("ordinary", "secret"),
        "there is no sensitivity \"secret\"; use one of ordinary, sensitive, special",
    );
    field_refused(&field("type =", "colour = 1, type ="), "unknown field `colour`");
    field_refused(&field("type =", "index = \"email\", type ="), "the field a cannot be the identifier email");
    field_refused(&field("type =", "index = \"iban\", type ="), "there is no identifier \"iban\"");
    field_refused(&field("source = \"x\"", "source = \"\""), "where the field a comes from is not said");
    field_refused(&plain("\"E-Mail\""), "\"E-Mail\" cannot name a field");
    let valid = small(&record("core", "profile", &[&plain("a")]));
    let instead = |from: &str, to: &str| valid.replacen(from, to, 1);
    refused(&instead("version = 1", "version = 2"), 1, "write version = 1");
    refused(&instead("strict = true", "strict = 1"), 2, "expected a boolean");
    refused(
        &instead("\"contract\"", "\"because\""),
        8,
        "there is no legal basis \"because\"; use one of consent, contract",
    );
    refused(&instead("dpv:ServiceProvision", "dpv:Service"), 9, "perhaps dpv:Service");
    refused(&instead("\"Shop\"", "\"\""), 3, "the controller is not said");
    refused(&instead("\"core\"", "\"Core\""), 17, "\"Core\" cannot name a compartment");
    refused(&instead("\"profile\"", "\"-*\""), 18, "cannot name records");
    refused(
        &instead("about = \"x\"\nret", "about = \"x\"\nstart = \"used\"\nret"),
        20,
        "there is no start event \"used\"; use one of created, updated",
    );
    refused(
        &(valid.clone() + &record("core", "profile", &[&plain("b")])),
        25,
        "core/profile is declared at line 18 already",
    );
    refused(&"#".repeat(256 * 1024 + 1), 1, "longer than 256 KiB");
    refused(&small(&record("core", "profile", &[])), 18, "core/profile has no fields");
}
