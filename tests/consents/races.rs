//! Requests about one member that meet: each is decided on facts that hold, and the history has them all.

use std::sync::Barrier;

use membervault::code::Code;
use membervault::tables::agreed;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::Role;
use membervault::vault::consent::{Happening, Stance};

use super::giving::form;
use super::support::{code, purpose, vault};

#[test]
fn of_giving_and_withdrawing_the_later_wins_and_the_history_has_both() {
    for seed in 100..110 {
        let (test, id) = vault(seed);
        let crm = ctx(Role::Crm);
        let newsletter = purpose("newsletter");
        let (rounds, both) = (10, Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..rounds {
                    both.wait();
                    test.vault.give_consent(&crm, &id, &newsletter, &form()).wait().unwrap();
                }
            });
            scope.spawn(|| {
                for _ in 0..rounds {
                    both.wait();
                    test.vault.withdraw_consent(&crm, &id, &newsletter).wait().unwrap();
                }
            });
        });
        let consents = test.vault.consents(&crm, &id).wait().unwrap();
        let given = consents.history.iter().filter(|one| one.entry.event == Happening::Given).count();
        assert_eq!(given, rounds, "every giving is in the history");
        let last = consents.history.last().unwrap().entry.event;
        assert_eq!(consents.standing.consents.len(), usize::from(last == Happening::Given), "the last one counts");
        let found = agreed::members(&*test.engine, &newsletter, None, 10).unwrap().items.len();
        assert_eq!(found, consents.standing.consents.len(), "row and standing agree");
    }
}

#[test]
fn many_at_once_leave_no_gap_and_lose_nothing() {
    let (test, id) = vault(120);
    let crm = ctx(Role::Crm);
    let purposes = ["newsletter", "personalisation", "analytics"].map(purpose);
    std::thread::scope(|scope| {
        for to in &purposes {
            scope.spawn(|| test.vault.give_consent(&crm, &id, to, &form()).wait().unwrap());
        }
        scope.spawn(|| test.vault.set_stance(&crm, &id, Stance::Restriction, true, None).wait().unwrap());
        scope.spawn(|| test.vault.set_stance(&crm, &id, Stance::AutomatedDecisions, true, None).wait().unwrap());
    });
    let consents = test.vault.consents(&crm, &id).wait().unwrap();
    assert_eq!((consents.history.len(), consents.standing.consents.len()), (5, 3));
    assert!(consents.standing.restricted && consents.standing.refuses_automated_decisions);
}

#[test]
fn an_erasure_that_meets_a_giving_leaves_nothing_of_it() {
    for seed in 130..140 {
        let (test, id) = vault(seed);
        let crm = ctx(Role::Crm);
        let newsletter = purpose("newsletter");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let given = test.vault.give_consent(&crm, &id, &newsletter, &form()).wait();
                assert!(matches!(code(given), None | Some(Code::Gone)));
            });
            scope.spawn(|| test.vault.erase(&ctx(Role::Compliance), &id, None).wait().unwrap());
        });
        assert_eq!(code(test.vault.consents(&crm, &id).wait()), Some(Code::Gone));
        assert!(agreed::members(&*test.engine, &newsletter, None, 10).unwrap().items.is_empty());
        assert!(rows_of(&test, id.as_bytes()).is_empty(), "no record is left");
    }
}

pub(crate) fn rows_of(test: &TestVault, prefix: &[u8]) -> Vec<Vec<u8>> {
    use membervault::store::{KeyRange, Keyspace};
    let mut rows = Vec::new();
    let keep = &mut |key: &[u8], _: &[u8]| {
        rows.push(key.to_vec());
        std::ops::ControlFlow::Continue(())
    };
    test.engine.scan(Keyspace::Records, &KeyRange::prefix(prefix), keep).unwrap();
    rows
}
