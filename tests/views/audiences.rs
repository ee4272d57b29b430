//! Reads of all who agree: exactly those, whatever happens meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use membervault::code::Code;
use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Ctx, MemberId, Role};
use membervault::vault::api::{AudienceEntry, Expect, Listing, NewToken, Page, RecordAddress};
use membervault::vault::consent::Stance;
use membervault::vault::crowd::audience::AudienceQuery;
use membervault::vault::{Error, Vault};
use serde_json::{Value, json};

use super::people::{agree, caller, code, member, purpose, withdraw};

fn profiles(fields: &[&str]) -> AudienceQuery {
    let fields: Vec<_> = fields.iter().map(|field| field.parse().unwrap()).collect();
    AudienceQuery {
        compartment: "core".parse().unwrap(),
        name: "profile".parse().unwrap(),
        fields: (!fields.is_empty()).then_some(fields),
    }
}

fn page(vault: &Vault, ctx: &Ctx, cursor: Option<String>, limit: usize) -> Result<Listing<AudienceEntry>, Error> {
    vault.audience(ctx, &profiles(&[]), &Page { cursor, limit }).wait()
}

/// All pages, as data.
fn all(vault: &Vault, ctx: &Ctx, limit: usize) -> Vec<(Option<MemberId>, Value)> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(vault, ctx, cursor.take(), limit).unwrap();
        assert!(page.items.len() <= limit);
        found.extend(page.items.iter().map(|one| (one.id, serde_json::from_slice(one.data.as_bytes()).unwrap())));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

fn ids(vault: &Vault, ctx: &Ctx, limit: usize) -> Vec<MemberId> {
    all(vault, ctx, limit).into_iter().map(|(id, _)| id.unwrap()).collect()
}

fn newsletter() -> Ctx {
    ctx_for(Role::Marketing, "newsletter")
}

#[test]
fn exactly_those_who_agree_are_shown_with_what_the_purpose_needs() {
    let mut test = TestVault::new(1);
    let everybody: Vec<_> = (0..30).map(|number| member(&test.vault, number)).collect();
    for (number, id) in everybody.iter().enumerate() {
        match number % 5 {
            0 => agree(&test.vault, id, "newsletter"),
            1 => agree(&test.vault, id, "analytics"),
            2 => {
                agree(&test.vault, id, "newsletter");
                withdraw(&test.vault, id, "newsletter");
            }
            3 => {
                agree(&test.vault, id, "newsletter");
                test.vault.set_stance(&ctx(Role::Crm), id, Stance::Restriction, true, None).wait().unwrap();
            }
            _ => {}
        }
    }
    let expected: BTreeSet<_> = everybody.iter().step_by(5).copied().collect();
    for limit in [1, 4, 6, 7, 500] {
        let shown = ids(&test.vault, &newsletter(), limit);
        assert_eq!(shown.len(), expected.len(), "each once, {limit} at a time");
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), expected);
        test.reopen();
    }
    for (_, data) in all(&test.vault, &newsletter(), 10) {
        assert_eq!(data.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), ["email", "locale"]);
    }
}

#[test]
fn a_purpose_that_rests_on_no_consent_reaches_everybody_who_does_not_stand_against_it() {
    let test = TestVault::new(2);
    let everybody: Vec<_> = (0..6).map(|number| member(&test.vault, number)).collect();
    let crm = ctx_for(Role::Crm, "service");
    test.vault.set_stance(&ctx(Role::Crm), &everybody[1], Stance::Restriction, true, None).wait().unwrap();
    test.vault.erase(&ctx(Role::Compliance), &everybody[2], None).wait().unwrap();
    test.vault.erase(&ctx(Role::Compliance), &everybody[3], Some(&"core".parse().unwrap())).wait().unwrap();
    let profile = RecordAddress::profile(everybody[4]);
    test.vault.delete_record(&ctx(Role::Crm), &profile, Expect::Any).wait().unwrap();
    let shown: BTreeSet<_> = ids(&test.vault, &crm, 2).into_iter().collect();
    // What may go on while a member restricts the use of its data, the data map says.
    let map = test.vault.map();
    let despite = map.purpose(&purpose("service")).unwrap().despite_restriction;
    let expected = [Some(0), despite.then_some(1), Some(5)].into_iter().flatten().map(|at| everybody[at]);
    assert_eq!(shown, expected.collect());
}

