//! Links by which a recipient reads.

use membervault::code::Code;
use membervault::testkit::vault::{START, TestVault, ctx, ctx_for};
use membervault::types::{Ctx, FieldName, MemberId, RecordVersion, Role};
use membervault::vault::Error;
use membervault::vault::api::{
    Expect, IssuedShare, NewShare, NewToken, Page, RecordAddress, RecordPatch, RecordWrite, SharedView,
};
use membervault::vault::share::{FAILURES_PER_S, OF_MEMBER_MAX, TTL_MAX_MS};
use serde_json::{Value, json};

use super::people::{agree, caller, code, member, object, request, withdraw};

const HOUR_MS: u64 = 3_600_000;

fn fields(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn to_the_carrier(member: MemberId) -> NewShare {
    NewShare {
        address: RecordAddress::profile(member),
        recipient: "carrier".parse().unwrap(),
        fields: fields(&["name", "address", "postal_code"]),
        expires_at: START.plus_millis(HOUR_MS),
        opens_max: None,
    }
}

fn make(test: &TestVault, ctx: &Ctx, share: &NewShare) -> Result<IssuedShare, Error> {
    test.vault.create_share(ctx, share).wait()
}

fn open(test: &TestVault, secret: &str) -> Result<SharedView, Error> {
    test.vault.open_share(secret, request(7)).wait()
}

fn data(view: &SharedView) -> Value {
    serde_json::from_slice(view.data.as_bytes()).unwrap()
}

#[test]
fn a_recipient_reads_the_chosen_fields_until_the_link_ends() {
    let mut test = TestVault::new(1);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let issued = make(&test, &crm, &to_the_carrier(id)).unwrap();
    assert!(issued.secret.starts_with("mvs1_"));
    let expected = json!({"name": "Maria Muster", "address": "Lindenweg 7", "postal_code": "81461"});
    for opens in 1..=2 {
        let shown = open(&test, &issued.secret).unwrap();
        assert_eq!((data(&shown), shown.version), (expected.clone(), RecordVersion(1)));
        assert!(!serde_json::to_string(&shown).unwrap().contains(&id.to_string()), "it does not say of whom");
        let listed = test.vault.shares(&crm, &id).wait().unwrap().items;
        assert_eq!(listed.iter().map(|share| (share.id, share.opens)).collect::<Vec<_>>(), [(issued.info.id, opens)]);
        test.reopen();
    }
    test.clock.advance_millis(HOUR_MS);
    assert_eq!(code(open(&test, &issued.secret)), Some(Code::NotFound));
    assert!(test.vault.shares(&crm, &id).wait().unwrap().items.is_empty());
}

#[test]
fn an_opening_shows_what_is_there_now_and_is_in_the_history() {
    let test = TestVault::new(2);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let issued = make(&test, &crm, &to_the_carrier(id)).unwrap();
    let patch = RecordPatch {
        address: RecordAddress::profile(id),
        patch: object(json!({"address": "Birkenweg 9"})),
        meta: None,
        expect: Expect::Any,
    };
    test.vault.patch_record(&crm, &patch).wait().unwrap();
    let given =
        || test.vault.disclosures(&ctx(Role::Compliance), &id, &Page { cursor: None, limit: 10 }).wait().unwrap();
    assert!(given().items.is_empty(), "nothing has gone anywhere yet");
    assert_eq!(data(&open(&test, &issued.secret).unwrap())["address"], "Birkenweg 9");
    assert_eq!(given().items.iter().map(|one| one.recipient.as_str()).collect::<Vec<_>>(), ["carrier"]);
    let page = Page { cursor: None, limit: 10 };
    let history = test.vault.history(&ctx_for(Role::Support, "support"), &id, &page).wait().unwrap();
    let history = serde_json::to_string(&history.items).unwrap();
    assert!(history.contains("share.create") && history.contains("share.open"), "{history}");
    assert!(history.contains(r#""recipient":"carrier""#), "{history}");
}

#[test]
fn a_link_opens_as_often_as_it_says() {
    let test = TestVault::new(3);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let issued = make(&test, &crm, &NewShare { opens_max: Some(2), ..to_the_carrier(id) }).unwrap();
    let opened = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6).map(|_| scope.spawn(|| open(&test, &issued.secret).is_ok())).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|opened| *opened).count()
    });
    assert_eq!(opened, 2, "also where many try at once");
}

