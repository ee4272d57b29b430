//! The facade as its callers see it: what is stored is read back, what is erased is gone, what races is decided once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Compartment, Ctx, IdentifierKind, MemberId, RecordMeta, RecordVersion, Role};
use membervault::vault::api::{Expect, NewHold, NewMember, Page, RecordAddress, RecordPatch, RecordQuery, RecordWrite};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

fn maria() -> Map<String, Value> {
    object(json!({
        "external_id": "CRM-1", "email": "Maria@Example.org", "phone": "+491701234567", "name": "Maria Muster"
    }))
}

fn create(vault: &Vault, profile: Map<String, Value>) -> Result<MemberId, Error> {
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().map(|created| created.id)
}

fn read(vault: &Vault, ctx: &Ctx, address: RecordAddress) -> Result<Value, Error> {
    let view = vault.read_record(ctx, &RecordQuery { address, fields: None }).wait()?;
    Ok(serde_json::from_slice(view.data.as_bytes()).unwrap())
}

fn lookup(vault: &Vault, kind: IdentifierKind, value: &str) -> Result<MemberId, Error> {
    vault.lookup(&ctx(Role::Crm), kind, value).wait()
}

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

fn orders(member: MemberId) -> RecordAddress {
    RecordAddress { member, compartment: "orders".parse().unwrap(), name: "2026-1".parse().unwrap() }
}

fn write(address: RecordAddress, data: Value, expect: Expect) -> RecordWrite {
    RecordWrite { address, data: object(data), meta: None, expect }
}

#[test]
fn a_created_member_is_read_and_found_by_each_identifier() {
    let test = TestVault::new(1);
    let id = create(&test.vault, maria()).unwrap();
    assert_eq!(read(&test.vault, &ctx(Role::Crm), RecordAddress::profile(id)).unwrap(), Value::Object(maria()));
    for (kind, value) in [
        (IdentifierKind::Email, "maria@EXAMPLE.ORG"),
        (IdentifierKind::Phone, "+49 170 1234567"),
        (IdentifierKind::ExternalId, "CRM-1"),
    ] {
        assert_eq!(lookup(&test.vault, kind, value).ok(), Some(id), "{}", kind.as_str());
    }
    assert_eq!(code(lookup(&test.vault, IdentifierKind::Email, "mario@example.org")), Some(Code::NotFound));
}

#[test]
fn an_identifier_belongs_to_one_member() {
    let test = TestVault::new(2);
    let id = create(&test.vault, maria()).unwrap();
    let twin = object(json!({"email": "MARIA@example.org", "phone": "+491709999999"}));
    assert_eq!(code(create(&test.vault, twin)), Some(Code::IdentifierTaken));
    assert_eq!(
        code(lookup(&test.vault, IdentifierKind::Phone, "+491709999999")),
        Some(Code::NotFound),
        "a refused member leaves no entry behind"
    );
    let other = create(&test.vault, object(json!({"email": "other@example.org"}))).unwrap();
    let patch = |email: &str| RecordPatch {
        address: RecordAddress::profile(other),
        patch: object(json!({ "email": email })),
        meta: None,
        expect: Expect::Any,
    };
    let crm = ctx(Role::Crm);
    assert_eq!(code(test.vault.patch_record(&crm, &patch("maria@example.org")).wait()), Some(Code::IdentifierTaken));
    test.vault.patch_record(&crm, &patch("new@example.org")).wait().unwrap();
    assert_eq!(lookup(&test.vault, IdentifierKind::Email, "new@example.org").ok(), Some(other));
    assert_eq!(code(lookup(&test.vault, IdentifierKind::Email, "other@example.org")), Some(Code::NotFound));
    assert_eq!(lookup(&test.vault, IdentifierKind::Email, "maria@example.org").ok(), Some(id));
}