#[test]
fn after_a_withdrawal_the_next_page_lacks_the_member() {
    let test = TestVault::new(3);
    let everybody: Vec<_> = (0..10).map(|number| member(&test.vault, number)).collect();
    everybody.iter().for_each(|id| agree(&test.vault, id, "newsletter"));
    let first = page(&test.vault, &newsletter(), None, 5).unwrap();
    let shown: BTreeSet<_> = first.items.iter().filter_map(|one| one.id).collect();
    let gone: Vec<_> = everybody.iter().filter(|id| !shown.contains(id)).take(2).collect();
    withdraw(&test.vault, gone[0], "newsletter");
    test.vault.erase(&ctx(Role::Compliance), gone[1], None).wait().unwrap();
    let second = page(&test.vault, &newsletter(), first.next, 5).unwrap();
    assert_eq!((second.items.len(), second.next), (3, None));
    assert!(second.items.iter().all(|one| one.id.is_some_and(|id| !gone.contains(&&id) && !shown.contains(&id))));
}

#[test]
fn a_consent_that_ended_by_itself_does_not_count() {
    let test = TestVault::new(4);
    let id = member(&test.vault, 1);
    let ending = membervault::vault::consent::NewConsent {
        notice: membervault::vault::consent::Notice { version: "1".to_owned(), sha256: None, language: None },
        notice_text: Some("For an hour.".to_owned()),
        method: membervault::vault::consent::Method::WebForm,
        place: None,
        explicit: false,
        expires_at: Some(membervault::testkit::vault::START.plus_millis(3_600_000)),
    };
    test.vault.give_consent(&ctx(Role::Crm), &id, &purpose("newsletter"), &ending).wait().unwrap();
    assert_eq!(ids(&test.vault, &newsletter(), 10), [id]);
    test.clock.advance_millis(3_600_000);
    assert!(ids(&test.vault, &newsletter(), 10).is_empty());
}

#[test]
fn each_member_shown_has_it_in_its_history_and_nobody_else() {
    let test = TestVault::new(5);
    let (one, other) = (member(&test.vault, 1), member(&test.vault, 2));
    agree(&test.vault, &one, "newsletter");
    let leaves = || test.vault.status(&ctx(Role::Ops)).wait().unwrap().ledger_size;
    let before = leaves();
    page(&test.vault, &newsletter(), None, 10).unwrap();
    assert_eq!(leaves() - before, 2, "one for the page, one for the member in it");
    let history = |id: &MemberId| {
        let page = Page { cursor: None, limit: 100 };
        let history = test.vault.history(&ctx_for(Role::Support, "support"), id, &page).wait().unwrap();
        serde_json::to_value(&history.items).unwrap()
    };
    let reads =
        |history: &Value| history.as_array().unwrap().iter().filter(|one| one["purpose"] == "newsletter").count();
    let seen = history(&one);
    assert_eq!(reads(&seen), 1, "{seen}");
    assert!(seen.to_string().contains("locale"), "with the fields: {seen}");
    assert_eq!(reads(&history(&other)), 0);
}

#[test]
fn who_sees_pseudonyms_or_acts_for_another_is_told_no_ids() {
    let test = TestVault::new(6);
    let id = member(&test.vault, 1);
    for to in ["analytics", "newsletter"] {
        agree(&test.vault, &id, to);
    }
    let analyst = ctx_for(Role::Analyst, "analytics");
    let seen = page(&test.vault, &analyst, None, 1).unwrap().items.remove(0);
    let pseudonym = seen.pseudonym.unwrap();
    let data: Value = serde_json::from_slice(seen.data.as_bytes()).unwrap();
    assert_eq!((seen.id, data["external_id"].as_str()), (None, Some(pseudonym.as_str())));
    let mailer = NewToken { recipient: "mailer".parse().ok(), ..NewToken::new(Role::Marketing, "mailer") };
    let issued = test.vault.create_token(&ctx(Role::Admin), &mailer).wait().unwrap();
    let mailer = Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..newsletter() };
    let sent = page(&test.vault, &mailer, None, 1).unwrap().items.remove(0);
    assert!(sent.id.is_none() && sent.pseudonym.is_some_and(|other| other != pseudonym));
    let stranger = NewToken { recipient: "stranger".parse().ok(), ..NewToken::new(Role::Marketing, "stranger") };
    let issued = test.vault.create_token(&ctx(Role::Admin), &stranger).wait().unwrap();
    let stranger = Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..newsletter() };
    assert_eq!(code(page(&test.vault, &stranger, None, 1)), Some(Code::RecipientNotAllowed));
}

