//! What `--help` says, whole, so that a change of it is seen.

use super::desk::Desk;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["init"],
    &["serve"],
    &["import"],
    &["export"],
    &["token", "create"],
    &["token", "list"],
    &["token", "revoke"],
    &["member", "history"],
    &["breach", "report"],
    &["audit", "report"],
    &["member", "show"],
    &["member", "find"],
    &["member", "erase"],
    &["member", "hold"],
    &["member", "unhold"],
    &["policy", "check"],
    &["policy", "show"],
    &["status"],
    &["doctor"],
    &["keyring", "upgrade"],
    &["keyring", "show"],
    &["certificate"],
    &["verify-certificate"],
    &["verify-receipt"],
    &["log", "key"],
    &["log", "checkpoint"],
    &["log", "proof"],
    &["config", "show"],
    &["completions"],
];

/// The options of every command are shown with the whole, and left out here.
const COMMON: &str = "Options of every command:";

#[test]
fn every_command_explains_itself() {
    let desk = Desk::new();
    let mut pages = String::new();
    for command in COMMANDS {
        let run = desk.run(&[command, &["--help"][..]].concat());
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{command:?}");
        let page = if command.is_empty() { run.out } else { without_common(&run.out) };
        pages.push_str(&format!("==== membervault {}\n{page}\n", command.join(" ")));
    }
    insta::assert_snapshot!("help", pages);
}

fn without_common(page: &str) -> String {
    let (before, after) = page.split_once(COMMON).unwrap();
    let rest = after.split_once("\n\n").map_or("", |(_, rest)| rest);
    // Long help has a blank line after each option; what follows the options begins at the margin.
    let lines = rest.lines().skip_while(|line| line.is_empty() || line.starts_with(' '));
    before.to_owned() + &lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_wrong_argument_is_usage() {
    let desk = Desk::new();
    for arguments in [&["explode"][..], &[], &["init", "--expect-members", "many"], &["token", "revoke", "xyz"]] {
        let run = desk.run(arguments);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = Desk::new().run(&["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(run.out.contains("generate-key-file"), "{shell}");
    }
}

#[test]
fn the_version_is_the_package_s() {
    let run = Desk::new().run(&["version"]);
    assert_eq!(run.out, format!("membervault {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(Desk::new().run(&["--version"]).out, run.out);
}
