//! Single members and tokens, at the machine itself.

use insta::assert_snapshot;

use super::desk::Desk;

const ADA: &str =
    r#"{"external_id":"1","email":"ada@example.org","phone":"+4915112345678","name":"Ada","consent_mail":true}"#;

/// A vault with one member, and the member's id.
fn with_ada() -> (Desk, String) {
    let desk = Desk::with_vault();
    desk.write("ada.jsonl", ADA);
    assert_eq!(desk.run(&["import", "ada.jsonl"]).code, 0);
    let found = desk.command(&["member", "find", "email"]);
    let id = raw(&desk, found, "ada@example.org");
    (desk, id)
}

/// The answer as it is, ids and all.
fn raw(desk: &Desk, mut command: std::process::Command, input: &str) -> String {
    desk.write("input", input);
    let input = std::fs::File::open(desk.path("input")).unwrap();
    let output = command.stdin(input).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_member_is_found_shown_held_and_erased() {
    let (desk, id) = with_ada();
    assert_snapshot!(desk.run(&["member", "show", &id]).shown(), @r#"
    out: {
    out:   "external_id": "1",
    out:   "email": "ada@example.org",
    out:   "phone": "+4915112345678",
    out:   "name": "Ada",
    out:   "consents": {
    out:     "mail": true
    out:   }
    out: }
    exit 0
    "#);
    assert_snapshot!(desk.run(&["member", "show", &id, "--as", "support", "--purpose", "support"]).shown(), @r#"
    out: {
    out:   "external_id": "1",
    out:   "email": "a***@e***.org",
    out:   "phone": "***78",
    out:   "name": "A***",
    out:   "consents": {
    out:     "mail": true
    out:   }
    out: }
    exit 0
    "#);
    assert_snapshot!(desk.run(&["member", "show", &id, "--as", "ops"]).shown(), @"
    err: membervault: the role of this token may not do this [forbidden]
    exit 3
    ");
    assert_snapshot!(desk.run(&["member", "show", &id, "--record", "orders/1"]).shown(), @"
    err: membervault: there is no such thing, or this token may not know of it [not_found]
    exit 3
    ");
    assert_snapshot!(desk.run(&["member", "hold", &id, "--reason", "pending claim"]).shown(), @"
    out: [ID] is held since [TIME]
    exit 0
    ");
    assert_snapshot!(desk.run(&["member", "erase", &id]).shown(), @"
    err: membervault: an erasure is confirmed at a terminal, and there is none: add --yes if it is meant [invalid_request]
    exit 2
    ");
    assert_snapshot!(desk.run(&["member", "erase", &id, "--yes"]).shown(), @"
    err: membervault: a legal hold preserves the data of this member [legal_hold]
    exit 3
    ");
    assert_snapshot!(desk.run(&["member", "unhold", &id]).shown(), @"
    out: [ID] is held no more
    exit 0
    ");
    assert_eq!(desk.run(&["member", "erase", &id, "--yes"]).code, 0);
    assert_snapshot!(desk.run(&["member", "show", &id]).shown(), @"
    err: membervault: this was erased [gone]
    exit 3
    ");
    assert_snapshot!(desk.run_with_input(&["member", "find", "email"], "ada@example.org").shown(), @"
    err: membervault: there is no such thing, or this token may not know of it [not_found]
    exit 3
    ");
    assert_snapshot!(desk.run(&["--quiet", "doctor"]).shown(), @"
    out: 259  nodes of the key tree
    out: 0    members
    out: 0    records
    out: 0    index entries
    out: 3    index entries of erased members, void until the next seal
    out: 1    erasures
    out: 0    findings
    exit 0
    ");
}

#[test]
fn a_data_key_is_rotated() {
    let (desk, id) = with_ada();
    let shown = desk.run(&["member", "show", &id]).out;
    for _ in 0..2 {
        let rotated = desk.run(&["member", "rotate-key", &id, "core"]);
        assert_eq!(
            (rotated.code, rotated.out.trim()),
            (0, format!("{id}: 1 records of core are under a new data key").as_str())
        );
    }
    assert_eq!(desk.run(&["seal"]).code, 0);
    assert_eq!(desk.run(&["member", "show", &id]).out, shown);
    assert_snapshot!(desk.run(&["member", "rotate-key", &id, "orders"]).shown(), @"
    err: membervault: there is no such thing, or this token may not know of it [not_found]
    exit 3
    ");
}

#[test]
fn an_identifier_is_never_an_argument() {
    let desk = Desk::new();
    let run = desk.run(&["member", "find", "email", "ada@example.org"]);
    assert_snapshot!(run.shown(), @"
    err: membervault: an identifier is not taken as an argument, where others can see it: run the command without it and type it when asked, or give it on standard input [invalid_request]
    exit 2
    ");
    let (desk, _) = with_ada();
    assert_snapshot!(desk.run(&["member", "find", "phone"]).shown(), @"
    err: membervault: there is no identifier on standard input: give it as one line [invalid_request]
    exit 2
    ");
    assert_snapshot!(desk.run_with_input(&["member", "find", "email"], "not an address\n").shown(), @"
    err: membervault: email: an e-mail address has no spaces or control characters [invalid_identifier]
    exit 2
    ");
}

/// The table without its alignment: times have more or fewer digits.
fn listing(desk: &Desk) -> String {
    let table = desk.run(&["token", "list"]).out;
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_token_is_shown_once_listed_and_revoked() {
    let desk = Desk::with_vault();
    let token = raw(&desk, desk.command(&["token", "create", "--role", "crm", "--label", "shop", "--quiet"]), "");
    assert!(!token.contains(char::is_whitespace) && token.len() > 40, "{token}");
    let listed = raw(&desk, desk.command(&["token", "list", "--json"]), "");
    assert!(!listed.contains(&token));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let id = listed[0]["id"].as_str().unwrap();
    assert_snapshot!(listing(&desk), @"
    id role state until label
    [TOKEN-ID] crm valid [TIME] shop
    ");
    assert_snapshot!(desk.run(&["token", "revoke", id]).shown(), @"
    out: revoked [TOKEN-ID] (crm)
    exit 0
    ");
    assert_snapshot!(listing(&desk), @"
    id role state until label
    [TOKEN-ID] crm revoked [TIME] shop
    ");
    assert_snapshot!(desk.run(&["token", "create", "--role", "member"]).shown(), @"
    err: membervault: a token of role member names its member [invalid_request]
    exit 2
    ");
    assert_snapshot!(desk.run(&["token", "create", "--role", "king"]).shown(), @"
    err: error: invalid value 'king' for '--role <ROLE>': a role is one of crm, support, marketing, analyst, ops, compliance, member, admin
    err:
    err: For more information, try '--help'.
    exit 2
    ");
    assert_snapshot!(desk.run(&["token", "create", "--role", "crm", "--expires-in", "99999d"]).shown(), @"
    err: membervault: a token ends in the future, within two years [invalid_request]
    exit 2
    ");
    assert_snapshot!(desk.run(&["token", "revoke", "0123456789abcdef"]).shown(), @"
    err: membervault: there is no such thing, or this token may not know of it [not_found]
    exit 3
    ");
}
