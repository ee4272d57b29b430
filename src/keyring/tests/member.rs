use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{planted, same};
use crate::clock::Timestamp;
use crate::code::{Code, Coded};
use crate::crypto::OsEntropy;
use crate::keyring::{Keyring, KeyringError, MemberBody};
use crate::store::memory::MemoryEngine;
use crate::types::record::limits::COMPARTMENTS_MAX;
use crate::types::{Compartment, MemberId};

const NOW: Timestamp = Timestamp::from_millis(90_000);

fn member(first: u8) -> MemberId {
    MemberId::from_bytes([first; 16])
}

fn new(keyring: &Keyring) -> MemberBody {
    keyring.new_member(NOW, &Compartment::core(), &OsEntropy).unwrap()
}

fn sealed(engine: &MemoryEngine, keyring: &Keyring, id: &MemberId) -> (MemberBody, Vec<u8>) {
    let body = new(keyring);
    let row = keyring.seal_member(engine, id, &body, &OsEntropy).unwrap();
    (body, row)
}

#[test]
fn a_new_member_has_keys_and_its_first_compartment() {
    let (engine, keyring) = planted();
    let (body, row) = sealed(&engine, &keyring, &member(1));
    let read = keyring.open_member(&engine, &member(1), &row).unwrap();
    assert_eq!((read.created, read.next_compartment), (1, 1));
    assert!(same(&read.mk, &body.mk));
    let core = read.compartment(&Compartment::core()).unwrap();
    let (version, dek) = core.current().unwrap();
    assert_eq!((core.number, version), (0, 1));
    assert!(same(dek, body.compartments[0].current().unwrap().1));
    assert!(!same(&new(&keyring).mk, &body.mk));
}

#[test]
fn a_row_opens_only_for_its_member_in_its_vault_unchanged() {
    let (engine, keyring) = planted();
    let (_, row) = sealed(&engine, &keyring, &member(1));
    let neighbour = MemberId::from_bytes({
        let mut bytes = *member(1).as_bytes();
        bytes[15] ^= 1;
        bytes
    });
    for other in [neighbour, member(2)] {
        let error = keyring.open_member(&engine, &other, &row).err().unwrap();
        assert!(matches!(error, KeyringError::MemberUnreadable(_)));
        assert_eq!(error.code(), Code::Corrupt);
    }
    let (other_engine, other_keyring) = planted();
    assert!(other_keyring.open_member(&other_engine, &member(1), &row).is_err());
    for at in 0..row.len() {
        let mut bad = row.clone();
        bad[at] ^= 0x10;
        assert!(keyring.open_member(&engine, &member(1), &bad).is_err(), "flipped at {at}");
        assert!(keyring.open_member(&engine, &member(1), &row[..at]).is_err(), "cut at {at}");
    }
    assert!(keyring.open_member(&engine, &member(1), &row).is_ok());
}

#[test]
fn a_member_has_a_bounded_number_of_compartments_over_its_life() {
    let (_, keyring) = planted();
    let mut body = new(&keyring);
    for number in 1..COMPARTMENTS_MAX {
        keyring.add_compartment(&mut body, &format!("c{number}").parse().unwrap(), &OsEntropy).unwrap();
    }
    let one_more = keyring.add_compartment(&mut body, &"one-more".parse().unwrap(), &OsEntropy);
    assert_eq!(one_more.err().map(|error| error.code()), Some(Code::LimitReached));
    let known = keyring.add_compartment(&mut body, &"c5".parse().unwrap(), &OsEntropy).unwrap();
    assert_eq!(known.number, 5, "a known one is still found");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Compartments come and go; numbers are never used twice; every key survives sealing.
    #[test]
    fn compartments_come_and_go(steps in prop::collection::vec((any::<bool>(), 0u8..12), 0..40)) {
        let (engine, keyring) = planted();
        let mut body = new(&keyring);
        let mut model = BTreeMap::from([("core".to_owned(), (0, body.compartments[0].deks[0].1.commitment()))]);
        let mut given = vec![0];
        for (add, name) in steps {
            let name: Compartment = format!("c{name}").parse().unwrap();
            if add {
                let keys = keyring.add_compartment(&mut body, &name, &OsEntropy).unwrap();
                let now = (keys.number, keys.deks[0].1.commitment());
                match model.get(name.as_str()) {
                    Some(known) => prop_assert_eq!(*known, now),
                    None => {
                        prop_assert!(!given.contains(&keys.number));
                        given.push(keys.number);
                        model.insert(name.to_string(), now);
                    }
                }
            } else {
                body.compartments.retain(|keys| keys.name != name);
                model.remove(name.as_str());
            }
            let row = keyring.seal_member(&engine, &member(9), &body, &OsEntropy).unwrap();
            body = keyring.open_member(&engine, &member(9), &row).unwrap();
            let read: BTreeMap<_, _> = body
                .compartments
                .iter()
                .map(|keys| (keys.name.to_string(), (keys.number, keys.deks[0].1.commitment())))
                .collect();
            prop_assert_eq!(&read, &model);
        }
    }
}
