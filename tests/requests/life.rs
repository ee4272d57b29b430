//! The life of one request: who may open it, its clock, its steps, and what carrying it out does.

use membervault::clock::Timestamp;
use membervault::code::Code;
use membervault::testkit::vault::{START, ctx, ctx_for};
use membervault::types::{IdentityMethod, RefusalGround, RequestCaseId, Right, RightState, Role};
use membervault::vault::api::{Corrected, NewRequest};
use membervault::vault::request::{Check, Extend, Fulfil, LIVE_PER_MEMBER_MAX, Refuse, RequestSettings, STEPS_MAX};

use crate::support::{check, code, colleague, create, fulfil, itself, new, open, read, steps, vault};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn a_member_asks_and_its_token_shows_who_asks() {
    let (test, id) = vault(1);
    let vault = &test.vault;
    let request = open(vault, &itself(id), &id, Right::Access);
    assert_eq!((request.kind, request.state, request.member), (Right::Access, RightState::IdentityChecked, Some(id)));
    assert_eq!(request.identity.as_ref().map(|identity| identity.method), Some(IdentityMethod::OwnToken));
    assert_eq!(request.opened_by.role, Role::Member);
    // A member may read and take back its own, and nobody else's.
    let other = create(vault, "other@example.org");
    assert_eq!(vault.request(&itself(id), &request.id).wait().unwrap(), request);
    assert_eq!(code(vault.request(&itself(other), &request.id).wait()), Some(Code::NotFound));
    assert_eq!(code(vault.withdraw_request(&itself(other), &request.id).wait()), Some(Code::NotFound));
    assert_eq!(code(vault.open_request(&itself(other), &id, &new(Right::Access)).wait()), Some(Code::NotFound));
    assert_eq!(code(vault.requests_of(&itself(other), &id).wait()), Some(Code::NotFound));
    assert_eq!(
        code(vault.list_requests(&itself(id), &Default::default(), &crate::queue::page(None)).wait()),
        Some(Code::Forbidden)
    );
    assert_eq!(code(vault.fulfil_request(&itself(id), &request.id, &Fulfil::default())), Some(Code::Forbidden));
    let withdrawn = vault.withdraw_request(&itself(id), &request.id).wait().unwrap();
    assert_eq!((withdrawn.state, steps(&withdrawn)), (RightState::Withdrawn, vec!["opened", "withdrawn"]));
    assert_eq!(code(vault.withdraw_request(&itself(id), &request.id).wait()), Some(Code::RequestState));
    let listed = vault.requests_of(&itself(id), &id).wait().unwrap().items;
    assert_eq!(
        listed.iter().map(|request| (request.id, request.state)).collect::<Vec<_>>(),
        [(request.id, RightState::Withdrawn)]
    );
    assert!(listed[0].steps[0].note.is_none(), "no texts in listings");
}

#[test]
fn staff_opens_checks_and_carries_out() {
    let (test, id) = vault(2);
    let vault = &test.vault;
    let request = open(vault, &ctx(Role::Support), &id, Right::Access);
    assert_eq!((request.state, request.identity.is_none()), (RightState::Open, true));
    assert_eq!(code(fulfil(vault, &request.id)), Some(Code::RequestState));
    let how = |method, note: Option<&str>| Check { method, note: note.map(str::to_owned) };
    let support = ctx(Role::Support);
    let other = how(IdentityMethod::Other, None);
    assert_eq!(code(vault.check_request(&support, &request.id, &other).wait()), Some(Code::InvalidRequest));
    assert_eq!(code(vault.check_request(&ctx(Role::Crm), &request.id, &other).wait()), Some(Code::Forbidden));
    let known = how(IdentityMethod::Document, Some("saw the identity card"));
    let checked = vault.check_request(&support, &request.id, &known).wait().unwrap();
    assert_eq!(checked.state, RightState::IdentityChecked);
    assert_eq!(code(vault.check_request(&support, &request.id, &known).wait()), Some(Code::RequestState));
    assert!(checked.bundle_until.is_none());
    let done = fulfil(vault, &request.id).unwrap();
    assert_eq!((done.state, steps(&done)), (RightState::Fulfilled, vec!["opened", "identity_checked", "fulfilled"]));
    assert_eq!(done.bundle_until, Some(START.plus_millis(30 * 24 * 3_600_000)));
    let again = read(vault, &request.id);
    assert_eq!(again, done);
    assert_eq!(again.steps[0].note.as_deref(), Some("canary-words of Maria"));
    assert_eq!(again.steps[1].note.as_deref(), Some("saw the identity card"));
    assert_eq!(code(fulfil(vault, &request.id)), Some(Code::RequestState));
    assert_eq!(code(vault.request(&ctx(Role::Ops), &request.id).wait()), Some(Code::Forbidden));
    let unknown = RequestCaseId::from_random([9; 16]);
    assert_eq!(code(vault.request(&support, &unknown).wait()), Some(Code::NotFound));
    assert_eq!(code(fulfil(vault, &unknown)), Some(Code::NotFound));
}

