//! Requests and erasure: carried out in one commit, stopped by a hold, settled whoever erased, and left without a word
//! of what the member said.

use std::ops::ControlFlow;

use membervault::code::Code;
use membervault::store::{KeyRange, Keyspace};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{Right, RightState, Role};
use membervault::vault::api::{NewHold, Stage};
use membervault::vault::request::Fulfil;

use crate::support::{check, code, fulfil, itself, new, open, read, steps, vault};

#[test]
fn a_request_to_be_forgotten_ends_in_an_erasure_with_its_certificate() {
    let (test, id) = vault(31);
    let vault = &test.vault;
    let request = open(vault, &itself(id), &id, Right::Erase);
    // Deciding requests is not erasing: the policy is asked for that as well.
    assert_eq!(code(vault.fulfil_request(&ctx(Role::Support), &request.id, &Fulfil::default())), Some(Code::Forbidden));
    let done = fulfil(vault, &request.id).unwrap();
    let erasure = done.erasure.unwrap();
    assert_eq!((done.state, steps(&done)), (RightState::Fulfilled, vec!["opened", "fulfilled"]));
    assert!(done.steps.iter().all(|step| step.note.is_none()));
    assert_eq!(read(vault, &request.id), done);
    assert_eq!(vault.erasure(&ctx(Role::Compliance), &erasure).wait().unwrap().stage, Stage::Fenced);
    vault.seal(&ctx(Role::Ops)).unwrap();
    let certificate = vault.certificate(&ctx(Role::Compliance), &erasure).wait().unwrap();
    assert!(certificate.contains(&erasure.to_string()));
    // The member's own token says what it says of everything.
    assert_eq!(code(vault.request(&itself(id), &request.id).wait()), Some(Code::Gone));
    assert_eq!(code(vault.open_request(&ctx(Role::Support), &id, &new(Right::Access)).wait()), Some(Code::Gone));
}

#[test]
fn a_hold_stands_against_it_and_is_noted() {
    let (test, id) = vault(32);
    let vault = &test.vault;
    let request = open(vault, &itself(id), &id, Right::Erase);
    let hold = NewHold { reason: "litigation".to_owned(), reference: None };
    vault.set_hold(&ctx(Role::Compliance), &id, &hold).wait().unwrap();
    assert_eq!(code(fulfil(vault, &request.id)), Some(Code::LegalHold));
    let held = read(vault, &request.id);
    assert_eq!((held.state, steps(&held)), (RightState::IdentityChecked, vec!["opened", "held"]));
    vault.release_hold(&ctx(Role::Compliance), &id).wait().unwrap();
    assert_eq!(fulfil(vault, &request.id).unwrap().state, RightState::Fulfilled);
    // Set after the fence, there is nothing left to hold.
    assert_eq!(code(vault.set_hold(&ctx(Role::Compliance), &id, &hold).wait()), Some(Code::Gone));
}

#[test]
fn whoever_erases_settles_what_is_open() {
    let (test, id) = vault(33);
    let vault = &test.vault;
    let closed = open(vault, &itself(id), &id, Right::Portability);
    vault.withdraw_request(&itself(id), &closed.id).wait().unwrap();
    let erase = open(vault, &itself(id), &id, Right::Erase);
    let access = open(vault, &ctx(Role::Support), &id, Right::Access);
    let erasure = vault.erase(&ctx(Role::Crm), &id, None).wait().unwrap();

    let settled = read(vault, &erase.id);
    assert_eq!((settled.state, settled.erasure), (RightState::Fulfilled, Some(erasure.id)));
    assert_eq!(settled.steps.last().map(|step| step.by.role), Some(Role::Crm));
    let lapsed = read(vault, &access.id);
    assert_eq!((lapsed.state, lapsed.erasure, steps(&lapsed)), (RightState::Lapsed, None, vec!["opened", "lapsed"]));
    assert_eq!(read(vault, &closed.id).state, RightState::Withdrawn);
    for request in [&settled, &lapsed, &read(vault, &closed.id)] {
        assert!(request.steps.iter().all(|step| step.note.is_none()));
    }
    assert_eq!(code(fulfil(vault, &access.id)), Some(Code::RequestState));
    assert_eq!(code(vault.withdraw_request(&ctx(Role::Support), &access.id).wait()), Some(Code::RequestState));
    let queue =
        vault.list_requests(&ctx(Role::Support), &Default::default(), &crate::queue::page(None)).wait().unwrap();
    assert!(queue.items.is_empty());
}

