//! What happened after the backup: links that were made and ended, data keys that were rotated.

use membervault::types::{RequestId, ShareId};
use membervault::vault::api::{NewShare, NewToken};

use super::*;

#[test]
fn links_come_back_as_they_are_today() {
    let house = House::new();
    let vault = &house.live.vault;
    let token = vault.create_token(&ctx(Role::Admin), &NewToken::new(Role::Crm, "a test")).wait().unwrap();
    let purpose = Some("service".parse().unwrap());
    let caller = Ctx { actor: vault.authenticate(&token.secret).unwrap(), purpose, ..crm() };
    let make = |member: usize| -> (String, ShareId) {
        let input = NewShare {
            address: RecordAddress::profile(house.members[member]),
            recipient: "carrier".parse().unwrap(),
            fields: vec!["name".parse().unwrap()],
            expires_at: token.info.created_at.plus_millis(3_600_000),
            opens_max: None,
        };
        let issued = vault.create_share(&caller, &input).wait().unwrap();
        (issued.secret.as_str().to_owned(), issued.info.id)
    };
    let [kept, erased, revoked] = [0, 1, 2].map(make);
    let backup = house.backup();
    house.erase(1);
    vault.revoke_share(&ctx(Role::Compliance), &house.members[2], &revoked.1).wait().unwrap();
    let late = make(3);
    vault.close().unwrap();
    let (vault, _) = house.restore(backup, Control::Database(&*house.live.engine), "into").unwrap();
    let open = |link: &(String, ShareId)| {
        let view = vault.open_share(&link.0, RequestId::from_random([7; 16])).wait();
        view.map(|view| serde_json::from_slice(view.data.as_bytes()).unwrap()).map_err(|error| error.code())
    };
    let name = |number: usize| Ok(json!({ "name": format!("member {number}") }));
    assert_eq!((open(&kept), open(&late)), (name(0), name(3)));
    assert_eq!(open(&revoked), Err::<Value, _>(Code::NotFound));
    assert_eq!(open(&erased), Err(Code::NotFound));
    assert!(vault.examine(&ctx(Role::Ops)).wait().unwrap().is_sound());
}

#[test]
fn a_backup_from_before_a_rotation_has_everything_but_that_compartment() {
    let house = House::new();
    let backup = house.backup();
    let (member, orders) = (house.members[4], "orders".parse().unwrap());
    assert!(house.live.vault.rotate_dek(&ctx(Role::Ops), &member, &orders).wait().unwrap().done);
    let after = house.backup();
    house.seal();
    house.live.vault.close().unwrap();
    let (vault, done) = house.restore(backup, Control::Database(&*house.live.engine), "before").unwrap();
    assert_eq!((done.records_under_old_keys, done.records_left_out), (1, 0), "{done:?}");
    assert_eq!(read(&vault, address(member, "orders", "1")), Err(Code::NotFound));
    assert_eq!(read(&vault, address(member, "marketing", "1")), Ok(json!({ "total": 4 })));
    assert!(read(&vault, RecordAddress::profile(member)).is_ok());
    // It is no erasure: the compartment takes records again.
    let write = RecordWrite {
        address: address(member, "orders", "1"),
        data: Map::from_iter([("total".to_owned(), json!(5))]),
        meta: None,
        expect: Expect::Any,
    };
    vault.put_record(&crm(), &write).wait().unwrap();
    assert!(vault.examine(&ctx(Role::Ops)).wait().unwrap().is_sound());
    vault.close().unwrap();
    drop(vault);
    let (vault, done) = house.restore(after, Control::Database(&*house.live.engine), "after").unwrap();
    assert_eq!((done.records_under_old_keys, done.records_left_out), (0, 0), "{done:?}");
    house.check(&vault, &[]);
}
