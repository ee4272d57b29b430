//! `docs/ERRORS.md` lists every code once, with its status and its meaning.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;

use membervault::code::Code;

#[test]
fn the_document_and_the_codes_agree() {
    let document = include_str!("../docs/ERRORS.md");
    let mut documented = BTreeMap::new();
    for row in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, code, status, meaning, remedy, _] = cells[..] else { panic!("a row of four cells: {row}") };
        assert!(remedy.len() > 5, "{code}: what to do?");
        let before = documented.insert(code.trim_matches('`'), (status.to_owned(), meaning.to_owned()));
        assert!(before.is_none(), "{code} is listed twice");
    }
    for code in Code::ALL {
        let expected = (membervault::http::status(*code).as_u16().to_string(), code.meaning().to_owned());
        assert_eq!(documented.remove(code.as_str()), Some(expected), "{}", code.as_str());
    }
    assert!(documented.is_empty(), "documented but no code: {documented:?}");
}
