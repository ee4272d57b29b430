//! Consents that an import brought: kept once for all its members, and read as if each had them to itself.

use std::sync::Barrier;

use membervault::code::Code;
use membervault::store::{KeyRange, Keyspace};
use membervault::tables::agreed;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{Compartment, Ctx, MemberId, Purpose, RecordMeta, Role};
use membervault::vault::api::{Imported, NewMember, Page};
use membervault::vault::consent::receipt::verify;
use membervault::vault::consent::{ConsentState, Consents, Happening, ImportedConsents, Method, Notice, Stance};
use serde_json::json;

use super::giving::form;
use super::races::rows_of;
use super::support::{code, dossier_record, object, purpose};

fn notice() -> Notice {
    Notice { version: "2024-05".to_owned(), sha256: None, language: Some("de".to_owned()) }
}

/// Members of one import, each with the purposes it agreed to.
pub(crate) fn import(test: &TestVault, members: &[&[&str]]) -> Vec<MemberId> {
    let new = |_: &&[&str]| NewMember {
        profile: object(json!({"name": "Maria Muster"})),
        meta: RecordMeta::default(),
        idempotency_key: None,
    };
    let batch: Vec<_> = members.iter().map(new).collect();
    let purposes: Vec<Vec<Purpose>> =
        members.iter().map(|names| names.iter().map(|name| purpose(name)).collect()).collect();
    let consents = ImportedConsents { notice: &notice(), purposes: &purposes };
    let outcomes = test.vault.import_with(&crm(), &batch, consents).wait().unwrap();
    let id = |one: Imported| if let Imported::Created(id) = one { id } else { panic!("created") };
    outcomes.into_iter().map(id).collect()
}

fn crm() -> Ctx {
    ctx(Role::Crm)
}

fn consents(test: &TestVault, id: &MemberId) -> Consents {
    test.vault.consents(&crm(), id).wait().unwrap()
}

/// Number, event and purposes of each entry.
fn told(consents: &Consents) -> Vec<(u32, Happening, Vec<String>)> {
    let names = |purposes: &[Purpose]| purposes.iter().map(ToString::to_string).collect();
    consents.history.iter().map(|one| (one.number, one.entry.event, names(&one.entry.purposes))).collect()
}

