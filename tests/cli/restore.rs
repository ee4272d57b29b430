//! Backups and restores as an operator does them: the binary, directories, and what is printed.

use std::fs;

use insta::assert_snapshot;

use super::desk::{Desk, Run};

const MEMBERS: usize = 12;

/// A vault with a mirror and members in it, backed up.
fn backed_up() -> (Desk, String) {
    let desk = Desk::with_vault();
    fs::create_dir(desk.path("mirror")).unwrap();
    let rows = (0..MEMBERS).map(|number| {
        format!("{{\"external_id\":\"x{number}\",\"email\":\"m{number}@example.org\",\"name\":\"member {number}\"}}\n")
    });
    desk.write("members.jsonl", rows.collect::<String>());
    assert_eq!(run(&desk, &["import", "members.jsonl"]).code, 0);
    assert_eq!(run(&desk, &["backup", "create", "--directory", "backups"]).code, 0);
    let mut ids = fs::read_dir(desk.path("backups")).unwrap().map(|entry| entry.unwrap().file_name());
    let id = ids.find(|name| name.len() == 36).unwrap().into_string().unwrap();
    (desk, format!("backups/{id}"))
}

/// With the mirror.
fn run(desk: &Desk, arguments: &[&str]) -> Run {
    let mut command = desk.command(arguments);
    command.env("MEMBERVAULT_MIRROR_DIRECTORIES", "mirror");
    desk.finish(command, "")
}

/// The id of a member, or why there is none.
fn find(desk: &Desk, data: &str, number: usize) -> Result<String, i32> {
    let mut command = desk.command(&["member", "find", "email", "--data", data]);
    desk.write("email", format!("m{number}@example.org"));
    let output = command.stdin(fs::File::open(desk.path("email")).unwrap()).output().unwrap();
    match output.status.code().unwrap() {
        0 => Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
        code => Err(code),
    }
}

fn erase(desk: &Desk, numbers: std::ops::Range<usize>) -> Vec<String> {
    let erased = numbers.map(|number| {
        let id = find(desk, "membervault-data", number).unwrap();
        let done = run(desk, &["member", "erase", &id, "--yes"]);
        assert_eq!(done.code, 0, "{}", done.err);
        id
    });
    erased.collect()
}

/// Those who were erased are gone, everybody else is shown.
fn check(desk: &Desk, data: &str, gone: &[String]) {
    let mut there = 0;
    for number in 0..MEMBERS {
        let Ok(id) = find(desk, data, number) else { continue };
        let shown = desk.run(&["member", "show", &id, "--data", data]);
        assert!(shown.code == 0 && shown.out.contains(&format!("member {number}")), "{}{}", shown.out, shown.err);
        there += 1;
    }
    assert_eq!(there, MEMBERS - gone.len());
    for id in gone {
        let refused = desk.run(&["member", "show", id, "--data", data]);
        assert!(refused.err.contains("[gone]"), "{}", refused.err);
    }
    assert_eq!(desk.run(&["doctor", "--data", data]).code, 0);
}