#[test]
fn a_write_happens_only_at_the_version_it_expects() {
    let test = TestVault::new(3);
    let id = create(&test.vault, maria()).unwrap();
    let crm = ctx(Role::Crm);
    let put = |n: u32, expect| test.vault.put_record(&crm, &write(orders(id), json!({ "n": n }), expect)).wait();
    assert_eq!(code(put(0, Expect::Present)), Some(Code::VersionMismatch));
    let first = put(1, Expect::Absent).unwrap();
    assert!(first.created);
    assert_eq!(code(put(2, Expect::Absent)), Some(Code::VersionMismatch));
    let second = put(3, Expect::Version(first.version)).unwrap();
    assert_eq!((second.version, second.created), (RecordVersion(2), false));
    assert_eq!(code(put(4, Expect::Version(first.version))), Some(Code::VersionMismatch));
    assert_eq!(read(&test.vault, &crm, orders(id)).unwrap(), json!({"n": 3}));
}

#[test]
fn a_merge_patch_changes_what_it_names() {
    let test = TestVault::new(4);
    let id = create(&test.vault, maria()).unwrap();
    let crm = ctx(Role::Crm);
    let patch = RecordPatch {
        address: RecordAddress::profile(id),
        patch: object(json!({"name": "Maria Neu", "phone": null, "preferences": {"topics": ["books"]}})),
        meta: None,
        expect: Expect::Version(RecordVersion(1)),
    };
    test.vault.patch_record(&crm, &patch).wait().unwrap();
    assert_eq!(
        read(&test.vault, &crm, RecordAddress::profile(id)).unwrap(),
        json!({"external_id": "CRM-1", "email": "Maria@Example.org", "name": "Maria Neu", "preferences": {"topics": ["books"]}})
    );
    assert_eq!(code(lookup(&test.vault, IdentifierKind::Phone, "+491701234567")), Some(Code::NotFound));
}

#[test]
fn an_erased_member_is_gone_from_every_verb_and_stays_gone() {
    let mut test = TestVault::new(5);
    let id = create(&test.vault, maria()).unwrap();
    let crm = ctx(Role::Crm);
    test.vault.put_record(&crm, &write(orders(id), json!({"n": 1}), Expect::Any)).wait().unwrap();
    let compliance = ctx(Role::Compliance);
    let erasure = test.vault.erase(&compliance, &id, None).wait().unwrap();
    for round in ["in the same process", "after a restart"] {
        assert_eq!(code(read(&test.vault, &crm, RecordAddress::profile(id))), Some(Code::Gone), "{round}");
        assert_eq!(code(read(&test.vault, &crm, orders(id))), Some(Code::Gone));
        let put = test.vault.put_record(&crm, &write(orders(id), json!({"n": 2}), Expect::Any)).wait();
        assert_eq!(code(put), Some(Code::Gone));
        let page = Page { cursor: None, limit: 10 };
        assert_eq!(code(test.vault.list_records(&crm, &id, &page).wait()), Some(Code::Gone));
        assert_eq!(code(test.vault.export_member(&crm, &id).wait()), Some(Code::Gone));
        assert_eq!(code(test.vault.erase(&compliance, &id, None).wait()), Some(Code::Gone));
        assert!(test.vault.list_members(&crm, &page).wait().unwrap().items.is_empty());
        for (kind, value) in [(IdentifierKind::Email, "maria@example.org"), (IdentifierKind::ExternalId, "CRM-1")] {
            assert_eq!(code(lookup(&test.vault, kind, value)), Some(Code::NotFound));
        }
        let seen = test.vault.erasure(&compliance, &erasure.id).wait().unwrap();
        assert_eq!((seen.member, seen.leaf), (id, erasure.leaf));
        test.reopen();
    }
    let again = create(&test.vault, maria()).unwrap();
    assert_ne!(again, id, "the same person may come back, as somebody new");
    assert_eq!(lookup(&test.vault, IdentifierKind::Email, "maria@example.org").unwrap(), again);
    for round in ["before the seal", "after it"] {
        let examined = test.vault.examine(&ctx(Role::Ops)).wait().unwrap();
        assert!(examined.is_sound(), "{round}: {examined:?}");
        test.vault.seal(&ctx(Role::Ops)).unwrap();
        assert_eq!(lookup(&test.vault, IdentifierKind::ExternalId, "CRM-1").unwrap(), again, "{round}");
    }
}

