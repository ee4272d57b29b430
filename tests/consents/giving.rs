//! Consents are given, counted, withdrawn and remembered.

use membervault::clock::{Clock, Timestamp};
use membervault::code::Code;
use membervault::tables::agreed;
use membervault::testkit::vault::{START, TestVault, ctx, ctx_for};
use membervault::types::{MemberId, Role};
use membervault::vault::Error;
use membervault::vault::consent::{
    ConsentState, HISTORY_MAX, Happening, MemberStanding, Method, NewConsent, Notice, Stance,
};

use super::support::{code, create, dossier_record, leaves, purpose, vault};

const MINUTE: u64 = 60_000;

pub(crate) fn form() -> NewConsent {
    NewConsent {
        notice: Notice { version: "2026-01".to_owned(), sha256: None, language: Some("de".to_owned()) },
        notice_text: Some("We send you our newsletter once a month.".to_owned()),
        method: Method::WebForm,
        place: Some("account settings".to_owned()),
        explicit: false,
        expires_at: None,
    }
}

fn give(test: &TestVault, id: MemberId, to: &str, new: &NewConsent) -> Result<MemberStanding, Error> {
    test.vault.give_consent(&ctx(Role::Crm), &id, &purpose(to), new).wait()
}

fn withdraw(test: &TestVault, id: MemberId, to: &str) -> Result<MemberStanding, Error> {
    test.vault.withdraw_consent(&ctx(Role::Crm), &id, &purpose(to)).wait()
}

fn agreed_to(test: &TestVault, to: &str) -> Vec<MemberId> {
    let found = agreed::members(&*test.engine, &purpose(to), None, 100).unwrap();
    found.items.iter().filter(|one| one.is_in_force(test.clock.now())).map(|one| one.member).collect()
}

#[test]
fn a_consent_counts_until_it_is_withdrawn_and_the_history_has_both() {
    let (test, id) = vault(20);
    let standing = give(&test, id, "newsletter", &form()).unwrap();
    assert_eq!(standing.consents.iter().map(|one| one.purpose.as_str()).collect::<Vec<_>>(), ["newsletter"]);
    assert_eq!(agreed_to(&test, "newsletter"), [id]);
    test.clock.advance_millis(MINUTE);
    assert!(withdraw(&test, id, "newsletter").unwrap().consents.is_empty());
    assert!(agreed_to(&test, "newsletter").is_empty());

    let consents = test.vault.consents(&ctx_for(Role::Support, "support"), &id).wait().unwrap();
    let events: Vec<_> = consents.history.iter().map(|one| (one.number, one.entry.event)).collect();
    assert_eq!(events, [(1, Happening::Given), (2, Happening::Withdrawn)]);
    let given = &consents.history[0].entry;
    let notice = given.notice.as_ref().unwrap();
    assert_eq!((notice.version.as_str(), notice.language.as_deref()), ("2026-01", Some("de")));
    assert_eq!((given.method, given.place.as_deref()), (Some(Method::WebForm), Some("account settings")));
    assert_eq!((given.role, given.by), (Role::Crm, ctx(Role::Crm).actor.token));
    let view = &consents.consents[0];
    assert_eq!(
        (view.state, view.entry, view.since),
        (ConsentState::Withdrawn, Some(2), Some(START.plus_millis(MINUTE)))
    );
}

#[test]
fn the_text_of_a_notice_and_its_hash_say_the_same_and_the_text_is_not_kept() {
    let (test, id) = vault(21);
    give(&test, id, "newsletter", &form()).unwrap();
    let by_text = dossier_record(&test.vault, id, "consent-1").unwrap();
    let hash = by_text["notice"]["sha256"].as_str().unwrap().to_owned();
    assert!(!by_text.to_string().contains("once a month"));
    let by_hash =
        NewConsent { notice: Notice { sha256: Some(hash.clone()), ..form().notice }, notice_text: None, ..form() };
    give(&test, id, "newsletter", &by_hash).unwrap();
    assert_eq!(dossier_record(&test.vault, id, "consent-2").unwrap()["notice"]["sha256"], hash);
}

#[test]
fn what_is_no_consent_is_refused() {
    let (test, id) = vault(22);
    let crm = ctx(Role::Crm);
    let refused = |to: &str, new: NewConsent| code(give(&test, id, to, &new));
    assert_eq!(refused("unheard-of", form()), Some(Code::PurposeUnknown));
    assert_eq!(refused("service", form()), Some(Code::ConsentNotNeeded));
    let invalid = Some(Code::InvalidRequest);
    assert_eq!(refused("newsletter", NewConsent { notice_text: None, ..form() }), invalid, "no notice");
    let notice = |sha256: &str| Notice { sha256: Some(sha256.to_owned()), ..form().notice };
    assert_eq!(refused("newsletter", NewConsent { notice: notice(&"a".repeat(64)), ..form() }), invalid, "both");
    for hash in ["", "abc", &"A".repeat(64), &"a".repeat(63), &"g".repeat(64)] {
        let new = NewConsent { notice: notice(hash), notice_text: None, ..form() };
        assert_eq!(refused("newsletter", new), invalid, "{hash}");
    }
    for version in ["", "a b", &"v".repeat(65)] {
        let notice = Notice { version: version.to_owned(), ..form().notice };
        assert_eq!(refused("newsletter", NewConsent { notice, ..form() }), invalid, "{version}");
    }
    for place in ["".to_owned(), "x".repeat(129)] {
        assert_eq!(refused("newsletter", NewConsent { place: Some(place), ..form() }), invalid);
    }
    for end in [START, START.plus_millis(MINUTE - 1)] {
        assert_eq!(refused("newsletter", NewConsent { expires_at: Some(end), ..form() }), invalid, "{end}");
    }
    let by = |ctx| code(test.vault.give_consent(&ctx, &id, &purpose("newsletter"), &form()).wait());
    assert_eq!(by(ctx(Role::Ops)), Some(Code::Forbidden));
    assert_eq!(by(ctx_for(Role::Marketing, "newsletter")), Some(Code::Forbidden));
    assert_eq!(by(ctx(Role::Support)), Some(Code::PurposeRequired));
    assert!(test.vault.consents(&crm, &id).wait().unwrap().history.is_empty());
    assert!(agreed_to(&test, "newsletter").is_empty());
}