#[test]
fn a_compartment_that_is_erased_settles_nothing() {
    let (test, id) = vault(34);
    let vault = &test.vault;
    let write = membervault::vault::api::RecordWrite {
        address: membervault::vault::api::RecordAddress {
            member: id,
            compartment: "orders".parse().unwrap(),
            name: "1".parse().unwrap(),
        },
        data: serde_json::Map::new(),
        meta: None,
        expect: membervault::vault::api::Expect::Any,
    };
    vault.put_record(&ctx(Role::Crm), &write).wait().unwrap();
    let request = open(vault, &itself(id), &id, Right::Access);
    vault.erase(&ctx(Role::Crm), &id, Some(&"orders".parse().unwrap())).wait().unwrap();
    assert_eq!(read(vault, &request.id), request);
}

#[test]
fn steps_that_race_an_erasure_are_decided_by_who_comes_first() {
    for seed in 40..48 {
        let (test, id) = vault(seed);
        let vault = &test.vault;
        let request = open(vault, &ctx(Role::Support), &id, Right::Access);
        let (checked, opened) = std::thread::scope(|scope| {
            let check = scope.spawn(|| {
                let check = membervault::vault::request::Check {
                    method: membervault::types::IdentityMethod::Account,
                    note: None,
                };
                code(vault.check_request(&ctx(Role::Support), &request.id, &check).wait())
            });
            let open = scope.spawn(|| code(vault.open_request(&ctx(Role::Support), &id, &new(Right::Erase)).wait()));
            vault.erase(&ctx(Role::Crm), &id, None).wait().unwrap();
            (check.join().unwrap(), open.join().unwrap())
        });
        assert!(matches!(checked, None | Some(Code::RequestState | Code::Gone)), "{checked:?}");
        assert!(matches!(opened, None | Some(Code::Gone)), "{opened:?}");
        assert_eq!(read(vault, &request.id).state, RightState::Lapsed);
        let queue = vault.list_requests(&ctx(Role::Support), &Default::default(), &crate::queue::page(None)).wait();
        assert!(queue.unwrap().items.is_empty(), "nothing is open about somebody who is gone");
    }
}

/// Whether the words of the member can be found in any row, as they are.
fn words_in_rows(test: &TestVault) -> bool {
    let mut found = false;
    for keyspace in [Keyspace::Control, Keyspace::Records, Keyspace::Access, Keyspace::Ledger, Keyspace::Index] {
        let look = &mut |_: &[u8], row: &[u8]| {
            found |= row.windows(12).any(|part| part == b"canary-words");
            ControlFlow::Continue(())
        };
        test.engine.scan(keyspace, &KeyRange::all(), look).unwrap();
    }
    found
}

#[test]
fn what_was_said_is_sealed_and_goes_with_the_member() {
    let (test, id) = vault(50);
    let vault = &test.vault;
    let request = open(vault, &ctx(Role::Support), &id, Right::Access);
    check(vault, &request.id);
    assert!(!words_in_rows(&test));
    assert_eq!(read(vault, &request.id).steps[0].note.as_deref(), Some("canary-words of Maria"));
    vault.erase(&ctx(Role::Crm), &id, None).wait().unwrap();
    let text = serde_json::to_string(&read(vault, &request.id)).unwrap();
    assert!(!text.contains("canary-words"), "{text}");
    assert!(text.contains("opened_at") && text.contains("known_contact"), "the evidence stays: {text}");
}
