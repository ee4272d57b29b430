//! Changing and deleting by metadata: each record for itself, whatever others do meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use membervault::clock::Timestamp;
use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MetaField, RecordMeta, Role};
use membervault::vault::Vault;
use membervault::vault::api::{
    BulkDone, Expect, MetaEdit, MetaLists, MetaSet, NewHold, Page, RecordAddress, RecordFilter, RecordPatch,
    RecordQuery,
};
use serde_json::Map;

use super::{address, at, by_category, category, crm, found, member_with, page, postings_in_pairs, put};

fn set_category(text: &str) -> MetaEdit {
    MetaEdit { set: MetaSet { category: Some(text.to_owned()), ..MetaSet::default() }, ..MetaEdit::default() }
}

fn done(changed: u64, skipped: u64, held: u64, refused: u64) -> BulkDone {
    BulkDone { changed, skipped, held, refused, next: None }
}

/// All pages of an update.
fn update(vault: &Vault, filter: &RecordFilter, edit: &MetaEdit, limit: usize) -> BulkDone {
    let (mut all, mut next) = (done(0, 0, 0, 0), page(limit));
    loop {
        let one = vault.update_records(&crm(), filter, edit, &next).unwrap();
        all.changed += one.changed;
        all.skipped += one.skipped;
        all.refused += one.refused;
        next.cursor = one.next;
        if next.cursor.is_none() {
            return all;
        }
    }
}

fn meta_of(vault: &Vault, address: &RecordAddress) -> (u64, RecordMeta) {
    let query = RecordQuery { address: address.clone(), fields: None };
    let view = vault.read_record(&crm(), &query).wait().unwrap();
    (view.version.0, view.meta)
}

#[test]
fn an_update_changes_what_it_speaks_of_and_nothing_else() {
    let test = TestVault::new(1);
    let vault = &test.vault;
    let members: Vec<_> = (0..7).map(|_| member_with(vault, category("a"))).collect();
    let other = member_with(vault, category("b"));
    let profile = |member| RecordAddress::profile(member);
    let before = vault.read_record(&crm(), &RecordQuery { address: profile(members[0]), fields: None }).wait().unwrap();
    test.clock.advance_millis(60_000);
    let edit = MetaEdit {
        set: MetaSet { source: Some("web".to_owned()), expires_at: Some(at(9)), ..MetaSet::default() },
        clear: vec![MetaField::Category],
        add: MetaLists { objections: vec!["newsletter".parse().unwrap()], ..MetaLists::default() },
        remove: MetaLists::default(),
    };
    assert_eq!(update(vault, &by_category("a"), &edit, 3), done(7, 0, 0, 0));
    let expected = RecordMeta {
        source: Some("web".to_owned()),
        expires_at: Some(at(9)),
        objections: vec!["newsletter".parse().unwrap()],
        ..RecordMeta::default()
    };
    let after = vault.read_record(&crm(), &RecordQuery { address: profile(members[0]), fields: None }).wait().unwrap();
    assert_eq!((after.version.0, &after.meta), (2, &expected));
    assert_eq!((after.created_at, after.data.as_bytes()), (before.created_at, before.data.as_bytes()));
    assert!(after.updated_at > before.updated_at);
    assert_eq!(meta_of(vault, &profile(other)), (1, category("b")));
    assert!(found(vault, &by_category("a"), 9).is_empty());
    let objecting = RecordFilter { objection: Some("newsletter".parse().unwrap()), ..RecordFilter::default() };
    assert_eq!(found(vault, &objecting, 2).len(), 7);
    // Once is enough: what is as it should be is not written again.
    assert_eq!(update(vault, &objecting, &edit, 3), done(0, 7, 0, 0));
    // Each change stands in the history of its member.
    let history = vault.history(&crm(), &members[3], &page(50)).wait().unwrap().items;
    assert_eq!(history.iter().filter(|entry| entry.what == "record.write").count(), 1);
}

#[test]
fn an_expiry_that_moves_along_with_the_walk_is_changed_once() {
    let test = TestVault::new(2);
    let vault = &test.vault;
    for hour in 0..20 {
        member_with(vault, RecordMeta { expires_at: Some(at(hour)), ..RecordMeta::default() });
    }
    let filter = RecordFilter { expires_before: Some(at(1_000)), ..RecordFilter::default() };
    let later =
        |hour| MetaEdit { set: MetaSet { expires_at: Some(at(hour)), ..MetaSet::default() }, ..MetaEdit::default() };
    // They go behind all others, where the walk meets them again and finds them as they should be.
    let all = update(vault, &filter, &later(500), 3);
    assert_eq!(all.changed, 20);
    assert!(all.skipped >= 17, "{all:?}");
    assert_eq!(found(vault, &filter, 7).len(), 20);
    assert_eq!(update(vault, &filter, &later(2_000), 3).changed, 20);
    assert!(found(vault, &filter, 7).is_empty());
}

