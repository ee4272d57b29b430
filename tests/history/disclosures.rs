//! The register of recipients, what was given to them, and whom to tell of an erasure.

use std::sync::Arc;

use membervault::code::{Code, Coded};
use membervault::store::Engine;
use membervault::testkit::vault::{START, TestVault, ctx};
use membervault::testkit::watched::InterruptingEngine;
use membervault::types::{Ctx, MemberId, RecipientName, RecordVersion, Role};
use membervault::vault::api::{
    Agreement, Disclosure, DisclosureSource, Expect, NewDisclosure, Page, Recipient, RecipientKind, RecordAddress,
    RecordQuery,
};

use crate::support::{member, of, own, page, read};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

fn name(text: &str) -> RecipientName {
    text.parse().unwrap()
}

fn recipient(organisation: &str) -> Recipient {
    Recipient {
        kind: RecipientKind::Processor,
        organisation: organisation.to_owned(),
        agreement: Some(Agreement {
            reference: "DPA-7".to_owned(),
            agreed_at: START,
            expires_at: Some(START.plus_millis(30 * DAY_MS)),
        }),
        country: Some("IE".to_owned()),
        safeguards: None,
        contact: Some("privacy@mailer.example".to_owned()),
        purposes: vec!["newsletter".parse().unwrap(), "service".parse().unwrap()],
    }
}

fn put(test: &TestVault, name: &str, recipient: &Recipient, expect: Expect) -> Result<RecordVersion, Code> {
    let entry = test.vault.put_recipient(&ctx(Role::Compliance), &self::name(name), recipient, expect).wait();
    entry.map(|entry| entry.version).map_err(|error| error.code())
}

fn given(recipient: &str, purpose: &str) -> NewDisclosure {
    NewDisclosure {
        recipient: name(recipient),
        compartment: "core".parse().unwrap(),
        record: "profile".parse().unwrap(),
        fields: Some(vec!["name".parse().unwrap(), "address".parse().unwrap()]),
        purpose: purpose.parse().unwrap(),
        at: None,
    }
}

fn record(test: &TestVault, member: &MemberId, new: &NewDisclosure) -> Result<u32, Code> {
    let disclosure = test.vault.record_disclosure(&ctx(Role::Crm), member, new).wait();
    disclosure.map(|disclosure| disclosure.number.unwrap()).map_err(|error| error.code())
}

fn disclosures(test: &TestVault, ctx: &Ctx, member: &MemberId, limit: usize) -> Vec<Disclosure> {
    let mut page = page(limit);
    let mut all = Vec::new();
    loop {
        let listing = test.vault.disclosures(ctx, member, &page).wait().unwrap();
        assert!(listing.items.len() <= limit);
        all.extend(listing.items);
        page.cursor = listing.next;
        if page.cursor.is_none() {
            return all;
        }
    }
}