fn imports(test: &TestVault) -> usize {
    let mut count = 0;
    let range = KeyRange::prefix(*b"b");
    test.engine
        .scan(Keyspace::Control, &range, &mut |_, _| {
            count += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    count
}

#[test]
fn the_first_entry_is_there_before_and_after_the_first_change() {
    let mut test = TestVault::new(150);
    let ids = import(&test, &[&["newsletter", "analytics"], &[], &["newsletter"]]);
    assert_eq!(rows_of(&test, ids[0].as_bytes()).len(), 1, "the profile alone");
    assert_eq!(imports(&test), 1);
    let first = (1, Happening::Given, vec!["analytics".to_owned(), "newsletter".to_owned()]);
    let before = consents(&test, &ids[0]);
    assert_eq!(told(&before), std::slice::from_ref(&first));
    let entry = &before.history[0].entry;
    assert_eq!((entry.method, &entry.notice, entry.role), (Some(Method::Import), &Some(notice()), Role::Crm));

    let newsletter = purpose("newsletter");
    test.vault.withdraw_consent(&crm(), &ids[0], &newsletter).wait().unwrap();
    let withdrawn = (2, Happening::Withdrawn, vec!["newsletter".to_owned()]);
    let after = consents(&test, &ids[0]);
    assert_eq!(told(&after), [first.clone(), withdrawn.clone()]);
    assert_eq!(after.history[0], before.history[0], "as it was");
    let states: Vec<_> = after.consents.iter().map(|one| (one.state, one.entry)).collect();
    assert_eq!(states, [(ConsentState::Given, Some(1)), (ConsentState::Withdrawn, Some(2))]);

    test.vault.give_consent(&crm(), &ids[0], &newsletter, &form()).wait().unwrap();
    test.vault.set_stance(&crm(), &ids[0], Stance::Restriction, true, None).wait().unwrap();
    test.reopen();
    let given = (3, Happening::Given, vec!["newsletter".to_owned()]);
    assert_eq!(told(&consents(&test, &ids[0])), [first, withdrawn, given, (4, Happening::Restricted, vec![])]);
    assert!(told(&consents(&test, &ids[1])).is_empty());
    assert_eq!(told(&consents(&test, &ids[2])).len(), 1);
    // A second import has a number of its own, one without consents needs none.
    import(&test, &[&[]]);
    let other = import(&test, &[&["analytics"]]);
    assert_eq!((imports(&test), told(&consents(&test, &other[0])).len()), (2, 1));
}

#[test]
fn it_is_a_record_as_any_other_and_a_receipt_is_made_of_it() {
    let test = TestVault::new(151);
    let id = import(&test, &[&["newsletter"]])[0];
    let newsletter = purpose("newsletter");
    let stored = dossier_record(&test.vault, id, "consent-1").unwrap();
    assert_eq!(
        (&stored["event"], &stored["method"], &stored["purposes"]),
        (&json!("given"), &json!("import"), &json!(["newsletter"]))
    );
    assert_eq!(code(dossier_record(&test.vault, id, "consent-2")), Some(Code::NotFound));
    test.vault.withdraw_consent(&crm(), &id, &newsletter).wait().unwrap();
    assert_eq!(dossier_record(&test.vault, id, "consent-1").unwrap(), stored);
    let exported = test.vault.export_member(&crm(), &id).wait().unwrap().records;
    let named = |name: &str| exported.iter().filter(|record| record.name.as_str() == name).count();
    assert_eq!((exported.len(), named("consent-1"), named("consent-2")), (3, 1, 1));
    for limit in [1, 2, 3, 10] {
        let (mut cursor, mut names) = (None, Vec::new());
        loop {
            let listed = test.vault.list_records(&crm(), &id, &Page { cursor, limit }).wait().unwrap();
            assert!(listed.items.len() <= limit);
            names.extend(listed.items.iter().map(|item| item.name.to_string()));
            cursor = listed.next;
            if cursor.is_none() {
                break;
            }
        }
        names.sort();
        assert_eq!(names, ["consent-1", "consent-2", "profile"], "{limit}");
    }
    let receipt = |number| {
        let text = test.vault.consent_receipt(&crm(), &id, &newsletter, number).wait().unwrap();
        let verdict = verify(&text, test.vault.log_verifier());
        assert!(verdict.holds(), "{:?}", verdict.checks);
        let events = verdict.receipt.unwrap().record.events;
        events.iter().map(|event| (event.entry, event.method.clone())).collect::<Vec<_>>()
    };
    let import = (1, Some("import".to_owned()));
    assert_eq!(receipt(Some(1)), std::slice::from_ref(&import));
    assert_eq!(receipt(None), [import, (2, None)]);
}

#[test]
fn of_two_first_changes_at_once_one_is_decided_anew() {
    for seed in 152..162 {
        let test = TestVault::new(seed);
        let id = import(&test, &[&["newsletter", "analytics"]])[0];
        let both = Barrier::new(2);
        std::thread::scope(|scope| {
            for name in ["newsletter", "analytics"] {
                let (test, both) = (&test, &both);
                scope.spawn(move || {
                    both.wait();
                    test.vault.withdraw_consent(&crm(), &id, &purpose(name)).wait().unwrap();
                });
            }
        });
        let after = told(&consents(&test, &id));
        assert_eq!(after.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(after.iter().filter(|(_, event, _)| *event == Happening::Withdrawn).count(), 2);
        assert_eq!(after[0].2.len(), 2, "the first entry names both");
    }
}

#[test]
fn two_imports_at_once_have_two_numbers() {
    let test = TestVault::new(163);
    let both = Barrier::new(2);
    let ids = std::thread::scope(|scope| {
        let run = |names: &'static [&'static str]| {
            let (test, both) = (&test, &both);
            scope.spawn(move || {
                both.wait();
                import(test, &[names])[0]
            })
        };
        [run(&["newsletter"]), run(&["analytics"])].map(|thread| thread.join().unwrap())
    });
    assert_eq!(imports(&test), 2);
    for id in ids {
        assert_eq!(told(&consents(&test, &id)).len(), 1);
    }
}

#[test]
fn it_dies_with_the_member_and_with_it_alone() {
    let test = TestVault::new(164);
    let ids = import(&test, &[&["newsletter"], &["newsletter"]]);
    test.vault.erase(&ctx(Role::Compliance), &ids[0], None).wait().unwrap();
    assert_eq!(code(test.vault.consents(&crm(), &ids[0]).wait()), Some(Code::Gone));
    assert_eq!(code(dossier_record(&test.vault, ids[0], "consent-1")), Some(Code::Gone));
    let found = agreed::members(&*test.engine, &purpose("newsletter"), None, 10).unwrap();
    assert_eq!(found.items.iter().map(|one| one.member).collect::<Vec<_>>(), [ids[1]]);
    assert_eq!(told(&consents(&test, &ids[1])).len(), 1);
    assert!(test.vault.examine(&ctx(Role::Ops)).wait().unwrap().is_sound());
}

#[test]
fn an_import_that_is_missing_is_a_finding_and_an_error() {
    let test = TestVault::new(165);
    let id = import(&test, &[&["newsletter"]])[0];
    let mut batch = membervault::store::Batch::new();
    batch.delete(Keyspace::Control, [b'b', 0, 0, 0, 1]);
    test.engine.write(batch, membervault::store::Durability::Synced).unwrap();
    let found = test.vault.examine(&ctx(Role::Ops)).wait().unwrap();
    assert_eq!(found.findings.iter().map(|one| one.count).collect::<Vec<_>>(), [1]);
    assert!(test.vault.consents(&crm(), &id).wait().is_err());
}

/// What is done, by a number: one of a few things a member says.
fn act(test: &TestVault, id: &MemberId, what: u8) {
    let purposes = ["newsletter", "analytics", "personalisation"].map(purpose);
    let about = &purposes[usize::from(what) % 3];
    let vault = &test.vault;
    match what / 3 % 5 {
        0 => drop(vault.give_consent(&crm(), id, about, &form()).wait().unwrap()),
        1 => drop(vault.withdraw_consent(&crm(), id, about).wait().unwrap()),
        2 => drop(vault.set_stance(&crm(), id, Stance::Objection(about), what.is_multiple_of(2), None).wait().unwrap()),
        3 => drop(vault.set_stance(&crm(), id, Stance::Restriction, what.is_multiple_of(2), None).wait().unwrap()),
        _ => test.clock.advance_millis(60_000),
    }
}

#[test]
fn a_history_is_that_of_a_member_whose_first_entry_is_stored() {
    use membervault::crypto::Entropy as _;
    let dice = membervault::testkit::entropy::SeededEntropy::new(9);
    let test = TestVault::new(166);
    for round in 0..24 {
        let imported = import(&test, &[&["newsletter"]])[0];
        let new = NewMember {
            profile: object(json!({"name": "Maria Muster"})),
            meta: RecordMeta::default(),
            idempotency_key: None,
        };
        let first = [(purpose("newsletter"), form())];
        let created = test.vault.create_member_with(&crm(), &new, &first).wait().unwrap().id;
        let mut acts = [0; 12];
        dice.fill(&mut acts).unwrap();
        for what in acts {
            [imported, created].iter().for_each(|id| act(&test, id, what));
            let (one, other) = (consents(&test, &imported), consents(&test, &created));
            assert_eq!(told(&one), told(&other), "{round} {acts:?}");
            assert_eq!(one.standing, other.standing, "{round} {acts:?}");
            let states = |of: &Consents| of.consents.iter().map(|one| (one.state, one.entry)).collect::<Vec<_>>();
            assert_eq!(states(&one), states(&other), "{round} {acts:?}");
        }
    }
}

#[test]
fn the_first_entry_stands_whatever_becomes_of_the_keys_of_the_dossier() {
    let mut test = TestVault::new(159);
    let ids = import(&test, &[&["newsletter"], &["newsletter"]]);
    let rotate = |test: &TestVault, id| test.vault.rotate_dek(&ctx(Role::Ops), id, &Compartment::dossier()).wait();
    // No entry lies in the dossier, so there is no key of it yet.
    let before = consents(&test, &ids[0]);
    assert_eq!(code(rotate(&test, &ids[0])), Some(Code::NotFound));
    assert_eq!(consents(&test, &ids[0]), before);
    test.vault.withdraw_consent(&crm(), &ids[1], &purpose("newsletter")).wait().unwrap();
    let before_of_other = consents(&test, &ids[1]);
    rotate(&test, &ids[1]).unwrap();
    test.vault.seal(&ctx(Role::Compliance)).unwrap();
    test.reopen();
    assert_eq!(consents(&test, &ids[1]), before_of_other);
    assert_eq!(consents(&test, &ids[0]), before);
}