#[test]
fn what_is_opened_must_make_sense() {
    let (test, id) = vault(3);
    let vault = &test.vault;
    let support = ctx(Role::Support);
    let purpose = || vec!["newsletter".parse().unwrap()];
    let refused = |kind, purposes, note: Option<String>| {
        code(vault.open_request(&support, &id, &NewRequest { kind, purposes, note }).wait())
    };
    assert_eq!(refused(Right::EraseBulk, vec![], None), Some(Code::InvalidRequest));
    assert_eq!(refused(Right::Object, vec![], None), Some(Code::InvalidRequest));
    assert_eq!(refused(Right::Access, purpose(), None), Some(Code::InvalidRequest));
    assert_eq!(refused(Right::Object, vec!["no-such".parse().unwrap()], None), Some(Code::PurposeUnknown));
    assert_eq!(refused(Right::Access, vec![], Some(" ".to_owned())), Some(Code::InvalidRequest));
    assert_eq!(refused(Right::Access, vec![], Some("x".repeat(2_001))), Some(Code::InvalidRequest));
    assert_eq!(refused(Right::Object, purpose(), Some("x".repeat(2_000))), None);
    let nobody = membervault::types::MemberId::from_random([3; 16]);
    assert_eq!(code(vault.open_request(&support, &nobody, &new(Right::Access)).wait()), Some(Code::NotFound));
    for role in [Role::Marketing, Role::Analyst, Role::Ops, Role::Admin] {
        assert_eq!(
            code(vault.open_request(&ctx(role), &id, &new(Right::Access)).wait()),
            Some(Code::Forbidden),
            "{role}"
        );
    }
}

#[test]
fn the_clock_runs_for_a_calendar_month_and_is_extended_once() {
    let (test, id) = vault(4);
    let vault = &test.vault;
    test.clock.set(at("2026-01-31T09:30:00Z"));
    let request = open(vault, &ctx(Role::Support), &id, Right::Access);
    assert_eq!(request.deadline, at("2026-02-28T09:30:00Z"), "February has no 31st");
    test.clock.set(at("2026-02-28T09:29:59Z"));
    assert!(!read(vault, &request.id).overdue);
    let by = |months, reason: &str| Extend { months, reason: reason.to_owned() };
    let staff = ctx(Role::Compliance);
    assert_eq!(code(vault.extend_request(&staff, &request.id, &by(0, "many")).wait()), Some(Code::InvalidRequest));
    assert_eq!(code(vault.extend_request(&staff, &request.id, &by(3, "many")).wait()), Some(Code::InvalidRequest));
    assert_eq!(code(vault.extend_request(&staff, &request.id, &by(2, "")).wait()), Some(Code::InvalidRequest));
    let extended = vault.extend_request(&staff, &request.id, &by(2, "forty letters")).wait().unwrap();
    assert_eq!(extended.deadline, at("2026-04-30T09:30:00Z"), "counted from the opening");
    assert_eq!(extended.extension.map(|extension| extension.months), Some(2));
    assert_eq!(code(vault.extend_request(&staff, &request.id, &by(1, "more")).wait()), Some(Code::RequestState));
    test.clock.set(at("2026-04-30T09:30:00Z"));
    assert!(read(vault, &request.id).overdue);
    // A clock that goes back moves no deadline.
    test.clock.set(at("2026-01-01T00:00:00Z"));
    let back = read(vault, &request.id);
    assert_eq!((back.deadline, back.overdue), (at("2026-04-30T09:30:00Z"), false));

    let late = open(vault, &staff, &id, Right::Rectify);
    test.clock.set(late.deadline);
    assert_eq!(code(vault.extend_request(&staff, &late.id, &by(1, "late")).wait()), Some(Code::RequestState));
    check(vault, &late.id);
    let refuse = Refuse { ground: RefusalGround::Excessive, text: None };
    let answered = vault.refuse_request(&staff, &late.id, &refuse).wait().unwrap();
    assert!(!answered.overdue, "what is answered is not overdue");
}

