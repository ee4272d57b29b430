//! An old image lets nobody in who was shut out since.

use membervault::testkit::vault::{START, ctx_for};
use membervault::types::{FieldName, FreezeScope, RequestId};
use membervault::vault::api::guard::NewFreeze;
use membervault::vault::api::{IssuedShare, IssuedToken, NewShare, NewToken};

use super::images::Image;
use super::*;

const HOUR_MS: u64 = 3_600_000;

fn token(vault: &Vault, role: Role) -> IssuedToken {
    vault.create_token(&ctx(Role::Admin), &NewToken::new(role, "a test")).wait().unwrap()
}

fn link(vault: &Vault, member: MemberId) -> IssuedShare {
    let by = token(vault, Role::Crm);
    let by = Ctx { actor: vault.authenticate(&by.secret).unwrap(), ..ctx_for(Role::Crm, "service") };
    let share = NewShare {
        address: RecordAddress::profile(member),
        recipient: "carrier".parse().unwrap(),
        fields: vec!["name".parse::<FieldName>().unwrap()],
        expires_at: START.plus_millis(HOUR_MS),
        opens_max: None,
    };
    vault.create_share(&by, &share).wait().unwrap()
}

fn opens(vault: &Vault, link: &IssuedShare) -> Option<Code> {
    vault.open_share(&link.secret, RequestId::from_bytes([7; 16])).wait().err().map(|error| error.code())
}

fn support() -> NewFreeze {
    NewFreeze { scope: FreezeScope::Role(Role::Support), reason: "a phone was lost".to_owned() }
}

#[test]
fn a_token_that_was_revoked_since_is_no_good_and_every_other_is() {
    let house = House::new();
    let vault = &house.live.vault;
    let (stolen, other, long_since) =
        (token(vault, Role::Compliance), token(vault, Role::Crm), token(vault, Role::Crm));
    vault.revoke_token(&ctx(Role::Admin), &long_since.info.id).wait().unwrap();
    let image = Image::of(&house);
    vault.revoke_token(&ctx(Role::Admin), &stolen.info.id).wait().unwrap();
    // One that the image never had is nothing to revoke.
    let later = token(vault, Role::Crm);
    vault.revoke_token(&ctx(Role::Admin), &later.info.id).wait().unwrap();
    house.seal();
    let (vault, done) = image.recover().unwrap();
    assert_eq!((done.tokens_revoked, done.frozen), (1, false));
    for token in [&stolen, &long_since, &later] {
        assert_eq!(vault.authenticate(&token.secret).err().unwrap().code(), Code::Unauthenticated);
    }
    vault.authenticate(&other.secret).unwrap();
    house.check(&vault, &[]);
}

#[test]
fn where_a_link_was_revoked_or_a_freeze_set_since_the_use_of_data_stops_until_somebody_lifts_it() {
    for by_link in [true, false] {
        let house = House::new();
        let vault = &house.live.vault;
        let links = [link(vault, house.members[0]), link(vault, house.members[1])];
        let caller = token(vault, Role::Crm);
        let image = Image::of(&house);
        if by_link {
            vault.revoke_share(&crm(), &house.members[0], &links[0].info.id).wait().unwrap();
        } else {
            vault.set_freeze(&ctx(Role::Admin), &support()).wait().unwrap();
            vault.release_freeze(&ctx(Role::Compliance), &support().scope).wait().unwrap();
        }
        house.seal();
        let (vault, done) = image.recover().unwrap();
        assert_eq!((done.tokens_revoked, done.frozen), (0, true));
        vault.authenticate(&caller.secret).unwrap();
        assert_eq!(read(&vault, RecordAddress::profile(house.members[2])), Err(Code::Frozen));
        assert!(links.iter().all(|link| opens(&vault, link).is_some()));
        let stands = vault.list_freezes(&ctx(Role::Compliance)).wait().unwrap().items;
        assert!(stands.len() == 1 && stands[0].id == FreezeScope::All && stands[0].reason.contains("old image"));
        vault.release_freeze(&ctx(Role::Compliance), &FreezeScope::All).wait().unwrap();
        house.check(&vault, &[]);
        assert_eq!(opens(&vault, &links[1]), None);
    }
}

#[test]
fn where_nobody_was_shut_out_since_everything_is_as_the_image_has_it() {
    let house = House::new();
    let vault = &house.live.vault;
    vault.set_freeze(&ctx(Role::Admin), &support()).wait().unwrap();
    let (caller, link) = (token(vault, Role::Crm), link(vault, house.members[0]));
    let image = Image::of(&house);
    token(vault, Role::Crm);
    assert_eq!(opens(vault, &link), None);
    house.erase(1);
    house.seal();
    let (vault, done) = image.recover().unwrap();
    assert_eq!((done.tokens_revoked, done.frozen, done.erased_again), (0, false, 1));
    vault.authenticate(&caller.secret).unwrap();
    assert_eq!(opens(&vault, &link), None);
    let stands = vault.list_freezes(&ctx(Role::Compliance)).wait().unwrap().items;
    assert_eq!(stands.iter().map(|freeze| &freeze.id).collect::<Vec<_>>(), [&support().scope]);
    house.check(&vault, &[1]);
}
