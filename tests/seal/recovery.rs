//! Each row of the recovery table, each crash point, and a disk that loses what it acknowledged.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use membervault::code::{Code, Coded};
use membervault::store::memory::MemoryEngine;
use membervault::store::{Batch, Durability, Engine, KeyRange, Keyspace};
use membervault::testkit::slot::decode;
use membervault::testkit::vault::TestVault;
use membervault::types::{ErasureId, MemberId};
use membervault::vault::Vault;
use membervault::vault::api::Stage;
use membervault::vault::recover::Recovery;
use membervault::vault::seal::{Step, StepWatch};

use super::{assert_sound, crash_after, create, erase, read, seal, stage};

/// What is found after a crash that followed this step of the first seal.
fn expected(step: Step) -> Recovery {
    match step {
        Step::Prepare => Recovery::SealAbandoned { epoch: 2 },
        Step::Commit | Step::Verify | Step::Capsule => Recovery::SealResumed { epoch: 2 },
        Step::Drop | Step::Wipe | Step::Certify => Recovery::Sound,
    }
}

#[test]
fn a_crash_after_any_step_loses_nobody_and_the_erasure_is_sealed_in_the_end() {
    for step in Step::ORDER {
        let founded = TestVault::new(10);
        let (gone, live) = (create(&founded.vault, "gone"), create(&founded.vault, "live"));
        founded.vault.close().unwrap();
        let test = founded.remains().open(crash_after(step)).unwrap();
        let erasure = erase(&test.vault, &gone);
        assert!(seal(&test.vault).is_err(), "{step:?}");
        test.vault.close().unwrap();

        let test = test.remains().open(None).unwrap();
        assert_eq!(test.vault.recovery(), expected(step), "{step:?}");
        let sealed_already = step != Step::Prepare;
        assert_eq!(stage(&test.vault, &erasure) == Stage::Sealed, sealed_already, "{step:?}");
        assert_sound(&test, &[live]);
        let again = create(&test.vault, "again");
        erase(&test.vault, &again);
        assert_eq!(seal(&test.vault).unwrap().sealed, if sealed_already { 1 } else { 2 }, "{step:?}");
        assert_eq!(stage(&test.vault, &erasure), Stage::Sealed);
        assert_eq!(read(&test.vault, &gone).err().map(|error| error.code()), Some(Code::Gone));
        assert_sound(&test, &[live]);
        let roots = decode(test.slot.past().last().unwrap());
        assert!(roots.next.is_none());
    }
}

#[test]
fn a_crash_while_recovering_is_recovered_from() {
    for (first, second) in [(Step::Commit, Step::Verify), (Step::Commit, Step::Capsule), (Step::Verify, Step::Drop)] {
        let founded = TestVault::new(11);
        let (gone, live) = (create(&founded.vault, "gone"), create(&founded.vault, "live"));
        founded.vault.close().unwrap();
        let test = founded.remains().open(crash_after(first)).unwrap();
        let erasure = erase(&test.vault, &gone);
        assert!(seal(&test.vault).is_err());
        test.vault.close().unwrap();
        assert!(test.remains().open(crash_after(second)).is_err(), "{second:?}");
        let test = test.remains().open(None).unwrap();
        assert_eq!(stage(&test.vault, &erasure), Stage::Sealed);
        assert_sound(&test, &[live]);
    }
}

#[test]
fn an_abandoned_seal_leaves_no_key_to_the_next() {
    let founded = TestVault::new(12);
    let gone = create(&founded.vault, "gone");
    founded.vault.close().unwrap();
    let test = founded.remains().open(crash_after(Step::Prepare)).unwrap();
    erase(&test.vault, &gone);
    assert!(seal(&test.vault).is_err());
    let drawn = decode(test.slot.past().last().unwrap()).next.unwrap().1.commitment();
    // The same process tries again: another root.
    assert!(seal(&test.vault).is_err());
    assert_ne!(decode(test.slot.past().last().unwrap()).next.unwrap().1.commitment(), drawn);
    test.vault.close().unwrap();
    let test = test.remains().open(None).unwrap();
    seal(&test.vault).unwrap();
    let present = decode(test.slot.past().last().unwrap());
    assert_eq!(present.epoch, 2);
    assert_ne!(present.root.commitment(), drawn);
}