#[test]
fn a_refusal_has_a_ground() {
    let (test, id) = vault(5);
    let vault = &test.vault;
    let staff = ctx(Role::Support);
    let request = open(vault, &itself(id), &id, Right::Erase);
    let refuse = |ground, text: Option<&str>| Refuse { ground, text: text.map(str::to_owned) };
    let other = refuse(RefusalGround::Other, None);
    assert_eq!(code(vault.refuse_request(&staff, &request.id, &other).wait()), Some(Code::InvalidRequest));
    let lawful = refuse(RefusalGround::LegalObligation, Some("invoices are kept for ten years"));
    assert_eq!(code(vault.refuse_request(&itself(id), &request.id, &lawful).wait()), Some(Code::Forbidden));
    assert_eq!(code(vault.approve_request(&itself(id), &request.id).wait()), Some(Code::Forbidden));
    let refused = vault.refuse_request(&staff, &request.id, &lawful).wait().unwrap();
    assert_eq!(refused.state, RightState::Refused);
    assert_eq!(refused.refusal.map(|refusal| refusal.ground), Some(RefusalGround::LegalObligation));
    assert_eq!(refused.steps[1].note.as_deref(), Some("invoices are kept for ten years"));
    assert_eq!(code(fulfil(vault, &request.id)), Some(Code::RequestState));
}

#[test]
fn restriction_and_objection_change_how_the_member_stands() {
    let (test, id) = vault(6);
    let vault = &test.vault;
    let restrict = open(vault, &itself(id), &id, Right::Restrict);
    let object = open(vault, &itself(id), &id, Right::Object);
    assert_eq!(object.purposes, ["newsletter".parse().unwrap()]);
    let clerk = ctx_for(Role::Support, "support");
    let fulfil = |id| vault.fulfil_request(&clerk, id, &Fulfil::default());
    // Compliance decides requests and sees no member data; by the built-in policy it does not change how one stands.
    assert_eq!(code(crate::support::fulfil(vault, &restrict.id)), Some(Code::Forbidden));
    assert_eq!(fulfil(&restrict.id).unwrap().state, RightState::Fulfilled);
    assert_eq!(fulfil(&object.id).unwrap().state, RightState::Fulfilled);
    let unchanged =
        vault.set_stance(&clerk, &id, membervault::vault::consent::Stance::Restriction, true, None).wait().unwrap();
    assert!(unchanged.restricted);
    assert_eq!(unchanged.objections, ["newsletter".parse().unwrap()]);
    // Asked for again: it is so already, and the request is fulfilled all the same.
    let again = open(vault, &itself(id), &id, Right::Restrict);
    assert_eq!(fulfil(&again.id).unwrap().state, RightState::Fulfilled);
}

#[test]
fn a_correction_names_records_that_have_come_that_far() {
    let (test, id) = vault(7);
    let vault = &test.vault;
    let request = open(vault, &itself(id), &id, Right::Rectify);
    let staff = ctx(Role::Support);
    let named = |compartment: &str, name: &str, version| Fulfil {
        corrected: vec![Corrected {
            compartment: compartment.parse().unwrap(),
            name: name.parse().unwrap(),
            version: membervault::types::RecordVersion(version),
        }],
        note: None,
    };
    for wrong in [Fulfil::default(), named("core", "profile", 2), named("core", "other", 1), named("orders", "1", 1)] {
        assert_eq!(code(vault.fulfil_request(&staff, &request.id, &wrong)), Some(Code::InvalidRequest));
    }
    let done = vault.fulfil_request(&staff, &request.id, &named("core", "profile", 1)).unwrap();
    assert_eq!((done.state, done.corrected.len()), (RightState::Fulfilled, 1));
    assert_eq!(read(vault, &request.id).corrected[0].version.0, 1);
    let access = open(vault, &itself(id), &id, Right::Access);
    let odd = named("core", "profile", 1);
    assert_eq!(code(vault.fulfil_request(&staff, &access.id, &odd)), Some(Code::InvalidRequest));
}

