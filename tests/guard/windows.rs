//! Who reads many members needs a window.

use membervault::code::Code;
use membervault::codec::LeafKind;
use membervault::testkit::vault::ctx;
use membervault::types::{Actor, Ctx, Role, TokenId};
use membervault::vault::Error;
use membervault::vault::api::Page;
use membervault::vault::api::guard::{NewWindow, Window};
use serde_json::json;

use crate::house::{House, code, token};
use crate::support::desk::{Ask, Desk};

const MINUTE_MS: u64 = 60_000;

impl House {
    fn list(&self, who: &Ctx) -> Result<usize, Error> {
        let page = Page { cursor: None, limit: 2 };
        self.test.vault.list_members(who, &page).wait().map(|listing| listing.items.len())
    }

    fn window(&self, token: TokenId, minutes: u32) -> Result<Window, Error> {
        let window = NewWindow { token, reason: "the newsletter of June".to_owned(), minutes };
        self.test.vault.open_window(&ctx(Role::Compliance), &window).wait()
    }
}

/// A vault with three members, which shows three in bulk within an hour.
fn house(seed: u64) -> House {
    let house = House::open(seed);
    house.another("bob");
    house.another("eve");
    house.bounds(0, 3, 0);
    house
}

#[test]
fn without_a_window_a_token_is_shown_so_many_in_bulk_and_no_more() {
    let house = house(1);
    let before = house.size();
    assert_eq!(house.list(&house.crm).ok(), Some(2));
    assert_eq!(house.list(&house.crm).ok(), Some(2), "a page is whole, though it passes the bound");
    for _ in 0..3 {
        assert_eq!(code(house.list(&house.crm)), Some(Code::WindowClosed));
    }
    let export = house.test.vault.export_member(&house.crm, &house.member);
    assert_eq!(code(export.wait()), Some(Code::WindowClosed), "nor by taking out one after the other");
    assert_eq!(code(house.read(&house.crm)), None, "single reads are not held up");
    let denials = house.leaves(before).into_iter().filter(|kind| *kind == LeafKind::Denial).count();
    assert_eq!(denials, 1, "the first of the hour is in the ledger, and no flood of them");
    assert_eq!(code(house.list(&token(&house.test, Role::Crm, None))), None, "each token has its own");
    house.test.clock.advance_millis(60 * MINUTE_MS);
    assert_eq!(house.list(&house.crm).ok(), Some(2), "and anew in the next hour");
    let machine = Ctx { actor: Actor::local(Role::Crm), ..ctx(Role::Crm) };
    assert!((0..5).all(|_| house.list(&machine).is_ok()), "the command line is not held up");
}

#[test]
fn a_window_closes_itself() {
    let mut house = house(2);
    let id = house.crm.actor.token;
    let window = house.window(id, 30).unwrap();
    assert_eq!(window.closes_at, window.opened_at.plus_millis(30 * MINUTE_MS));
    for _ in 0..5 {
        assert_eq!(house.list(&house.crm).ok(), Some(2));
    }
    house.test.reopen();
    house.bounds(0, 1, 0);
    let open = |house: &House| house.test.vault.list_windows(&ctx(Role::Compliance)).wait().unwrap().items;
    assert_eq!(open(&house), [window]);
    house.test.clock.advance_millis(30 * MINUTE_MS - 1);
    assert!((0..5).all(|_| house.list(&house.crm).is_ok()));
    house.test.clock.advance_millis(1);
    assert_eq!(open(&house), []);
    assert_eq!((house.list(&house.crm).ok(), code(house.list(&house.crm))), (Some(2), Some(Code::WindowClosed)));
}

#[test]
fn a_window_can_be_closed_before_its_time_and_a_clock_that_goes_back_opens_none() {
    let house = house(3);
    let (id, compliance) = (house.crm.actor.token, ctx(Role::Compliance));
    let start = house.window(id, 30).unwrap().opened_at;
    house.test.vault.close_window(&compliance, &id).wait().unwrap();
    assert_eq!(code(house.test.vault.close_window(&compliance, &id).wait()), Some(Code::NotFound));
    house.list(&house.crm).unwrap();
    house.list(&house.crm).unwrap();
    assert_eq!(code(house.list(&house.crm)), Some(Code::WindowClosed));
    house.test.clock.advance_millis(MINUTE_MS);
    house.window(id, 30).unwrap();
    house.test.clock.set(start);
    assert_eq!(code(house.list(&house.crm)), Some(Code::WindowClosed));
}

#[test]
fn a_window_is_opened_by_somebody_else_for_a_time_and_a_reason() {
    let house = house(4);
    let id = house.crm.actor.token;
    for minutes in [0, 481] {
        assert_eq!(code(house.window(id, minutes)), Some(Code::InvalidRequest));
    }
    assert_eq!(code(house.window(TokenId::from_bytes([9; 8]), 1)), Some(Code::NotFound));
    for (who, reason, expected) in [
        (&house.crm, "because", Code::Forbidden),
        (&ctx(Role::Admin), "because", Code::Forbidden),
        (&ctx(Role::Compliance), "", Code::InvalidRequest),
    ] {
        let window = NewWindow { token: id, reason: reason.to_owned(), minutes: 1 };
        assert_eq!(code(house.test.vault.open_window(who, &window).wait()), Some(expected));
    }
    let before = house.size();
    house.window(id, 480).unwrap();
    house.test.vault.close_window(&ctx(Role::Compliance), &id).wait().unwrap();
    assert_eq!(house.leaves(before), [LeafKind::WindowOpen, LeafKind::WindowClose]);
}

#[test]
fn rows_of_closed_windows_go_when_another_is_opened() {
    let house = house(5);
    let others: Vec<_> = (0..3).map(|_| token(&house.test, Role::Crm, None).actor.token).collect();
    for other in &others {
        house.window(*other, 1).unwrap();
    }
    house.test.clock.advance_millis(MINUTE_MS);
    house.window(house.crm.actor.token, 1).unwrap();
    let engine = &*house.test.engine;
    let left = membervault::tables::window::list(engine, None, 9).unwrap().items;
    assert_eq!(left.into_iter().map(|(token, _)| token).collect::<Vec<_>>(), [house.crm.actor.token]);
}

#[tokio::test]
async fn over_http_a_window_is_opened_listed_and_closed() {
    let desk = Desk::new();
    let (token, compliance) = (desk.token_id(Role::Crm), desk.token(Role::Compliance, None));
    let headers = [("authorization", compliance.as_str())];
    let body = json!({"token": token, "reason": "the newsletter of June", "minutes": 60});
    let ask = || Ask { headers: &headers, template: "/v1/windows", ..Ask::default() };
    let opened = desk.send(Ask { method: "POST", body: Some(body), ..ask() }).await;
    assert_eq!((opened.status.as_u16(), opened.header("location")), (201, format!("/v1/windows/{token}").as_str()));
    let listed = desk.send(Ask { method: "GET", ..ask() }).await;
    assert_eq!(listed.json()["items"], json!([opened.json()]));
    let close = Ask { method: "DELETE", template: "/v1/windows/{token}", values: &[&token], ..ask() };
    assert_eq!(desk.send(close).await.status, 204);
}
