//! What a member can learn: who used its data, when, for what, and to whom it went.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "history/disclosures.rs"]
mod disclosures;
#[path = "history/support.rs"]
mod support;

use std::collections::HashSet;

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{Ctx, IdentifierKind, MemberId, Role};
use membervault::vault::api::{NewToken, Page, RecordAddress, RecordQuery};
use serde_json::{Value, json};
use support::{history, mailer, member, object, of, own, page, read};

#[test]
fn a_token_says_whose_it_is_and_to_whom_its_reads_go() {
    let mut test = TestVault::new(1);
    let issued = test.vault.create_token(&ctx(Role::Admin), &mailer()).wait().unwrap();
    for _ in 0..2 {
        let actor = test.vault.authenticate(&issued.secret).unwrap();
        assert_eq!(actor.organisation.as_deref(), Some("Mailer Ltd"));
        assert_eq!(actor.recipient.as_ref().map(ToString::to_string).as_deref(), Some("mailer"));
        test.reopen();
    }
}

#[test]
fn an_organisation_is_a_short_text() {
    let test = TestVault::new(2);
    for organisation in ["", "a\nb", &"a".repeat(65)] {
        let token = NewToken { organisation: Some(organisation.to_owned()), ..mailer() };
        let refused = test.vault.create_token(&ctx(Role::Admin), &token).wait().map(|_| ());
        assert_eq!(refused.unwrap_err().code(), Code::InvalidRequest, "{organisation:?}");
    }
}

#[test]
fn a_member_learns_who_saw_which_fields_for_what_and_where_they_went() {
    let test = TestVault::new(3);
    let maria = member(&test, 1);
    let other = member(&test, 2);
    read(&test, &ctx(Role::Crm), &maria, None);
    test.clock.advance_millis(61_234);
    read(&test, &of(Role::Support, "support", "Call \"Centre\" GmbH"), &maria, None);
    let mut newsletter = of(Role::Marketing, "newsletter", "Mailer Ltd");
    newsletter.actor.recipient = "mailer".parse().ok();
    read(&test, &newsletter, &maria, None);
    read(&test, &newsletter, &maria, Some(&["email", "name", "nonsense"]));
    test.vault.lookup(&ctx(Role::Crm), IdentifierKind::Email, "m1@example.org").wait().unwrap();
    test.vault.export_member(&own(maria), &maria).wait().unwrap();
    read(&test, &ctx(Role::Crm), &other, None);
    let denied = RecordQuery { address: RecordAddress::profile(maria), fields: None };
    assert!(test.vault.read_record(&ctx(Role::Ops), &denied).wait().is_err(), "a denial names no member");

    let entries = history(&test, &own(maria), &maria);
    let said: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let mut entry = object(serde_json::to_value(entry).unwrap());
            entry.retain(|name, _| !matches!(name.as_str(), "leaf" | "at"));
            Value::Object(entry)
        })
        .collect();
    let profile = |more: Value| {
        let mut all = object(json!({"what": "record.read", "compartment": "core", "record": "profile", "version": 1}));
        all.extend(object(more));
        Value::Object(all)
    };
    assert_eq!(
        said,
        [
            json!({"what": "member.create", "role": "crm"}),
            json!({
                "what": "consent.change", "role": "crm", "compartment": "dossier", "record": "consent-1", "version": 1,
            }),
            profile(json!({"role": "crm"})),
            profile(json!({
                "role": "support", "organisation": "Call \"Centre\" GmbH", "purpose": "support",
                "fields": ["external_id", "locale", "loyalty_tier"],
                "masked": ["email", "name", "birth_date", "postal_code"],
            })),
            profile(json!({
                "role": "marketing", "organisation": "Mailer Ltd", "purpose": "newsletter", "recipient": "mailer",
                "fields": ["email", "locale"],
            })),
            profile(json!({
                "role": "marketing", "organisation": "Mailer Ltd", "purpose": "newsletter", "recipient": "mailer",
                "fields": ["email"],
            })),
            json!({"what": "member.lookup", "role": "crm", "fields": ["email"]}),
            json!({"what": "member.export", "role": "member", "token": "4d4d4d4d4d4d4d4d"}),
        ]
    );
    assert!(entries.is_sorted_by_key(|entry| (entry.at, entry.leaf)));
    assert_eq!(entries[3].at.millis_since(entries[2].at), 61_234, "to the millisecond");
    // Staff sees the tokens, and the reading of a history stands in the history.
    let seen = history(&test, &ctx(Role::Compliance), &maria);
    assert!(seen.iter().all(|entry| entry.token.is_some()));
    assert_eq!(seen.last().map(|entry| (entry.what, entry.role)), Some(("history.read", Some(Role::Member))));
}

