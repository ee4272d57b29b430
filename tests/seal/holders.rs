//! Holders of the keyring: an erasure is sealed when each has dropped the old root.

use membervault::code::{Code, Coded};
use membervault::codec::{Event, Leaf, keys};
use membervault::keyring::Holder;
use membervault::store::Keyspace;
use membervault::tables;
use membervault::testkit::slot::decode;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::slot::{HolderState, HolderStatement};
use membervault::types::{ErasureId, HolderName, Role};
use membervault::vault::api::Stage;

use super::{assert_sound, create, erase, seal, stage};

fn holder(name: &str) -> Holder {
    Holder { name: name.parse().unwrap(), directory: format!("/holders/{name}").into() }
}

fn held_epoch(test: &TestVault, name: &HolderName) -> u64 {
    decode(&test.slot.held_by(name).unwrap()).epoch
}

#[test]
fn every_holder_drops_before_an_erasure_is_sealed() {
    let test = TestVault::new(20);
    let (near, far) = (holder("near"), holder("far"));
    for holder in [&near, &far] {
        test.vault.add_holder(&ctx(Role::Ops), holder.clone()).unwrap();
    }
    let (gone, live) = (create(&test.vault, "gone"), create(&test.vault, "live"));
    let erasure = erase(&test.vault, &gone);
    test.slot.set_away(&far.name, true);
    let report = seal(&test.vault).unwrap();
    assert_eq!((report.rounds, report.sealed), (1, 0));
    assert_eq!(report.waiting_for, std::slice::from_ref(&far.name));
    assert_eq!(stage(&test.vault, &erasure), Stage::Fenced, "one holder still has the old root");
    assert_eq!((held_epoch(&test, &near.name), held_epoch(&test, &far.name)), (2, 1));

    test.slot.set_away(&far.name, false);
    let report = seal(&test.vault).unwrap();
    assert_eq!((report.rounds, report.sealed), (0, 1), "the tree need not be turned again");
    assert_eq!(stage(&test.vault, &erasure), Stage::Sealed);
    assert_eq!(held_epoch(&test, &far.name), 2);
    assert!(test.vault.holders(&ctx(Role::Ops)).unwrap().iter().all(|holder| holder.current));
    assert_sound(&test, &[live]);
}

#[test]
fn a_holder_that_is_gone_for_good_is_revoked_and_named() {
    let test = TestVault::new(21);
    let lost = holder("lost");
    test.vault.add_holder(&ctx(Role::Ops), lost.clone()).unwrap();
    let gone = create(&test.vault, "gone");
    let erasure = erase(&test.vault, &gone);
    test.slot.set_away(&lost.name, true);
    assert_eq!(seal(&test.vault).unwrap().sealed, 0);
    let refused = test.vault.remove_holder(&ctx(Role::Ops), &lost.name).err().unwrap();
    assert_eq!(refused.code(), Code::HolderAway, "its copy cannot be removed");
    test.vault.revoke_holder(&ctx(Role::Ops), &lost.name).unwrap();
    assert_eq!(seal(&test.vault).unwrap().sealed, 1);
    assert_eq!(stage(&test.vault, &erasure), Stage::Sealed);
    let given_up = HolderStatement { name: lost.name.clone(), state: HolderState::Revoked };
    assert_eq!(
        said_of(&test, &erasure),
        std::slice::from_ref(&given_up),
        "the copy that was not brought up to date is named"
    );

    // A later member lies under keys that the old root leads to as well, until its own leaf is re-keyed.
    let later = create(&test.vault, "later");
    let erasure = erase(&test.vault, &later);
    assert_eq!(seal(&test.vault).unwrap().sealed, 1);
    assert_eq!(said_of(&test, &erasure), [given_up]);
}

/// What the seal of an erasure says of the holders.
fn said_of(test: &TestVault, erasure: &ErasureId) -> Vec<HolderStatement> {
    let row = tables::erasure::read(&*test.engine, erasure).unwrap().unwrap();
    let leaf = test.engine.get(Keyspace::Ledger, &keys::leaf(row.seal_leaf)).unwrap().unwrap();
    let Event::Seal(seal) = Leaf::parse(&leaf).unwrap().event else { panic!("the leaf of a seal") };
    seal.holders
}

#[test]
fn holders_are_added_once_and_removed_with_their_copy() {
    let test = TestVault::new(22);
    let one = holder("one");
    assert_eq!(
        test.vault.add_holder(&ctx(Role::Crm), one.clone()).err().map(|error| error.code()),
        Some(Code::Forbidden)
    );
    test.vault.add_holder(&ctx(Role::Ops), one.clone()).unwrap();
    assert_eq!(held_epoch(&test, &one.name), 1);
    let again = test.vault.add_holder(&ctx(Role::Ops), one.clone()).err().unwrap();
    assert_eq!(again.code(), Code::AlreadyExists);
    test.vault.remove_holder(&ctx(Role::Ops), &one.name).unwrap();
    assert!(test.slot.held_by(&one.name).is_none());
    let absent = test.vault.remove_holder(&ctx(Role::Ops), &one.name).err().unwrap();
    assert_eq!(absent.code(), Code::NotFound);
}

#[test]
fn a_crashed_seal_is_finished_at_the_holders_too() {
    let founded = TestVault::new(23);
    let one = holder("one");
    founded.vault.add_holder(&ctx(Role::Ops), one.clone()).unwrap();
    let gone = create(&founded.vault, "gone");
    founded.vault.close().unwrap();
    for step in [membervault::vault::seal::Step::Prepare, membervault::vault::seal::Step::Commit] {
        let test = founded.remains().open(super::crash_after(step)).unwrap();
        if step == membervault::vault::seal::Step::Prepare {
            erase(&test.vault, &gone);
        }
        assert!(seal(&test.vault).is_err());
        let held = decode(&test.slot.held_by(&one.name).unwrap());
        assert!(held.next.is_some(), "a holder can stand in for the keyring in the middle of a seal");
        test.vault.close().unwrap();
    }
    let test = founded.remains().open(None).unwrap();
    let held = decode(&test.slot.held_by(&one.name).unwrap());
    assert_eq!((held.epoch, held.next.is_none()), (2, true));
}
