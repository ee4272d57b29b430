//! Stops in an emergency.

use membervault::code::Code;
use membervault::testkit::vault::ctx;
use membervault::types::{Actor, Ctx, FreezeScope, Role, TokenId};
use membervault::vault::api::guard::NewFreeze;
use membervault::vault::api::{NewToken, Page};
use serde_json::json;

use crate::house::{House, code, token};
use crate::support::desk::{Ask, Desk};

#[test]
fn a_frozen_token_can_do_nothing_and_others_go_on() {
    let house = House::open(1);
    let compliance = ctx(Role::Compliance);
    house.freeze(&compliance, FreezeScope::Token(house.crm.actor.token)).unwrap();
    assert_eq!(code(house.read(&house.crm)), Some(Code::Frozen));
    let page = Page { cursor: None, limit: 10 };
    assert_eq!(code(house.test.vault.list_members(&house.crm, &page).wait()), Some(Code::Frozen));
    assert_eq!(code(house.test.vault.erase(&house.crm, &house.member, None).wait()), Some(Code::Frozen));
    assert_eq!(code(house.read(&token(&house.test, Role::Crm, None))), None);
    house.release(&compliance, FreezeScope::Token(house.crm.actor.token)).unwrap();
    assert_eq!(code(house.read(&house.crm)), None);
}

#[test]
fn a_frozen_role_cannot_lift_its_own_freeze_and_the_machine_can() {
    let house = House::open(2);
    let compliance = token(&house.test, Role::Compliance, None);
    let scope = FreezeScope::Role(Role::Compliance);
    house.freeze(&compliance, scope).unwrap();
    assert_eq!(code(house.release(&compliance, scope)), Some(Code::Frozen));
    assert_eq!(code(house.freeze(&compliance, FreezeScope::All)), Some(Code::Frozen));
    let machine = Ctx { actor: Actor::local(Role::Compliance), ..ctx(Role::Compliance) };
    house.release(&machine, scope).unwrap();
    house.freeze(&compliance, FreezeScope::All).unwrap();
}

#[test]
fn a_freeze_of_all_stops_data_for_everybody_and_not_what_an_incident_needs() {
    let house = House::open(3);
    let vault = &house.test.vault;
    let (admin, compliance, ops) = (ctx(Role::Admin), ctx(Role::Compliance), ctx(Role::Ops));
    let member = token(&house.test, Role::Member, Some(house.member));
    house.freeze(&admin, FreezeScope::All).unwrap();
    let machine = Ctx { actor: Actor::local(Role::Crm), ..ctx(Role::Crm) };
    for who in [&house.crm, &member, &machine] {
        assert_eq!(code(house.read(who)), Some(Code::Frozen));
        assert_eq!(code(vault.erase(who, &house.member, None).wait()), Some(Code::Frozen));
    }
    assert_eq!(code(vault.status(&ops).wait()), None);
    assert_eq!(code(vault.create_token(&admin, &NewToken::new(Role::Crm, "a new one")).wait()), None);
    assert_eq!(code(vault.revoke_token(&admin, &house.crm.actor.token).wait()), None);
    assert_eq!(code(vault.erase(&compliance, &house.member, None).wait()), None);
    assert_eq!(code(house.release(&admin, FreezeScope::All)), Some(Code::Forbidden), "who sets it need not lift it");
    house.release(&compliance, FreezeScope::All).unwrap();
    assert_eq!(code(house.read(&token(&house.test, Role::Crm, None))), Some(Code::Gone));
}

#[test]
fn a_freeze_outlives_the_process() {
    let mut house = House::open(4);
    let compliance = ctx(Role::Compliance);
    for scope in [FreezeScope::All, FreezeScope::Role(Role::Crm), FreezeScope::Token(house.crm.actor.token)] {
        house.freeze(&compliance, scope).unwrap();
        house.test.reopen();
        assert_eq!(code(house.read(&house.crm)), Some(Code::Frozen), "{scope}");
        let stand = house.test.vault.list_freezes(&compliance).wait().unwrap().items;
        assert_eq!(stand.iter().map(|freeze| freeze.id).collect::<Vec<_>>(), [scope]);
        house.release(&compliance, scope).unwrap();
        house.test.reopen();
        assert_eq!(code(house.read(&house.crm)), None, "{scope}");
    }
}

#[test]
fn a_freeze_is_asked_for_by_those_who_may_and_says_why() {
    let house = House::open(5);
    let compliance = ctx(Role::Compliance);
    assert_eq!(code(house.freeze(&house.crm, FreezeScope::All)), Some(Code::Forbidden));
    let stranger = FreezeScope::Token(TokenId::from_bytes([9; 8]));
    assert_eq!(code(house.freeze(&compliance, stranger)), Some(Code::NotFound));
    assert_eq!(code(house.release(&compliance, FreezeScope::All)), Some(Code::NotFound));
    for reason in ["", "a\nb", &"a".repeat(257)] {
        let freeze = NewFreeze { scope: FreezeScope::All, reason: reason.to_owned() };
        assert_eq!(code(house.test.vault.set_freeze(&compliance, &freeze).wait()), Some(Code::InvalidRequest));
    }
    assert_eq!(code(house.read(&house.crm)), None, "what was refused froze nothing");
}

#[tokio::test]
async fn over_http_a_freeze_is_set_listed_and_lifted() {
    let desk = Desk::new();
    let (crm, compliance) = (desk.token(Role::Crm, None), desk.token(Role::Compliance, None));
    let compliance = [("authorization", compliance.as_str())];
    let list = || Ask { method: "GET", template: "/v1/members", ..Ask::default() };
    let crm = [("authorization", crm.as_str())];
    let set = Ask {
        method: "POST",
        template: "/v1/freezes",
        headers: &compliance,
        body: Some(json!({"scope": "role:crm", "reason": "a drill"})),
        ..Ask::default()
    };
    let set = desk.send(set).await;
    assert_eq!((set.status.as_u16(), set.header("location")), (201, "/v1/freezes/role:crm"), "{}", set.text());
    let refused = desk.send(Ask { headers: &crm, ..list() }).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "frozen".to_owned()));
    let listed = desk.send(Ask { headers: &compliance, template: "/v1/freezes", ..list() }).await;
    assert_eq!(listed.json()["items"], json!([set.json()]));
    let lift = Ask {
        method: "DELETE",
        template: "/v1/freezes/{scope}",
        values: &["role:crm"],
        headers: &compliance,
        ..Ask::default()
    };
    assert_eq!(desk.send(lift).await.status, 204);
    assert_eq!(desk.send(Ask { headers: &crm, ..list() }).await.status, 200);
}
