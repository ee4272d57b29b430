//! Certificates, from erasing to checking them in another place, as a compliance officer does it.

use super::desk::Desk;

/// The answer as it is, ids and all.
fn raw(desk: &Desk, arguments: &[&str]) -> String {
    let output = desk.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A vault in which one member was erased: the desk, the member's id, the erasure's id.
fn with_an_erasure() -> (Desk, String, String) {
    let desk = Desk::with_vault();
    desk.write("ada.jsonl", r#"{"external_id":"1","email":"ada@example.org","phone":"+4915112345678","name":"Ada"}"#);
    assert_eq!(desk.run(&["import", "ada.jsonl"]).code, 0);
    desk.write("email", "ada@example.org");
    let email = std::fs::File::open(desk.path("email")).unwrap();
    let found = desk.command(&["member", "find", "email"]).stdin(email).output().unwrap();
    let member = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    let erased: serde_json::Value = serde_json::from_str(&raw(&desk, &["member", "erase", &member, "--yes"])).unwrap();
    let erasure = erased["id"].as_str().unwrap().to_owned();
    (desk, member, erasure)
}

#[test]
fn a_certificate_is_written_once_sealed_and_holds_without_the_vault() {
    let (desk, member, erasure) = with_an_erasure();
    for of in [["--erasure", &erasure], ["--member", &member]] {
        let refused = desk.run(&["certificate", of[0], of[1]]);
        assert_eq!((refused.code, refused.out.as_str()), (3, ""), "{of:?}");
        assert!(refused.err.contains("[not_sealed]"), "{}", refused.err);
    }
    raw(&desk, &["seal"]);
    let key = raw(&desk, &["log", "key"]).trim().to_owned();
    assert!(key.starts_with("membervault/") && key.matches('+').count() >= 2, "{key}");
    let shown = raw(&desk, &["certificate", "--erasure", &erasure]);
    let by_member = raw(&desk, &["certificate", "--member", &member]);
    assert!(shown.contains(&erasure) && by_member.contains(&erasure));
    assert!(!shown.contains("Ada") && !shown.contains("example.org"));
    assert_eq!(desk.run(&["certificate", "--erasure", &erasure, "--out", "one"]).code, 0);
    assert_eq!(desk.run(&["certificate", "--erasure", &erasure, "--out", "one"]).code, 1, "nothing is overwritten");
    std::fs::create_dir(desk.path("many")).unwrap();
    assert_eq!(desk.run(&["certificate", "--member", &member, "--out", "many", "--html"]).code, 0);
    let page = desk.read(&format!("many/erasure-{erasure}.certificate.html"));
    assert!(page.starts_with("<!doctype html>") && page.contains(&erasure));

    // All of them, and the next time only what is new.
    std::fs::create_dir(desk.path("all")).unwrap();
    for _ in 0..2 {
        assert_eq!(desk.run(&["certificate", "--all", "--out", "all"]).code, 0);
        assert_eq!(std::fs::read_dir(desk.path("all")).unwrap().count(), 1);
    }
    assert_eq!(desk.run(&["certificate", "--all", "--out", "nowhere"]).code, 2);

    // Another directory, another day, no vault.
    let elsewhere = Desk::new();
    elsewhere.write("erasure.certificate", desk.read("one"));
    let verify = |more: &[&str]| {
        let first = ["verify-certificate", "erasure.certificate", "--log-key", &key];
        elsewhere.run(&[&first[..], more].concat())
    };
    let held = verify(&["--html", "page.html"]);
    assert_eq!((held.code, held.err.as_str()), (0, ""));
    for line in
        ["holds  form", "holds  signature", "holds  intent", "holds  rotation", "holds  seal", "holds  inclusion"]
    {
        assert!(held.out.contains(line), "{line}: {}", held.out);
    }
    assert!(held.out.contains("Defeated by: ") && held.out.contains("Not covered: "), "{}", held.out);
    assert!(elsewhere.read("page.html").contains("holds: all of them"));
    assert_eq!(verify(&["--html", "page.html"]).code, 1, "nothing is overwritten");
    let json: serde_json::Value = serde_json::from_str(&verify(&["--json"]).out).unwrap();
    assert_eq!((&json["holds"], &json["stage"]), (&true.into(), &"sealed".into()));

    // Changed, and under another key.
    elsewhere.write("erasure.certificate", desk.read("one").replace("\"sealed\"", "\"purged\""));
    let refused = verify(&["--html", "never.html"]);
    assert_eq!(refused.code, 5);
    assert!(refused.out.contains("FAILS  signature"), "{}", refused.out);
    assert!(refused.err.contains("does not hold (signature)") && refused.err.contains("[not_verified]"));
    assert!(!elsewhere.path("never.html").exists());
    assert!(serde_json::from_str::<serde_json::Value>(&verify(&["--json"]).out).unwrap()["holds"] == false);
    elsewhere.write("erasure.certificate", "nonsense");
    assert_eq!(verify(&[]).code, 5);
    elsewhere.write("erasure.certificate", [0xff, 0xfe]);
    assert_eq!(verify(&[]).code, 1);
    std::fs::remove_file(elsewhere.path("erasure.certificate")).unwrap();
    assert_eq!(verify(&[]).code, 1);
}

#[test]
fn what_is_asked_for_wrongly_is_usage() {
    let desk = Desk::new();
    let witness = "w.example+2c3d6b5b+BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";
    for arguments in [
        &["certificate"][..],
        &["certificate", "--erasure", "nonsense"],
        &[
            "certificate",
            "--erasure",
            "11111111-2222-4333-8444-555555555555",
            "--member",
            "11111111-2222-4333-8444-555555555555",
        ],
        &["certificate", "--all"],
        &["certificate", "--all", "--out", "x", "--member", "11111111-2222-4333-8444-555555555555"],
        &["verify-certificate", "file"],
        &["verify-certificate", "file", "--log-key", "nonsense"],
        &["verify-certificate", "file", "--log-key", witness],
        &["log"],
        &["log", "proof"],
        &["log", "proof", "-1"],
    ] {
        assert_eq!(desk.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn the_log_is_shown_to_those_who_verify_it() {
    let desk = Desk::with_vault();
    let key = raw(&desk, &["log", "key"]);
    let checkpoint = raw(&desk, &["log", "checkpoint"]);
    assert!(checkpoint.starts_with(key.split('+').next().unwrap()), "{checkpoint}");
    assert!(raw(&desk, &["log", "proof", "0"]).starts_with("c2sp.org/tlog-proof@v1\nindex 0\n"));
    assert_eq!(desk.run(&["log", "proof", "999999"]).code, 3);
    let mut named = desk.command(&["log", "key"]);
    named.env("MEMBERVAULT_LEDGER_ORIGIN", "log.example.org/one");
    let output = named.output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("log.example.org/one+"));
}
