//! The queue: by deadline, in pages, filtered, and never with what is closed.

use membervault::code::Code;
use membervault::testkit::vault::ctx;
use membervault::types::{RequestCaseId, Right, RightState, Role};
use membervault::vault::Vault;
use membervault::vault::api::{Page, QueueQuery};

use crate::support::{check, code, create, fulfil, open, vault};

pub(crate) fn page(cursor: Option<String>) -> Page {
    Page { cursor, limit: 3 }
}

/// The whole queue, page by page.
fn queue(vault: &Vault, query: &QueueQuery) -> Vec<RequestCaseId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let listing = vault.list_requests(&ctx(Role::Support), query, &page(cursor)).wait().unwrap();
        assert!(listing.items.iter().all(|request| request.steps.iter().all(|step| step.note.is_none())));
        ids.extend(listing.items.iter().map(|request| request.id));
        cursor = listing.next;
        if cursor.is_none() {
            return ids;
        }
    }
}

#[test]
fn those_due_first_come_first() {
    let (test, _) = vault(21);
    let vault = &test.vault;
    let staff = ctx(Role::Support);
    let mut opened = Vec::new();
    for number in 0..10 {
        let member = create(vault, &format!("m{number}@example.org"));
        let kind = if number % 3 == 0 { Right::Erase } else { Right::Access };
        opened.push(open(vault, &staff, &member, kind));
        test.clock.advance_millis(3_600_000);
    }
    let ids = |which: &dyn Fn(usize) -> bool| -> Vec<_> {
        opened.iter().enumerate().filter(|(at, _)| which(*at)).map(|(_, request)| request.id).collect()
    };
    let live = QueueQuery::default();
    assert_eq!(queue(vault, &live), ids(&|_| true));
    assert_eq!(queue(vault, &QueueQuery { kind: Some(Right::Erase), ..live }), ids(&|at| at % 3 == 0));
    let soon = QueueQuery { due_before: Some(opened[4].deadline), ..live };
    assert_eq!(queue(vault, &soon), ids(&|at| at < 4));
    assert_eq!(queue(vault, &QueueQuery { due_before: Some(opened[0].deadline), ..live }), []);

    check(vault, &opened[5].id);
    check(vault, &opened[1].id);
    fulfil(vault, &opened[1].id).unwrap();
    assert_eq!(queue(vault, &live), ids(&|at| at != 1), "what is answered leaves the queue");
    let state = |state| QueueQuery { state: Some(state), ..live };
    assert_eq!(queue(vault, &state(RightState::Fulfilled)), ids(&|at| at == 1));
    assert_eq!(queue(vault, &state(RightState::IdentityChecked)), ids(&|at| at == 5));
    let open_erasures = QueueQuery { kind: Some(Right::Erase), ..state(RightState::Open) };
    assert_eq!(queue(vault, &open_erasures), ids(&|at| at % 3 == 0));
    assert_eq!(queue(vault, &state(RightState::Refused)), []);

    // An extension moves it back.
    let extend = membervault::vault::request::Extend { months: 1, reason: "many letters".to_owned() };
    vault.extend_request(&staff, &opened[0].id, &extend).wait().unwrap();
    assert_eq!(queue(vault, &live).last(), Some(&opened[0].id));
    assert_eq!(queue(vault, &live).len(), 9);
}

#[test]
fn overdue_is_flagged_and_cursors_are_of_this_listing() {
    let (test, id) = vault(22);
    let vault = &test.vault;
    for _ in 0..4 {
        open(vault, &ctx(Role::Crm), &id, Right::Access);
    }
    let first = vault.list_requests(&ctx(Role::Crm), &QueueQuery::default(), &page(None)).wait().unwrap();
    assert!(first.items.iter().all(|request| !request.overdue));
    test.clock.set(first.items[0].deadline);
    let late = vault.list_requests(&ctx(Role::Crm), &QueueQuery::default(), &page(None)).wait().unwrap();
    assert!(late.items.iter().all(|request| request.overdue));
    let members = vault.list_members(&ctx(Role::Crm), &Page { cursor: None, limit: 1 }).wait().unwrap();
    assert!(members.next.is_none());
    let wrong = page(Some("AAAA".to_owned()));
    assert_eq!(
        code(vault.list_requests(&ctx(Role::Crm), &QueueQuery::default(), &wrong).wait()),
        Some(Code::InvalidCursor)
    );
    for role in [Role::Marketing, Role::Analyst, Role::Ops, Role::Admin] {
        let refused = vault.list_requests(&ctx(role), &QueueQuery::default(), &page(None)).wait();
        assert_eq!(code(refused), Some(Code::Forbidden), "{role}");
    }
}
