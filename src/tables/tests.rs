//! Tests of the typed rows over the memory engine.

use super::{
    SCAN_ROWS_MAX, TablesError, access, dirty, erasure, fence, hold, idempotency, member, meta, page, record, residue,
    token,
};
use crate::clock::Timestamp;
use crate::code::{Code, Coded};
use crate::codec::ResidueRow;
use crate::codec::rows::{ErasureRow, VaultMeta, encode_epoch};
use crate::store::memory::MemoryEngine;
use crate::store::{Batch, Durability, Engine, Keyspace};
use crate::types::place::Subtree;
use crate::types::{ErasureId, MemberId, TokenId, VaultId};

fn engine(rows: impl IntoIterator<Item = (Keyspace, Vec<u8>, Vec<u8>)>) -> MemoryEngine {
    let engine = MemoryEngine::new();
    let mut batch = Batch::default();
    for (keyspace, key, value) in rows {
        batch.put(keyspace, key, value);
    }
    engine.write(batch, Durability::Buffered).unwrap();
    engine
}

fn id(number: u8) -> MemberId {
    MemberId::from_bytes([number; 16])
}

/// Every kind of control row around the ones that are asked for.
fn crowd() -> Vec<(Keyspace, Vec<u8>, Vec<u8>)> {
    let mut rows: Vec<_> = (0..=u8::MAX).map(|tag| (Keyspace::Control, vec![tag], vec![1])).collect();
    rows.push((Keyspace::Control, hold::key(&id(0)).to_vec(), b"hold".to_vec()));
    rows.push((Keyspace::Control, hold::key(&id(255)).to_vec(), b"hold".to_vec()));
    rows.retain(|(_, key, _)| !matches!(key.as_slice(), b"M" | b"X" | b"K" | b"D" | b"H" | b"I" | b"Q"));
    rows
}

#[test]
fn members_are_listed_page_by_page_and_nothing_else_is() {
    let rows = [0, 1, 2, 128, 255].map(|number| (member::KEYSPACE, member::key(&id(number)).to_vec(), vec![number]));
    let engine = engine(crowd().into_iter().chain(rows));
    for limit in 1..7 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let chunk = member::ids(&engine, after.as_ref(), limit).unwrap();
            assert!(chunk.items.len() <= limit);
            seen.extend(chunk.items.iter().copied());
            after = chunk.items.last().copied();
            if !chunk.more {
                break;
            }
        }
        assert_eq!(seen, [0, 1, 2, 128, 255].map(id), "{limit} at a time");
    }
    assert_eq!(member::row(&engine, &id(2)).unwrap().as_deref(), Some(&[2][..]));
    assert_eq!(member::row(&engine, &id(3)).unwrap(), None);
    assert!(member::ids(&engine, Some(&id(255)), 10).unwrap().items.is_empty());
    let shard = member::between(&engine, &id(0), &id(128)).unwrap();
    assert_eq!(shard, [0, 1, 2, 128].map(|number| (id(number), vec![number])));
}

#[test]
fn a_scan_ends_at_its_bound_and_says_that_more_follow() {
    let many = (0..1_500u16).map(|number| {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        (member::KEYSPACE, member::key(&MemberId::from_bytes(bytes)).to_vec(), vec![])
    });
    let engine = engine(many);
    let chunk = member::ids(&engine, None, usize::MAX).unwrap();
    assert_eq!((chunk.items.len(), chunk.more), (SCAN_ROWS_MAX, true));
    let none = member::ids(&engine, None, 0).unwrap();
    assert_eq!((none.items.len(), none.more), (0, true));
}

#[test]
fn a_scan_of_large_rows_ends_after_some_megabytes() {
    let large = |number| (record::KEYSPACE, record::key(&id(1), 0, &[number; 16]).to_vec(), vec![0; 6 * 1024 * 1024]);
    let engine = engine((0..5).map(large));
    let chunk = record::of_member(&engine, &id(1), None, 100).unwrap();
    assert_eq!((chunk.items.len(), chunk.more), (3, true));
    let after = chunk.items[2].key(&id(1));
    assert_eq!(record::of_member(&engine, &id(1), Some(&after), 100).unwrap().items.len(), 2);
}

