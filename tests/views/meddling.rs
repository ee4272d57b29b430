//! A withdrawal in the middle of a page: after the member was opened, before the page is committed.

use std::sync::Arc;

use membervault::testkit::vault::{TestVault, ctx_for};
use membervault::testkit::watched::InterruptingEngine;
use membervault::types::Role;
use membervault::vault::api::Page;
use membervault::vault::crowd::audience::AudienceQuery;
use membervault::vault::crowd::segment::{FLOOR_MIN, SegmentQuery};
use serde_json::json;

use super::people::{agree, member, object, withdraw};

#[test]
fn who_withdraws_after_it_was_opened_is_not_in_the_page() {
    let engine = Arc::new(InterruptingEngine::default());
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
    assert_eq!(engine.interruptions(), 1, "it happened");
    assert_eq!(shown.items.iter().filter_map(|one| one.id).collect::<Vec<_>>(), everybody[1..]);
}

#[test]
fn who_withdraws_after_it_was_opened_is_not_listed_in_a_segment() {
    let engine = Arc::new(InterruptingEngine::default());
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
    assert_eq!(engine.interruptions(), 1, "it happened");
    assert_eq!(shown.items.len(), everybody.len() - 1);
}
