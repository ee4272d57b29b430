//! Requests about many members: two persons, pages, one erasure each, and a restart in the middle.

use membervault::code::Code;
use membervault::testkit::vault::ctx;
use membervault::types::{MemberId, Right, RightState, Role};
use membervault::vault::Vault;
use membervault::vault::api::{NewBulkRequest, NewHold, OutcomeKind, Request};
use membervault::vault::request::{BULK_MEMBERS_MAX, Fulfil, RequestSettings};

use crate::support::{code, colleague, create, itself, steps, vault};

fn bulk(kind: Right, members: &[MemberId]) -> NewBulkRequest {
    NewBulkRequest { kind, members: members.to_vec(), reason: "inactive for ten years".to_owned() }
}

fn approved(vault: &Vault, input: &NewBulkRequest) -> Request {
    let request = vault.open_bulk_request(&ctx(Role::Compliance), input).wait().unwrap();
    vault.approve_request(&colleague(), &request.id).wait().unwrap()
}

#[test]
fn one_person_alone_erases_nobody() {
    let (test, id) = vault(61);
    let vault = &test.vault;
    let one = ctx(Role::Compliance);
    let request = vault.open_bulk_request(&one, &bulk(Right::EraseBulk, &[id])).wait().unwrap();
    assert_eq!((request.state, request.member, request.members), (RightState::Open, None, 1));
    assert_eq!(code(vault.fulfil_request(&one, &request.id, &Fulfil::default())), Some(Code::SecondPerson));
    assert_eq!(code(vault.approve_request(&one, &request.id).wait()), Some(Code::SecondPerson));
    // Nor with another role of the same token.
    let mut disguised = ctx(Role::Compliance);
    disguised.actor.token = one.actor.token;
    disguised.actor.role = Role::Compliance;
    assert_eq!(code(vault.approve_request(&disguised, &request.id).wait()), Some(Code::SecondPerson));
    assert_eq!(code(vault.fulfil_request(&colleague(), &request.id, &Fulfil::default())), Some(Code::SecondPerson));
    vault.approve_request(&colleague(), &request.id).wait().unwrap();
    let done = vault.fulfil_request(&one, &request.id, &Fulfil::default()).unwrap();
    assert_eq!((done.state, done.outcomes[0].outcome), (RightState::Fulfilled, OutcomeKind::Erased));
}

#[test]
fn each_member_has_an_outcome_and_an_erasure_of_its_own() {
    let (test, gone) = vault(62);
    let vault = &test.vault;
    let mut members: Vec<_> = (0..120).map(|number| create(vault, &format!("m{number}@example.org"))).collect();
    let before = vault.erase(&ctx(Role::Crm), &gone, None).wait().unwrap();
    let held = members[7];
    let hold = NewHold { reason: "litigation".to_owned(), reference: None };
    vault.set_hold(&ctx(Role::Compliance), &held, &hold).wait().unwrap();
    let nobody = MemberId::from_random([5; 16]);
    members.extend([gone, nobody, members[0]]);
    let request = approved(vault, &bulk(Right::EraseBulk, &members));
    assert_eq!(request.members, 122, "who is named twice counts once");
    let done = vault.fulfil_request(&ctx(Role::Compliance), &request.id, &Fulfil::default()).unwrap();
    assert_eq!(done.state, RightState::Fulfilled);
    assert_eq!(steps(&done), ["opened", "approved", "progressed", "progressed", "fulfilled"]);
    let of = |member| done.outcomes.iter().find(|outcome| outcome.member == member).unwrap();
    assert_eq!((of(gone).outcome, of(gone).erasure), (OutcomeKind::GoneBefore, Some(before.id)));
    assert_eq!((of(held).outcome, of(nobody).outcome), (OutcomeKind::Held, OutcomeKind::NotFound));
    let erased: Vec<_> = done.outcomes.iter().filter(|outcome| outcome.outcome == OutcomeKind::Erased).collect();
    assert_eq!(erased.len(), 119);
    for outcome in erased {
        let erasure = vault.erasure(&ctx(Role::Compliance), &outcome.erasure.unwrap()).wait().unwrap();
        assert_eq!(erasure.member, outcome.member);
    }
    assert_eq!(
        code(vault.fulfil_request(&ctx(Role::Compliance), &request.id, &Fulfil::default())),
        Some(Code::RequestState)
    );
}