#[test]
fn erasing_removes_every_row_of_the_member() {
    let test = TestVault::new(6);
    let rows_before = row_count(&test);
    let id = create(&test.vault, maria()).unwrap();
    let crm = ctx(Role::Crm);
    for n in 0..5 {
        let address = RecordAddress { name: format!("r{n}").parse().unwrap(), ..orders(id) };
        test.vault.put_record(&crm, &write(address, json!({ "n": n }), Expect::Any)).wait().unwrap();
    }
    read(&test.vault, &crm, orders(id)).err();
    test.vault.erase(&ctx(Role::Compliance), &id, None).wait().unwrap();
    // What stays: index pages, the fence, the erasure, marks for the seal; with the seal the accesses go.
    let (members, records, accesses) = row_count(&test);
    assert_eq!((members, records), (rows_before.0, rows_before.1));
    assert!(accesses > rows_before.2);
    test.vault.seal(&ctx(Role::Ops)).unwrap();
    assert_eq!(row_count(&test), rows_before);
}

fn row_count(test: &TestVault) -> (usize, usize, usize) {
    use membervault::store::{KeyRange, Keyspace};
    let count = |keyspace, range: KeyRange| {
        let mut rows = 0;
        test.engine
            .scan(keyspace, &range, &mut |_, _| {
                rows += 1;
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        rows
    };
    (
        count(Keyspace::Control, KeyRange::prefix(*b"M")),
        count(Keyspace::Records, KeyRange::all()),
        count(Keyspace::Access, KeyRange::all()),
    )
}

#[test]
fn an_erased_compartment_is_gone_and_the_rest_lives() {
    let mut test = TestVault::new(7);
    let id = create(&test.vault, maria()).unwrap();
    let crm = ctx(Role::Crm);
    test.vault.put_record(&crm, &write(orders(id), json!({"n": 1}), Expect::Any)).wait().unwrap();
    let compartment: Compartment = "orders".parse().unwrap();
    let compliance = ctx(Role::Compliance);
    test.vault.erase(&compliance, &id, Some(&compartment)).wait().unwrap();
    for _ in 0..2 {
        assert_eq!(code(read(&test.vault, &crm, orders(id))), Some(Code::Gone));
        let put = test.vault.put_record(&crm, &write(orders(id), json!({"n": 2}), Expect::Any)).wait();
        assert_eq!(code(put), Some(Code::Gone));
        assert_eq!(code(test.vault.erase(&compliance, &id, Some(&compartment)).wait()), Some(Code::Gone));
        assert!(read(&test.vault, &crm, RecordAddress::profile(id)).is_ok());
        assert!(lookup(&test.vault, IdentifierKind::Email, "maria@example.org").is_ok());
        let page = Page { cursor: None, limit: 10 };
        assert_eq!(test.vault.list_records(&crm, &id, &page).wait().unwrap().items.len(), 1);
        test.reopen();
    }
}

#[test]
fn a_legal_hold_stands_against_erasing_until_it_is_released() {
    let test = TestVault::new(8);
    let id = create(&test.vault, maria()).unwrap();
    let compliance = ctx(Role::Compliance);
    let hold = NewHold { reason: "litigation".into(), reference: Some("2026-7".into()) };
    test.vault.set_hold(&compliance, &id, &hold).wait().unwrap();
    assert_eq!(code(test.vault.erase(&compliance, &id, None).wait()), Some(Code::LegalHold));
    let address = RecordAddress::profile(id);
    assert_eq!(code(test.vault.delete_record(&ctx(Role::Crm), &address, Expect::Any).wait()), Some(Code::LegalHold));
    assert_eq!(test.vault.hold(&compliance, &id).wait().unwrap().reason, "litigation");
    test.vault.release_hold(&compliance, &id).wait().unwrap();
    assert_eq!(code(test.vault.hold(&compliance, &id).wait()), Some(Code::NotFound));
    assert!(test.vault.erase(&compliance, &id, None).wait().is_ok());
}

#[test]
fn the_same_request_with_the_same_key_creates_one_member() {
    let test = TestVault::new(9);
    let crm = ctx(Role::Crm);
    let new = |name: &str| NewMember {
        profile: object(json!({ "name": name })),
        meta: RecordMeta::default(),
        idempotency_key: Some("order-77".into()),
    };
    let first = test.vault.create_member(&crm, &new("Maria")).wait().unwrap();
    let again = test.vault.create_member(&crm, &new("Maria")).wait().unwrap();
    assert_eq!(first.id, again.id);
    assert_eq!(code(test.vault.create_member(&crm, &new("Mario")).wait()), Some(Code::IdempotencyMismatch));
    let other = test.vault.create_member(&ctx_for(Role::Crm, "service"), &new("Maria")).wait().unwrap();
    assert_eq!(other.id, first.id, "the key belongs to the token, whatever the purpose");
    test.vault.erase(&ctx(Role::Compliance), &first.id, None).wait().unwrap();
    assert_eq!(code(test.vault.create_member(&crm, &new("Maria")).wait()), Some(Code::Gone));
    test.clock.advance_millis(membervault::vault::create::IDEMPOTENCY_TTL_MS + 1);
    assert_ne!(test.vault.create_member(&crm, &new("Maria")).wait().unwrap().id, first.id);
}

#[test]
fn of_writers_that_meet_each_wins_once() {
    let test = TestVault::new(10);
    let id = create(&test.vault, maria()).unwrap();
    let crm = ctx(Role::Crm);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (vault, crm) = (&test.vault, &crm);
            scope.spawn(move || {
                for round in 0..20 {
                    let field = format!("w{writer}");
                    let patch = RecordPatch {
                        address: RecordAddress::profile(id),
                        patch: object(json!({ field: round })),
                        meta: None,
                        expect: Expect::Any,
                    };
                    vault.patch_record(crm, &patch).wait().unwrap();
                }
            });
        }
    });
    let view = test
        .vault
        .read_record(&crm, &RecordQuery { address: RecordAddress::profile(id), fields: None })
        .wait()
        .unwrap();
    assert_eq!(view.version, RecordVersion(161), "no write was lost, none was counted twice");
}

