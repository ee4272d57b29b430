//! Clocks that go back, and facts that change between a plan and its run.

use membervault::testkit::vault::{START, ctx};
use membervault::types::{RecordMeta, Role};
use membervault::vault::api::RecordAddress;
use membervault::vault::retention::Reach;
use serde_json::json;

use super::support::{DAY, address, create, lines, plan, put, put_with, read, run, vault};

#[test]
fn a_clock_that_went_back_makes_what_was_due_wait() {
    let test = vault(20);
    let id = create(&test.vault, "bob");
    put(&test.vault, id, "tickets", "1");
    test.clock.set(START.plus_millis(11 * DAY));
    assert_eq!(plan(&test.vault).len(), 1);
    test.clock.set(START.plus_millis(9 * DAY));
    assert_eq!((plan(&test.vault), run(&test.vault).removed), (vec![], vec![]));
    assert!(read(&test.vault, address(id, "tickets", "1")).is_ok());
    // Before the record was written at all.
    test.clock.set(START);
    assert_eq!(run(&test.vault).removed, []);
    test.clock.set(START.plus_millis(10 * DAY));
    assert_eq!(run(&test.vault).removed.len(), 1);
}

#[test]
fn what_was_written_by_a_clock_that_was_ahead_is_kept_from_then_on() {
    let test = vault(21);
    let id = create(&test.vault, "bob");
    test.clock.set(START.plus_millis(50 * DAY));
    put(&test.vault, id, "tickets", "1");
    test.clock.set(START.plus_millis(20 * DAY));
    assert_eq!(plan(&test.vault), []);
    test.clock.set(START.plus_millis(60 * DAY));
    assert_eq!(lines(&plan(&test.vault), START), ["Compartment tickets retention day 60"]);
}

#[test]
fn a_write_between_plan_and_run_is_heeded() {
    let test = vault(22);
    let id = create(&test.vault, "bob");
    test.clock.advance_millis(90 * DAY);
    assert_eq!(plan(&test.vault)[0].what, Reach::Member);
    put_with(&test.vault, RecordAddress::profile(id), json!({"name": "bob"}), RecordMeta::default()).unwrap();
    assert_eq!(run(&test.vault).removed, []);
    assert!(read(&test.vault, RecordAddress::profile(id)).is_ok());
}

#[test]
fn a_map_that_keeps_less_makes_old_records_due() {
    let mut test = vault(23);
    create(&test.vault, "bob");
    test.clock.advance_millis(40 * DAY);
    assert_eq!(plan(&test.vault), []);
    let shorter = test.vault.map().text().replace("retention = \"P90D\"", "retention = \"P30D\"");
    test.reopen_with_map(membervault::schema::DataMap::parse(&shorter).unwrap());
    assert_eq!(lines(&plan(&test.vault), START), ["Member all retention day 30"]);
}

#[test]
fn a_run_that_was_cut_short_goes_on_where_it_was() {
    let mut test = vault(24);
    for number in 0..4 {
        create(&test.vault, &format!("m{number}"));
    }
    test.clock.advance_millis(90 * DAY);
    let page = membervault::vault::api::Page { cursor: None, limit: 1 };
    assert_eq!(test.vault.retention_run(&ctx(Role::Compliance), &page).unwrap().removed.len(), 1);
    test.reopen();
    assert_eq!(plan(&test.vault).len(), 3);
    assert_eq!(test.vault.retention_due().unwrap(), (3, 0));
    assert_eq!(test.vault.retention_due().unwrap(), (0, 0));
}
