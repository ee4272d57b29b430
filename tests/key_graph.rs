//! The key graph of the implementation, from the bytes actually written: after each seal of a random history, the keys of
//! today reach everything that lives, in everything ever written, and nothing that was certified as erased; the keyring of
//! the time of the erasure reaches it still.
//!
//! The last is the control: a walk that finds nothing would prove nothing. `MEMBERVAULT_KEY_GRAPH_CASES=200` runs longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(unreachable_pub, missing_docs, clippy::print_stdout, clippy::disallowed_methods, reason = "a test")]

#[path = "key_graph/closure.rs"]
mod closure;
#[path = "key_graph/people.rs"]
mod people;
#[path = "key_graph/sabotage.rs"]
mod sabotage;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::env;

use closure::{CANARY, Reached, Secret, reach};
use membervault::codec::Capsule;
use membervault::store::Keyspace;
use membervault::testkit::vault::VAULT_ID;
use people::{Erased, Op, Part, Person, World, op};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const CASES: u32 = 8;
const OPS_MIN: usize = 16;
const OPS_MAX: usize = 56;
/// So many bytes of a key, or of a canary, are looked for in the clear.
const NEEDLE: usize = 6;
const NOT_NAMED: &str = "certified as if nobody kept a way to it, while a holder that was given up does";

/// What the histories came to.
#[derive(Debug, Default)]
struct Tally {
    seals: usize,
    certified: usize,
    rotated: usize,
    opened: usize,
}

/// What the walks found, of what is certified.
#[derive(Default)]
struct Dead {
    secrets: BTreeSet<Secret>,
    checked: BTreeSet<[u8; 16]>,
    /// Rotations that were checked.
    rotated: BTreeSet<usize>,
}

