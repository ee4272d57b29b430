//! What is acknowledged is on disk; what cannot be is not acknowledged, and ends the ledger.

use super::*;
use crate::code::{Code, Coded};
use crate::testkit::faults::{Fault, Verb};

#[test]
fn a_read_does_not_wait_for_the_sync_of_a_write() {
    let World { engine, ledger } = world();
    engine.pause(Verb::Sync);
    std::thread::scope(|scope| {
        let write = scope.spawn(|| ledger.submit(put(0, "a", "1"), Durability::Synced).wait());
        while engine.calls(Verb::Sync) == 0 {
            std::thread::yield_now();
        }
        let read = ledger.submit(note(1), Durability::Buffered).wait().unwrap();
        assert_eq!(read.index, 1);
        assert!(!write.is_finished());
        engine.resume(Verb::Sync);
        assert_eq!(write.join().unwrap().unwrap().index, 0);
    });
}

#[test]
fn one_sync_serves_all_who_wait() {
    let World { engine, ledger } = world();
    let group = 0..GROUP_CHANGES_MAX as u64;
    let tickets: Vec<_> = group.map(|number| ledger.submit(note(number), Durability::Synced)).collect();
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!((engine.calls(Verb::Write), engine.calls(Verb::Sync)), (1, 1));
}

#[test]
fn buffered_leaves_are_synced_within_the_interval() {
    let engine = Arc::new(FaultEngine::new(MemoryEngine::new()));
    let settings = LedgerSettings { sync_interval: Duration::from_millis(1), ..NO_INTERVAL };
    let ledger = Ledger::open(engine.clone(), settings).unwrap();
    for number in 0..3 {
        ledger.submit(note(number), Durability::Buffered).wait().unwrap();
        while engine.unsynced() > 0 {
            std::thread::yield_now();
        }
    }
    let syncs = engine.calls(Verb::Sync);
    ledger.close().unwrap();
    assert_eq!(engine.calls(Verb::Sync), syncs, "nothing was left to sync");
}

#[test]
fn a_synced_head_survives_a_power_loss_and_a_failed_sync_gives_none() {
    let World { engine, ledger } = world();
    for number in 0..3 {
        ledger.submit(note(number), Durability::Buffered).wait().unwrap();
    }
    let head = ledger.synced_head().unwrap();
    ledger.submit(note(3), Durability::Buffered).wait().unwrap();
    let found: Arc<dyn Engine> = Arc::new(engine.crash(0).unwrap());
    assert_eq!(Ledger::open(found, NO_INTERVAL).unwrap().head(), head);
    engine.inject(Fault::next(Verb::Sync, disk_full()));
    assert!(matches!(ledger.synced_head(), Err(LedgerError::Store(_))));
    assert!(matches!(ledger.synced_head(), Err(LedgerError::Poisoned(_))));
    assert!(matches!(ledger.submit(note(4), Durability::Buffered).wait(), Err(LedgerError::Poisoned(_))));
}

#[test]
fn a_ledger_at_rest_syncs_nothing() {
    let World { engine, ledger } = world();
    ledger.close().unwrap();
    assert_eq!(engine.calls(Verb::Sync), 0);
}

#[test]
fn reads_can_be_made_as_durable_as_writes() {
    let engine = Arc::new(FaultEngine::new(MemoryEngine::new()));
    let settings = LedgerSettings { read_durability: ReadDurability::Sync, ..NO_INTERVAL };
    let ledger = Ledger::open(engine.clone(), settings).unwrap();
    ledger.submit(note(0), Durability::Buffered).wait().unwrap();
    assert_eq!(engine.unsynced(), 0);
}

