//! The order of a seal, model-checked: every state of a small world is visited, with crashes anywhere, and in none is live
//! data lost or can something be opened that was certified as erased.
//!
//! The model takes its order from [`Step::ORDER`], the same constant that the code iterates. The neighbouring orders and
//! rules, each a plausible mistake, must each yield a counter-example: a model that cannot find them proves nothing.
//! `cargo test --test seal_model -- --nocapture` prints states and paths.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(unreachable_pub, missing_docs, clippy::print_stdout, reason = "a test")]

#[path = "seal_model/graph.rs"]
mod graph;
#[path = "seal_model/moves.rs"]
mod moves;
#[path = "seal_model/plan.rs"]
mod plan;
#[path = "seal_model/recover.rs"]
mod recover;
#[path = "seal_model/rules.rs"]
mod rules;
#[path = "seal_model/steps.rs"]
mod steps;
#[path = "seal_model/world.rs"]
mod world;

use std::time::Instant;

use membervault::vault::seal::Step;
use moves::Move;
use plan::{Bounds, Fault, Plan, moved};
use rules::{AFTER_ALL, CERTIFIED, END, ERASE, GONE, KEYLESS, NOLOSS};
use stateright::{Checker, HasDiscoveries, Model};
use world::World;

/// What must hold always.
const RULES: [&str; 5] = [NOLOSS, ERASE, GONE, KEYLESS, END];

/// Three crashes, also torn in the middle of the batch, while a member is inserted and another's row is rewrapped.
const CRASHES: Bounds = Bounds { erasures: 2, attempts: 3, crashes: 3, torn: true, writers: true, ..Bounds::NONE };
/// Two of three crashes lose what the disk had acknowledged.
const LOST: Bounds = Bounds { erasures: 2, attempts: 3, crashes: 3, lost: 2, torn: true, ..Bounds::NONE };
/// Two holders, of which one leaves; the keyring here is lost.
const HOLDERS: Bounds = Bounds { erasures: 2, attempts: 3, crashes: 2, holders: 2, keyring_lost: true, ..Bounds::NONE };
/// These together.
const TOGETHER: Bounds = Bounds { lost: 1, torn: true, ..HOLDERS };
/// One erasure takes two rounds.
const ROUNDS: Bounds =
    Bounds { erasures: 2, attempts: 3, crashes: 2, torn: true, leaves_per_round: Some(1), ..Bounds::NONE };
/// An image and a backup come back.
const TIME: Bounds = Bounds { erasures: 2, attempts: 3, crashes: 1, image: true, backup: true, ..Bounds::NONE };
/// A batch that does not open, on a disk that lies. Small enough for all orders of seven steps.
const SMALL: Bounds = Bounds { erasures: 1, attempts: 2, crashes: 1, lost: 1, damage: 1, ..Bounds::NONE };

/// Visits every state; none may break a rule, and a state where everything is certified is reached.
fn holds(name: &str, bounds: Bounds) {
    let start = Instant::now();
    let checker = World(Plan::sound(bounds)).checker().spawn_bfs().join();
    let states = checker.unique_state_count();
    println!("{name}: {states} states, depth {}, {:.1} s", checker.max_depth(), start.elapsed().as_secs_f32());
    for rule in RULES {
        if let Some(path) = checker.discovery(rule) {
            panic!("{name}: {rule} is broken after {:?}\n{:#?}", path.clone().into_actions(), path.last_state());
        }
    }
    for possible in [CERTIFIED, AFTER_ALL] {
        assert!(checker.discovery(possible).is_some(), "{name}: never: {possible}");
    }
}

