//! Walks the house on every run: who imports whom, which foreign crate is named where, who reads the clock and the
//! environment, how often a secret is exposed, how long a file is.
//!
//! It reads tokens, not text: comments and strings do not count, macro bodies and attributes do. Code under
//! `#[cfg(test)]` may import any room, so it is left out of the walk. When a test here fails, first ask whether it is
//! right; if it is not, change its table in `rules.rs` in the same commit, so that a reader sees the new door.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rules::{CLOCKS, CRATES, CRATES_ANYWHERE, EDGES, EXPOSURES, FORBIDDEN, HOUSE, LINES_MAX, LONG_FILES};
use source::{Source, house};

/// One complaint a line, and all of them at once.
fn report(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{rule}:\n  {}\n", complaints.join("\n  "));
}

fn position(room: &str) -> Option<(usize, u8)> {
    HOUSE.iter().position(|(name, _)| *name == room).map(|at| (at, HOUSE[at].1))
}

#[test]
fn the_table_of_contents_lists_the_rooms_in_rank_order() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let mut documented = Vec::new();
    for row in lib.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let mut cells = row.split(" | ");
        let Some(rank) = cells.next().and_then(|cell| cell.parse::<u8>().ok()) else { continue };
        let names = cells.next().unwrap_or_default();
        documented.extend(names.split(", ").map(|name| (name.trim_matches(['[', '`', ']']).to_owned(), rank)));
    }
    let expected: Vec<_> = HOUSE
        .iter()
        .filter(|(name, _)| !["testkit", "sabotage"].contains(name))
        .map(|(name, rank)| ((*name).to_owned(), *rank))
        .collect();
    assert_eq!(documented, expected, "the table in src/lib.rs and HOUSE in rules.rs differ");

    let declared: Vec<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|line| line.trim_end_matches(';').to_owned())
        .collect();
    let names: Vec<_> = HOUSE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(declared, names, "the `pub mod` lines of src/lib.rs and HOUSE in rules.rs differ");
}

#[test]
fn every_file_belongs_to_a_room() {
    let strays: Vec<_> = house()
        .iter()
        .filter(|file| !["lib", "main"].contains(&file.room.as_str()) && position(&file.room).is_none())
        .map(|file| file.path.clone())
        .collect();
    report("files outside every room", &strays);
}

#[test]
fn a_room_imports_only_lower_rooms() {
    let mut complaints = Vec::new();
    for file in house() {
        let Some((at, rank)) = position(&file.room) else { continue };
        for (room, line) in file.rooms_imported() {
            let Some((other_at, other_rank)) = position(&room) else {
                complaints.push(format!("{}:{line} names crate::{room}, which is no room", file.path));
                continue;
            };
            let lower = other_rank < rank || (other_rank == rank && other_at <= at);
            if !lower {
                complaints.push(format!("{}:{line} imports `{room}` (rank {other_rank})", file.path));
            }
        }
    }
    report("a room imports only rooms of lower rank, or listed before it in its own rank", &complaints);
}

#[test]
fn the_edges_know_little() {
    let mut complaints = Vec::new();
    for (edge, known) in EDGES {
        for file in house().iter().filter(|file| file.room == *edge) {
            for (room, line) in file.rooms_imported() {
                let vocabulary = position(&room).is_some_and(|(_, rank)| rank == 0);
                if !vocabulary && room != *edge && !known.contains(&room.as_str()) {
                    complaints.push(format!("{}:{line} knows `{room}`", file.path));
                }
            }
        }
    }
    report("an edge knows the facade and the vocabulary only", &complaints);
}

#[test]
fn no_two_rooms_import_each_other() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in house() {
        let rooms = file.rooms_imported().into_iter().map(|(room, _)| room).filter(|room| *room != file.room);
        graph.entry(file.room.clone()).or_default().extend(rooms);
    }
    // Take away rooms that import nothing that is left, until none is left; what stays is a cycle.
    loop {
        let known: BTreeSet<_> = graph.keys().cloned().collect();
        let leaves: Vec<_> =
            graph.iter().filter(|(_, rooms)| rooms.is_disjoint(&known)).map(|(room, _)| room.clone()).collect();
        if leaves.is_empty() {
            break;
        }
        graph.retain(|room, _| !leaves.contains(room));
    }
    assert!(graph.is_empty(), "rooms in a cycle: {graph:?}");
}

#[test]
fn a_foreign_crate_is_named_in_its_room_only() {
    let mut complaints = Vec::new();
    for file in house() {
        for (name, rooms) in CRATES {
            let allowed = rooms.iter().any(|room| file.path.starts_with(room));
            if !allowed && let Some(line) = file.line_naming(name) {
                complaints.push(format!("{}:{line} names `{name}`, which belongs in {}", file.path, rooms.join(", ")));
            }
        }
    }
    report("a foreign crate is named in its room only", &complaints);
}

