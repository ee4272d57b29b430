//! What is written, what is refused, and that changes of one group see each other.

use super::*;
use crate::codec::rows::{encode_epoch, encode_fence};
use crate::testkit::faults::Verb;
use crate::types::ErasureId;

/// Submits all before the first is driven, so that they make one group.
fn group(world: &World, changes: Vec<Change>) -> Vec<Result<u64, LedgerError>> {
    let before = world.engine.calls(Verb::Write);
    let tickets: Vec<_> = changes.into_iter().map(|change| world.ledger.submit(change, Durability::Buffered)).collect();
    let outcomes = tickets.into_iter().map(|ticket| ticket.wait().map(|receipt| receipt.index)).collect();
    assert!(world.engine.calls(Verb::Write) <= before + 1, "one group is one batch");
    check_log(&*world.engine);
    outcomes
}

/// One line for each outcome: the index of the leaf, or the refusal.
fn check(world: &World, changes: Vec<Change>, expected: &str) {
    let outcomes = group(world, changes);
    let lines: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(index) => index.to_string(),
            Err(LedgerError::Conflict) => "conflict".to_owned(),
            Err(LedgerError::Fenced) => "fenced".to_owned(),
            Err(other) => other.to_string(),
        })
        .collect();
    assert_eq!(lines.join(" "), expected);
}

fn relying(mut change: Change, reliance: Reliance) -> Change {
    change.relies_on(reliance);
    change
}

fn fence(number: u64, member: MemberId, compartment: Option<u16>) -> Change {
    let mut change = note(number);
    change.put(Keyspace::Control, keys::fence(&member, compartment), encode_fence(&ErasureId::from_bytes([1; 16])));
    change
}

#[test]
fn rows_and_leaves_are_written_in_the_order_of_submission() {
    let world = world();
    check(&world, vec![put(10, "a", "first"), note(11), put(12, "a", "second")], "0 1 2");
    check(&world, vec![note(13)], "3");
    assert_eq!(world.row("a"), Some(row("second")));
    assert_eq!(leaves(&*world.engine), [10, 11, 12, 13]);
    assert_eq!(world.ledger.size(), 4);
}

#[test]
fn a_receipt_names_a_size_whose_root_was_stored() {
    let world = world();
    let tickets: Vec<_> = (0..3).map(|number| world.ledger.submit(note(number), Durability::Buffered)).collect();
    let receipts: Vec<_> = tickets.into_iter().map(|ticket| ticket.wait().unwrap()).collect();
    let expected: Vec<_> = (0..3).map(|index| Receipt { index, size: 3 }).collect();
    assert_eq!(receipts, expected);
}

#[test]
fn a_change_whose_row_moved_leaves_no_trace() {
    let world = world();
    check(&world, vec![put(0, "a", "old")], "0");
    let mut stale = put(1, "b", "never");
    stale.relies_on(relies("a", Some("older"))).access_row([9; 16], "never");
    stale.late(LateRow { keyspace: Keyspace::Control, key: b"c".to_vec(), value: Vec::new(), index_at: 0 });
    check(&world, vec![stale], "conflict");
    assert_eq!((world.row("b"), world.row("c")), (None, None));
    assert_eq!(world.engine.get(Keyspace::Access, &keys::access(&[9; 16], 1)).unwrap(), None);
    assert_eq!(leaves(&*world.engine), [0]);
}

#[test]
fn of_two_that_rely_on_the_same_row_the_first_wins() {
    let world = world();
    let first = relying(put(0, "a", "mine"), relies("a", None));
    let second = relying(put(1, "a", "no, mine"), relies("a", None));
    check(&world, vec![first, second, note(2)], "0 conflict 1");
    assert_eq!(world.row("a"), Some(row("mine")));
    assert_eq!(leaves(&*world.engine), [0, 2]);
}

#[test]
fn a_change_sees_what_the_group_did_before_it() {
    let world = world();
    check(&world, vec![put(0, "a", "1"), put(1, "b", "1"), put(2, "c", "1")], "0 1 2");
    let mut delete = note(3);
    delete.delete(Keyspace::Control, "a");
    let mut delete_range = note(4);
    delete_range.put(Keyspace::Control, "bb", row("new")).delete_range(Keyspace::Control, "b", "c");
    let changes = vec![
        relying(put(5, "c", "2"), relies("c", Some("1"))),
        relying(put(6, "c", "3"), relies("c", Some("2"))),
        relying(note(7), relies("c", Some("2"))),
        relying(delete, relies("a", Some("1"))),
        relying(note(8), relies("a", Some("1"))),
        relying(note(9), relies("a", None)),
        delete_range,
        relying(note(10), relies("b", None)),
        relying(note(11), relies("bb", None)),
        relying(put(12, "b", "again"), relies("c", Some("3"))),
        relying(note(13), relies("b", Some("again"))),
    ];
    check(&world, changes, "3 4 conflict 5 conflict 6 7 8 9 10 11");
    assert_eq!((world.row("a"), world.row("bb")), (None, None));
    assert_eq!((world.row("b"), world.row("c")), (Some(row("again")), Some(row("3"))));
}

