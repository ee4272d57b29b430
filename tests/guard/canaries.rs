//! Members that are no persons.

use membervault::code::Code;
use membervault::codec::LeafKind;
use membervault::testkit::vault::ctx;
use membervault::types::{IdentifierKind, Role};
use membervault::vault::api::{Expect, RecordAddress, RecordPatch};

use crate::house::{House, code};
use crate::support::desk::{Ask, Desk};

/// A vault with a canary.
fn house(seed: u64) -> House {
    let mut house = House::open(seed);
    house.member = house.another("canary");
    house.test.vault.set_canary(&ctx(Role::Compliance), &house.member, true).wait().unwrap();
    house
}

fn touches(house: &House) -> u64 {
    house.test.vault.guard_counts().canary_touches
}

#[test]
fn whoever_touches_a_canary_raises_an_alarm_and_notices_nothing() {
    let mut house = house(1);
    house.test.reopen();
    let (ordinary, canary) = (house.another("ordinary"), house.member);
    let before = house.size();
    house.member = ordinary;
    house.read(&house.crm).unwrap();
    assert_eq!(touches(&house), 0);
    house.member = canary;
    house.read(&house.crm).unwrap();
    let vault = &house.test.vault;
    vault.lookup(&house.crm, IdentifierKind::Email, "canary@example.org").wait().unwrap();
    vault.export_member(&house.crm, &canary).wait().unwrap();
    let patch = RecordPatch {
        address: RecordAddress::profile(canary),
        patch: serde_json::Map::new(),
        meta: None,
        expect: Expect::Any,
    };
    vault.patch_record(&house.crm, &patch).wait().unwrap();
    assert_eq!(touches(&house), 4);
    let kinds = house.leaves(before);
    assert_eq!(kinds.iter().filter(|kind| **kind == LeafKind::CanaryTouch).count(), 4);
    assert_eq!(kinds[1..3], [LeafKind::CanaryTouch, LeafKind::RecordRead], "{kinds:?}");
}

#[test]
fn what_compliance_does_to_a_canary_is_no_touch_and_neither_is_a_refusal() {
    let house = house(2);
    let compliance = ctx(Role::Compliance);
    assert_eq!(code(house.read(&compliance)), Some(Code::Forbidden));
    assert_eq!(code(house.read(&ctx(Role::Support))), Some(Code::PurposeRequired));
    house.test.vault.set_canary(&compliance, &house.member, true).wait().unwrap();
    house.test.vault.erase(&compliance, &house.member, None).wait().unwrap();
    assert_eq!(touches(&house), 0);
    assert_eq!(code(house.test.vault.set_canary(&compliance, &house.member, false).wait()), Some(Code::Gone));
}

#[test]
fn a_canary_can_be_an_ordinary_member_again() {
    let house = house(3);
    let before = house.size();
    house.test.vault.set_canary(&ctx(Role::Compliance), &house.member, false).wait().unwrap();
    house.read(&house.crm).unwrap();
    assert_eq!((touches(&house), house.leaves(before)), (0, vec![LeafKind::CanaryWrite, LeafKind::RecordRead]));
    for role in [Role::Crm, Role::Support, Role::Ops, Role::Admin] {
        let refused = house.test.vault.set_canary(&ctx(role), &house.member, true).wait();
        assert!(matches!(code(refused), Some(Code::Forbidden | Code::PurposeRequired)), "{role}");
    }
}

#[tokio::test]
async fn over_http_a_reply_about_a_canary_is_that_of_any_member() {
    let desk = Desk::new();
    let (crm, compliance) = (desk.token(Role::Crm, None), desk.token(Role::Compliance, None));
    let (crm, compliance) = ([("authorization", crm.as_str())], [("authorization", compliance.as_str())]);
    let create = Ask {
        method: "POST",
        template: "/v1/members",
        headers: &crm,
        body: Some(serde_json::json!({"profile": {"name": "Ada"}})),
        ..Ask::default()
    };
    let id = desk.send(create).await.json()["id"].as_str().unwrap().to_owned();
    let ids = [id.as_str()];
    let ask = |method, template| Ask { method, template, values: &ids, ..Ask::default() };
    let before = desk.send(Ask { headers: &crm, ..ask("GET", "/v1/members/{id}") }).await;
    let set = desk.send(Ask { headers: &compliance, ..ask("PUT", "/v1/members/{id}/canary") }).await;
    assert_eq!(set.status, 204);
    let after = desk.send(Ask { headers: &crm, ..ask("GET", "/v1/members/{id}") }).await;
    assert_eq!((after.status, after.text()), (before.status, before.text()));
    let metrics = desk.send(Ask { method: "GET", template: "/metrics", ..Ask::default() }).await.text();
    assert!(metrics.contains("\nmembervault_canary_touches_total 1\n"), "{metrics}");
    let unset = desk.send(Ask { headers: &compliance, ..ask("DELETE", "/v1/members/{id}/canary") }).await;
    assert_eq!(unset.status, 204);
}
