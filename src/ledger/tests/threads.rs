//! Many at once: nothing is lost, doubled or left waiting.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use super::*;
use crate::store::Batch;
use crate::testkit::faults::Verb;
use crate::testkit::watched::{Watch, WatchedEngine};

/// Adds one to a counter row the way every verb works: mark, read, decide, submit, and again if the row moved.
fn increment(engine: &dyn Reader, ledger: &Ledger, number: u64, durability: Durability) {
    loop {
        let mark = ledger.mark();
        let seen = engine.get(Keyspace::Control, b"counter").unwrap();
        let count = seen.as_deref().map_or(0, |row| u64::from_be_bytes(row[..8].try_into().unwrap()));
        let mut change = note(number);
        let stamp = seen.as_deref().map(crate::codec::RowStamp::of);
        change.relies_on(Reliance::Row { keyspace: Keyspace::Control, key: b"counter".to_vec(), stamp });
        change.put(Keyspace::Control, "counter", [count + 1, number].map(u64::to_be_bytes).concat());
        if number.is_multiple_of(2) {
            change.decided_at(mark);
        }
        match ledger.submit(change, durability).wait() {
            Ok(_) => return,
            Err(LedgerError::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn no_increment_is_lost_between_threads() {
    const THREADS: u64 = 8;
    const EACH: u64 = 60;
    let World { engine, ledger } = world();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, ledger) = (&*engine, &ledger);
            scope.spawn(move || {
                for number in (0..EACH).map(|step| thread * EACH + step) {
                    let durability = if number % 3 == 0 { Durability::Synced } else { Durability::Buffered };
                    increment(engine, ledger, number, durability);
                    drop(ledger.submit(note(10_000 + number), Durability::Buffered));
                }
            });
        }
    });
    ledger.close().unwrap();
    let row = engine.get(Keyspace::Control, b"counter").unwrap().unwrap();
    assert_eq!(row[..8], (THREADS * EACH).to_be_bytes());
    let mut leaves = leaves(&*engine);
    leaves.sort_unstable();
    assert!(leaves.into_iter().eq((0..THREADS * EACH).chain(10_000..10_000 + THREADS * EACH)));
    check_log(&*engine);
}

fn poll_twice(ticket: &mut Ticket) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let first = Pin::new(&mut *ticket).poll(&mut context).is_ready(); // only yields
    Pin::new(ticket).poll(&mut context).is_ready() || first
}

/// Who finds the lock taken relies on its holder to look into the queue again.
#[test]
fn who_found_the_lock_taken_by_the_thread_is_not_forgotten() {
    let World { engine, ledger } = world();
    engine.pause(Verb::Write);
    drop(ledger.submit(note(0), Durability::Buffered)); // the committer thread takes it, and the lock
    while engine.calls(Verb::Write) == 0 {
        std::thread::yield_now();
    }
    let mut ticket = ledger.submit(note(1), Durability::Buffered);
    assert!(!poll_twice(&mut ticket));
    engine.resume(Verb::Write);
    while ledger.size() < 2 {
        std::thread::yield_now();
    }
    // The head moves a moment before the tickets of the group are told.
    while !poll_twice(&mut ticket) {
        std::thread::yield_now();
    }
}

#[test]
fn who_found_the_lock_taken_by_an_exclusive_section_is_not_forgotten() {
    let World { ledger, .. } = world();
    let mut ticket = ledger.submit(note(0), Durability::Buffered);
    ledger.exclusive(|_| assert!(!poll_twice(&mut ticket))).unwrap();
    assert_eq!(ledger.size(), 1);
    assert_eq!(ticket.wait().unwrap().index, 0);
}

/// Each task submits one change after the other; every change of all tasks is answered. Gives the number of batches.
async fn many_tasks(tasks: u64, each: u64, durability: fn(u64) -> Durability) -> u64 {
    let World { engine, ledger } = world();
    let ledger = Arc::new(ledger);
    let one_after_the_other = |task: u64| {
        let ledger = ledger.clone();
        async move {
            for step in 0..each {
                ledger.submit(note(task * each + step), durability(step)).await.unwrap();
            }
        }
    };
    let tasks: Vec<_> = (0..tasks).map(|task| tokio::spawn(one_after_the_other(task))).collect();
    let count = tasks.len() as u64;
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(ledger.size(), count * each);
    check_log(&*engine);
    engine.calls(Verb::Write)
}

#[tokio::test]
async fn tasks_that_are_ready_together_share_a_group() {
    assert_eq!(many_tasks(32, 30, |_| Durability::Buffered).await, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_several_threads_are_all_answered() {
    let durability = |step| if step % 4 == 0 { Durability::Synced } else { Durability::Buffered };
    many_tasks(32, 30, durability).await;
}

/// The task that is gone took its change along into the queue; another finds it there.
#[tokio::test]
async fn a_cancelled_task_leaves_its_change() {
    let World { engine, ledger } = world();
    let mut ticket = Box::pin(ledger.submit(note(1), Durability::Buffered));
    tokio::select! {
        biased;
        _ = &mut ticket => panic!("the first poll only yields"),
        () = std::future::ready(()) => {}
    }
    drop(ticket);
    ledger.submit(note(2), Durability::Buffered).await.unwrap();
    assert_eq!(leaves(&*engine), [1, 2]);
}

/// Panics in the middle of a write.
#[derive(Default)]
struct Panicking {
    now: AtomicBool,
}

impl Panicking {
    fn look(&self) {
        assert!(!self.now.load(Ordering::SeqCst), "this engine panics");
    }
}

impl Watch for Panicking {
    fn before_write(&self, _batch: &Batch) -> Result<(), StoreError> {
        self.look();
        Ok(())
    }

    fn before_sync(&self) {
        self.look();
    }
}

type PanickingEngine = WatchedEngine<Panicking>;

#[test]
fn a_panic_of_the_engine_leaves_nobody_waiting() {
    let engine = Arc::new(PanickingEngine::default());
    let ledger = Ledger::open(engine.clone(), NO_INTERVAL).unwrap();
    ledger.submit(note(0), Durability::Synced).wait().unwrap();
    let tickets: Vec<_> = (1..600).map(|number| ledger.submit(note(number), Durability::Synced)).collect();
    engine.now.store(true, Ordering::SeqCst);
    let mut tickets = tickets.into_iter();
    let first = tickets.next().unwrap();
    assert!(std::thread::scope(|scope| scope.spawn(|| first.wait()).join()).is_err());
    engine.now.store(false, Ordering::SeqCst);
    for ticket in tickets {
        assert!(matches!(ticket.wait(), Err(LedgerError::Broken)));
    }
    assert!(matches!(ledger.submit(note(600), Durability::Buffered).wait(), Err(LedgerError::Closed)));
}

#[test]
fn a_panic_of_the_engine_while_syncing_leaves_nobody_waiting() {
    let engine = Arc::new(PanickingEngine::default());
    let ledger = Ledger::open(engine.clone(), NO_INTERVAL).unwrap();
    let ticket = ledger.submit(note(0), Durability::Buffered);
    ticket.wait().unwrap();
    engine.now.store(true, Ordering::SeqCst);
    assert!(ledger.close().is_err(), "the last sync did not happen");
    assert!(matches!(ledger.submit(note(1), Durability::Synced).wait(), Err(LedgerError::Closed)));
}