#[test]
fn access_rows_and_late_rows_get_the_index_of_their_leaf() {
    let world = world();
    check(&world, vec![note(0), note(1)], "0 1");
    let with_details = |number: u64, name: &str| {
        let mut change = put(number, name, "row");
        change.access_row([u8::try_from(number).unwrap(); 16], name);
        let key = format!("late {name}").into_bytes();
        change.late(LateRow { keyspace: Keyspace::Control, key, value: b"at:--------.".to_vec(), index_at: 3 });
        change
    };
    let mut many = with_details(10, "a");
    let mut inner = with_details(11, "b");
    inner.absorb(with_details(12, "c"));
    many.absorb(inner).absorb(note(13));
    assert_eq!(many.leaf_count(), 4);
    check(&world, vec![note(2), many, with_details(14, "d")], "2 3 7");
    assert_eq!(leaves(&*world.engine), [0, 1, 2, 10, 11, 12, 13, 14]);
    for (prefix, name, index) in [(10, "a", 3u64), (11, "b", 4), (12, "c", 5), (14, "d", 7)] {
        let access = world.engine.get(Keyspace::Access, &keys::access(&[prefix; 16], index)).unwrap();
        assert_eq!(access.as_deref(), Some(name.as_bytes()));
        let expected = [b"at:".as_slice(), &index.to_be_bytes(), b"."].concat();
        assert_eq!(world.row(&format!("late {name}")), Some(expected), "{name}");
    }
}