#[test]
fn a_failed_write_ends_the_ledger() {
    let World { engine, ledger } = world();
    ledger.submit(note(0), Durability::Buffered).wait().unwrap();
    engine.inject(Fault::next(Verb::Write, disk_full()));
    let tickets: Vec<_> = (1..4).map(|number| ledger.submit(note(number), Durability::Synced)).collect();
    for ticket in tickets {
        let error = ticket.wait().unwrap_err();
        assert!(matches!(error, LedgerError::Store(_)));
        assert_eq!(error.code(), Code::DiskFull);
    }
    // The disk has room again, but the end of the log is not known before it is read again.
    let error = ledger.submit(note(4), Durability::Buffered).wait().unwrap_err();
    assert!(matches!(error, LedgerError::Poisoned(_)));
    assert!(matches!(ledger.close(), Err(LedgerError::Poisoned(_))));
    drop(ledger);
    let ledger = Ledger::open(engine.clone(), NO_INTERVAL).unwrap();
    assert_eq!(ledger.submit(note(5), Durability::Synced).wait().unwrap().index, 1);
    check_log(&*engine);
}

#[test]
fn a_failed_sync_ends_the_ledger() {
    let World { engine, ledger } = world();
    engine.inject(Fault::next(Verb::Sync, disk_full()));
    let error = ledger.submit(note(0), Durability::Synced).wait().unwrap_err();
    assert!(matches!(error, LedgerError::Store(_)));
    for durability in [Durability::Buffered, Durability::Synced] {
        let error = ledger.submit(note(1), durability).wait().unwrap_err();
        assert!(matches!(error, LedgerError::Poisoned(_)));
    }
    assert!(ledger.exclusive(|section| section.commit(note(2), Durability::Buffered)).unwrap().is_err());
    assert!(ledger.close().is_err());
    assert_eq!(engine.calls(Verb::Sync), 1, "after a failed sync the next one would prove nothing");
    assert_eq!(leaves(&*engine), [0]);
}

#[test]
fn a_reliance_that_cannot_be_read_refuses_its_change_only() {
    let World { engine, ledger } = world();
    let mut change = note(0);
    change.relies_on(relies("a", None));
    engine.inject(Fault::next(Verb::Get, disk_full()));
    let relying = ledger.submit(change, Durability::Buffered);
    let other = ledger.submit(note(1), Durability::Buffered);
    assert!(matches!(relying.wait(), Err(LedgerError::Read(_))));
    assert_eq!(other.wait().unwrap().index, 0);
}

/// Writers on several threads, each noting what was acknowledged; the power goes at a moment nobody chose.
#[test]
fn what_was_acknowledged_survives_a_power_loss() {
    const THREADS: u64 = 4;
    const CHANGES: u64 = 40;
    for kept in [0, 1, usize::MAX] {
        let World { engine, ledger } = world();
        let acknowledged = parking_lot::Mutex::new(Vec::new());
        let (found, promised) = std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (ledger, acknowledged) = (&ledger, &acknowledged);
                scope.spawn(move || {
                    for number in (0..CHANGES).map(|change| thread * CHANGES + change) {
                        let read = ledger.submit(note(number + 1000), Durability::Buffered);
                        let write = ledger.submit(put(number, &number.to_string(), "value"), Durability::Synced);
                        let receipt = write.wait().unwrap();
                        acknowledged.lock().push((number, receipt.index));
                        read.wait().unwrap();
                    }
                });
            }
            while acknowledged.lock().len() < 50 {
                std::thread::yield_now();
            }
            let promised = acknowledged.lock().clone(); // before the crash, not after
            (engine.crash(kept).unwrap(), promised)
        });
        check_log(&found);
        let leaves = leaves(&found);
        for (number, index) in promised {
            assert_eq!(leaves[usize::try_from(index).unwrap()], number);
            let row = found.get(Keyspace::Control, number.to_string().as_bytes()).unwrap();
            assert!(row.is_some(), "row {number} was acknowledged");
        }
        let ledger = Ledger::open(Arc::new(found), NO_INTERVAL).unwrap();
        assert_eq!(ledger.size(), leaves.len() as u64);
    }
}
