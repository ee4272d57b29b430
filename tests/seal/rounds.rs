//! What a seal does when nothing goes wrong.

use std::sync::{Arc, OnceLock};

use membervault::clock::Clock;
use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Compartment, RecordMeta, Role};
use membervault::vault::api::{Expect, RecordAddress, RecordWrite, Stage};
use membervault::vault::seal::{SealReport, Step};
use serde_json::json;

use super::recovery::erase_after;
use super::{assert_sound, create, erase, read, seal, stage};

#[test]
fn an_erasure_is_fenced_and_then_sealed_and_everybody_else_stays() {
    let test = TestVault::new(1);
    let members: Vec<_> = (0..40).map(|number| create(&test.vault, &format!("member-{number}"))).collect();
    let (gone, live) = members.split_at(7);
    let erasures: Vec<_> = gone.iter().map(|member| erase(&test.vault, member)).collect();
    assert!(erasures.iter().all(|id| stage(&test.vault, id) == Stage::Fenced));
    let report = seal(&test.vault).unwrap();
    assert_eq!((report.epoch, report.rounds, report.sealed), (2, 1, 7));
    assert!(report.leaves >= 7 && report.waiting_for.is_empty(), "{report:?}");
    for id in &erasures {
        let erasure = test.vault.erasure(&ctx(Role::Compliance), id).wait().unwrap();
        assert_eq!(erasure.stage, Stage::Sealed);
        let sealed = erasure.sealed.unwrap();
        assert_eq!((sealed.epoch, sealed.at), (2, test.clock.now()));
        assert!(sealed.leaf > erasure.leaf);
    }
    gone.iter().for_each(|member| assert_eq!(read(&test.vault, member).err().map(|e| e.code()), Some(Code::Gone)));
    assert_sound(&test, live);
}

/// The marks of the two fall on the same leaves, in a vault as small as this: the round of the one must not take away what
/// the other waits for.
#[test]
fn who_is_erased_during_a_seal_leaves_the_index_with_the_next() {
    for step in [Step::Prepare, Step::Commit, Step::Drop] {
        let founded = TestVault::new(19);
        let members: Vec<_> = (0..200).map(|number| create(&founded.vault, &format!("member-{number}"))).collect();
        let (late, others) = members.split_first().unwrap();
        let (gone, live) = others.split_at(150);
        founded.vault.close().unwrap();
        let (vault, late_erasure) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        let test = founded.remains().open(Some(erase_after(step, *late, &vault, &late_erasure))).unwrap();
        vault.set(test.vault.clone()).ok().unwrap();
        for member in gone {
            erase(&test.vault, member);
        }
        let entries = || {
            let seen = test.vault.examine(&ctx(Role::Ops)).wait().unwrap();
            (seen.index_entries, seen.void_entries)
        };
        assert_eq!(entries(), (50, 150), "{step:?}: void entries stay until the seal");
        assert_eq!(seal(&test.vault).unwrap().sealed, 150);
        assert_eq!(entries(), (49, 1), "{step:?}: only that of the one that was erased meanwhile is left");
        let late_erasure = *late_erasure.get().unwrap();
        assert_eq!(stage(&test.vault, &late_erasure), Stage::Fenced);
        assert_eq!(seal(&test.vault).unwrap().sealed, 1);
        assert_eq!(stage(&test.vault, &late_erasure), Stage::Sealed);
        assert_eq!(entries(), (49, 0), "{step:?}");
        assert_sound(&test, live);
    }
}

#[test]
fn a_seal_with_nothing_to_do_does_nothing() {
    let mut test = TestVault::new(2);
    create(&test.vault, "ada");
    let written = test.slot.past().len();
    assert_eq!(seal(&test.vault).unwrap(), SealReport { epoch: 1, ..SealReport::default() });
    assert_eq!(test.vault.seal_due().unwrap(), None);
    assert_eq!(test.slot.past().len(), written, "the keyring was not touched");
    test.reopen();
    assert_eq!(test.vault.recovery(), membervault::vault::recover::Recovery::Sound);
}

#[test]
fn a_compartment_is_sealed_and_the_member_lives_on() {
    let test = TestVault::new(3);
    let member = create(&test.vault, "grace");
    let marketing: Compartment = "marketing".parse().unwrap();
    let address = RecordAddress { member, compartment: marketing.clone(), name: "topics".parse().unwrap() };
    let serde_json::Value::Object(data) = json!({ "topics": ["tea"] }) else { unreachable!() };
    let write = RecordWrite { address, data, meta: Some(RecordMeta::default()), expect: Expect::Any };
    test.vault.put_record(&ctx_for(Role::Crm, "support"), &write).wait().unwrap();
    let erased = test.vault.erase(&ctx(Role::Compliance), &member, Some(&marketing)).wait().unwrap();
    assert_eq!(seal(&test.vault).unwrap().sealed, 1);
    assert_eq!(stage(&test.vault, &erased.id), Stage::Sealed);
    assert_sound(&test, &[member]);
}