#[test]
fn a_revoked_link_is_as_if_it_had_never_been() {
    let test = TestVault::new(4);
    let (id, other) = (member(&test.vault, 1), member(&test.vault, 2));
    let crm = caller(&test, Role::Crm, "service");
    let [one, two] = [0; 2].map(|_| make(&test, &crm, &to_the_carrier(id)).unwrap());
    assert_eq!(code(test.vault.revoke_share(&crm, &other, &one.info.id).wait()), Some(Code::NotFound));
    test.vault.revoke_share(&ctx(Role::Compliance), &id, &one.info.id).wait().unwrap();
    assert_eq!(code(test.vault.revoke_share(&crm, &id, &one.info.id).wait()), Some(Code::NotFound));
    assert_eq!(code(open(&test, &one.secret)), Some(Code::NotFound));
    assert!(open(&test, &two.secret).is_ok());
    assert_eq!(test.vault.shares(&crm, &id).wait().unwrap().items.len(), 1);
}

#[test]
fn a_link_ends_with_the_token_that_made_it_and_with_the_member() {
    let test = TestVault::new(5);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let other = caller(&test, Role::Crm, "service");
    let [one, two] = [&crm, &other].map(|crm| make(&test, crm, &to_the_carrier(id)).unwrap());
    test.vault.revoke_token(&ctx(Role::Admin), &crm.actor.token).wait().unwrap();
    assert_eq!(code(open(&test, &one.secret)), Some(Code::NotFound));
    assert!(open(&test, &two.secret).is_ok());
    test.vault.erase(&ctx(Role::Compliance), &id, None).wait().unwrap();
    assert_eq!(code(open(&test, &two.secret)), Some(Code::NotFound));
    let mut rows = 0;
    let range = membervault::store::KeyRange::prefix(*b"S");
    let count = &mut |_: &[u8], _: &[u8]| {
        rows += 1;
        std::ops::ControlFlow::Continue(())
    };
    test.engine.scan(membervault::store::Keyspace::Control, &range, count).unwrap();
    assert_eq!(rows, 0, "nothing of the links stays");
}

#[test]
fn a_link_to_what_was_erased_or_deleted_shows_nothing() {
    let test = TestVault::new(6);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let address = RecordAddress { member: id, compartment: "orders".parse().unwrap(), name: "1".parse().unwrap() };
    let write =
        RecordWrite { address: address.clone(), data: object(json!({"total": 42})), meta: None, expect: Expect::Any };
    let share = NewShare { address: address.clone(), fields: fields(&["total"]), ..to_the_carrier(id) };
    assert_eq!(code(make(&test, &crm, &share)), Some(Code::NotFound), "there is nothing to share yet");
    test.vault.put_record(&crm, &write).wait().unwrap();
    let issued = make(&test, &crm, &share).unwrap();
    assert_eq!(data(&open(&test, &issued.secret).unwrap()), json!({"total": 42}));
    test.vault.delete_record(&crm, &address, Expect::Any).wait().unwrap();
    assert_eq!(code(open(&test, &issued.secret)), Some(Code::NotFound));
    test.vault.put_record(&crm, &write).wait().unwrap();
    test.vault.erase(&ctx(Role::Compliance), &id, Some(&address.compartment)).wait().unwrap();
    assert_eq!(code(open(&test, &issued.secret)), Some(Code::Gone));
}

#[test]
fn what_the_member_says_counts_at_each_opening() {
    let test = TestVault::new(7);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "newsletter");
    let share =
        NewShare { recipient: "mailer".parse().unwrap(), fields: fields(&["email", "locale"]), ..to_the_carrier(id) };
    assert_eq!(code(make(&test, &crm, &share)), Some(Code::ConsentMissing));
    agree(&test.vault, &id, "newsletter");
    let issued = make(&test, &crm, &share).unwrap();
    assert_eq!(data(&open(&test, &issued.secret).unwrap()), json!({"email": "member1@example.org", "locale": "fr_FR"}));
    withdraw(&test.vault, &id, "newsletter");
    assert_eq!(code(open(&test, &issued.secret)), Some(Code::ConsentMissing));
    agree(&test.vault, &id, "newsletter");
    assert!(open(&test, &issued.secret).is_ok(), "it is the member's word that counts, now");
}

