//! A withdrawal in the middle of a page: after the member was opened, before the page is committed.

use std::path::Path;
use std::sync::Arc;

use membervault::store::memory::MemoryEngine;
use membervault::store::{
    Batch, Durability, Engine, EngineStats, KeyRange, Keyspace, Reader, Snapshot, StoreError, Visit,
};
use membervault::testkit::vault::{TestVault, ctx_for};
use membervault::types::Role;
use membervault::vault::api::Page;
use membervault::vault::crowd::audience::AudienceQuery;
use membervault::vault::crowd::segment::{FLOOR_MIN, SegmentQuery};
use parking_lot::Mutex;
use serde_json::json;

use super::people::{agree, member, object, withdraw};

type Deed = Box<dyn FnOnce() + Send>;

/// An engine of which somebody else makes use when a record is read.
#[derive(Default)]
struct Meddling {
    inner: MemoryEngine,
    /// What happens, and before which record from now on.
    deed: Mutex<Option<(u32, Deed)>>,
}

impl Meddling {
    fn before_record(&self, number: u32, deed: impl FnOnce() + Send + 'static) {
        *self.deed.lock() = Some((number, Box::new(deed)));
    }

    fn due(&self) -> Option<Deed> {
        let mut deed = self.deed.lock();
        let (left, _) = deed.as_mut()?;
        *left = left.saturating_sub(1);
        if *left == 0 { deed.take().map(|(_, deed)| deed) } else { None }
    }
}

impl Reader for Meddling {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let deed = if keyspace == Keyspace::Records { self.due() } else { None };
        if let Some(deed) = deed {
            deed();
        }
        self.inner.get(keyspace, key)
    }

    fn scan(&self, keyspace: Keyspace, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.inner.scan(keyspace, range, visit)
    }
}

impl Engine for Meddling {
    fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        self.inner.write(batch, durability)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.inner.sync()
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        self.inner.snapshot()
    }

    fn compact(&self, keyspace: Keyspace, range: &KeyRange) -> Result<(), StoreError> {
        self.inner.compact(keyspace, range)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }

    fn checkpoint(&self, directory: &Path) -> Result<(), StoreError> {
        self.inner.checkpoint(directory)
    }

    fn stats(&self) -> Result<EngineStats, StoreError> {
        self.inner.stats()
    }
}

#[test]
fn who_withdraws_after_it_was_opened_is_not_in_the_page() {
    let engine = Arc::new(Meddling::default());
    let test = TestVault::over(31, engine.clone());
    let mut everybody: Vec<_> = (0..3).map(|number| member(&test.vault, number)).collect();
    everybody.iter().for_each(|id| agree(&test.vault, id, "newsletter"));
    everybody.sort();
    let (vault, first) = (test.vault.clone(), everybody[0]);
    // Members are visited by ascending id, so the first one is opened and read by then.
    engine.before_record(2, move || withdraw(&vault, &first, "newsletter"));
    let query = AudienceQuery { compartment: "core".parse().unwrap(), name: "profile".parse().unwrap(), fields: None };
    let page = Page { cursor: None, limit: 10 };
    let shown = test.vault.audience(&ctx_for(Role::Marketing, "newsletter"), &query, &page).wait().unwrap();
    assert!(engine.deed.lock().is_none(), "it happened");
    assert_eq!(shown.items.iter().filter_map(|one| one.id).collect::<Vec<_>>(), everybody[1..]);
}

#[test]
fn who_withdraws_after_it_was_opened_is_not_listed_in_a_segment() {
    let engine = Arc::new(Meddling::default());
    let test = TestVault::over(32, engine.clone());
    test.vault.set_segment_floor(FLOOR_MIN);
    let many = u32::try_from(FLOOR_MIN).unwrap() + 1;
    let mut everybody: Vec<_> = (0..many).map(|number| member(&test.vault, number)).collect();
    everybody.iter().for_each(|id| agree(&test.vault, id, "analytics"));
    everybody.sort();
    let (vault, first) = (test.vault.clone(), everybody[0]);
    // Counted up to the floor, then listed from the first on.
    engine.before_record(many + 1, move || withdraw(&vault, &first, "analytics"));
    let gold = object(json!({"field": "loyalty_tier", "eq": "gold"}));
    let query = SegmentQuery::new("core".parse().unwrap(), "profile".parse().unwrap(), &gold, None).unwrap();
    let shown = test.vault.segment_members(&ctx_for(Role::Analyst, "analytics"), &query, 100).wait().unwrap();
    assert!(engine.deed.lock().is_none(), "it happened");
    assert_eq!(shown.items.len(), everybody.len() - 1);
}