#[test]
fn records_belong_to_one_member_and_compartment() {
    let row = |member, compartment, name| {
        (record::KEYSPACE, record::key(&id(member), compartment, &[name; 16]).to_vec(), vec![name])
    };
    let engine = engine([row(1, 0, 9), row(2, 0, 1), row(2, 0, 2), row(2, 1, 3), row(2, 255, 4), row(3, 0, 5)]);
    let names = |chunk: super::Chunk<record::RecordAt>| chunk.items.iter().map(|at| at.row[0]).collect::<Vec<_>>();
    assert_eq!(names(record::of_member(&engine, &id(2), None, 10).unwrap()), [1, 2, 3, 4]);
    assert_eq!(names(record::of_compartment(&engine, &id(2), 0, None, 10).unwrap()), [1, 2]);
    let after = record::key(&id(2), 0, &[1; 16]);
    assert_eq!(names(record::of_compartment(&engine, &id(2), 0, Some(&after), 10).unwrap()), [2]);
    assert_eq!(record::keys_of(&engine, &id(2), None, Some(&after), 10).unwrap().items.len(), 3);
    assert_eq!(record::keys_of(&engine, &id(2), Some(1), None, 10).unwrap().items.len(), 1);
    assert_eq!(record::row(&engine, &after).unwrap().as_deref(), Some(&[1][..]));
    assert!(record::of_member(&engine, &id(4), None, 10).unwrap().items.is_empty());
}

#[test]
fn a_cursor_of_elsewhere_does_not_lead_out_of_the_range() {
    let row = |member, name| (record::KEYSPACE, record::key(&id(member), 0, &[name; 16]).to_vec(), vec![name]);
    let engine = engine([row(1, 1), row(2, 2), row(3, 3)]);
    for elsewhere in [1, 3] {
        let after = record::key(&id(elsewhere), 0, &[0; 16]);
        let chunk = record::of_member(&engine, &id(2), Some(&after), 10).unwrap();
        assert!(chunk.items.iter().all(|at| at.row == [2]), "from member {elsewhere}");
    }
}

#[test]
fn a_fence_is_of_the_whole_member_or_of_a_compartment() {
    let erased = ErasureId::from_bytes([5; 16]);
    let engine = engine([
        (fence::KEYSPACE, fence::key(&id(1), None).to_vec(), fence::encode(&erased)),
        (fence::KEYSPACE, fence::key(&id(2), Some(3)).to_vec(), fence::encode(&erased)),
        (fence::KEYSPACE, fence::key(&id(3), None).to_vec(), b"\x02not a fence".to_vec()),
    ]);
    assert_eq!(fence::member(&engine, &id(1)).unwrap(), Some(erased));
    assert_eq!(fence::compartment(&engine, &id(1), 3).unwrap(), None);
    assert_eq!(fence::member(&engine, &id(2)).unwrap(), None);
    assert_eq!(fence::compartment(&engine, &id(2), 3).unwrap(), Some(erased));
    let error = fence::member(&engine, &id(3)).err().unwrap();
    assert!(matches!(error, TablesError::Row(_)));
    assert_eq!(error.code(), Code::UnsupportedVersion);
}

#[test]
fn a_row_that_cannot_be_read_ends_the_listing_with_an_error() {
    let erasure = ErasureRow { leaf: 6, ..ErasureRow::fenced(id(1), Some(2), Timestamp::from_millis(3), [5; 32]) };
    let ids = [1, 2, 3].map(|number| ErasureId::from_bytes([number; 16]));
    let mut rows = ids.map(|id| (erasure::KEYSPACE, erasure::key(&id).to_vec(), erasure.encode())).to_vec();
    let good = engine(rows.clone());
    assert_eq!(erasure::read(&good, &ids[1]).unwrap(), Some(erasure));
    let listed = erasure::list(&good, Some(&ids[0]), 10).unwrap();
    assert_eq!(listed.items, [(ids[1], erasure), (ids[2], erasure)]);
    rows[1].2.pop();
    let bad = engine(rows);
    assert_eq!(erasure::list(&bad, None, 1).unwrap().items.len(), 1);
    assert_eq!(erasure::list(&bad, None, 10).err().map(|error| error.code()), Some(Code::Corrupt));
}