#[test]
fn nothing_certified_is_reached_from_the_keys_of_today() {
    let sabotaged = sabotage::begin();
    let cases = env::var("MEMBERVAULT_KEY_GRAPH_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let tally = RefCell::new(Tally::default());
    let histories = (any::<u64>(), prop::collection::vec(op(), OPS_MIN..OPS_MAX));
    let mut config = Config { cases, failure_persistence: None, ..Config::default() };
    if sabotaged {
        config.max_shrink_iters = 0;
    }
    let result = TestRunner::new(config).run(&histories, |(seed, ops)| {
        live_through(seed, &ops, &mut tally.borrow_mut());
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    println!("{cases} histories: {:?}", tally.borrow());
    assert!(tally.borrow().certified > 0, "histories without a certificate show nothing");
}

/// Random members almost never share a shard; here two do, and one is erased.
#[test]
fn the_neighbour_in_the_shard_is_wrapped_anew() {
    let mut world = World::new(7);
    let mut shards = BTreeMap::new();
    let (gone, neighbour) = loop {
        world.take(&Op::Create, &mut |_| {});
        let newest = world.people.len() - 1;
        let [high, low, ..] = *world.people[newest].id.as_bytes();
        if let Some(before) = shards.insert([high, low], newest) {
            break (before, newest);
        }
    };
    world.take(&Op::Erase { who: gone }, &mut |_| {});
    let (mut dead, mut tally) = (Dead::default(), Tally::default());
    world.take(&Op::Seal, &mut |world| check(world, &mut dead, &mut tally));
    assert_eq!((dead.checked.len(), world.people[neighbour].erased.is_none()), (1, true));
    println!("{} members until two shared a shard", world.people.len());
}

/// A data key that was rotated goes with what is certified after it.
#[test]
fn a_rotated_data_key_is_out_of_reach_with_the_next_seal() {
    let (who, part) = (0, 0);
    let history = [
        Op::Create,
        Op::Write { who, part },
        Op::Write { who, part },
        Op::Rotate { who, part },
        Op::Rotate { who, part: 3 },
        Op::Write { who, part: 1 },
        Op::ErasePart { who, part: 1 },
        Op::Seal,
        Op::Rotate { who, part },
    ];
    let mut tally = Tally::default();
    live_through(21, &history, &mut tally);
    assert_eq!(tally.rotated, 2, "the third is after the last erasure");
}

fn live_through(seed: u64, ops: &[Op], tally: &mut Tally) {
    let mut world = World::new(seed);
    let mut dead = Dead::default();
    for op in ops.iter().chain(&[Op::HolderAway(false), Op::Seal]) {
        world.take(op, &mut |world| {
            tally.seals += 1;
            check(world, &mut dead, tally);
        });
    }
    let people = world.people.iter();
    let erased =
        people.flat_map(|person| person.parts.values().map(|part| part.erased).chain([person.erased])).flatten();
    assert_eq!(erased.count(), dead.checked.len(), "not all that was erased is certified in the end");
    nothing_lies_open(&world, &dead);
    tally.certified += dead.checked.len();
    tally.rotated += dead.rotated.len();
}

/// The invariant, after a seal.
fn check(world: &World, dead: &mut Dead, tally: &mut Tally) {
    let look = |past: usize| world.engine.written(|written| reach(&VAULT_ID, written, &[world.keyring(past)]));
    let today = world.engine.written(|written| reach(&VAULT_ID, written, &world.keyrings()));
    tally.opened += today.opened;
    let residual = world.residual().map(|kept| world.engine.written(|written| reach(&VAULT_ID, written, &[kept])));
    let mut of_then: BTreeMap<usize, Reached> = BTreeMap::new();
    rotated_keys_are_out_of_reach(world, &today, dead, &mut |past| {
        let then = of_then.entry(past).or_insert_with(|| look(past));
        then.members.values().flat_map(|keys| keys.deks.values()).flatten().copied().collect()
    });
    for person in &world.people {
        if let Some(Erased { id, opened_by, moment }) = world.is_certified(person.erased) {
            person_is_out_of_reach(person, &today);
            let kept = residual.as_ref().is_some_and(|residual| residual.mk_of(&person.id));
            assert!(!kept || world.names_the_revoked(Erased { id, opened_by, moment }), "{NOT_NAMED}");
            if dead.checked.insert(*id.as_bytes()) {
                person_is_reached(person, of_then.entry(opened_by).or_insert_with(|| look(opened_by)), dead);
            }
        } else if person.erased.is_none() {
            assert!(today.mk_of(&person.id), "a live member is not reached");
        }
        for (name, part) in &person.parts {
            if let Some(Erased { id, opened_by, moment }) = world.is_certified(part.erased) {
                let then = of_then.entry(opened_by).or_insert_with(|| look(opened_by));
                part_is_out_of_reach(person, name, part, &today, then);
                let number = then.members[&person.id].numbers[*name];
                let kept = residual.as_ref().is_some_and(|residual| residual.deks_of(&person.id, number) > 0);
                assert!(!kept || world.names_the_revoked(Erased { id, opened_by, moment }), "{NOT_NAMED}");
                if dead.checked.insert(*id.as_bytes()) {
                    part_is_reached(person, name, part, then, dead);
                }
            } else if person.erased.is_none() && part.erased.is_none() {
                let present = part.canaries.last().unwrap();
                assert!(today.canaries.contains(present), "what is written in a live compartment is not reached");
            }
        }
    }
}

/// What is certified was sealed, and so was everything that was marked before it: the data keys of all rotations before
/// an erasure that is certified are out of reach too.
fn rotated_keys_are_out_of_reach(
    world: &World,
    today: &Reached,
    dead: &mut Dead,
    then: &mut dyn FnMut(usize) -> BTreeSet<Secret>,
) {
    let parts = world.people.iter().flat_map(|person| person.parts.values().map(|part| part.erased));
    let erasures = world.people.iter().map(|person| person.erased).chain(parts);
    let certified = erasures.filter_map(|erased| world.is_certified(erased)).map(|erased| erased.moment).max();
    let sealed = world.retired.iter().enumerate().filter(|(_, one)| Some(one.moment) < certified);
    for (rotation, retired) in sealed {
        let reached = today.members.get(&retired.member).and_then(|keys| keys.deks.get(&retired.number));
        assert!(
            reached.is_none_or(|reached| reached.is_disjoint(&retired.deks)),
            "a data key that was rotated is reached"
        );
        if dead.rotated.insert(rotation) {
            assert!(retired.deks.is_subset(&then(retired.opened_by)), "the control does not reach a data key");
            dead.secrets.extend(&retired.deks);
        }
    }
}

fn person_is_out_of_reach(person: &Person, today: &Reached) {
    assert!(!today.members.contains_key(&person.id), "keys of an erased member are reached");
    assert!(!today.named.contains(&person.id), "an entry of the index names an erased member");
    assert!(!today.opened_of(&person.id, None), "something of an erased member opens");
    for canary in person.parts.values().flat_map(|part| &part.canaries) {
        assert!(!today.canaries.contains(canary), "what an erased member wrote is reached");
    }
}

/// The control: with the keyring of then, over the same bytes, all of it opens.
fn person_is_reached(person: &Person, then: &Reached, dead: &mut Dead) {
    let keys = &then.members[&person.id];
    assert!(then.named.contains(&person.id) && then.opened_of(&person.id, None));
    dead.secrets.extend(keys.mk.iter().chain(keys.deks.values().flatten()));
    for part in person.parts.values().filter(|part| part.erased.is_none()) {
        assert!(then.canaries.contains(part.canaries.last().unwrap()), "the control does not reach an erased member");
    }
}

fn part_is_out_of_reach(person: &Person, name: &str, part: &Part, today: &Reached, then: &Reached) {
    let number = then.members[&person.id].numbers[name];
    assert_eq!(today.deks_of(&person.id, number), 0, "data keys of an erased compartment are reached");
    assert!(!today.opened_of(&person.id, Some(number)), "a record of an erased compartment opens");
    for canary in &part.canaries {
        assert!(!today.canaries.contains(canary), "what was written in an erased compartment is reached");
    }
}

fn part_is_reached(person: &Person, name: &str, part: &Part, then: &Reached, dead: &mut Dead) {
    let number = then.members[&person.id].numbers[name];
    dead.secrets.extend(&then.members[&person.id].deks[&number]);
    assert!(then.canaries.contains(part.canaries.last().unwrap()), "the control does not reach an erased compartment");
}

/// No key of what is certified, and nothing that anybody wrote, lies open in a row, in a capsule or in today's keyring; and
/// a capsule holds no envelope that the database never held.
fn nothing_lies_open(world: &World, dead: &Dead) {
    let mut needles: BTreeSet<&[u8]> = dead.secrets.iter().map(|secret| &secret[..NEEDLE]).collect();
    needles.insert(&CANARY.as_bytes()[..NEEDLE]);
    let begins: BTreeSet<[u8; 2]> = needles.iter().map(|needle| [needle[0], needle[1]]).collect();
    let mut table = vec![false; 1 << 16];
    begins.iter().for_each(|begin| table[usize::from(u16::from_be_bytes(*begin))] = true);
    let lies_open = |bytes: &[u8]| {
        let mut windows = bytes.windows(NEEDLE);
        windows.any(|window| table[usize::from(u16::from_be_bytes([window[0], window[1]]))] && needles.contains(window))
    };
    for keyring in world.keyrings() {
        assert!(!lies_open(keyring.encode().unwrap().expose()), "a dead key in today's keyring");
    }
    world.engine.written(|written| {
        for ((keyspace, key), values) in written {
            for bytes in values.iter().chain([key]) {
                assert!(!lies_open(bytes), "a key or personal data in the clear in {keyspace:?}");
            }
        }
        for capsule in world.capsules() {
            assert!(!lies_open(&capsule), "a key or personal data in the clear in a capsule");
            let (covered, _) = Capsule::split(&capsule).unwrap();
            for row in Capsule::parse(covered).unwrap().rows {
                let name = (Keyspace::ALL[usize::from(row.keyspace)], row.key);
                assert!(written[&name].contains(&row.row), "a capsule holds a row that was never written");
            }
        }
    });
}
