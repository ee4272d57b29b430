//! Pages: bounded, none twice, none left out.

use std::collections::BTreeSet;

use membervault::code::Code;
use membervault::testkit::vault::ctx;
use membervault::types::Role;
use membervault::vault::api::Page;

use super::support::{DAY, code, create, plan, run, vault};

#[test]
fn pages_name_everybody_once() {
    let test = vault(30);
    let members: BTreeSet<_> = (0..25).map(|number| create(&test.vault, &format!("m{number}"))).collect();
    test.clock.advance_millis(90 * DAY);
    let mut page = Page { cursor: None, limit: 4 };
    let mut seen = Vec::new();
    loop {
        let plan = test.vault.retention_plan(&ctx(Role::Ops), &page).unwrap();
        assert!(plan.items.len() <= 4 && plan.examined <= 4);
        seen.extend(plan.items.into_iter().map(|due| due.member));
        match plan.next {
            Some(next) => page.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), members.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), members);
    // The same for runs.
    let mut page = Page { cursor: None, limit: 10 };
    let mut gone = 0;
    loop {
        let report = test.vault.retention_run(&ctx(Role::Compliance), &page).unwrap();
        assert!(report.removed.len() <= 10);
        gone += report.removed.len();
        match report.next {
            Some(next) => page.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!((gone, plan(&test.vault).len(), run(&test.vault).examined), (25, 0, 0));
}

#[test]
fn a_cursor_is_of_this_walk_or_none() {
    let test = vault(31);
    for cursor in ["", "AAAA", "not base64!"] {
        let page = Page { cursor: Some(cursor.to_owned()), limit: 10 };
        assert_eq!(code(test.vault.retention_plan(&ctx(Role::Ops), &page)), Some(Code::InvalidCursor));
        assert_eq!(code(test.vault.retention_run(&ctx(Role::Compliance), &page)), Some(Code::InvalidCursor));
    }
}
