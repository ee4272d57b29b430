//! Importing files: what is taken, what is rejected, and that neither leaves a trace of anybody.

use insta::assert_snapshot;

use super::desk::Desk;

const HEADER: &str = "external_id,email,phone,name,preferences,consent_newsletter,consent_analytics\n";

fn file(rows: &[&str]) -> String {
    HEADER.to_owned() + &rows.join("\n") + "\n"
}

const ADA: &str = r#"CRM-1,ada@example.org,+4915112345678,Ada Canary,"{""topics"":[""books""]}",yes,no"#;
const BO: &str = "CRM-2,bo@example.org,,Bo Canary,,no,no";
const CY: &str = "CRM-3,,+4915112345679,Cy Canary,{},,";

#[test]
fn a_file_is_imported_once_however_often_it_is_run() {
    let desk = Desk::with_vault();
    desk.write("members.csv", file(&[ADA, BO, CY]));
    let quiet = ["--quiet", "import", "members.csv"];
    assert_snapshot!(desk.run(&["import", "members.csv", "--dry-run"]).shown(), @"
    out: 3 rows: 3 acceptable, 0 rejected; nothing was changed
    exit 0
    ");
    assert_snapshot!(desk.run(&quiet).shown(), @"
    out: 3 rows: 3 created, 0 updated, 0 there already, 0 rejected
    exit 0
    ");
    assert_snapshot!(desk.run(&quiet).shown(), @"
    out: 3 rows: 0 created, 0 updated, 3 there already, 0 rejected
    exit 0
    ");
    desk.write("members.csv", file(&[&ADA.replace("Ada", "Eve"), BO, "CRM-4,dee@example.org,,Dee,,,"]));
    assert_snapshot!(desk.run(&[&quiet[..], &["--on-existing", "update"]].concat()).shown(), @"
    out: 3 rows: 1 created, 2 updated, 0 there already, 0 rejected
    exit 0
    ");
    let id = desk.run_with_input(&["member", "find", "email"], "ADA@example.org\n");
    assert_eq!(id.out, "[ID]\n");
    assert_snapshot!(desk.run(&["doctor", "--quiet"]).shown(), @"
    out: 259  nodes of the key tree
    out: 4    members
    out: 4    records
    out: 9    index entries
    out: 0    index entries of erased members, void until the next seal
    out: 0    erasures
    out: 0    findings
    exit 0
    ");
}

#[test]
fn columns_and_json_lines_become_the_same_profile() {
    let desk = Desk::with_vault();
    desk.write("a.txt", "\u{feff}Kundennr;E-Mail;opt in;Notes\r\n7;ada@example.org;ja;x\r\n8;bo@example.org;no;y\r\n");
    let rules = ["--map", "Kundennr=external_id", "--map", "E-Mail=email", "--map", "opt in=consents.mail:yesno"];
    let csv = ["import", "a.txt", "--format", "csv", "--delimiter", ";", "--map", "Notes=-", "--quiet"];
    assert_snapshot!(desk.run(&[&csv[..], &rules].concat()).shown(), @"
    out: 2 rows: 1 created, 0 updated, 0 there already, 1 rejected
    exit 7
    ");
    let line =
        r#"{"external_id":"9","email":"cy@example.org","consent_mail":true,"preferences":{"a":[1]},"city":null}"#;
    let stdin = desk.run_with_input(&["import", "-", "--format", "jsonl", "--quiet"], line);
    assert_snapshot!(stdin.shown(), @"
    out: 1 rows: 1 created, 0 updated, 0 there already, 0 rejected
    exit 0
    ");
    let exported = desk.run(&["export", "--output", "all.jsonl"]);
    assert_snapshot!(exported.shown(), @"
    err: 2 members written to all.jsonl, not encrypted
    exit 0
    ");
    assert_eq!(desk.mode("all.jsonl"), 0o600);
    let mut profiles: Vec<_> = desk.read("all.jsonl").lines().map(profile_of).collect();
    profiles.sort();
    assert_snapshot!(profiles.join("\n"), @r#"
    {"external_id":"8","email":"bo@example.org","consents":{"mail":false}}
    {"external_id":"9","email":"cy@example.org","consents":{"mail":true},"preferences":{"a":[1]}}
    "#);
    assert_snapshot!(desk.run(&["export", "--output", "all.jsonl"]).shown(), @"
    err: membervault: the export cannot be written: all.jsonl: File exists (os error 17) [io]
    exit 1
    ");
}

fn profile_of(line: &str) -> String {
    let export: serde_json::Value = serde_json::from_str(line).unwrap();
    export["records"][0]["data"].to_string()
}

#[test]
fn rejected_rows_are_named_by_line_and_reason_and_leave_no_trace() {
    let desk = Desk::with_vault();
    let rows = [
        ADA,
        "CRM-5,canary-at-nowhere,,Canary,,,",
        "CRM-6,,12,Canary,,,",
        "CRM-7,ada@example.org,,Canary,,,",
        "CRM-8,canary@example.org,,Canary,{canary,,",
        "CRM-9,canary@example.org,,Canary,,perhaps-canary,",
        ",canary@example.org,,Canary,,,",
        "CRM-10,canary",
        BO,
    ];
    desk.write("members.csv", file(&rows));
    let import = ["import", "members.csv", "--rejects", "rejects.csv"];
    let dry = desk.run(&[&import[..], &["--dry-run"]].concat());
    assert_snapshot!(dry.shown(), @"
    out: 9 rows: 3 acceptable, 6 rejected; nothing was changed
    err:        1 invalid_identifier in email (line 3)
    err:        1 invalid_identifier in phone (line 4)
    err:        1 no_external_id in external_id (line 8)
    err:        1 not_json in preferences (line 6)
    err:        1 not_yes_or_no in consents.newsletter (line 7)
    err:        1 wrong_column_count (line 9)
    exit 7
    ");
    let run = desk.run(&import);
    assert_eq!(run.code, 7);
    assert_snapshot!(run.out, @"9 rows: 2 created, 0 updated, 0 there already, 7 rejected");
    assert_snapshot!(desk.read("rejects.csv"), @"
    line,field,reason
    3,email,invalid_identifier
    4,phone,invalid_identifier
    5,email,identifier_taken
    6,preferences,not_json
    7,consents.newsletter,not_yes_or_no
    8,external_id,no_external_id
    9,,wrong_column_count
    ");
    for text in [&dry.out, &dry.err, &run.out, &run.err, &desk.read("rejects.csv")] {
        assert!(!text.to_lowercase().contains("canary") && !text.contains("ada"), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_begun_is_refused_by_column_number() {
    let desk = Desk::new();
    let refused = |name: &str, content: &str| {
        desk.write(name, content);
        desk.run(&["import", name, "--dry-run"]).shown()
    };
    assert_snapshot!(refused("a.csv", "CRM-1,ada@example.org,Ada\n"), @"
    err: membervault: the header's column 1 is not a field name: a.csv: see that the first line is a header and --delimiter is right, then name the field with --map COLUMN=FIELD or leave it out with --map COLUMN=- [invalid_request]
    exit 2
    ");
    assert_snapshot!(refused("a.csv", "name,city\nAda,Paris\n"), @"
    err: membervault: no column of the header becomes external_id, so a second run could not tell what is there: name it with --map COLUMN=external_id, or say --without-external-id [invalid_request]
    exit 2
    ");
    assert_snapshot!(refused("a.csv", ""), @"
    err: membervault: the file has no header line: a.csv: begin the file with a line of column names [invalid_request]
    exit 2
    ");
    assert_snapshot!(refused("a.xlsx", ""), @"
    err: membervault: the form of the file cannot be told from its name: a.xlsx: give --format csv or --format jsonl [invalid_request]
    exit 2
    ");
    assert_snapshot!(desk.run(&["import", "absent.csv"]).shown(), @"
    err: membervault: the file of members cannot be read: absent.csv: No such file or directory (os error 2) [io]
    exit 1
    ");
    assert_snapshot!(desk.run(&["import", "a.csv", "--map", "a"]).shown(), @"
    err: error: invalid value 'a' for '--map <COLUMN=FIELD>': expected COLUMN=FIELD, COLUMN=FIELD:KIND or COLUMN=-, where KIND is text, yesno, json or number
    err:
    err: For more information, try '--help'.
    exit 2
    ");
}