#[test]
fn a_writer_under_way_never_resurrects() {
    for seed in 0..20 {
        let test = TestVault::new(100 + seed);
        let id = create(&test.vault, maria()).unwrap();
        let crm = ctx(Role::Crm);
        let fenced = std::thread::scope(|scope| {
            for writer in 0..3 {
                let (vault, crm) = (&test.vault, &crm);
                scope.spawn(move || {
                    for round in 0.. {
                        let address =
                            RecordAddress { name: format!("w{writer}-{round}").parse().unwrap(), ..orders(id) };
                        match vault.put_record(crm, &write(address, json!({ "n": round }), Expect::Any)).wait() {
                            Ok(_) => {}
                            Err(error) => {
                                assert_eq!(error.code(), Code::Gone);
                                break;
                            }
                        }
                    }
                });
            }
            test.vault.erase(&ctx(Role::Compliance), &id, None).wait().unwrap();
            row_count(&test)
        });
        assert_eq!((fenced.0, fenced.1), (0, 0), "seed {seed}: keys and records went with the fence");
        assert_eq!(row_count(&test), fenced, "seed {seed}: nothing of the member came back, and nothing was added");
        test.vault.seal(&ctx(Role::Ops)).unwrap();
        assert_eq!(row_count(&test), (0, 0, 0), "seed {seed}: nothing of the member is left");
    }
}

#[test]
fn members_are_listed_page_by_page() {
    let test = TestVault::new(11);
    let crm = ctx(Role::Crm);
    let mut made: Vec<_> =
        (0..25).map(|n| create(&test.vault, object(json!({"external_id": format!("X-{n}")}))).unwrap()).collect();
    made.sort();
    let mut seen = Vec::new();
    let mut page = Page { cursor: None, limit: 7 };
    loop {
        let listing = test.vault.list_members(&crm, &page).wait().unwrap();
        assert!(listing.items.len() <= 7);
        seen.extend(listing.items);
        match listing.next {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, made);
    page.cursor = Some("bm90IGEgY3Vyc29y".into());
    assert_eq!(code(test.vault.list_members(&crm, &page).wait()), Some(Code::InvalidCursor));
}