#[test]
fn the_register_is_kept_by_version() {
    let mut test = TestVault::new(20);
    assert_eq!(put(&test, "mailer", &recipient("Mailer Ltd"), Expect::Absent), Ok(RecordVersion(1)));
    assert_eq!(put(&test, "mailer", &recipient("Mailer Ltd"), Expect::Absent), Err(Code::VersionMismatch));
    assert_eq!(put(&test, "carrier", &recipient("Carrier AG"), Expect::Present), Err(Code::VersionMismatch));
    assert_eq!(put(&test, "carrier", &recipient("Carrier AG"), Expect::Any), Ok(RecordVersion(1)));
    let second = recipient("Mailer and Sons Ltd");
    assert_eq!(put(&test, "mailer", &second, Expect::Version(RecordVersion(1))), Ok(RecordVersion(2)));
    assert_eq!(put(&test, "mailer", &second, Expect::Version(RecordVersion(1))), Err(Code::VersionMismatch));
    test.reopen();
    let entry = test.vault.recipient(&ctx(Role::Crm), &name("mailer")).wait().unwrap();
    assert_eq!((entry.version, entry.recipient), (RecordVersion(2), second));
    let first = test.vault.list_recipients(&ctx(Role::Compliance), &page(1)).wait().unwrap();
    let rest = Page { cursor: first.next.clone(), limit: 1 };
    let rest = test.vault.list_recipients(&ctx(Role::Compliance), &rest).wait().unwrap();
    let names: Vec<_> = first.items.iter().chain(&rest.items).map(|entry| entry.name.as_str()).collect();
    assert_eq!((names.as_slice(), rest.next), (["carrier", "mailer"].as_slice(), None));
    let remove = |version: u64| {
        let expect = Expect::Version(RecordVersion(version));
        let removed = test.vault.delete_recipient(&ctx(Role::Compliance), &name("mailer"), expect).wait();
        removed.map_err(|error| error.code())
    };
    assert_eq!((remove(1), remove(2), remove(2)), (Err(Code::VersionMismatch), Ok(()), Err(Code::VersionMismatch)));
    let gone = test.vault.recipient(&ctx(Role::Crm), &name("mailer")).wait();
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    for role in [Role::Crm, Role::Ops, Role::Admin, Role::Support, Role::Marketing] {
        let refused = test.vault.put_recipient(&ctx(role), &name("mailer"), &recipient("x"), Expect::Any).wait();
        assert_eq!(refused.unwrap_err().code(), Code::Forbidden, "{role}");
    }
}

/// What makes an entry of the register unacceptable.
type Spoil<'f> = &'f dyn Fn(&mut Recipient);

#[test]
fn what_cannot_be_meant_is_not_registered() {
    let test = TestVault::new(21);
    let wrong: [(&str, Spoil<'_>); 8] = [
        ("/organisation", &|entry| entry.organisation = String::new()),
        ("/organisation", &|entry| entry.organisation = "a".repeat(257)),
        ("/safeguards", &|entry| entry.safeguards = Some("a\nb".to_owned())),
        ("/contact", &|entry| entry.contact = Some(String::new())),
        ("/country", &|entry| entry.country = Some("de".to_owned())),
        ("/agreement/reference", &|entry| entry.agreement.as_mut().unwrap().reference.clear()),
        ("/agreement/expires_at", &|entry| entry.agreement.as_mut().unwrap().expires_at = Some(START)),
        ("/purposes", &|entry| entry.purposes.push("world-domination".parse().unwrap())),
    ];
    for (at, change) in wrong {
        let mut entry = recipient("Mailer Ltd");
        change(&mut entry);
        let refused = test.vault.put_recipient(&ctx(Role::Compliance), &name("mailer"), &entry, Expect::Any).wait();
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), refused.at()), (Code::InvalidRequest, Some(at)));
    }
}

#[test]
fn data_is_given_only_under_an_agreement_in_force() {
    let test = TestVault::new(22);
    let maria = member(&test, 1);
    assert_eq!(record(&test, &maria, &given("mailer", "newsletter")), Err(Code::NoAgreement), "not registered");
    let mut none = recipient("Mailer Ltd");
    none.agreement = None;
    put(&test, "mailer", &none, Expect::Any).unwrap();
    assert_eq!(record(&test, &maria, &given("mailer", "newsletter")), Err(Code::NoAgreement), "no agreement");
    put(&test, "mailer", &recipient("Mailer Ltd"), Expect::Any).unwrap();
    assert_eq!(record(&test, &maria, &given("mailer", "analytics")), Err(Code::RecipientNotAllowed));
    assert_eq!(record(&test, &maria, &given("mailer", "newsletter")), Ok(1));
    test.clock.advance_millis(31 * DAY_MS);
    assert_eq!(record(&test, &maria, &given("mailer", "newsletter")), Err(Code::NoAgreement), "it has ended");
    let then = NewDisclosure { at: Some(START.plus_millis(DAY_MS)), ..given("mailer", "newsletter") };
    assert_eq!(record(&test, &maria, &then), Ok(2), "it was in force then");
    let before = NewDisclosure { at: Some(START.plus_millis(0)), ..given("mailer", "newsletter") };
    assert_eq!(record(&test, &maria, &before), Ok(3));
    let future = NewDisclosure { at: Some(START.plus_millis(900 * DAY_MS)), ..given("mailer", "newsletter") };
    assert_eq!(record(&test, &maria, &future), Err(Code::InvalidRequest));
    let nothing = NewDisclosure { fields: Some(Vec::new()), ..given("mailer", "newsletter") };
    assert_eq!(record(&test, &maria, &nothing), Err(Code::InvalidRequest));
    for role in [Role::Support, Role::Marketing, Role::Ops, Role::Admin] {
        assert!(test.vault.record_disclosure(&ctx(role), &maria, &then).wait().is_err(), "{role}");
    }
    let against = test.vault.record_disclosure(&own(maria), &maria, &then).wait();
    assert_eq!(against.unwrap_err().code(), Code::Forbidden);
}