#[test]
fn a_history_is_paged_and_what_is_read_meanwhile_does_not_prolong_it() {
    let test = TestVault::new(4);
    let maria = member(&test, 1);
    for _ in 0..9 {
        read(&test, &ctx(Role::Crm), &maria, None);
    }
    for limit in [1, 3, 10, 500] {
        let whole = history(&test, &ctx(Role::Compliance), &maria).len() + 1;
        let mut asked = page(limit);
        let mut leaves = Vec::new();
        loop {
            let listing = test.vault.history(&ctx(Role::Compliance), &maria, &asked).wait().unwrap();
            assert!(listing.items.len() <= limit);
            leaves.extend(listing.items.iter().map(|entry| entry.leaf));
            asked.cursor = listing.next;
            if asked.cursor.is_none() {
                break;
            }
        }
        assert!(leaves.is_sorted() && leaves.iter().collect::<HashSet<_>>().len() == leaves.len());
        assert!(leaves.len() >= whole, "{} {whole}", leaves.len());
    }
}

#[test]
fn a_history_is_the_members_own() {
    let test = TestVault::new(5);
    let (maria, other) = (member(&test, 1), member(&test, 2));
    let code = |ctx: &Ctx, member: &MemberId, page: &Page| {
        test.vault.history(ctx, member, page).wait().map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(code(&own(other), &maria, &page(10)), Err(Code::NotFound));
    for role in [Role::Ops, Role::Admin, Role::Marketing, Role::Analyst] {
        assert!(code(&ctx(role), &maria, &page(10)).is_err(), "{role}");
    }
    // A cursor of one member is of no use with another.
    let first = test.vault.history(&ctx(Role::Crm), &maria, &page(1)).wait().unwrap();
    read(&test, &ctx(Role::Crm), &maria, None);
    let first = first.next.or(test.vault.history(&ctx(Role::Crm), &maria, &page(1)).wait().unwrap().next);
    let astray = Page { cursor: first.clone(), limit: 1 };
    assert!(first.is_some());
    assert_eq!(code(&ctx(Role::Crm), &other, &astray), Err(Code::InvalidCursor));
    assert_eq!(code(&ctx(Role::Crm), &maria, &astray), Ok(()));
    test.vault.erase(&ctx(Role::Compliance), &maria, None).wait().unwrap();
    assert_eq!(code(&ctx(Role::Compliance), &maria, &page(10)), Err(Code::Gone));
    assert_eq!(code(&ctx(Role::Compliance), &MemberId::from_random([9; 16]), &page(10)), Err(Code::NotFound));
}

/// The usual read of a CRM or a newsletter leaves 128 bytes of details, whoever asked.
#[test]
fn who_asked_does_not_make_the_evidence_of_a_usual_read_longer() {
    let test = TestVault::new(6);
    let maria = member(&test, 1);
    let detail = |ctx: &Ctx| {
        let before = access_bytes(&test);
        read(&test, ctx, &maria, None);
        access_bytes(&test) - before - 85 // version, header and tag of the envelope
    };
    let mut newsletter = of(Role::Marketing, "newsletter", "Mailer Ltd");
    newsletter.actor.recipient = "mailer".parse().ok();
    assert_eq!(detail(&ctx(Role::Crm)), 128);
    assert_eq!(detail(&of(Role::Crm, "service", "Example Shop Limited, Customer Base")), 128);
    assert_eq!(detail(&newsletter), 128);
    assert_eq!(detail(&of(Role::Support, "support", "Example Calls")), 256);
}

/// Bytes of all access rows.
fn access_bytes(test: &TestVault) -> usize {
    use membervault::store::{KeyRange, Keyspace};
    let mut bytes = 0;
    let count = &mut |_: &[u8], row: &[u8]| {
        bytes += row.len();
        std::ops::ControlFlow::Continue(())
    };
    test.engine.scan(Keyspace::Access, &KeyRange::all(), count).unwrap();
    bytes
}
