//! How many members a token may touch.

use membervault::clock::Clock;
use membervault::code::{Code, Coded};
use membervault::codec::LeafKind;
use membervault::testkit::vault::ctx;
use membervault::types::{Actor, Ctx, IdentifierKind, Role};
use membervault::vault::Error;
use membervault::vault::api::NewToken;

use crate::house::{House, code, support, token};

const HOUR_MS: u64 = 3_600_000;

#[test]
fn a_token_touches_as_many_members_an_hour_as_its_role_may() {
    let house = House::open(1);
    house.bounds(3, 0, 0);
    let clerk = support(&house.test, None);
    let before = house.size();
    for _ in 0..3 {
        house.read(&clerk).unwrap();
    }
    house.test.clock.advance_millis(600_000);
    for _ in 0..3 {
        match house.read(&clerk) {
            Err(Error::RateLimited { retry_after_s }) => assert_eq!(retry_after_s, 3_000, "until the full hour"),
            other => panic!("{:?}", code(other)),
        }
    }
    let denials = house.leaves(before).into_iter().filter(|kind| *kind == LeafKind::Denial).count();
    assert_eq!(denials, 1, "the first of the hour is in the ledger, and no flood of them");
    assert_eq!(house.test.vault.guard_counts().refused, 3);
    assert_eq!(code(house.read(&support(&house.test, None))), None, "each token has its own");
    house.test.clock.advance_millis(3_000_000);
    assert_eq!(code(house.read(&clerk)), None, "and anew in the next hour");
}

#[test]
fn a_day_bounds_the_hours() {
    let house = House::open(2);
    house.bounds(3, 0, 0);
    let clerk = support(&house.test, None);
    for _ in 0..3 {
        for _ in 0..3 {
            house.read(&clerk).unwrap();
        }
        house.test.clock.advance_millis(HOUR_MS);
    }
    assert!(matches!(house.read(&clerk), Err(Error::RateLimited { retry_after_s }) if retry_after_s == 21 * 3_600));
    house.test.clock.advance_millis(21 * HOUR_MS);
    assert_eq!(code(house.read(&clerk)), None);
}

#[test]
fn a_token_may_have_a_lower_bound_and_not_a_higher_one() {
    let mut house = House::open(3);
    house.bounds(3, 0, 0);
    let (lower, higher) = (support(&house.test, Some(1)), support(&house.test, Some(9)));
    let touched = |who: &Ctx| (0..9).take_while(|_| house.read(who).is_ok()).count();
    assert_eq!((touched(&lower), touched(&higher)), (1, 3));
    house.test.reopen();
    house.bounds(0, 0, 0);
    let touched = |who: &Ctx| (0..9).take_while(|_| house.read(who).is_ok()).count();
    assert_eq!((touched(&lower), touched(&higher)), (1, 9), "it is kept, and stands where the role has none");
    for (hour, day) in [(Some(0), None), (None, Some(0))] {
        let new = NewToken { members_per_hour: hour, members_per_day: day, ..NewToken::new(Role::Crm, "none") };
        assert_eq!(code(house.test.vault.create_token(&ctx(Role::Admin), &new).wait()), Some(Code::InvalidRequest));
    }
}

#[test]
fn looking_up_counts_whether_or_not_somebody_is_found() {
    let house = House::open(4);
    house.bounds(2, 0, 0);
    let clerk = support(&house.test, None);
    let look = || house.test.vault.lookup(&clerk, IdentifierKind::Email, "nobody@example.org").wait();
    assert_eq!(
        (code(look()), code(look()), code(look())),
        (Some(Code::NotFound), Some(Code::NotFound), Some(Code::RateLimited))
    );
}

#[test]
fn what_is_denied_counts_nothing_and_who_holds_the_keys_or_is_the_member_is_not_counted() {
    let house = House::open(5);
    house.bounds(1, 1, 0);
    let clerk = support(&house.test, None);
    for _ in 0..3 {
        assert_eq!(code(house.read(&Ctx { purpose: None, ..clerk.clone() })), Some(Code::PurposeRequired));
    }
    assert_eq!(code(house.read(&clerk)), None);
    let machine = Ctx { actor: Actor::local(Role::Support), ..clerk };
    let member = token(&house.test, Role::Member, Some(house.member));
    for _ in 0..3 {
        assert_eq!((code(house.read(&machine)), code(house.read(&member))), (None, None));
    }
}

#[test]
fn a_clock_that_goes_back_gives_nothing_anew_and_shuts_nobody_out_for_long() {
    let house = House::open(6);
    house.bounds(1, 0, 0);
    let clerk = support(&house.test, None);
    let start = house.test.clock.now();
    house.test.clock.advance_millis(10 * HOUR_MS);
    house.read(&clerk).unwrap();
    house.test.clock.set(start);
    let refused = house.read(&clerk).unwrap_err();
    assert_eq!(refused.code(), Code::RateLimited);
    house.test.clock.advance_millis(HOUR_MS);
    assert_eq!(code(house.read(&clerk)), None);
}