#[test]
fn a_member_sees_what_was_recorded_and_what_recipients_read() {
    let mut test = TestVault::new(23);
    let maria = member(&test, 1);
    put(&test, "mailer", &recipient("Mailer Ltd"), Expect::Any).unwrap();
    put(&test, "carrier", &recipient("Carrier AG"), Expect::Any).unwrap();
    let mut mailer = of(Role::Marketing, "newsletter", "Somebody at Mailer");
    mailer.actor.recipient = Some(name("mailer"));
    for _ in 0..3 {
        record(&test, &maria, &given("carrier", "service")).unwrap();
        read(&test, &mailer, &maria, None);
        read(&test, &ctx(Role::Crm), &maria, None);
    }
    test.reopen();
    for limit in [1, 2, 3, 4, 500] {
        let all = disclosures(&test, &own(maria), &maria, limit);
        let recorded = |entry: &&Disclosure| entry.source == DisclosureSource::Recorded;
        assert_eq!(all.iter().filter(recorded).filter_map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(all.len(), 6, "{limit} at a time");
        assert!(all.iter().all(|entry| entry.token.is_none()), "the house's tokens are its own affair");
    }
    let all = disclosures(&test, &ctx(Role::Compliance), &maria, 10);
    let (recorded, seen) = (&all[0], &all[3]);
    assert_eq!((recorded.recipient.as_str(), recorded.organisation.as_deref()), ("carrier", Some("Carrier AG")));
    assert_eq!(recorded.fields.as_deref(), Some(["name".to_owned(), "address".to_owned()].as_slice()));
    assert_eq!((recorded.agreement.as_deref(), recorded.role), (Some("DPA-7"), Some(Role::Crm)));
    assert_eq!((seen.recipient.as_str(), seen.organisation.as_deref()), ("mailer", Some("Mailer Ltd")));
    assert_eq!(seen.fields.as_deref(), Some(["email".to_owned(), "locale".to_owned()].as_slice()));
    assert!(seen.leaf.is_some() && seen.token.is_some());
    let next = test.vault.disclosures(&ctx(Role::Crm), &maria, &page(1)).wait().unwrap().next;
    assert!(next.is_some());
    let astray = Page { cursor: next, limit: 1 };
    let refused = test.vault.disclosures(&ctx(Role::Crm), &member(&test, 2), &astray).wait();
    assert_eq!(refused.unwrap_err().code(), Code::InvalidCursor);
}

#[test]
fn an_erasure_says_whom_to_tell_for_as_long_as_it_is_known() {
    let mut test = TestVault::new(24);
    let (maria, other) = (member(&test, 1), member(&test, 2));
    put(&test, "mailer", &recipient("Mailer Ltd"), Expect::Any).unwrap();
    put(&test, "carrier", &recipient("Carrier AG"), Expect::Any).unwrap();
    put(&test, "unused", &recipient("Unused"), Expect::Any).unwrap();
    record(&test, &maria, &given("carrier", "service")).unwrap();
    let mut mailer = of(Role::Marketing, "newsletter", "Somebody at Mailer");
    mailer.actor.recipient = Some(name("mailer"));
    read(&test, &mailer, &maria, None);
    let names = |notify: &[RecipientName]| notify.iter().map(ToString::to_string).collect::<Vec<_>>();

    // Nothing went out of this compartment.
    let write = membervault::vault::api::RecordWrite {
        address: membervault::vault::api::RecordAddress {
            member: maria,
            compartment: "orders".parse().unwrap(),
            name: "1".parse().unwrap(),
        },
        data: serde_json::Map::new(),
        meta: None,
        expect: Expect::Any,
    };
    test.vault.put_record(&ctx(Role::Crm), &write).wait().unwrap();
    let orders = "orders".parse().unwrap();
    let part = test.vault.erase(&ctx(Role::Compliance), &maria, Some(&orders)).wait().unwrap();
    assert!(part.notify.is_empty());

    let whole = test.vault.erase(&ctx(Role::Compliance), &maria, None).wait().unwrap();
    assert_eq!(names(&whole.notify), ["carrier", "mailer"]);
    let nobody = test.vault.erase(&ctx(Role::Compliance), &other, None).wait().unwrap();
    assert!(nobody.notify.is_empty());
    test.vault.delete_recipient(&ctx(Role::Compliance), &name("mailer"), Expect::Any).wait().unwrap();
    test.vault.seal(&ctx(Role::Ops)).unwrap();
    test.reopen();
    let found = test.vault.erasure(&ctx(Role::Compliance), &whole.id).wait().unwrap();
    assert_eq!(names(&found.notify), ["carrier", "mailer"], "it outlives keys, register and process");
    let listed = test.vault.list_erasures(&ctx(Role::Compliance), &page(10)).wait().unwrap();
    assert_eq!(listed.items.iter().filter(|erasure| !erasure.notify.is_empty()).count(), 1);
}

/// Data goes out between the look at who has it and the fence.
#[test]
fn who_is_given_data_while_an_erasure_is_decided_is_told_too() {
    let engine = Arc::new(InterruptingEngine::default());
    let test = TestVault::over(25, Arc::clone(&engine) as Arc<dyn Engine>);
    let (maria, other) = (member(&test, 1), member(&test, 2));
    put(&test, "mailer", &recipient("Mailer Ltd"), Expect::Any).unwrap();
    put(&test, "carrier", &recipient("Carrier AG"), Expect::Any).unwrap();
    let names = |notify: &[RecipientName]| notify.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut mailer = of(Role::Marketing, "newsletter", "Somebody at Mailer");
    mailer.actor.recipient = Some(name("mailer"));

    // A read, before the profile is looked at: after the accesses were.
    let (vault, query) = (test.vault.clone(), RecordQuery { address: RecordAddress::profile(maria), fields: None });
    engine.before_record(1, move || drop(vault.read_record(&mailer, &query).wait().unwrap()));
    let whole = test.vault.erase(&ctx(Role::Compliance), &maria, None).wait().unwrap();
    assert_eq!((names(&whole.notify), engine.interruptions()), (vec!["mailer".to_owned()], 1));

    // A disclosure that is recorded, after those before it were looked at: two looks at how many there are, one at each.
    record(&test, &other, &given("carrier", "service")).unwrap();
    let vault = test.vault.clone();
    let late = given("mailer", "newsletter");
    engine.before_record(4, move || drop(vault.record_disclosure(&ctx(Role::Crm), &other, &late).wait().unwrap()));
    let whole = test.vault.erase(&ctx(Role::Compliance), &other, None).wait().unwrap();
    assert_eq!((names(&whole.notify), engine.interruptions()), (vec!["carrier".to_owned(), "mailer".to_owned()], 2));
}