#[test]
fn a_consent_ends_at_its_minute_and_is_tidied_away_with_the_next_change() {
    let (test, id) = vault(23);
    let ends = Some(START.plus_millis(10 * MINUTE + 30_000));
    give(&test, id, "newsletter", &NewConsent { expires_at: ends, ..form() }).unwrap();
    test.clock.advance_millis(10 * MINUTE - 1);
    assert_eq!(agreed_to(&test, "newsletter"), [id]);
    test.clock.advance_millis(1);
    let consents = test.vault.consents(&ctx(Role::Crm), &id).wait().unwrap();
    assert_eq!(consents.consents[0].state, ConsentState::Expired);
    assert!(consents.standing.consents.is_empty() && agreed_to(&test, "newsletter").is_empty());
    let rows = |test: &TestVault| agreed::members(&*test.engine, &purpose("newsletter"), None, 10).unwrap().items.len();
    assert_eq!(rows(&test), 1, "the row is there until the standing is written");
    test.vault.set_stance(&ctx(Role::Crm), &id, Stance::Restriction, true, None).wait().unwrap();
    assert_eq!(rows(&test), 0);
    let consents = test.vault.consents(&ctx(Role::Crm), &id).wait().unwrap();
    assert_eq!((consents.consents[0].state, consents.consents[0].until), (ConsentState::Expired, ends));
}

#[test]
fn to_withdraw_twice_changes_nothing_and_is_logged() {
    let (test, id) = vault(24);
    assert!(withdraw(&test, id, "newsletter").unwrap().consents.is_empty(), "never given");
    give(&test, id, "newsletter", &form()).unwrap();
    withdraw(&test, id, "newsletter").unwrap();
    let before = leaves(&test);
    withdraw(&test, id, "newsletter").unwrap();
    assert_eq!(leaves(&test), before + 1);
    assert_eq!(code(withdraw(&test, id, "newsleter")), Some(Code::PurposeUnknown), "a slip is not answered as done");
    assert_eq!(test.vault.consents(&ctx(Role::Crm), &id).wait().unwrap().history.len(), 2);
}

#[test]
fn a_clock_that_goes_back_reorders_nothing_and_brings_nothing_back() {
    let (test, id) = vault(25);
    let ends = Some(START.plus_millis(10 * MINUTE));
    give(&test, id, "newsletter", &NewConsent { expires_at: ends, ..form() }).unwrap();
    test.clock.advance_millis(20 * MINUTE);
    withdraw(&test, id, "newsletter").unwrap();
    test.clock.set(Timestamp::from_millis(START.as_millis() - MINUTE));
    assert!(test.vault.consents(&ctx(Role::Crm), &id).wait().unwrap().standing.consents.is_empty());
    give(&test, id, "analytics", &form()).unwrap();
    let history = test.vault.consents(&ctx(Role::Crm), &id).wait().unwrap().history;
    assert_eq!(history.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(history[2].entry.at < history[0].entry.at);
}

#[test]
fn an_objection_outlives_a_consent() {
    let (test, id) = vault(26);
    let crm = ctx(Role::Crm);
    let newsletter = purpose("newsletter");
    test.vault.set_stance(&crm, &id, Stance::Objection(&newsletter), true, None).wait().unwrap();
    let standing = give(&test, id, "newsletter", &form()).unwrap();
    assert_eq!((standing.objections.len(), standing.consents.len()), (1, 1));
}

#[test]
fn who_agrees_is_found_page_by_page_and_erased_members_are_not_among_them() {
    let (test, first) = vault(27);
    let members: Vec<_> = (0..5).map(|n| create(&test.vault, &format!("m{n}@example.org"))).chain([first]).collect();
    members.iter().for_each(|id| drop(give(&test, *id, "newsletter", &form()).unwrap()));
    give(&test, first, "analytics", &form()).unwrap();
    test.vault.erase(&ctx(Role::Compliance), &members[0], None).wait().unwrap();
    let mut expected = members[1..].to_vec();
    expected.sort();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let chunk = agreed::members(&*test.engine, &purpose("newsletter"), after.as_ref(), 2).unwrap();
        found.extend(chunk.items.iter().map(|one| one.member));
        after = found.last().copied();
        if !chunk.more {
            break;
        }
    }
    assert_eq!(found, expected);
    assert_eq!(agreed_to(&test, "analytics"), [first]);
    assert_eq!(code(withdraw(&test, members[0], "newsletter")), Some(Code::Gone));
    assert_eq!(code(give(&test, members[0], "newsletter", &form())), Some(Code::Gone));
    assert_eq!(code(test.vault.consents(&ctx(Role::Crm), &members[0]).wait()), Some(Code::Gone));
}

#[test]
fn a_full_history_still_lets_withdraw() {
    let (test, id) = vault(28);
    give(&test, id, "newsletter", &form()).unwrap();
    for _ in 1..HISTORY_MAX {
        give(&test, id, "analytics", &form()).unwrap();
    }
    assert_eq!(code(give(&test, id, "newsletter", &form())), Some(Code::LimitReached));
    assert!(withdraw(&test, id, "newsletter").unwrap().consents.iter().all(|one| one.purpose != purpose("newsletter")));
}