#[test]
fn every_dependency_has_a_place() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let mut names: Vec<_> = manifest["dependencies"].as_table().unwrap().keys().cloned().collect();
    for target in manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values) {
        names.extend(target["dependencies"].as_table().unwrap().keys().cloned());
    }
    let placed = |name: &str| CRATES.iter().any(|(known, _)| *known == name) || CRATES_ANYWHERE.contains(&name);
    let homeless: Vec<_> = names.iter().map(|name| name.replace('-', "_")).filter(|name| !placed(name)).collect();
    report("a new dependency needs a room in CRATES (rules.rs)", &homeless);
}

#[test]
fn time_and_environment_are_read_in_their_rooms_only() {
    let mut complaints = Vec::new();
    for file in house() {
        for (words, rooms) in CLOCKS {
            let allowed = rooms.iter().any(|room| file.path.starts_with(room));
            if !allowed && let Some(line) = file.line_of(words) {
                complaints.push(format!("{}:{line} calls {}", file.path, words.concat()));
            }
        }
    }
    report("time and environment are handed in", &complaints);
}

#[test]
fn forbidden_words_are_absent() {
    let mut complaints = Vec::new();
    for file in house() {
        for (words, rooms, why) in FORBIDDEN {
            let watched = rooms.is_empty() || rooms.iter().any(|room| file.path.starts_with(room));
            if watched && let Some(line) = file.line_of(words) {
                complaints.push(format!("{}:{line} says `{}`: {why}", file.path, words.concat()));
            }
        }
    }
    report("words that must not appear", &complaints);
}

#[test]
fn the_places_that_expose_a_secret_are_counted() {
    let counted: BTreeMap<String, usize> =
        house().iter().map(|file| (file.path.clone(), file.exposures())).filter(|(_, count)| *count > 0).collect();
    let expected: BTreeMap<String, usize> =
        EXPOSURES.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect();
    let table: Vec<_> = counted.iter().map(|(path, count)| format!("(\"{path}\", {count}),")).collect();
    assert!(
        counted == expected,
        "the exposures changed; if on purpose, EXPOSURES becomes:\n  {}\n",
        table.join("\n  ")
    );
}

#[test]
fn files_open_with_their_purpose_and_stay_short() {
    let mut complaints = Vec::new();
    for file in house() {
        if file.path != "main.rs" && !file.text.starts_with("//!") {
            complaints.push(format!("{}: does not begin with `//!`", file.path));
        }
        let lines = file.text.lines().count();
        let most = LONG_FILES.iter().find(|(path, _, _)| *path == file.path).map_or(LINES_MAX, |(_, most, _)| *most);
        if lines > most {
            complaints
                .push(format!("{}: {lines} lines, at most {most}: see whether it has become two ideas", file.path));
        }
    }
    report("the shape of files", &complaints);
}

#[test]
fn the_red_team_shares_no_code_with_the_vault() {
    let mut complaints = Vec::new();
    let files = source::below("tests/redteam");
    for file in &files {
        if let Some(line) = file.line_naming("membervault") {
            complaints.push(format!("{}:{line} names the vault", file.path));
        }
        if file.text.matches("#[path").count() + file.text.matches("include!").count() > 0 {
            complaints.push(format!("{} takes code from elsewhere", file.path));
        }
        let lines = file.text.lines().count();
        if !file.text.starts_with("//!") || lines > LINES_MAX {
            complaints.push(format!("{}: {lines} lines, or no `//!` at its head", file.path));
        }
    }
    assert!(files.len() > 5, "the walk found only {} files", files.len());
    report("the attacker is written from docs/FORMAT.md alone", &complaints);
}

#[test]
fn the_map_names_every_room() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md")).unwrap();
    let missing: Vec<_> =
        HOUSE.iter().map(|(room, _)| (*room).to_owned()).filter(|room| !map.contains(&format!("`{room}`"))).collect();
    report("docs/ARCHITECTURE.md has a paragraph for every room", &missing);
}

#[test]
fn the_walker_sees_what_it_should() {
    let file = Source::parse(
        "vault/sample.rs",
        r#"//! Sample. crate::cli in a comment does not count.
        use crate::{types::{MemberId, Role}, store::Engine as _};
        #[derive(clap::Parser)]
        struct Args;
        fn f() { println!("crate::http {}", crate::policy::decide()); let _ = key.expose(); Secret::expose(&k); }
        #[cfg(test)]
        mod tests { use crate::cli; use rocksdb::DB; }
        #[cfg(any(test, feature = "testkit"))]
        pub use crate::app::fake;
        fn g() { std::time::SystemTime::now(); v.zstd::<u8>(); foo::zstd::x(); super::toml::y(); }"#,
    );
    let rooms: Vec<_> = file.rooms_imported().into_iter().map(|(room, _)| room).collect();
    assert_eq!(rooms, ["types", "store", "policy"]);
    assert_eq!(file.exposures(), 2);
    assert!(file.line_naming("clap").is_some());
    for absent in ["rocksdb", "zstd", "toml"] {
        assert_eq!(file.line_naming(absent), None, "{absent}");
    }
    assert_eq!(file.line_of(&["SystemTime", "::", "now"]), Some(10));
    assert_eq!(file.line_of(&["unsafe"]), None);
}