/// The rule that this plan breaks, the shortest way to break it, and the states visited to find that out.
fn broken(plan: Plan) -> Option<(&'static str, Vec<Move>, usize)> {
    let mut shortest: Option<(&'static str, Vec<Move>, usize)> = None;
    loop {
        let mut builder = World(plan).checker().finish_when(HasDiscoveries::AnyFailures);
        if let Some((_, actions, _)) = &shortest {
            builder = builder.target_max_depth(actions.len() + 1); // what is found now has fewer moves
        }
        let checker = builder.spawn_bfs().join();
        let found = RULES.into_iter().filter_map(|rule| Some((rule, checker.discovery(rule)?.into_actions())));
        match found.min_by_key(|(_, actions)| actions.len()) {
            Some((rule, actions)) => shortest = Some((rule, actions, checker.unique_state_count())),
            None => return shortest,
        }
    }
}

fn breaks(name: &str, plan: Plan, expected: &str) {
    let Some((rule, path, states)) = broken(plan) else { panic!("{name}: no counter-example") };
    let path: Vec<_> = path.iter().map(|action| format!("{action:?}")).collect();
    println!("{name}: {rule} within {states} states: {}", path.join(" "));
    assert_eq!(rule, expected, "{name}: {path:?}");
}

#[test]
fn crashes_and_writers() {
    holds("crashes and writers", CRASHES);
}

#[test]
fn a_disk_that_loses_what_it_acknowledged() {
    holds("a lost batch", LOST);
}

#[test]
fn holders_that_come_and_go() {
    holds("holders", HOLDERS);
}

#[test]
fn crashes_losses_and_holders() {
    holds("crashes, losses and holders", TOGETHER);
}

#[test]
fn an_erasure_of_two_rounds() {
    holds("two rounds", ROUNDS);
}

#[test]
fn images_and_backups() {
    holds("images and backups", TIME);
}

#[test]
fn every_mistake_is_found() {
    let fault = |name, bounds, fault, rule| breaks(name, Plan::with(bounds, fault), rule);
    let order = |name, bounds, step, before, rule| breaks(name, Plan::ordered(bounds, moved(step, before)), rule);

    order("database before keyring", CRASHES, Step::Commit, Step::Prepare, NOLOSS);
    order("drop before database", CRASHES, Step::Drop, Step::Commit, NOLOSS);
    order("certificate before drop", CRASHES, Step::Certify, Step::Drop, ERASE);
    order("certificate before wipe", CRASHES, Step::Certify, Step::Wipe, ERASE);
    order("drop before capsule", LOST, Step::Drop, Step::Capsule, NOLOSS);
    order("drop before verify", SMALL, Step::Drop, Step::Verify, NOLOSS);

    fault("reuse of pending keys", CRASHES, Fault::ReusePending, ERASE);
    fault("stale writer", CRASHES, Fault::StaleWriter, NOLOSS);
    fault("resurrecting writer", CRASHES, Fault::ResurrectingWriter, NOLOSS);
    fault("gather without exclusion", CRASHES, Fault::GatherWithoutExclusion, NOLOSS);
    fault("no inner rotation", CRASHES, Fault::NoInnerRotation, ERASE);
    fault("no shard rotation", CRASHES, Fault::NoLeafRotation, ERASE);
    fault("keep old root", CRASHES, Fault::KeepOldRoot, ERASE);
    fault("recovery that certifies first", CRASHES, Fault::RecoveryCertifiesFirst, ERASE);
    fault("lost batch without capsule", LOST, Fault::NoCapsule, NOLOSS);
    fault("certify while a holder is away", HOLDERS, Fault::CertifyWhileAway, ERASE);
    fault("revoked holder not named", HOLDERS, Fault::RevokedUnnamed, ERASE);
    fault("next root not at the holders", HOLDERS, Fault::PrepareHereOnly, NOLOSS);
    fault("certify after the first of two rounds", ROUNDS, Fault::CertifyHalf, ERASE);
    fault("serve a stale image", TIME, Fault::ServeStaleImage, ERASE);
    fault("restore control rows", TIME, Fault::RestoreControlRows, GONE);
    fault("restore records without keys", TIME, Fault::RestoreKeyless, KEYLESS);
}

/// Of all orders of the seven steps those are sound, and only those, in which each of these comes before the other.
const BEFORE: [(Step, Step); 6] = [
    (Step::Prepare, Step::Commit),
    (Step::Commit, Step::Verify),
    (Step::Commit, Step::Capsule),
    (Step::Verify, Step::Drop),
    (Step::Capsule, Step::Drop),
    (Step::Drop, Step::Certify),
];
/// The keys that the batch replaces must be wiped after it and before anybody is told.
const WIPED: [(Step, Step); 2] = [(Step::Commit, Step::Wipe), (Step::Wipe, Step::Certify)];

#[test]
fn of_all_orders_only_those_hold_that_keep_what_must_come_first() {
    let (mut orders, mut sound, mut states) = (0, 0, 0);
    permute(&mut Step::ORDER.clone(), 0, &mut |order| {
        let checker = World(Plan::ordered(SMALL, order)).checker().finish_when(HasDiscoveries::AnyFailures);
        let checker = checker.spawn_bfs().join();
        let found = |name| checker.discovery(name).is_some();
        let holds = !RULES.into_iter().any(found) && [CERTIFIED, AFTER_ALL].into_iter().all(found);
        let place = |step| order.iter().position(|other| *other == step);
        let expected = BEFORE.iter().chain(&WIPED).all(|(first, then)| place(*first) < place(*then));
        assert_eq!(holds, expected, "{order:?}");
        orders += 1;
        sound += usize::from(holds);
        states += checker.unique_state_count();
    });
    println!("{orders} orders, {sound} of them sound, {states} states");
    assert_eq!((orders, sound), (5_040, 8));
}

fn permute(order: &mut [Step; 7], from: usize, visit: &mut impl FnMut([Step; 7])) {
    if from == order.len() {
        visit(*order);
    }
    for at in from..order.len() {
        order.swap(from, at);
        permute(order, from + 1, visit);
        order.swap(from, at);
    }
}