#[test]
fn a_delete_leaves_what_is_held_and_what_is_not_meant() {
    let test = TestVault::new(3);
    let vault = &test.vault;
    let members: Vec<_> = (0..5).map(|_| member_with(vault, RecordMeta::default())).collect();
    for member in &members {
        put(vault, &address(*member, "orders", "1"), Some(category("order")));
        put(vault, &address(*member, "orders", "2"), Some(category("draft")));
    }
    let hold = NewHold { reason: "litigation".to_owned(), reference: None };
    vault.set_hold(&ctx(Role::Compliance), &members[2], &hold).wait().unwrap();
    assert_eq!(vault.delete_records(&crm(), &by_category("order"), &page(50)).unwrap(), done(4, 0, 1, 0));
    let left = found(vault, &by_category("order"), 9);
    assert_eq!(left.into_iter().map(|(member, ..)| member).collect::<Vec<_>>(), [members[2]]);
    assert_eq!(found(vault, &by_category("draft"), 9).len(), 5);
    // A hold preserves what is there; what is known of it may change.
    assert_eq!(update(vault, &by_category("order"), &set_category("kept"), 9), done(1, 0, 0, 0));
    vault.release_hold(&ctx(Role::Compliance), &members[2]).wait().unwrap();
    assert_eq!(vault.delete_records(&crm(), &by_category("kept"), &page(50)).unwrap(), done(1, 0, 0, 0));
}

#[test]
fn what_is_at_a_limit_is_counted_and_the_others_are_changed() {
    let test = TestVault::new(4);
    let vault = &test.vault;
    let full = RecordMeta { shared_with: (0..32).map(|number| format!("r{number}")).collect(), ..category("a") };
    member_with(vault, full);
    member_with(vault, category("a"));
    let add = MetaLists { shared_with: vec!["one more".to_owned()], ..MetaLists::default() };
    let edit = MetaEdit { add, ..MetaEdit::default() };
    assert_eq!(update(vault, &by_category("a"), &edit, 9), done(1, 0, 0, 1));
}

#[test]
fn an_edit_that_says_nothing_or_too_much_is_refused_before_anything_is_done() {
    let test = TestVault::new(5);
    member_with(&test.vault, category("a"));
    let refusal = |edit: &MetaEdit| {
        let error = test.vault.update_records(&crm(), &by_category("a"), edit, &page(9)).err().unwrap();
        (error.code(), error.at())
    };
    assert_eq!(refusal(&MetaEdit::default()), (Code::InvalidRequest, Some("/change")));
    assert_eq!(refusal(&set_category(&"x".repeat(129))), (Code::InvalidRequest, Some("/meta")));
    assert_eq!(found(&test.vault, &by_category("a"), 9).len(), 1);
}

#[test]
fn what_the_vault_keeps_for_itself_is_not_changed_in_bulk() {
    let test = TestVault::new(6);
    let vault = &test.vault;
    let member = member_with(vault, category("a"));
    let own = RecordFilter { member: Some(member), ..RecordFilter::default() };
    let before = found(vault, &own, 9).len();
    let all = vault.delete_records(&crm(), &own, &page(9)).unwrap();
    let dossier = found(vault, &own, 9);
    assert!(dossier.iter().all(|(_, place, _)| place == "dossier"), "{dossier:?}");
    assert_eq!(before as u64, all.changed + dossier.len() as u64);
}

#[test]
fn writers_and_bulk_changes_at_the_same_time_lose_nothing() {
    const MEMBERS: usize = 40;
    let test = TestVault::new(7);
    let vault = &test.vault;
    let addresses: Vec<_> = (0..MEMBERS)
        .map(|_| RecordAddress::profile(member_with(vault, RecordMeta { expires_at: Some(at(1)), ..category("a") })))
        .collect();
    let ready = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = |step: usize| {
            let (addresses, ready) = (&addresses, &ready);
            move || {
                for turn in 0..3 {
                    for address in addresses.iter().skip(step).step_by(2) {
                        let mut patch = Map::new();
                        patch.insert(format!("f{step}{turn}"), turn.into());
                        let patch = RecordPatch { address: address.clone(), patch, meta: None, expect: Expect::Any };
                        vault.patch_record(&crm(), &patch).wait().unwrap();
                    }
                }
                ready.store(true, Ordering::Relaxed);
            }
        };
        scope.spawn(writer(0));
        scope.spawn(writer(1));
        // From a to b to c ..., over and over, while the records change under the walk.
        scope.spawn(|| {
            for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")] {
                assert_eq!(update(vault, &by_category(from), &set_category(to), 7).changed, MEMBERS as u64);
            }
        });
        // Who reads meanwhile sees each record as it was at that moment, and its postings with it.
        scope.spawn(|| {
            while !ready.load(Ordering::Relaxed) {
                for text in ["a", "b", "c", "d", "e"] {
                    for (_, meta) in seen(vault, text) {
                        assert_eq!(meta.category.as_deref(), Some(text));
                    }
                }
            }
        });
    });
    assert_eq!(found(vault, &by_category("e"), 9).len(), MEMBERS);
    for address in &addresses {
        let (version, meta) = meta_of(vault, address);
        assert_eq!((version, meta), (1 + 3 + 4, RecordMeta { expires_at: Some(at(1)), ..category("e") }));
    }
    assert_eq!(postings_in_pairs(&*test.engine), MEMBERS * 2, "category and expiry of each");
}

fn seen(vault: &Vault, text: &str) -> Vec<(Timestamp, RecordMeta)> {
    let page = Page { cursor: None, limit: 500 };
    let listing = vault.query_records(&crm(), &by_category(text), &page).wait().unwrap();
    listing.items.into_iter().map(|found| (found.entry.updated_at, found.entry.meta)).collect()
}
