//! While it serves, a vault looks for what is due by itself, and seals it.

use std::thread;
use std::time::Duration;

use membervault::code::Code;
use membervault::jobs::{Jobs, Schedule};
use membervault::testkit::vault::ctx;
use membervault::types::Role;
use membervault::vault::api::{RecordAddress, Stage};

use super::support::{DAY, code, create, plan, read, vault};

/// As often as it can, since time here stands still in any case.
const ALWAYS: Option<Duration> = Some(Duration::from_millis(1));
/// Far more looks than the jobs need turns.
const LOOKS_MAX: usize = 1_000_000;

fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..LOOKS_MAX {
        if done() {
            return;
        }
        thread::yield_now();
    }
    panic!("the jobs had their turns, and did nothing");
}

#[test]
fn what_is_due_goes_by_itself_and_is_sealed_and_the_rest_stays() {
    let test = vault(70);
    let ada = create(&test.vault, "ada");
    test.clock.advance_millis(90 * DAY);
    let bob = create(&test.vault, "bob");
    let due = plan(&test.vault);
    assert_eq!(due.iter().map(|due| due.member).collect::<Vec<_>>(), [ada]);
    let schedule = Schedule { seal_interval: ALWAYS, purge_interval: None, retention_interval: ALWAYS, alerts: None };
    let jobs = Jobs::start(test.vault.clone(), schedule).unwrap();
    let compliance = ctx(Role::Compliance);
    // Before there is an erasure, there is nothing to be told of one.
    until(|| {
        let erasures = test.vault.erasures_of(&compliance, &ada).wait();
        erasures.is_ok_and(|erasures| erasures.iter().any(|erasure| erasure.stage == Stage::Sealed))
    });
    jobs.stop();
    assert_eq!(code(read(&test.vault, RecordAddress::profile(ada))), Some(Code::Gone));
    assert!(read(&test.vault, RecordAddress::profile(bob)).is_ok());
    assert_eq!(plan(&test.vault), []);
}
