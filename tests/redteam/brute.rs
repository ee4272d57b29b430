//! No shortcuts: every key on every envelope that is still closed, whatever kind of key it is, at the places of the
//! envelope; keys that are not of the key tree at every place there is; and every 32 bytes of every plaintext as a key.
//! For small vaults.

use std::thread;

use crate::attack::Attack;
use crate::crypto::{Extracted, Key, bound};
use crate::evidence::Blob;
use crate::place::Place;

const THREADS: usize = 2;

/// An envelope that opened: which, where, and its own key.
type Hit = (usize, Place, Key);

/// A round over everything. True if something opened: then what was in it may open more.
pub(crate) fn round(attack: &mut Attack<'_>) -> bool {
    let everywhere: Vec<Place> = everywhere(attack);
    let closed: Vec<usize> = (0..attack.blobs()).filter(|blob| attack.may_try(*blob)).collect();
    let mut keys: Vec<(Key, bool)> =
        attack.loot.keys.iter().map(|(key, role)| (*key, !role.is_of_the_tree())).collect();
    for plain in &attack.loot.plaintexts {
        keys.extend(plain.windows(32).filter_map(|window| Some((window.try_into().ok()?, false))));
    }
    keys.sort_unstable();
    keys.dedup_by_key(|(key, _)| *key);
    let (hits, trials) = search(attack, &closed, &keys, &everywhere);
    attack.loot.trials += trials;
    for (blob, place, ek) in &hits {
        attack.open(*blob, place, ek);
    }
    // What came out of them goes through the closure.
    attack.drain();
    !hits.is_empty()
}

fn search(attack: &Attack<'_>, closed: &[usize], keys: &[(Key, bool)], everywhere: &[Place]) -> (Vec<Hit>, u64) {
    let digests = |blob: &Blob, places: &mut dyn Iterator<Item = &Place>| -> Vec<([u8; 32], Place)> {
        places.map(|place| (bound(blob.suite, &attack.shape.bytes(place)), place.clone())).collect()
    };
    let part = closed.len().div_ceil(THREADS).max(1);
    let closed: Vec<(usize, &Blob)> = closed.iter().map(|at| (*at, attack.blob(*at))).collect();
    let try_blob = |(at, blob): (usize, &Blob)| -> (Option<Hit>, u64) {
        // One without an address has met every key of the tree at each of that key's places already.
        let own = digests(blob, &mut blob.places.iter());
        let all = digests(blob, &mut everywhere.iter());
        let mut trials = 0;
        for (key, widely) in keys {
            let extracted = Extracted::new(&blob.salt, key);
            for (digest, place) in if *widely { &all } else { &own } {
                trials += 1;
                let (ek, com) = extracted.expand(digest);
                if com == blob.com {
                    return (Some((at, place.clone(), ek)), trials);
                }
            }
        }
        (None, trials)
    };
    thread::scope(|scope| {
        let try_blob = &try_blob;
        let parts: Vec<_> = closed
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(|blob| try_blob(*blob)).collect::<Vec<_>>()))
            .collect();
        let results: Vec<_> = parts.into_iter().filter_map(|part| part.join().ok()).flatten().collect();
        let trials = results.iter().map(|(_, trials)| trials).sum();
        (results.into_iter().filter_map(|(hit, _)| hit).collect(), trials)
    })
}

/// Every place an envelope of this vault was ever at, and the places by member of those that have no address.
fn everywhere(attack: &Attack<'_>) -> Vec<Place> {
    let seen =
        attack.by_place.keys().filter(|place| !matches!(place, Place::Node { .. })).map(|place| (*place).clone());
    let of_members = attack.evidence.members.iter().flat_map(|member| [Place::Access(*member), Place::Hold(*member)]);
    let in_others = attack.nested_places().cloned();
    seen.chain(of_members).chain(in_others).collect()
}
