//! Objections, restriction, refusal of automated decisions.

use membervault::code::Code;
use membervault::testkit::vault::ctx;
use membervault::types::{Ctx, Role};
use membervault::vault::consent::{HISTORY_MAX, REASON_BYTES_MAX, Stance};

use super::support::{code, dossier_record, leaves, purpose, vault};

#[test]
fn what_is_said_stands_until_it_is_taken_back_and_the_history_has_both() {
    let (test, id) = vault(10);
    let support = membervault::testkit::vault::ctx_for(Role::Support, "support");
    let newsletter = purpose("newsletter");
    let say = |stance, set, reason| test.vault.set_stance(&support, &id, stance, set, reason).wait();
    let standing = say(Stance::Objection(&newsletter), true, Some("called us")).unwrap();
    assert_eq!(standing.objections, std::slice::from_ref(&newsletter));
    assert!(say(Stance::Restriction, true, None).unwrap().restricted);
    let standing = say(Stance::AutomatedDecisions, true, None).unwrap();
    assert!(standing.restricted && standing.refuses_automated_decisions && standing.objections.len() == 1);
    let standing = say(Stance::Objection(&newsletter), false, None).unwrap();
    assert!(standing.restricted && standing.objections.is_empty());
    assert!(!say(Stance::Restriction, false, None).unwrap().restricted);
    assert!(!say(Stance::AutomatedDecisions, false, None).unwrap().refuses_automated_decisions);
    let events: Vec<_> = (1..=6).map(|n| dossier_record(&test.vault, id, &format!("consent-{n}")).unwrap()).collect();
    let said: Vec<_> = events.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(
        said,
        [
            "objected",
            "restricted",
            "automation_refused",
            "objection_lifted",
            "restriction_lifted",
            "automation_accepted"
        ]
    );
    assert_eq!((&events[0]["reason"], &events[0]["purposes"][0]), (&"called us".into(), &"newsletter".into()));
    assert_eq!(events[0]["role"], "support");
}

#[test]
fn what_is_so_already_adds_nothing_to_the_history_but_leaves_a_leaf() {
    let (test, id) = vault(11);
    let crm = ctx(Role::Crm);
    test.vault.set_stance(&crm, &id, Stance::Restriction, true, None).wait().unwrap();
    let before = leaves(&test);
    test.vault.set_stance(&crm, &id, Stance::Restriction, true, None).wait().unwrap();
    test.vault.set_stance(&crm, &id, Stance::AutomatedDecisions, false, None).wait().unwrap();
    assert_eq!(leaves(&test), before + 2);
    assert_eq!(test.vault.consents(&crm, &id).wait().unwrap().history.len(), 1);
}

#[test]
fn refusals() {
    let (test, id) = vault(12);
    let crm = ctx(Role::Crm);
    let say = |ctx: &Ctx, stance: Stance<'_>, reason: Option<&str>| {
        code(test.vault.set_stance(ctx, &id, stance, true, reason).wait())
    };
    let unknown = purpose("unheard-of");
    assert_eq!(say(&crm, Stance::Objection(&unknown), None), Some(Code::PurposeUnknown));
    assert_eq!(say(&crm, Stance::Restriction, Some("")), Some(Code::InvalidRequest));
    assert_eq!(say(&crm, Stance::Restriction, Some(&"x".repeat(REASON_BYTES_MAX + 1))), Some(Code::InvalidRequest));
    assert_eq!(say(&ctx(Role::Ops), Stance::Restriction, None), Some(Code::Forbidden));
    assert_eq!(say(&ctx(Role::Support), Stance::Restriction, None), Some(Code::PurposeRequired));
    let lifted = test.vault.set_stance(&crm, &id, Stance::Objection(&unknown), false, None).wait();
    assert_eq!(code(lifted), Some(Code::PurposeUnknown), "a slip is not answered as done");
    test.vault.erase(&ctx(Role::Compliance), &id, None).wait().unwrap();
    assert_eq!(say(&crm, Stance::Restriction, None), Some(Code::Gone));
}

#[test]
fn a_full_history_still_takes_what_protects_the_member() {
    let (test, id) = vault(13);
    let crm = ctx(Role::Crm);
    for n in 0..HISTORY_MAX {
        test.vault.set_stance(&crm, &id, Stance::Restriction, n % 2 == 0, None).wait().unwrap();
    }
    test.vault.set_stance(&crm, &id, Stance::Restriction, true, None).wait().unwrap();
    let lifted = test.vault.set_stance(&crm, &id, Stance::Restriction, false, None).wait();
    assert_eq!(code(lifted), Some(Code::LimitReached));
    test.vault.set_stance(&crm, &id, Stance::AutomatedDecisions, true, None).wait().unwrap();
}