#[test]
fn a_late_row_that_is_too_short_is_made_longer() {
    let world = world();
    let mut change = note(0);
    change.late(LateRow { keyspace: Keyspace::Control, key: b"a".to_vec(), value: vec![1], index_at: 2 });
    check(&world, vec![note(1), change], "0 1");
    assert_eq!(world.row("a"), Some(vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
}

#[test]
fn an_absorbed_change_is_refused_with_the_one_that_absorbed_it() {
    let world = world();
    let mut both = put(0, "a", "one");
    both.absorb(relying(put(1, "b", "two"), relies("c", Some("not there"))));
    check(&world, vec![both], "conflict");
    assert_eq!(leaves(&*world.engine), [0u64; 0]);
}

#[test]
fn an_erasure_stops_who_was_under_way_and_nobody_else() {
    let world = world();
    let generation = world.ledger.erasure_generation();
    let reads =
        |number, who, generation| relying(note(number), Reliance::NoErasureSince { generation, member: member(who) });
    let changes = vec![
        reads(0, 1, generation),
        fence(1, member(1), None),
        reads(2, 1, generation),
        reads(3, 2, generation),
        fence(4, member(2), Some(3)),
        reads(5, 2, generation),
        reads(6, 3, generation),
    ];
    check(&world, changes, "0 1 fenced 2 3 conflict 4");
    check(&world, vec![reads(7, 1, generation), reads(8, 2, generation)], "fenced conflict");
    let now = world.ledger.erasure_generation();
    check(&world, vec![reads(9, 2, now), reads(10, 3, now)], "5 6");
}

#[test]
fn a_change_of_the_key_tree_stops_who_relied_on_the_old_one() {
    let world = world();
    let on = |number, epoch| relying(note(number), Reliance::Epoch(epoch));
    let mut seal = on(1, 0);
    seal.put(Keyspace::Control, keys::TREE_EPOCH, encode_epoch(8));
    check(&world, vec![on(0, 0), seal, on(2, 0), on(3, 8)], "0 1 conflict 2");
    drop(world.ledger);
    let engine = world.engine;
    let ledger = Ledger::open(engine.clone(), NO_INTERVAL).unwrap();
    check(&World { engine, ledger }, vec![on(4, 0), on(5, 8)], "conflict 3");
}

#[test]
fn rows_nobody_wrote_since_the_mark_are_not_read_again() {
    let world = world();
    check(&world, vec![put(0, "a", "1"), put(1, "b", "1")], "0 1");
    let mark = world.ledger.mark();
    let since = |number, key, value| {
        let mut change = relying(note(number), relies(key, value));
        change.decided_at(mark);
        change
    };
    let gets = world.engine.calls(Verb::Get);
    let tickets =
        [since(2, "a", Some("1")), since(3, "z", None)].map(|change| world.ledger.submit(change, Durability::Buffered));
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!(world.engine.calls(Verb::Get), gets);

    check(&world, vec![put(4, "a", "2"), since(5, "a", Some("1")), since(6, "b", Some("1"))], "4 conflict 5");
    check(&world, vec![since(7, "a", Some("1")), since(8, "a", Some("2")), since(9, "b", Some("1"))], "conflict 6 7");
    let mut delete_range = note(10);
    delete_range.delete_range(Keyspace::Control, "b", "c");
    check(&world, vec![delete_range], "8");
    check(&world, vec![since(11, "b", Some("1")), since(12, "a", Some("2")), since(13, "z", None)], "conflict 9 10");
}

/// A range is emptied of what was seen there, and looked at again only if it was written since: by a later group, in the
/// same group, as a range, or where nobody said when the decision was made.
#[test]
fn a_range_that_was_seen_is_looked_at_again_if_it_was_written_since() {
    let record = |number: u8, name: u8| [[number; 16].as_slice(), &[name]].concat();
    let put = |leaf: u64, key: Vec<u8>| {
        let mut change = note(leaf);
        change.put(Keyspace::Records, key, "row");
        change
    };
    let clear = |leaf: u64, mark: Option<Mark>| {
        let (records, range) = (Keyspace::Records, KeyRange::prefix([1; 16]));
        let mut change = note(leaf);
        change.clear_seen(records, range.clone(), vec![record(1, 1)]);
        change.clear_beside(Keyspace::Control, KeyRange::prefix("beside"), (records, range));
        if let Some(mark) = mark {
            change.decided_at(mark);
        }
        change
    };
    let left = |world: &World| {
        let name = |name: &u8| world.engine.get(Keyspace::Records, &record(1, *name)).unwrap().is_some();
        ([1, 2].iter().filter(|one| name(one)).copied().collect::<Vec<_>>(), world.row("beside-1").is_some())
    };
    let begin = || {
        let world = world();
        let mut beside = put(1, record(1, 2));
        beside.put(Keyspace::Control, "beside-1", "row");
        check(&world, vec![put(0, record(1, 1)), beside], "0 1");
        let mark = world.ledger.mark();
        (world, mark)
    };
    // What was not seen stays, which shows that nobody looked: a neighbour's rows are not the range's.
    let (world, mark) = begin();
    check(&world, vec![put(2, record(2, 1)), clear(3, Some(mark))], "2 3");
    assert_eq!(left(&world), (vec![2], true));
    let (world, mark) = begin();
    check(&world, vec![put(2, record(1, 2))], "2");
    check(&world, vec![clear(3, Some(mark))], "3");
    assert_eq!(left(&world), (vec![], false));
    let (world, mark) = begin();
    check(&world, vec![put(2, record(1, 2)), clear(3, Some(mark))], "2 3");
    assert_eq!(left(&world), (vec![], false));
    let (world, mark) = begin();
    let mut range = note(2);
    range.delete_range(Keyspace::Records, [7; 16], [8; 16]);
    check(&world, vec![range, clear(3, Some(mark))], "2 3");
    assert_eq!(left(&world), (vec![], false));
    let (world, _) = begin();
    check(&world, vec![clear(2, None)], "2");
    assert_eq!(left(&world), (vec![], false));
}

#[test]
fn an_access_since_is_removed_with_those_that_were_seen() {
    let world = world();
    let used = |number: u64| {
        let mut change = note(number);
        change.access_row([9; 16], "detail");
        change
    };
    check(&world, vec![used(0)], "0");
    let mark = world.ledger.mark();
    let seen = vec![keys::access(&[9; 16], 0).to_vec()];
    let mut clear = note(2);
    clear.clear_seen(Keyspace::Access, KeyRange::prefix([9; 16]), seen).decided_at(mark);
    check(&world, vec![used(1), clear], "1 2");
    for leaf in 0..2 {
        assert_eq!(world.engine.get(Keyspace::Access, &keys::access(&[9; 16], leaf)).unwrap(), None);
    }
}

#[test]
fn absorbing_keeps_the_earlier_mark_or_none() {
    let world = world();
    let early = world.ledger.mark();
    check(&world, vec![put(0, "a", "1")], "0");
    let late = world.ledger.mark();
    let marked = |number, mark| {
        let mut change = note(number);
        change.decided_at(mark);
        change
    };
    let mut both = marked(1, late);
    both.absorb(marked(2, early));
    assert_eq!(both.decided_at, Some(early));
    both.absorb(note(3));
    assert_eq!(both.decided_at, None);
}

#[test]
fn an_exclusive_section_commits_between_the_groups() {
    let world = world();
    let waiting = world.ledger.submit(put(0, "a", "waiting"), Durability::Buffered);
    let receipt = world.ledger.exclusive(|section| {
        assert_eq!(world.row("a"), None);
        let refused = section.commit(relying(note(1), relies("a", Some("waiting"))), Durability::Buffered);
        assert!(matches!(refused, Err(LedgerError::Conflict)));
        section.commit(put(2, "a", "exclusive"), Durability::Synced)
    });
    assert_eq!(receipt.unwrap().unwrap(), Receipt { index: 0, size: 1 });
    assert_eq!(world.engine.unsynced(), 1, "what waited was committed after the section, not synced with it");
    assert_eq!(waiting.wait().unwrap(), Receipt { index: 1, size: 2 });
    assert_eq!(world.row("a"), Some(row("waiting")));
    check_log(&*world.engine);
}
