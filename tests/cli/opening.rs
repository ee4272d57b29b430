//! Founding a vault, opening it, and everything that keeps one from being opened.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use super::desk::Desk;

const PASSPHRASE: &str = "correct horse battery staple";

#[test]
fn a_vault_is_founded_once_and_its_files_are_private() {
    let desk = Desk::new();
    assert_snapshot!(desk.run(&["init", "--expect-members", "100", "--generate-key-file"]).shown(), @"
    out: vault [ID]
    err: database  membervault-data
    err: keyring   membervault.keyring   <- keep copies of it, apart from the data
    err: next: membervault import FILE, membervault token create --role crm, membervault serve
    exit 0
    ");
    for (name, mode) in [("key", 0o600), ("membervault.keyring", 0o600), ("membervault-data", 0o700)] {
        assert_eq!(desk.mode(name), mode, "{name}");
    }
    assert_snapshot!(desk.run(&["init"]).shown(), @"
    err: membervault: there is a keyring file at membervault.keyring already, and it is not overwritten; choose another path, or move it away [already_exists]
    exit 3
    ");
    assert_snapshot!(desk.run(&["init", "--keyring", "other"]).shown(), @"
    err: membervault: there is something at membervault-data already, and it is not overwritten; choose another path, or move it away [already_exists]
    exit 3
    ");
    assert_snapshot!(desk.run(&["keyring", "show"]).shown(), @"
    out: membervault.keyring: keyring of vault [ID], opened by a key file
    exit 0
    ");
    assert_snapshot!(desk.run(&["doctor"]).shown(), @"
    out: 259  nodes of the key tree
    out: 0    members
    out: 0    records
    out: 0    index entries
    out: 0    index entries of erased members, void until the next seal
    out: 0    erasures
    out: 0    findings
    err: ok  keyring file: whole, and readable by its owner only (membervault.keyring: keyring of vault [ID], opened by a key file)
    err: ok  keyring opens; database and keyring belong together; the ledger has the root that was stored
    exit 0
    ");
}

#[test]
fn a_passphrase_opens_what_it_founded() {
    let desk = Desk::new();
    let with = |arguments: &[&str], passphrase: &str| {
        let mut command = desk.command(arguments);
        command.env_remove("MEMBERVAULT_KEY_FILE").env("MEMBERVAULT_PASSPHRASE", passphrase);
        desk.finish(command, "")
    };
    assert_snapshot!(with(&["init"], "too short").shown(), @"
    err: membervault: the passphrase is shorter than 12 characters; use several random words, since whoever holds the keyring file can guess as long as they like [invalid_config]
    exit 2
    ");
    assert_eq!(with(&["init", "--expect-members", "100"], PASSPHRASE).code, 0);
    assert_eq!(with(&["status"], PASSPHRASE).code, 0);
    assert_snapshot!(with(&["status"], "correct horse battery stable").shown(), @"
    err: membervault: the passphrase does not open the keyring file membervault.keyring; if it is surely the right one, the file was altered: copy it from one of its holders [wrong_master_key]
    exit 4
    ");
    assert_snapshot!(with(&["keyring", "upgrade"], PASSPHRASE).shown(), @"
    out: membervault.keyring: keyring of vault [ID], opened by a passphrase (Argon2id, 64 MiB, 3 passes, 4 lanes)
    exit 0
    ");
    desk.write("passphrase", format!("{PASSPHRASE}\n"));
    desk.set_mode("passphrase", 0o644);
    assert_snapshot!(with(&["status", "--passphrase-file", "passphrase"], "").shown(), @"
    err: membervault: passphrase can be used by others than its owner (mode 644); run: chmod 600 passphrase - and if others may have read it, replace the secret in it [exposed_file]
    exit 4
    ");
    desk.set_mode("passphrase", 0o600);
    assert_eq!(with(&["status", "--passphrase-file", "passphrase"], "not looked at").code, 0);
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: there is no file key [io]
    exit 1
    ");
}

#[test]
fn what_keeps_a_vault_shut_is_said() {
    let desk = Desk::with_vault();
    desk.set_mode("membervault.keyring", 0o640);
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: membervault.keyring can be used by others than its owner (mode 640); run: chmod 600 membervault.keyring - and if others may have read it, replace the secret in it [exposed_file]
    exit 4
    ");
    desk.set_mode("membervault.keyring", 0o600);
    let keyring = std::fs::read(desk.path("membervault.keyring")).unwrap();
    let mut flipped = keyring.clone();
    flipped[200] ^= 1;
    desk.write("membervault.keyring", &flipped);
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: the keyring file membervault.keyring is damaged; do not edit it, and copy it from one of its holders [keyring_corrupt]
    exit 4
    ");
    desk.write("membervault.keyring", &keyring[..300]);
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: the keyring file membervault.keyring is damaged; do not edit it, and copy it from one of its holders [keyring_corrupt]
    exit 4
    ");
    std::fs::remove_file(desk.path("membervault.keyring")).unwrap();
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: there is no keyring file membervault.keyring; check the path, or copy the file from one of its holders. Without it nothing in the vault can be read [keyring_missing]
    exit 4
    ");
    let other = Desk::with_vault();
    std::fs::copy(other.path("membervault.keyring"), desk.path("membervault.keyring")).unwrap();
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: the key file does not open the keyring file membervault.keyring; if it is surely the right one, the file was altered: copy it from one of its holders [wrong_master_key]
    exit 4
    ");
    std::fs::copy(other.path("key"), desk.path("key")).unwrap();
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: the keyring belongs to another vault than the database [stale_image]
    exit 5
    ");
    assert_snapshot!(Desk::new().run(&["status"]).shown(), @"
    err: membervault: there is no database in membervault-data; check the path, or make a vault there with `membervault init` [no_vault]
    exit 3
    ");
}

#[test]
fn serve_holds_the_database_and_stops_when_told() {
    let desk = Desk::with_vault();
    let refused = desk.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_snapshot!(refused.shown(), @"
    err: membervault: serve speaks plain HTTP, and this address can be reached from other machines, so tokens and members' data would cross the network unencrypted: listen on 127.0.0.1, or put a proxy that ends TLS before it and say so with --behind-tls-proxy [invalid_config]
    exit 2
    ");
    let mut server = desk.command(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("membervault serves on http://").unwrap();
    let health = ureq::get(format!("http://{address}/readyz")).call().unwrap();
    assert_eq!(health.status(), 200);
    assert_snapshot!(desk.run(&["status"]).shown(), @"
    err: membervault: the database in membervault-data is open in another process; stop that process (is `membervault serve` running?) and try again [locked]
    exit 6
    ");
    let pid = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
    assert_eq!(desk.run(&["status"]).code, 0);
}

/// A flipped byte anywhere in the database is found by somebody, or does no harm; nothing panics and nothing is served
/// that does not verify.
#[test]
fn a_flipped_byte_in_the_database_is_never_a_panic() {
    let desk = Desk::with_vault();
    desk.write("members.jsonl", "{\"external_id\":\"1\",\"email\":\"ada@example.org\"}\n");
    assert_eq!(desk.run(&["import", "members.jsonl"]).code, 0);
    let files: Vec<_> =
        std::fs::read_dir(desk.path("membervault-data")).unwrap().map(|file| file.unwrap().path()).collect();
    let mut found = 0;
    for file in files.iter().filter(|file| std::fs::metadata(file).unwrap().len() > 0) {
        let copy = Desk::copy_of(&desk);
        let path = copy.path("membervault-data").join(file.file_name().unwrap());
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
        let run = copy.run(&["doctor"]);
        assert!(!run.err.contains("panic"), "{}: {}", file.display(), run.err);
        let said = run.err.lines().last().unwrap_or_default();
        let explained =
            run.code == 0 || run.out.contains("FOUND: ") || (said.starts_with("membervault: ") && said.ends_with(']'));
        assert!(explained, "{}: {}", file.display(), run.shown());
        found += u32::from(run.code == 5);
    }
    assert!(found > 0, "at least the files of rows are checked");
}