#[test]
fn a_backup_is_restored_without_those_who_were_erased() {
    let (desk, backup) = backed_up();
    let gone = erase(&desk, 0..4);
    assert_eq!(run(&desk, &["seal"]).code, 0);
    let restored = desk.run(&["restore", "--data", &backup, "--into", "restored"]);
    assert_snapshot!(restored.shown(), @r"
    out: 8  members
    out: 0  of them without a profile in the backup
    out: 8  records
    out: 4  records left out: erased since
    out: 0  index entries removed
    out: 0  index entries entered
    err: copying the backup, then its records; nothing is served until all is checked
    err: restored into restored: set `data` to it, then `membervault serve`
    exit 0
    ");
    check(&desk, "restored", &gone);
    // Not twice into the same directory.
    let twice = desk.run(&["restore", "--data", &backup, "--into", "restored"]);
    assert!(twice.code == 3 && twice.err.contains("[already_exists]"), "{}", twice.err);
    // The restored vault is sealed, backed up and restored like any other.
    assert_eq!(desk.run(&["seal", "--data", "restored"]).code, 0);
    assert_eq!(desk.run(&["backup", "create", "--directory", "backups", "--data", "restored"]).code, 0);
    assert_eq!(desk.run(&["backup", "verify", "--directory", "backups", "--all"]).code, 0);
}

#[test]
fn a_lost_database_is_restored_from_backup_and_mirror() {
    let (desk, backup) = backed_up();
    let gone = erase(&desk, 2..5);
    assert_eq!(run(&desk, &["seal"]).code, 0);
    fs::remove_dir_all(desk.path("membervault-data")).unwrap();
    let without = desk.run(&["restore", "--data", &backup, "--into", "restored"]);
    assert!(without.code == 3 && without.err.contains("[no_vault]"), "{}", without.err);
    let restored = desk.run(&["restore", "--data", &backup, "--control", "mirror", "--into", "membervault-data", "-q"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    check(&desk, "membervault-data", &gone);
    // The mirror takes up the restored database.
    let status = run(&desk, &["status"]);
    assert!(status.out.contains("mirror, whole"), "{}{}", status.out, status.err);
}

#[test]
fn an_old_image_is_refused_and_can_be_recovered() {
    let (desk, _) = backed_up();
    let image = Desk::copy_of(&desk);
    let gone = erase(&desk, 0..2);
    assert_eq!(run(&desk, &["breach", "freeze", "--role", "support", "--reason", "a phone was lost"]).code, 0);
    assert_eq!(run(&desk, &["seal"]).code, 0);
    // The machine is set back to its image, keyring and all; the mirror is elsewhere and is not.
    let mirror = desk.path("mirror");
    let with_mirror = |arguments: &[&str]| {
        let mut command = image.command(arguments);
        command.env("MEMBERVAULT_MIRROR_DIRECTORIES", &mirror);
        image.finish(command, "")
    };
    let refused = with_mirror(&["status"]);
    assert!(refused.code == 5 && refused.err.contains("knows more than the database"), "{}", refused.err);
    assert!(refused.err.contains("'membervault recover --stale'") && refused.err.contains("[stale_image]"));
    let recovered = image.run(&["recover", "--stale", "--log", mirror.to_str().unwrap()]);
    assert_eq!(recovered.code, 0, "{}", recovered.err);
    assert!(recovered.out.contains("of 12 members in the image 2 (or parts of them)"), "{}", recovered.out);
    assert!(recovered.out.contains("`membervault breach unfreeze --all`"), "{}", recovered.out);
    let frozen = image.run(&["export", "--output", "all.jsonl"]);
    assert!(frozen.code != 0 && frozen.err.contains("[frozen]"), "{}", frozen.shown());
    assert_eq!(image.run(&["breach", "unfreeze", "--all"]).code, 0);
    check(&image, "membervault-data", &gone);
    assert_eq!(with_mirror(&["status"]).code, 0);
}

#[test]
fn a_damaged_backup_is_named_and_refused() {
    let (desk, backup) = backed_up();
    let files = desk.path("backups/files");
    let largest = fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().path());
    let largest = largest.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&largest, &bytes).unwrap();
    let verified = desk.run(&["backup", "verify", "--directory", "backups"]);
    assert_eq!(verified.code, 5);
    assert!(verified.out.contains("has other bytes"), "{}", verified.out);
    let refused = desk.run(&["restore", "--data", &backup, "--into", "restored"]);
    assert!(refused.code == 5 && refused.err.contains("has other bytes"), "{}", refused.err);
    assert!(!desk.path("restored.backup").exists(), "what was laid out is removed");
    bytes.truncate(middle);
    fs::write(&largest, &bytes).unwrap();
    let refused = desk.run(&["restore", "--data", &backup, "--into", "restored"]);
    assert!(refused.err.contains("has another length"), "{}", refused.err);
}