#[test]
fn a_link_that_is_not_in_order_is_not_made() {
    let test = TestVault::new(8);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let good = || to_the_carrier(id);
    let absent = MemberId::from_random([9; 16]);
    for (share, expected) in [
        (NewShare { fields: Vec::new(), ..good() }, Code::InvalidRequest),
        (NewShare { fields: fields(&["name"; 65]), ..good() }, Code::InvalidRequest),
        (NewShare { expires_at: START, ..good() }, Code::InvalidRequest),
        (NewShare { expires_at: START.plus_millis(TTL_MAX_MS + 1), ..good() }, Code::InvalidRequest),
        (NewShare { opens_max: Some(0), ..good() }, Code::InvalidRequest),
        (NewShare { opens_max: Some(10_001), ..good() }, Code::InvalidRequest),
        (NewShare { address: RecordAddress::profile(absent), ..good() }, Code::NotFound),
        (NewShare { recipient: "stranger".parse().unwrap(), ..good() }, Code::RecipientNotAllowed),
    ] {
        assert_eq!(code(make(&test, &crm, &share)), Some(expected));
    }
    assert_eq!(code(make(&test, &ctx(Role::Crm), &good())), Some(Code::PurposeRequired));
    assert_eq!(code(make(&test, &ctx_for(Role::Support, "support"), &good())), Some(Code::Forbidden));
    let token = NewToken { recipient: "mailer".parse().ok(), ..NewToken::new(Role::Crm, "mailer") };
    let issued = test.vault.create_token(&ctx(Role::Admin), &token).wait().unwrap();
    let mailer = Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..crm.clone() };
    assert_eq!(code(make(&test, &mailer, &good())), Some(Code::InvalidRequest), "it acts for somebody else");
}

#[test]
fn a_member_has_a_bounded_number_of_links_and_ended_ones_make_room() {
    let test = TestVault::new(9);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let ending = NewShare { expires_at: START.plus_millis(1), ..to_the_carrier(id) };
    let short = make(&test, &crm, &ending).unwrap();
    for _ in 1..OF_MEMBER_MAX {
        make(&test, &crm, &to_the_carrier(id)).unwrap();
    }
    assert_eq!(code(make(&test, &crm, &to_the_carrier(id))), Some(Code::LimitReached));
    test.clock.advance_millis(1);
    make(&test, &crm, &to_the_carrier(id)).unwrap();
    assert_eq!(code(make(&test, &crm, &to_the_carrier(id))), Some(Code::LimitReached));
    assert_eq!(code(open(&test, &short.secret)), Some(Code::NotFound));
}

#[test]
fn failures_look_the_same_and_are_bounded_without_keeping_others_out() {
    let test = TestVault::new(10);
    let id = member(&test.vault, 1);
    let crm = caller(&test, Role::Crm, "service");
    let issued = make(&test, &crm, &to_the_carrier(id)).unwrap();
    let [elsewhere, _] = [11, 12].map(TestVault::new);
    let stranger =
        make(&elsewhere, &caller(&elsewhere, Role::Crm, "service"), &{ to_the_carrier(member(&elsewhere.vault, 1)) });
    let unknown = stranger.unwrap().secret;
    let (mut not_found, mut limited) = (0, 0);
    for secret in ["", "mvs1_", "mvt1_AAAA", unknown.as_str()].iter().cycle().take(FAILURES_PER_S as usize + 8) {
        match code(open(&test, secret)) {
            Some(Code::NotFound) => not_found += 1,
            Some(Code::RateLimited) => limited += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((not_found, limited), (FAILURES_PER_S, 8));
    assert!(open(&test, &issued.secret).is_ok());
    test.clock.advance_millis(1_000);
    assert_eq!(code(open(&test, &unknown)), Some(Code::NotFound));
}