#[test]
fn a_cursor_is_for_its_question_and_its_token_and_says_nothing() {
    let test = TestVault::new(7);
    let everybody: Vec<_> = (0..4).map(|number| member(&test.vault, number)).collect();
    for id in &everybody {
        agree(&test.vault, id, "newsletter");
        agree(&test.vault, id, "personalisation");
    }
    let cursors: Vec<_> = (0..2).map(|_| page(&test.vault, &newsletter(), None, 2).unwrap().next.unwrap()).collect();
    assert_ne!(cursors[0], cursors[1], "two of the same place are not alike");
    let bytes = data_encoding::BASE64URL_NOPAD.decode(cursors[0].as_bytes()).unwrap();
    for id in &everybody {
        assert!(!bytes.windows(16).any(|part| part == id.as_bytes()));
    }
    let others = [ctx_for(Role::Marketing, "personalisation"), caller(&test, Role::Marketing, "newsletter")];
    for other in &others {
        assert_eq!(code(page(&test.vault, other, Some(cursors[0].clone()), 2)), Some(Code::InvalidCursor));
    }
    let longer = Page { cursor: Some(cursors[0].clone()), limit: 2 };
    let other_fields = test.vault.audience(&newsletter(), &profiles(&["email"]), &longer).wait();
    assert_eq!(code(other_fields), Some(Code::InvalidCursor));
    for text in ["", "AAAA", &"A".repeat(500), &cursors[0][1..]] {
        assert_eq!(code(page(&test.vault, &newsletter(), Some(text.to_owned()), 2)), Some(Code::InvalidCursor));
    }
    assert!(page(&test.vault, &newsletter(), Some(cursors[1].clone()), 2).is_ok());
}

#[test]
fn without_a_purpose_or_a_role_for_it_nobody_is_read() {
    let test = TestVault::new(8);
    let id = member(&test.vault, 1);
    agree(&test.vault, &id, "newsletter");
    for (ctx, expected) in [
        (ctx(Role::Crm), Code::PurposeRequired),
        (ctx(Role::Marketing), Code::PurposeRequired),
        (ctx_for(Role::Marketing, "analytics"), Code::PurposeNotAllowed),
        (ctx_for(Role::Crm, "no-such-purpose"), Code::PurposeUnknown),
        (ctx_for(Role::Support, "support"), Code::Forbidden),
        (ctx(Role::Ops), Code::Forbidden),
    ] {
        assert_eq!(code(page(&test.vault, &ctx, None, 10)), Some(expected));
    }
    let elsewhere = AudienceQuery { compartment: "orders".parse().unwrap(), ..profiles(&[]) };
    let refused = test.vault.audience(&newsletter(), &elsewhere, &Page { cursor: None, limit: 10 }).wait();
    assert_eq!(code(refused), Some(Code::Forbidden));
}

/// A writer lets members withdraw and agree again while pages are read. Before each page the reader notes who had
/// withdrawn for good by then: none of them may be in it.
#[test]
fn a_withdrawal_that_was_acknowledged_before_a_page_is_respected_in_it() {
    let test = TestVault::new(9);
    let everybody: Vec<_> = (0..12).map(|number| member(&test.vault, number)).collect();
    everybody.iter().for_each(|id| agree(&test.vault, id, "newsletter"));
    let gone: Vec<AtomicBool> = everybody.iter().map(|_| AtomicBool::new(false)).collect();
    let (fickle, leaving) = everybody.split_at(6);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (at, id) in leaving.iter().enumerate() {
                for other in fickle {
                    withdraw(&test.vault, other, "newsletter");
                    agree(&test.vault, other, "newsletter");
                }
                withdraw(&test.vault, id, "newsletter");
                gone[6 + at].store(true, Ordering::SeqCst);
            }
        });
        loop {
            let withdrawn: Vec<_> = gone.iter().map(|one| one.load(Ordering::SeqCst)).collect();
            let shown = ids(&test.vault, &newsletter(), 4);
            for (id, withdrawn) in everybody.iter().zip(&withdrawn) {
                assert!(!(*withdrawn && shown.contains(id)), "shown after its withdrawal was acknowledged");
            }
            if withdrawn.iter().filter(|one| **one).count() == leaving.len() {
                assert_eq!(shown.len(), fickle.len());
                break;
            }
        }
    });
    assert_eq!(json!(ids(&test.vault, &newsletter(), 500).len()), json!(6));
}
