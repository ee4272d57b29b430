//! The red team: given every byte a vault ever wrote and all keys of today, it reads what can be read, and judges whether
//! that is what was promised. Written from `docs/FORMAT.md`; it shares no code with the vault.
//!
//! Ends with 0 if what was expected held, 1 if not (each finding is printed), 2 if it could not look.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool for testing, on bytes of our own making"
)]

mod arguments;
mod attack;
mod bodies;
mod brute;
mod canary;
mod copies;
mod crypto;
mod evidence;
mod log;
mod master;
mod nested;
mod place;
mod raw;
mod raw_keys;
mod report;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use arguments::Arguments;
use attack::{Attack, Loot, Role};
use canary::Canaries;
use evidence::{Evidence, Kind};
use place::{Place, Shape};
use report::{Pass, Report};

const USAGE: &str = "\
redteam --canaries FILE --key-file FILE | --passphrase-file FILE
        --today PATH..      the keyring of today, its copies at holders, and what lies beside them
        --evidence PATH..   everything else the vault wrote, copies of every time
        --backup PATH..     backups: the same, and no keyring may lie in them
        --memory PATH..     memory of the process
        --before PATH..     the keyring of before the seal: the control, which must read the erased
        --expect sealed     today's keys read everyone who lives, and nobody who was erased (the default)
        --expect certified  as sealed, but only of those whose erasure the vault called sealed
        --expect fenced     nothing is sealed yet: today's keys read everyone
        --brute             without shortcuts, for small vaults
        --json FILE         the report for machines";

fn main() -> ExitCode {
    let run = Arguments::parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments));
    match run {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("redteam: {why}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let started = Instant::now();
    if !bodies::dictionary_is_right() {
        return Err("the dictionary is not the one FORMAT.md names".into());
    }
    let mut canaries = Canaries::read(&arguments.canaries)?;
    let mut evidence = Evidence::default();
    for (kind, path) in &arguments.paths {
        evidence.add(path, *kind)?;
    }
    evidence.carve();
    if arguments.expect_certified {
        canaries.only_sealed(&evidence.sealed);
    }
    let shape = one_shape(&evidence)?;
    let mut master = master::Master::read(arguments)?;

    let today = pass(&evidence, &shape, &canaries, &mut master, arguments.brute, &|kind| {
        !matches!(kind, Kind::Before | Kind::Memory)
    });
    let before = arguments
        .has(Kind::Before)
        .then(|| pass(&evidence, &shape, &canaries, &mut master, false, &|kind| kind == Kind::Before));
    let raw = raw::search(&evidence, &canaries, &today, before.as_ref());
    let passes =
        (Pass::of(&today, &canaries, &evidence), before.as_ref().map(|loot| Pass::of(loot, &canaries, &evidence)));
    let report = Report::new(arguments, &evidence, passes, raw, started.elapsed());
    report.print();
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(report.holds())
}

/// The vault all this is of.
fn one_shape(evidence: &Evidence) -> Result<Shape, String> {
    let shape = evidence.shapes.first().ok_or("no meta row (key V): this is no vault")?;
    if evidence.shapes.iter().any(|other| other.vault != shape.vault) {
        return Err("rows of more than one vault".into());
    }
    Ok(shape.clone())
}

/// The attack with the keyrings of certain files.
fn pass(
    evidence: &Evidence,
    shape: &Shape,
    canaries: &Canaries,
    master: &mut master::Master,
    brute: bool,
    of: &dyn Fn(Kind) -> bool,
) -> Loot {
    let keyrings = |blob: usize| evidence.blobs[blob].files.iter().any(|at| of(evidence.files[*at].kind));
    let mut attack = Attack::new(evidence, shape, canaries, &keyrings);
    attack.keep_plaintexts = brute;
    let headers: Vec<Vec<u8>> = attack
        .by_place
        .keys()
        .filter_map(|place| if let Place::Keyring(header) = place { Some(header.clone()) } else { None })
        .collect();
    for header in headers {
        if let Some(kek) = master.kek(&header) {
            attack.run(Role::Kek(header), kek);
        }
    }
    while brute && brute::round(&mut attack) {}
    attack.loot
}
