//! What the command line tells of the use of members' data.

use serde_json::Value;

use super::desk::Desk;

const PEOPLE: &str = "{\"external_id\":\"1\",\"email\":\"ada@example.org\",\"name\":\"Ada\"}\n\
                      {\"external_id\":\"2\",\"email\":\"bob@example.org\",\"name\":\"Bob\"}\n";

/// A vault with two members, and their ids.
fn with_people() -> (Desk, Vec<String>) {
    let desk = Desk::with_vault();
    desk.write("people.jsonl", PEOPLE);
    assert_eq!(desk.run(&["import", "people.jsonl"]).code, 0);
    let report = json(&desk, &["breach", "report", "--since", "2020-01-01T00:00:00Z", "--token", "0000000000000000"]);
    let members = report["items"].as_array().unwrap().iter();
    let members = members.map(|item| item["member"].as_str().unwrap().to_owned()).collect();
    (desk, members)
}

fn json(desk: &Desk, arguments: &[&str]) -> Value {
    let mut command = desk.command(arguments);
    let output = command.arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_was_read_is_told_of_the_member_and_of_the_reader() {
    let (desk, members) = with_people();
    assert_eq!(members.len(), 2, "who imports touches everybody");
    let show = ["member", "show", &members[0], "--as", "support", "--purpose", "support"];
    assert_eq!(desk.run(&show).code, 0);
    let history = json(&desk, &["member", "history", &members[0]]);
    assert_eq!(history.as_array().unwrap().len(), 2);
    assert_eq!(history[1]["what"], "record.read");
    assert_eq!((&history[1]["role"], &history[1]["purpose"]), (&"support".into(), &"support".into()));
    assert_eq!(history[1]["masked"], serde_json::json!(["email", "name"]));
    let text = desk.run(&["member", "history", &members[0]]).out;
    assert!(text.contains("record.read") && text.contains("email (masked)"), "{text}");

    let report = json(&desk, &["breach", "report", "--since", "2020-01-01T00:00:00Z", "--role", "support"]);
    assert_eq!((&report["members"], &report["items"][0]["member"]), (&1.into(), &members[0].as_str().into()));
    assert!(!report.to_string().contains("example.org"), "ids, no data");
    let text = desk.run(&["breach", "report", "--since", "2020-01-01T00:00:00Z", "--role", "support"]).out;
    assert!(text.contains("members touched: 1 (1 accesses)"), "{text}");
    let nobody = desk.run(&["breach", "report", "--since", "2020-01-01T00:00:00Z"]);
    assert_eq!(nobody.code, 2);
}

#[test]
fn the_review_of_access_is_a_page_and_json() {
    let (desk, _) = with_people();
    let created = desk.run(&["token", "create", "--role", "crm", "--label", "shop", "--organisation", "Example Shop"]);
    assert_eq!(created.code, 0);
    assert_eq!(desk.run(&["token", "create", "--role", "support", "--label", "desk"]).code, 0);
    let report = json(&desk, &["audit", "report", "--fields", "--dormant-days", "30"]);
    assert_eq!(report["findings"], serde_json::json!({"no_organisation": 1}));
    let page = desk.run(&["audit", "report"]).out;
    assert!(page.starts_with("# Review of access") && page.contains("| Example Shop |"), "{page}");
}
