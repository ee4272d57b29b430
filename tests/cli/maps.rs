//! The data map and retention at the command line.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use super::desk::Desk;

#[test]
fn a_data_map_is_checked_compared_and_reported() {
    let desk = Desk::new();
    let default = desk.run(&["schema", "default"]);
    desk.write("old.toml", &default.out);
    let first = "purposes    = [\"service\", \"support\", \"newsletter\"]\n";
    assert!(default.out.contains(first));
    let changed = default.out.replacen("strict = false", "strict = true", 1);
    desk.write(
        "new.toml",
        changed.replacen(first, "purposes = [\"service\", \"support\", \"newsletter\", \"analytics\"]\n", 1),
    );
    assert_eq!(desk.run(&["schema", "show"]).out, default.out);
    assert_snapshot!(desk.run(&["schema", "check", "new.toml"]).shown(), @"
    out: new.toml is valid, sha256 [SHA-256]
    out: purpose analytics (consent): Measuring and improving the service, under pseudonyms
    out: purpose newsletter (consent): Sending the newsletter to those who asked for it
    out: purpose personalisation (consent): Choosing offers and content by what is known of the member
    out: purpose service (contract): Serving the member: account, orders, delivery, payment
    out: purpose support (contract): Answering a member who asks for help
    exit 0
    ");
    assert_snapshot!(desk.run(&["schema", "diff", "old.toml", "new.toml"]).shown(), @"
    out: the map becomes strict
    out:     what it does not declare can no longer be written, and is shown to the member alone
    out: the field email of core/profile serves analytics too
    out:     members are to be asked: only those whose consent says so are used for it
    exit 0
    ");
    assert_snapshot!(desk.run(&["schema", "diff", "old.toml", "old.toml"]).shown(), @"
    err: the two say the same
    exit 0
    ");
    assert_snapshot!(desk.run(&["schema", "lint"]).shown(), @"
    exit 0
    ");
    let page = desk.run(&["schema", "report"]);
    assert!(page.out.starts_with("# Record of processing activities\n") && page.out.contains("| core/profile |"));
    let data: serde_json::Value =
        serde_json::from_str(&desk.run(&["schema", "report", "--format", "json"]).out).unwrap();
    assert_eq!(data["activities"].as_array().map(Vec::len), Some(5));
    desk.write("bad.toml", default.out.replacen(first, "purposes = []\n", 1));
    assert_snapshot!(desk.run(&["schema", "check", "bad.toml"]).shown(), @"
    err: membervault: bad.toml: data map line 80: the field email serves no purpose; name what it is needed for (purposes = [...]), or do not collect it [invalid_schema]
    exit 2
    ");
    let mut strange = desk.command(&["schema", "lint"]);
    desk.write("odd.toml", default.out.replacen(first, "purposes = [\"service\", \"support\"]\n", 1));
    strange.env("MEMBERVAULT_SCHEMA_FILE", "odd.toml");
    assert_snapshot!(desk.finish(strange, "").shown(), @"
    out: line 80: the policy lets marketing see the field email of core/profile for newsletter, which it does not serve; it is withheld. Hide it there, or add the purpose here and tell the members
    exit 5
    ");
}

#[test]
fn an_import_under_a_strict_map_rejects_rows_by_field() {
    let desk = Desk::with_vault();
    let default = desk.run(&["schema", "default"]).out;
    desk.write("strict.toml", default.replacen("strict = false", "strict = true", 1));
    desk.write("members.csv", "external_id,name,iban\nCRM-1,Ada,\nCRM-2,Bob,DE1\n");
    for arguments in [&["import", "members.csv", "--dry-run"][..], &["--quiet", "import", "members.csv"]] {
        let mut command = desk.command(arguments);
        command.env("MEMBERVAULT_SCHEMA_FILE", "strict.toml");
        let run = desk.finish(command, "");
        assert_eq!(run.code, 7, "{}", run.shown());
        assert!(run.out.contains("1 rejected") && !run.err.contains("DE1"), "{}", run.shown());
    }
}

#[test]
fn retention_is_planned_and_run() {
    let desk = Desk::with_vault();
    desk.write("members.csv", "external_id,name\nCRM-1,Ada\nCRM-2,Bob\n");
    assert_eq!(desk.run(&["--quiet", "import", "members.csv"]).code, 0);
    assert_snapshot!(desk.run(&["retention", "plan"]).shown(), @"
    err: 2 members looked at, 0 due, 0 kept by a hold
    exit 0
    ");
    assert_snapshot!(desk.run(&["retention", "run"]).shown(), @"
    err: 2 members looked at, 0 went, 0 kept by a hold
    exit 0
    ");
    let plan: serde_json::Value = serde_json::from_str(&desk.run(&["retention", "plan", "--json"]).out).unwrap();
    assert_eq!((plan["items"].as_array().map(Vec::len), plan["examined"].as_u64()), (Some(0), Some(2)));
}

/// For a server to say what it did; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stops the server however the test ends.
struct Server(Child);

impl Server {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

#[test]
fn a_running_server_takes_a_changed_data_map_at_sighup_and_keeps_its_own_if_that_is_no_map() {
    let desk = Desk::with_vault();
    let lax = desk.run(&["schema", "default"]).out;
    let strict = lax.replacen("strict = false", "strict = true", 1);
    desk.write("map.toml", &lax);
    let token = desk.run(&["--quiet", "token", "create", "--role", "ops", "--label", "x"]).out;
    let mut command = desk.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("MEMBERVAULT_SCHEMA_FILE", "map.toml").env("MEMBERVAULT_LOG_LEVEL", "info");
    let mut server = Server(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("membervault serves on ").unwrap().to_owned();
    let (told, log) = mpsc::channel();
    let lines = BufReader::new(server.0.stderr.take().unwrap()).lines();
    thread::spawn(move || {
        lines.map_while(Result::ok).filter(|line| line.contains("SIGHUP")).try_for_each(|line| told.send(line))
    });
    let hang_up = |map: &str| {
        desk.write("map.toml", map);
        server.signal(Signal::HUP);
        log.recv_timeout(PATIENCE).expect("a line of what became of it")
    };
    let strict_now = || {
        let reply =
            ureq::get(format!("{address}/v1/schema")).header("authorization", format!("Bearer {}", token.trim()));
        let map: serde_json::Value =
            serde_json::from_str(&reply.call().unwrap().body_mut().read_to_string().unwrap()).unwrap();
        map["strict"].as_bool().unwrap()
    };
    assert!(!strict_now());
    assert!(hang_up(&strict).contains("changed"));
    assert!(strict_now());
    assert!(hang_up("this is no map").contains("the data map in force stays"));
    assert!(strict_now());
    assert!(hang_up(&lax).contains("changed"));
    assert!(!strict_now());
    server.signal(Signal::TERM);
    assert!(server.0.wait().unwrap().success());
}
