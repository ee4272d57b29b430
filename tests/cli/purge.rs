//! A purge at the command line: what is in its way is named, and then it is done.

use std::fs;

use serde_json::{Value, json};

use super::desk::Desk;

fn json_of(desk: &Desk, arguments: &[&str]) -> Value {
    let output = desk.command(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_copy_in_the_data_directory_is_named_and_once_it_is_gone_the_erasure_is_purged() {
    let desk = Desk::with_vault();
    desk.write("ada.jsonl", r#"{"external_id":"1","email":"ada@example.org","name":"Ada"}"#);
    assert_eq!(desk.run(&["import", "ada.jsonl"]).code, 0);
    let (data, kept) = (desk.path("membervault-data"), desk.path("membervault-data/kept"));
    fs::create_dir(&kept).unwrap();
    for entry in fs::read_dir(&data).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), kept.join(entry.file_name())).unwrap();
    }
    desk.write("email", "ada@example.org");
    let email = fs::File::open(desk.path("email")).unwrap();
    let found = desk.command(&["member", "find", "email"]).stdin(email).output().unwrap();
    let member = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    assert_eq!(desk.run(&["member", "erase", &member, "--yes"]).code, 0);
    let nothing = json_of(&desk, &["purge", "--json"]);
    assert_eq!((&nothing["erasures"], &nothing["files"]), (&json!(0), &json!(0)), "nothing is sealed");
    assert_eq!(desk.run(&["seal"]).code, 0);

    let kept_back = desk.run(&["purge"]);
    assert_eq!(kept_back.code, 7, "{}{}", kept_back.out, kept_back.err);
    assert!(kept_back.out.contains("found in") && kept_back.out.contains("kept/"), "{}", kept_back.out);
    fs::remove_dir_all(kept).unwrap();
    let done = json_of(&desk, &["purge", "--json"]);
    assert_eq!((&done["purged"], &done["found"]), (&json!(1), &json!(0)), "{done}");
    assert_eq!(json_of(&desk, &["purge", "--json"])["erasures"], 0);
}
