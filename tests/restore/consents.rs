//! What members agreed to, after a restore, and after the recovery of an old image.

use membervault::tables::agreed;
use membervault::types::{Purpose, RecordMeta};
use membervault::vault::api::Imported;
use membervault::vault::consent::{
    ConsentState, Happening, ImportedConsents, Method, NewConsent, Notice, Preferences, Stance,
};

use super::images::Image;
use super::*;

fn purpose(name: &str) -> Purpose {
    name.parse().unwrap()
}

fn consent() -> NewConsent {
    NewConsent {
        notice: Notice { version: "1".to_owned(), sha256: None, language: None },
        notice_text: Some("We write to you.".to_owned()),
        method: Method::WebForm,
        place: None,
        explicit: false,
        expires_at: None,
    }
}

#[test]
fn what_an_import_brought_is_in_the_history_after_a_restore_from_before_the_first_change() {
    let house = House::new();
    let newsletter = purpose("newsletter");
    let profile = serde_json::from_value(json!({"name": "Ada"})).unwrap();
    let member = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    let consents = ImportedConsents { notice: &consent().notice, purposes: &[vec![newsletter.clone()]] };
    let outcomes = house.live.vault.import_with(&crm(), &[member], consents).wait().unwrap();
    let [Imported::Created(id)] = outcomes.as_slice() else { panic!("created") };
    let backup = house.backup();
    house.live.vault.withdraw_consent(&crm(), id, &newsletter).wait().unwrap();
    house.live.vault.close().unwrap();

    let (vault, _) = house.restore(backup, Control::Database(&*house.live.engine), "into").unwrap();
    let found = vault.consents(&crm(), id).wait().unwrap();
    let states: Vec<_> = found.consents.iter().map(|one| (one.state, one.entry)).collect();
    assert_eq!((states, found.standing.consents.len()), (vec![(ConsentState::Withdrawn, Some(1))], 0));
    assert_eq!((found.history.len(), found.history[0].entry.method), (1, Some(Method::Import)));
    vault.give_consent(&crm(), id, &newsletter, &consent()).wait().unwrap();
    let events: Vec<_> = vault.consents(&crm(), id).wait().unwrap().history;
    assert_eq!(events.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_restore_brings_back_no_consent_that_was_withdrawn_and_loses_none_that_was_given() {
    let house = House::new();
    let (newsletter, new) = (purpose("newsletter"), consent());
    let give = |vault: &Vault, member: usize| {
        vault.give_consent(&crm(), &house.members[member], &newsletter, &new).wait().unwrap();
    };
    (0..3).for_each(|member| give(&house.live.vault, member));
    let backup = house.backup();
    house.live.vault.withdraw_consent(&crm(), &house.members[0], &newsletter).wait().unwrap();
    house.erase(1);
    give(&house.live.vault, 3);
    house.live.vault.close().unwrap();

    let (vault, _) = house.restore(backup, Control::Database(&*house.live.engine), "into").unwrap();
    let consents = |member: usize| vault.consents(&crm(), &house.members[member]).wait().unwrap();
    let (withdrawn, kept, given) = (consents(0), consents(2), consents(3));
    let states = |found: &membervault::vault::consent::Consents| -> Vec<_> {
        found.consents.iter().map(|one| (one.state, one.entry)).collect()
    };
    // The history is that of the backup; how a member stands is that of today.
    assert_eq!(states(&withdrawn), [(ConsentState::Withdrawn, Some(1))]);
    assert_eq!(states(&kept), [(ConsentState::Given, Some(1))]);
    assert_eq!(states(&given), [(ConsentState::Given, None)]);
    assert!(withdrawn.standing.consents.is_empty() && given.history.is_empty());
    // It goes on from there.
    give(&vault, 0);
    assert_eq!(consents(0).history.len(), 2);
    vault.close().unwrap();
    drop(vault);
    let page = agreed::members(&*engine(&house.path("into"), Opening::Existing), &newsletter, None, 100).unwrap();
    let mut expected: Vec<_> = [0, 2, 3].map(|member: usize| house.members[member]).into();
    expected.sort();
    assert_eq!(page.items.iter().map(|one| one.member).collect::<Vec<_>>(), expected, "rows and standings agree");
}

#[test]
fn an_old_image_brings_back_no_consent_that_was_withdrawn_since() {
    let house = House::new();
    let (newsletter, analytics) = (purpose("newsletter"), purpose("analytics"));
    let (vault, members) = (&house.live.vault, &house.members);
    let give = |member: usize, purpose| drop(vault.give_consent(&crm(), &members[member], purpose, &consent()).wait());
    let say = |member: usize, stance, set| drop(vault.set_stance(&crm(), &members[member], stance, set, None).wait());
    (0..4).for_each(|member| give(member, &newsletter));
    say(3, Stance::Objection(&analytics), true);
    say(5, Stance::Restriction, true);
    let image = Image::of(&house);
    vault.withdraw_consent(&crm(), &members[0], &newsletter).wait().unwrap();
    house.erase(2);
    // What changed in these cannot be known from the log.
    give(3, &analytics);
    vault.put_preferences(&crm(), &members[6], &Preferences::default(), Expect::Any).wait().unwrap();
    say(4, Stance::AutomatedDecisions, true);
    say(5, Stance::Restriction, false);
    // A read is no change.
    read(vault, RecordAddress::profile(members[1])).unwrap();
    house.seal();
    let (vault, done) = image.recover().unwrap();
    assert_eq!((done.erased_again, done.consents_set_aside, done.restricted), (1, 2, 1), "{done:?}");

    let consents = |member: usize| vault.consents(&crm(), &house.members[member]).wait().unwrap();
    assert_eq!(consents(1).standing.consents.len(), 1, "who changed nothing keeps it");
    assert_eq!(consents(1).history.len(), 1);
    for member in [0, 3] {
        let found = consents(member);
        assert!(found.standing.consents.is_empty() && !found.standing.restricted);
        assert_eq!(found.consents[0].state, ConsentState::Withdrawn);
        let last = &found.history.last().unwrap().entry;
        assert_eq!((last.event, last.purposes.as_slice()), (Happening::Withdrawn, [newsletter.clone()].as_slice()));
        assert!(last.reason.as_deref().unwrap().contains("ask the member again"));
    }
    assert_eq!(consents(3).standing.objections, [analytics], "what protects the member stays");
    let restricted = consents(4);
    assert!(restricted.standing.restricted && restricted.history[0].entry.event == Happening::Restricted);
    let still = consents(5);
    assert!(still.standing.restricted && still.history.len() == 1, "the image restricted it already");
    assert_eq!(read(&vault, RecordAddress::profile(house.members[2])), Err(Code::Gone));
    assert!(vault.examine(&ctx(Role::Ops)).wait().unwrap().is_sound());
    // The member is asked again.
    vault.give_consent(&crm(), &house.members[0], &newsletter, &consent()).wait().unwrap();
    vault.close().unwrap();
    let page = agreed::members(&*image.engine, &newsletter, None, 100).unwrap();
    let mut expected = [0, 1].map(|member: usize| house.members[member]);
    expected.sort();
    assert_eq!(page.items.iter().map(|one| one.member).collect::<Vec<_>>(), expected, "rows and standings agree");
}