#[test]
fn a_changed_address_is_sealed_too_though_nobody_is_erased() {
    let test = TestVault::new(4);
    let member = create(&test.vault, "hedy");
    let serde_json::Value::Object(data) = json!({ "email": "new@example.org" }) else { unreachable!() };
    let write = RecordWrite { address: RecordAddress::profile(member), data, meta: None, expect: Expect::Any };
    test.vault.put_record(&ctx(Role::Crm), &write).wait().unwrap();
    let report = seal(&test.vault).unwrap();
    assert_eq!((report.rounds, report.sealed), (1, 0));
    assert_sound(&test, &[member]);
}

#[test]
fn each_seal_draws_keys_that_were_never_there() {
    let mut test = TestVault::new(5);
    let keep = create(&test.vault, "keep");
    for round in 0..4 {
        let member = create(&test.vault, &format!("gone-{round}"));
        erase(&test.vault, &member);
        assert_eq!(seal(&test.vault).unwrap().epoch, 2 + round);
        test.reopen();
    }
    let mut roots: Vec<_> = test
        .slot
        .past()
        .iter()
        .map(|body| membervault::testkit::slot::decode(body))
        .flat_map(|body| [Some(body.root.commitment()), body.next.map(|(_, root)| root.commitment())])
        .flatten()
        .collect();
    roots.sort_unstable();
    roots.dedup();
    assert_eq!(roots.len(), 5, "one root an epoch");
    assert_sound(&test, &[keep]);
}

#[test]
fn a_caller_can_wait_for_the_seal_of_one_erasure() {
    let test = TestVault::new(6);
    let (one, two) = (create(&test.vault, "one"), create(&test.vault, "two"));
    let (first, second) = (erase(&test.vault, &one), erase(&test.vault, &two));
    assert_eq!(test.vault.seal_erasure(&first).unwrap().stage, Stage::Sealed);
    assert_eq!(stage(&test.vault, &second), Stage::Sealed, "it came with the first");
    assert_eq!(test.vault.seal_erasure(&second).unwrap().sealed.unwrap().epoch, 2);
}

#[test]
fn only_those_who_may_can_seal() {
    let test = TestVault::new(7);
    for role in Role::ALL {
        let sealed = test.vault.seal(&ctx(role)).map(drop).map_err(|error| error.code());
        let may = matches!(role, Role::Ops | Role::Compliance);
        assert_eq!(sealed, if may { Ok(()) } else { Err(Code::Forbidden) }, "{role:?}");
    }
}

#[test]
fn readers_and_writers_go_on_while_seals_run() {
    let test = TestVault::new(8);
    let members: Vec<_> = (0..30).map(|number| create(&test.vault, &format!("busy-{number}"))).collect();
    let (gone, live) = members.split_at(10);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..40 {
                        live.iter().for_each(|id| drop(read(&test.vault, id).unwrap()))
                    }
                })
            })
            .collect();
        let writer = scope.spawn(|| {
            for (number, member) in live.iter().cycle().take(100).enumerate() {
                let serde_json::Value::Object(data) = json!({ "email": format!("w{number}@example.org") }) else {
                    unreachable!()
                };
                let address = RecordAddress::profile(*member);
                let write = RecordWrite { address, data, meta: None, expect: Expect::Any };
                test.vault.put_record(&ctx(Role::Crm), &write).wait().unwrap();
            }
        });
        for member in gone {
            let id = erase(&test.vault, member);
            assert_eq!(test.vault.seal_erasure(&id).unwrap().stage, Stage::Sealed);
        }
        writer.join().unwrap();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_sound(&test, live);
}

#[test]
fn the_whole_tree_can_be_keyed_anew() {
    let mut test = TestVault::new(9);
    let members: Vec<_> = (0..5).map(|number| create(&test.vault, &format!("all-{number}"))).collect();
    let report = test.vault.seal_everything(&ctx(Role::Ops)).unwrap();
    assert_eq!(report.leaves, 65_536 + 3 * 64);
    test.reopen();
    assert_sound(&test, &members);
}

#[test]
fn a_rotation_of_the_master_key_turns_the_whole_tree() {
    let mut test = TestVault::new(30);
    let member = create(&test.vault, "hopper");
    let master = membervault::masterkey::Passphrase::new("never asked by a slot in memory").unwrap();
    let refused = test.vault.rotate_master(&ctx(Role::Compliance), &master).err().map(|error| error.code());
    assert_eq!(refused, Some(Code::Forbidden));
    let report = test.vault.rotate_master(&ctx(Role::Ops), &master).unwrap();
    assert_eq!(report.leaves, 65_536 + 3 * 64);
    let unset = test.vault.rotate_to_next_master(&ctx(Role::Ops)).err().map(|error| error.code());
    assert_eq!(unset, Some(Code::NotConfigured));
    test.reopen();
    assert_sound(&test, &[member]);
}