#[test]
fn where_the_settings_ask_for_it_two_persons_must_agree() {
    let (test, id) = vault(8);
    let vault = &test.vault;
    vault.set_requests(RequestSettings { second_person: vec![Right::Access] });
    let (one, two) = (ctx(Role::Compliance), colleague());
    let carry_out = |by, id| vault.fulfil_request(by, id, &Fulfil::default());
    let request = open(vault, &one, &id, Right::Access);
    check(vault, &request.id);
    assert_eq!(code(carry_out(&one, &request.id)), Some(Code::SecondPerson));
    assert_eq!(code(vault.approve_request(&one, &request.id).wait()), Some(Code::SecondPerson));
    assert_eq!(code(vault.approve_request(&ctx(Role::Support), &request.id).wait()), Some(Code::Forbidden));
    let approved = vault.approve_request(&two, &request.id).wait().unwrap();
    assert_eq!(
        (approved.state, approved.approval.and_then(|by| by.by.token)),
        (RightState::Approved, Some(two.actor.token))
    );
    assert_eq!(code(vault.approve_request(&two, &request.id).wait()), Some(Code::RequestState));
    assert_eq!(carry_out(&two, &request.id).unwrap().state, RightState::Fulfilled);
    // What the member itself asked for needs two of the staff.
    let own = open(vault, &itself(id), &id, Right::Access);
    vault.approve_request(&two, &own.id).wait().unwrap();
    assert_eq!(code(carry_out(&two, &own.id)), Some(Code::SecondPerson));
    assert_eq!(carry_out(&one, &own.id).unwrap().state, RightState::Fulfilled);
}

#[test]
fn requests_of_one_member_are_bounded() {
    let (test, id) = vault(9);
    let vault = &test.vault;
    let own = itself(id);
    let first = open(vault, &own, &id, Right::Access);
    (1..LIVE_PER_MEMBER_MAX).for_each(|_| drop(open(vault, &own, &id, Right::Access)));
    assert_eq!(code(vault.open_request(&own, &id, &new(Right::Access)).wait()), Some(Code::LimitReached));
    vault.withdraw_request(&own, &first.id).wait().unwrap();
    open(vault, &own, &id, Right::Access);
    // Those that are closed go from the list in time, and stay to be read.
    for _ in 0..60 {
        let newest = vault.requests_of(&own, &id).wait().unwrap().items.last().unwrap().id;
        vault.withdraw_request(&own, &newest).wait().unwrap();
        open(vault, &own, &id, Right::Portability);
    }
    let listed = vault.requests_of(&own, &id).wait().unwrap().items;
    assert_eq!(listed.len(), membervault::vault::request::LISTED_PER_MEMBER_MAX);
    assert!(listed.iter().all(|request| request.id != first.id));
    assert_eq!(listed.iter().filter(|request| request.state.is_live()).count(), LIVE_PER_MEMBER_MAX);
    assert_eq!(read(vault, &first.id).state, RightState::Withdrawn);
}

#[test]
fn steps_are_bounded_and_the_last_word_stays_possible() {
    let (test, id) = vault(10);
    let vault = &test.vault;
    let request = open(vault, &itself(id), &id, Right::Erase);
    let hold = membervault::vault::api::NewHold { reason: "litigation".to_owned(), reference: None };
    vault.set_hold(&ctx(Role::Compliance), &id, &hold).wait().unwrap();
    for _ in 0..STEPS_MAX + 3 {
        assert_eq!(code(fulfil(vault, &request.id)), Some(Code::LegalHold));
    }
    assert!(read(vault, &request.id).steps.len() < STEPS_MAX, "room is left to answer");
    let refuse = Refuse { ground: RefusalGround::Hold, text: None };
    assert_eq!(vault.refuse_request(&colleague(), &request.id, &refuse).wait().unwrap().state, RightState::Refused);
}

#[test]
fn every_step_is_in_the_ledger_and_survives_a_restart() {
    let (mut test, id) = vault(11);
    let leaves =
        |test: &membervault::testkit::vault::TestVault| test.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size;
    let before = leaves(&test);
    let request = open(&test.vault, &ctx(Role::Support), &id, Right::Access);
    check(&test.vault, &request.id);
    let done = fulfil(&test.vault, &request.id).unwrap();
    assert_eq!(leaves(&test), before + 3);
    test.reopen();
    assert_eq!(read(&test.vault, &request.id), done);
}
