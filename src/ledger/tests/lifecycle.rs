//! Opening what was left behind, refusing what is damaged, closing without losing anything.

use super::*;
use crate::store::Batch;
use crate::testkit::faults::Verb;

fn filled(leaves: u64) -> Arc<MemoryEngine> {
    let engine = Arc::new(MemoryEngine::new());
    let ledger = Ledger::open(engine.clone(), NO_INTERVAL).unwrap();
    let tickets: Vec<_> = (0..leaves).map(|number| ledger.submit(note(number), Durability::Buffered)).collect();
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    engine
}

#[test]
fn an_opened_again_ledger_goes_on_where_it_was() {
    for size in [0, 1, 255, 256, 257, 600] {
        let engine = filled(size);
        let ledger = Ledger::open(engine.clone(), NO_INTERVAL).unwrap();
        assert_eq!(ledger.size(), size);
        let tickets: Vec<_> = (0..300).map(|number| ledger.submit(note(size + number), Durability::Buffered)).collect();
        let first = tickets.into_iter().map(|ticket| ticket.wait().unwrap().index).next();
        assert_eq!(first, Some(size));
        ledger.close().unwrap();
        assert!(leaves(&*engine).into_iter().eq(0..size + 300));
        check_log(&*engine);
        assert_eq!(ledger.root(), Ledger::open(filled(size + 300), NO_INTERVAL).unwrap().root());
    }
}

#[test]
fn the_root_of_an_earlier_size_is_read_from_what_is_stored() {
    let engine = filled(600);
    for size in [0, 1, 255, 256, 257, 599, 600] {
        let then = Ledger::open(filled(size), NO_INTERVAL).unwrap().root();
        assert_eq!(root_at(&*engine, size).unwrap(), Some(then), "size {size}");
    }
    assert_eq!(root_at(&*engine, 601).unwrap(), None);
    assert_eq!(root_at(&MemoryEngine::new(), 0).unwrap(), Some(Tree::new().root()));
    // A log that was rewritten underneath has another root, and one with a hole has none.
    let mut batch = Batch::new();
    batch.put(Keyspace::Ledger, keys::leaf(513), leaf(9999).encode());
    engine.write(batch, Durability::Synced).unwrap();
    let then = Ledger::open(filled(520), NO_INTERVAL).unwrap().root();
    assert_ne!(root_at(&*engine, 520).unwrap(), Some(then));
    let mut batch = Batch::new();
    batch.delete(Keyspace::Ledger, keys::leaf(513));
    engine.write(batch, Durability::Synced).unwrap();
    assert!(matches!(root_at(&*engine, 520), Err(LedgerError::Corrupt { .. })));
}

/// Opens a ledger of 600 leaves after `damage`; the message must say what was found.
fn refuses(damage: impl FnOnce(&mut Batch) -> &mut Batch, found: &str) {
    let engine = filled(600);
    let mut batch = Batch::new();
    damage(&mut batch);
    engine.write(batch, Durability::Synced).unwrap();
    let message = Ledger::open(engine, NO_INTERVAL).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains(found), "{message}");
}

#[test]
fn a_ledger_that_contradicts_itself_is_not_opened() {
    let (head, ledger) = (keys::LEDGER_HEAD, Keyspace::Ledger);
    refuses(|rows| rows.put(ledger, head, HeadRow { size: 600, root: [1; 32] }.encode()), "stored root");
    refuses(|rows| rows.put(ledger, head, HeadRow { size: 599, root: [1; 32] }.encode()), "behind the end");
    refuses(|rows| rows.put(ledger, head, HeadRow { size: 601, root: [1; 32] }.encode()), "a leaf is missing");
    refuses(|rows| rows.put(ledger, head, [1, 2, 3]), "cannot be read");
    refuses(|rows| rows.delete(ledger, head), "behind the end");
    refuses(|rows| rows.put(ledger, keys::leaf(599), leaf(9999).encode()), "stored root");
    refuses(|rows| rows.delete(ledger, keys::leaf(513)), "a leaf is missing");
    refuses(|rows| rows.put(ledger, keys::leaf(600), leaf(9999).encode()), "behind the end");
    refuses(|rows| rows.put(ledger, keys::tile(0, 1), vec![0; 256 * 32]), "stored root");
    refuses(|rows| rows.put(ledger, keys::tile(0, 1), vec![0; 256 * 32 - 1]), "not full");
    refuses(|rows| rows.delete(ledger, keys::tile(0, 0)), "tile of hashes is missing");
    refuses(|rows| rows.put(Keyspace::Control, keys::TREE_EPOCH, [9]), "cannot be read");
}

#[test]
fn as_many_changes_wait_as_may_wait_and_no_more() {
    let World { engine, ledger } = world();
    let limit = QUEUE_CHANGES_MAX as u64;
    let tickets: Vec<_> = (0..limit).map(|number| ledger.submit(note(number), Durability::Buffered)).collect();
    assert!(matches!(ledger.submit(note(limit), Durability::Buffered).wait(), Err(LedgerError::Overloaded)));
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert!(ledger.submit(note(limit), Durability::Buffered).wait().is_ok(), "there is room again");
    let groups = limit / GROUP_CHANGES_MAX as u64 + 1;
    assert_eq!(engine.calls(Verb::Write), groups);
    check_log(&*engine);
}

#[test]
fn as_many_bytes_wait_as_may_wait_but_one_change_always_fits() {
    let World { engine, ledger } = world();
    let large = |number, bytes| {
        let mut change = note(number);
        change.put(Keyspace::Records, number.to_be_bytes(), vec![0; bytes]);
        change
    };
    let huge = ledger.submit(large(0, QUEUE_BYTES_MAX), Durability::Buffered);
    assert!(matches!(ledger.submit(note(1), Durability::Buffered).wait(), Err(LedgerError::Overloaded)));
    huge.wait().unwrap();
    let before = engine.calls(Verb::Write);
    let tickets: Vec<_> =
        (2..5).map(|number| ledger.submit(large(number, GROUP_BYTES_MAX / 2), Durability::Buffered)).collect();
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!(engine.calls(Verb::Write) - before, 3, "two halves and their leaves are more than one group");
}

#[test]
fn closing_commits_what_waits_and_takes_no_more() {
    let World { engine, ledger } = world();
    let driven = ledger.submit(note(0), Durability::Synced);
    drop(ledger.submit(note(1), Durability::Synced));
    let buffered = ledger.submit(note(2), Durability::Buffered);
    ledger.close().unwrap();
    assert!(matches!(ledger.submit(note(3), Durability::Buffered).wait(), Err(LedgerError::Closed)));
    assert!(matches!(ledger.exclusive(|_| ()), Err(LedgerError::Closed)));
    ledger.close().unwrap();
    drop(ledger);
    assert_eq!((driven.wait().unwrap().index, buffered.wait().unwrap().index), (0, 2));
    assert_eq!(engine.unsynced(), 0);
    assert_eq!(leaves(&*engine), [0, 1, 2]);
}

#[test]
fn dropping_the_ledger_loses_nothing() {
    let World { engine, ledger } = world();
    let tickets: Vec<_> = (0..5).map(|number| ledger.submit(note(number), Durability::Buffered)).collect();
    drop(ledger);
    drop(tickets);
    assert_eq!(leaves(&*engine), [0, 1, 2, 3, 4]);
    assert_eq!(engine.unsynced(), 0);
}

#[test]
fn a_dropped_ticket_does_not_take_its_change_back() {
    let World { engine, ledger } = world();
    drop(ledger.submit(note(7), Durability::Buffered));
    while ledger.size() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(leaves(&*engine), [7]);
}