/// Everything the engine holds, as one batch for another.
fn copy_of(engine: &dyn Engine) -> Arc<dyn Engine> {
    let mut batch = Batch::new();
    for keyspace in Keyspace::ALL {
        engine
            .scan(keyspace, &KeyRange::all(), &mut |key, row| {
                batch.put(keyspace, key, row);
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
    }
    let copy = MemoryEngine::new();
    copy.write(batch, Durability::Synced).unwrap();
    Arc::new(copy)
}

#[test]
fn a_disk_that_lost_the_batch_of_a_seal_is_helped_by_the_capsule() {
    for fence_is_lost_too in [false, true] {
        let test = TestVault::new(13);
        let (gone, live) = (create(&test.vault, "gone"), create(&test.vault, "live"));
        let before_the_fence = copy_of(&*test.engine);
        let erasure = erase(&test.vault, &gone);
        let before_the_seal = copy_of(&*test.engine);
        seal(&test.vault).unwrap();
        test.vault.close().unwrap();
        let mut remains = test.remains();
        remains.engine = if fence_is_lost_too { before_the_fence } else { before_the_seal };
        let test = remains.open(None).unwrap();
        let Recovery::SealRedone { epoch: 2, leaves } = test.vault.recovery() else {
            panic!("{:?}", test.vault.recovery())
        };
        assert_eq!(leaves, if fence_is_lost_too { 2 } else { 1 });
        assert_eq!(stage(&test.vault, &erasure), Stage::Sealed, "the erasure came back, and was certified again");
        assert_eq!(read(&test.vault, &gone).err().map(|error| error.code()), Some(Code::Gone));
        assert!(read(&test.vault, &live).is_ok());
        let next = create(&test.vault, "next");
        erase(&test.vault, &next);
        assert_eq!(seal(&test.vault).unwrap().epoch, 3);
    }
}

#[test]
fn a_loss_that_shows_when_the_next_seal_has_begun_is_helped_too() {
    let test = TestVault::new(16);
    let (gone, later) = (create(&test.vault, "gone"), create(&test.vault, "later"));
    let erasure = erase(&test.vault, &gone);
    let before = copy_of(&*test.engine);
    seal(&test.vault).unwrap();
    test.vault.close().unwrap();
    let test = test.remains().open(crash_after(Step::Prepare)).unwrap();
    erase(&test.vault, &later);
    assert!(seal(&test.vault).is_err());
    test.vault.close().unwrap();
    let mut remains = test.remains();
    remains.engine = before;
    let test = remains.open(None).unwrap();
    assert!(matches!(test.vault.recovery(), Recovery::SealRedone { epoch: 2, .. }), "{:?}", test.vault.recovery());
    assert!(decode(test.slot.past().last().unwrap()).next.is_none(), "the pending root is dropped");
    assert_eq!(stage(&test.vault, &erasure), Stage::Sealed);
    assert_sound(&test, &[later]);
    erase(&test.vault, &later);
    assert_eq!(seal(&test.vault).unwrap().sealed, 1);
}

/// Erases a member right after a step of a seal, once.
pub(super) fn erase_after(
    step: Step,
    member: MemberId,
    vault: &Arc<OnceLock<Vault>>,
    done: &Arc<OnceLock<ErasureId>>,
) -> StepWatch {
    let (vault, done) = (Arc::clone(vault), Arc::clone(done));
    Arc::new(move |taken| {
        if taken == step && done.get().is_none() {
            done.set(erase(vault.get().unwrap(), &member)).unwrap();
        }
        ControlFlow::Continue(())
    })
}

/// Fenced while a seal is under way, which then is lost with the fence: the fence comes back with the capsule, and what it
/// removed is removed again, before anything is certified.
#[test]
fn an_erasure_during_a_seal_that_is_lost_is_carried_out_again() {
    for step in [Step::Prepare, Step::Commit, Step::Verify] {
        let founded = TestVault::new(17);
        let [gone, late, live] = ["gone", "late", "live"].map(|name| create(&founded.vault, name));
        founded.vault.close().unwrap();
        let (vault, late_erasure) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        let test = founded.remains().open(Some(erase_after(step, late, &vault, &late_erasure))).unwrap();
        vault.set(test.vault.clone()).ok().unwrap();
        let erasure = erase(&test.vault, &gone);
        let before = copy_of(&*test.engine);
        seal(&test.vault).unwrap();
        test.vault.close().unwrap();
        let late_erasure = *late_erasure.get().unwrap();

        let mut remains = test.remains();
        remains.engine = before;
        let test = remains.open(None).unwrap();
        assert!(matches!(test.vault.recovery(), Recovery::SealRedone { epoch: 2, .. }), "{step:?}");
        assert_eq!(read(&test.vault, &late).err().map(|error| error.code()), Some(Code::Gone), "{step:?}");
        assert_eq!(
            stage(&test.vault, &late_erasure),
            Stage::Fenced,
            "{step:?}: its keys are on the tree of the old file"
        );
        seal(&test.vault).unwrap();
        for erasure in [erasure, late_erasure] {
            assert_eq!(stage(&test.vault, &erasure), Stage::Sealed, "{step:?}");
        }
        assert_sound(&test, &[live]);
    }
}

#[test]
fn a_seal_that_fails_after_its_batch_is_finished_by_the_next() {
    for step in Step::ORDER {
        let founded = TestVault::new(18);
        let (gone, live) = (create(&founded.vault, "gone"), create(&founded.vault, "live"));
        founded.vault.close().unwrap();
        let once = AtomicBool::new(true);
        let watch: StepWatch = Arc::new(move |taken| {
            let fails = taken == step && once.swap(false, Ordering::Relaxed);
            if fails { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let test = founded.remains().open(Some(watch)).unwrap();
        let erasure = erase(&test.vault, &gone);
        assert!(seal(&test.vault).is_err(), "{step:?}");
        seal(&test.vault).unwrap();
        assert_eq!(stage(&test.vault, &erasure), Stage::Sealed, "{step:?}");
        assert!(decode(test.slot.past().last().unwrap()).next.is_none());
        assert_sound(&test, &[live]);
    }
}

#[test]
fn without_its_capsule_a_lost_seal_is_refused_with_instructions() {
    let test = TestVault::new(14);
    let gone = create(&test.vault, "gone");
    erase(&test.vault, &gone);
    let before = copy_of(&*test.engine);
    seal(&test.vault).unwrap();
    test.vault.close().unwrap();
    let mut remains = test.remains();
    remains.engine = before;
    remains.capsules.lose();
    let error = remains.open(None).err().unwrap();
    assert_eq!(error.code(), Code::StaleImage);
    assert!(error.to_string().contains("membervault restore"), "{error}");
}

#[test]
fn images_of_other_ages_are_refused() {
    let test = TestVault::new(15);
    let members: Vec<_> = (0..3).map(|number| create(&test.vault, &format!("m{number}"))).collect();
    let first = copy_of(&*test.engine);
    for member in &members {
        erase(&test.vault, member);
        seal(&test.vault).unwrap();
    }
    test.vault.close().unwrap();
    let mut remains = test.remains();
    remains.engine = first;
    assert_eq!(remains.open(None).err().map(|error| error.code()), Some(Code::StaleImage), "an old database");
    test.slot.go_back_to(0);
    let error = test.remains().open(None).err().unwrap();
    assert_eq!(error.code(), Code::StaleImage, "an old keyring");
    assert!(error.to_string().contains("older than the database"), "{error}");
}