#[test]
fn what_was_cut_off_goes_on_where_it_was() {
    let (mut test, _) = vault(63);
    let members: Vec<_> = (0..60).map(|number| create(&test.vault, &format!("m{number}@example.org"))).collect();
    let request = approved(&test.vault, &bulk(Right::EraseBulk, &members));
    // As a process that ended after some erasures and before it wrote them down.
    for member in &members[..20] {
        test.vault.erase(&ctx(Role::Compliance), member, None).wait().unwrap();
    }
    test.reopen();
    let vault = &test.vault;
    let done = vault.fulfil_request(&ctx(Role::Compliance), &request.id, &Fulfil::default()).unwrap();
    assert_eq!((done.state, done.outcomes.len()), (RightState::Fulfilled, 60));
    assert!(done.outcomes.iter().all(|outcome| outcome.erasure.is_some()));
    assert_eq!(done.outcomes.iter().filter(|outcome| outcome.outcome == OutcomeKind::GoneBefore).count(), 20);
}

#[test]
fn two_who_carry_it_out_at_once_erase_each_once() {
    let (test, _) = vault(64);
    let vault = &test.vault;
    let members: Vec<_> = (0..80).map(|number| create(vault, &format!("m{number}@example.org"))).collect();
    let request = approved(vault, &bulk(Right::EraseBulk, &members));
    std::thread::scope(|scope| {
        for by in [ctx(Role::Compliance), colleague()] {
            let id = request.id;
            scope.spawn(move || {
                let done = vault.fulfil_request(&by, &id, &Fulfil::default());
                assert!(matches!(code(done), None | Some(Code::RequestState)));
            });
        }
    });
    let done = vault.request(&ctx(Role::Compliance), &request.id).wait().unwrap();
    assert_eq!((done.state, done.outcomes.len()), (RightState::Fulfilled, 80));
    let mut erasures: Vec<_> = done.outcomes.iter().map(|outcome| outcome.erasure.unwrap()).collect();
    erasures.sort_unstable();
    erasures.dedup();
    assert_eq!(erasures.len(), 80);
}

#[test]
fn what_is_opened_must_make_sense_and_be_by_staff() {
    let (test, id) = vault(65);
    let vault = &test.vault;
    let refused =
        |by: &membervault::types::Ctx, input: &NewBulkRequest| code(vault.open_bulk_request(by, input).wait());
    let staff = ctx(Role::Compliance);
    assert_eq!(refused(&staff, &bulk(Right::Erase, &[id])), Some(Code::InvalidRequest));
    assert_eq!(refused(&staff, &bulk(Right::EraseBulk, &[])), Some(Code::InvalidRequest));
    let many: Vec<_> =
        (0..=BULK_MEMBERS_MAX as u128).map(|number| MemberId::from_random(number.to_be_bytes())).collect();
    assert_eq!(refused(&staff, &bulk(Right::EraseBulk, &many)), Some(Code::InvalidRequest));
    assert_eq!(refused(&staff, &bulk(Right::EraseBulk, &many[1..])), None);
    let silent = NewBulkRequest { reason: String::new(), ..bulk(Right::EraseBulk, &[id]) };
    assert_eq!(refused(&staff, &silent), Some(Code::InvalidRequest));
    assert_eq!(refused(&itself(id), &bulk(Right::EraseBulk, &[id])), Some(Code::Forbidden));
    assert_eq!(refused(&ctx(Role::Marketing), &bulk(Right::EraseBulk, &[id])), Some(Code::Forbidden));
    // Whose role may not erase stays without power over members, whatever was approved.
    let request = approved(vault, &bulk(Right::EraseBulk, &[id]));
    assert_eq!(code(vault.fulfil_request(&ctx(Role::Support), &request.id, &Fulfil::default())), Some(Code::Forbidden));
}

#[test]
fn where_the_settings_say_so_one_person_is_enough() {
    let (test, id) = vault(66);
    let vault = &test.vault;
    vault.set_requests(RequestSettings { second_person: Vec::new() });
    let request = vault.open_bulk_request(&ctx(Role::Compliance), &bulk(Right::ExportBulk, &[id])).wait().unwrap();
    let done = vault.fulfil_request(&ctx(Role::Compliance), &request.id, &Fulfil::default()).unwrap();
    assert_eq!((done.outcomes[0].outcome, done.bundle_until.is_some()), (OutcomeKind::Ready, true));
}