#[test]
fn the_other_rows_are_found_where_they_lie() {
    let meta = VaultMeta {
        vault: VaultId::from_bytes([1; 16]),
        suite: 1,
        depth: 2,
        buckets: [3, 4, 5],
        created: Timestamp::from_millis(6),
    };
    let tokens = [1, 2].map(|number| TokenId::from_bytes([number; 8]));
    let mut rows = crowd();
    rows.extend([
        (meta::KEYSPACE, meta::VAULT_KEY.to_vec(), meta.encode()),
        (meta::KEYSPACE, meta::EPOCH_KEY.to_vec(), encode_epoch(9)),
        (dirty::KEYSPACE, dirty::key(Subtree(0), 7).to_vec(), vec![]),
        (dirty::KEYSPACE, dirty::key(Subtree(2), 1).to_vec(), vec![]),
        (page::KEYSPACE, page::key(1, 2, 3).to_vec(), b"page".to_vec()),
        (page::KEYSPACE, page::key(2, 0, 0).to_vec(), b"page".to_vec()),
    ]);
    rows.extend(tokens.map(|id| (token::KEYSPACE, token::key(&id).to_vec(), b"token".to_vec())));
    rows.extend([4, 5, 300].map(|leaf| (access::KEYSPACE, access::key(&[8; 16], leaf).to_vec(), b"access".to_vec())));
    rows.extend([1, 2].map(|number| (idempotency::KEYSPACE, idempotency::key(&[number; 16]).to_vec(), vec![3])));
    rows.push((access::KEYSPACE, access::key(&[9; 16], 1).to_vec(), vec![]));
    let engine = engine(rows);

    assert_eq!(meta::vault(&engine).unwrap(), Some(meta));
    assert_eq!(meta::epoch(&engine).unwrap(), Some(9));
    assert_eq!(meta::vault(&MemoryEngine::new()).unwrap(), None);
    assert_eq!(dirty::list(&engine, None, 10).unwrap().items, [(Subtree(0), 7), (Subtree(2), 1)]);
    assert_eq!(dirty::list(&engine, Some((Subtree(0), 7)), 10).unwrap().items, [(Subtree(2), 1)]);
    let between = |first, last| dirty::between(&engine, first, last).unwrap().into_keys().collect::<Vec<_>>();
    assert_eq!(between((Subtree(0), 7), (Subtree(2), 1)), [(Subtree(0), 7), (Subtree(2), 1)]);
    assert_eq!(between((Subtree(0), 8), (Subtree(2), 9)), [(Subtree(2), 1)]);
    assert_eq!(dirty::marks(&engine, 1).unwrap().len(), 1);
    assert_eq!(page::keys(&engine, 1, None, 10).unwrap().items, [(1, 2, 3)]);
    assert_eq!(page::row(&engine, 1, 2, 3).unwrap().as_deref(), Some(b"page".as_slice()));
    assert_eq!(token::list(&engine, Some(&tokens[0]), 10).unwrap().items, [(tokens[1], b"token".to_vec())]);
    let outcomes = idempotency::list(&engine, Some(&[1; 16]), 10).unwrap();
    assert_eq!(outcomes.items, [idempotency::OutcomeAt { token: [2; 16], row: vec![3] }]);
    assert_eq!(idempotency::row(&engine, &[1; 16]).unwrap().as_deref(), Some(&[3][..]));
    assert_eq!(hold::members(&engine, None, 10).unwrap().items, [id(0), id(255)]);
    assert!(hold::row(&engine, &id(0)).unwrap().is_some() && hold::row(&engine, &id(1)).unwrap().is_none());
    let leaves = |after| {
        let chunk = access::list(&engine, &[8; 16], after, 10).unwrap();
        chunk.items.iter().map(|at| at.leaf).collect::<Vec<_>>()
    };
    assert_eq!((leaves(None), leaves(Some(4))), (vec![4, 5, 300], vec![5, 300]));
}

#[test]
fn the_rows_of_one_residue_are_read_as_one() {
    let ids = [1, 2, 3].map(|number| ErasureId::from_bytes([number; 16]));
    let row = |number: u8| ResidueRow { places: vec![(number, [number; 2])], ..ResidueRow::default() };
    let mut rows = ids.map(|id| (residue::KEYSPACE, residue::key(&id).to_vec(), row(1).encode())).to_vec();
    for page in [2, 3] {
        let key = residue::key_of_page(&ids[1], &page::key(page, 0, 0));
        rows.push((residue::KEYSPACE, key.to_vec(), row(page).encode()));
    }
    let engine = engine(rows);
    let listed = |after: Option<&ErasureId>, limit| {
        let chunk = residue::list(&engine, after, limit).unwrap();
        let items: Vec<_> =
            chunk.items.iter().map(|found| (found.erasure, found.row.places.len(), found.keys.len())).collect();
        (items, chunk.more)
    };
    let all = [(ids[0], 1, 1), (ids[1], 3, 3), (ids[2], 1, 1)];
    assert_eq!(listed(None, 10), (all.to_vec(), false));
    assert_eq!(listed(None, 2), (all[..2].to_vec(), true));
    assert_eq!(listed(Some(&ids[0]), 1), (all[1..2].to_vec(), true));
    assert_eq!(listed(Some(&ids[1]), 1), (all[2..].to_vec(), false));
}
