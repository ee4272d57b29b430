//! Decisions of the default policy: each refusal, and which comes first.

use super::super::{Action, Denial, Facts, MemberState, Policy, decide};
use super::{Ask, actor, somebody};
use crate::types::{MemberId, Role};

fn default_policy() -> Policy {
    Policy::parse(Policy::default_text()).unwrap()
}

fn answer(ask: &Ask) -> Result<Action, Denial> {
    decide(&default_policy(), &ask.request(), &ask.facts).map(|permit| permit.action())
}

const ABSENT: Facts = Facts { member: MemberState::Absent, ..Facts::NONE };
const ERASED: Facts = Facts { member: MemberState::Erased, ..Facts::NONE };
const HELD: Facts = Facts { held: true, ..Facts::NONE };
const PART_ERASED: Facts = Facts { compartment_erased: true, ..Facts::NONE };

#[test]
fn each_refusal_has_its_case() {
    use Action::{CompartmentErase, MemberCreate, MemberErase, RecordDelete, RecordRead, StatusRead, TokenCreate};
    use Role::{Admin, Compliance, Crm, Marketing, Member, Ops, Support};
    for (role, action, compartment, purpose, facts, expected) in [
        // What no rule allows.
        (Ops, RecordRead, "core", "", Facts::NONE, Err(Denial::Forbidden)),
        (Crm, TokenCreate, "", "", Facts::NONE, Err(Denial::Forbidden)),
        (Admin, RecordRead, "core", "", Facts::NONE, Err(Denial::Forbidden)),
        (Support, RecordRead, "health", "support", Facts::NONE, Err(Denial::Forbidden)),
        // An act on records without a compartment.
        (Crm, RecordRead, "", "", Facts::NONE, Err(Denial::Forbidden)),
        // Purposes.
        (Support, RecordRead, "core", "", Facts::NONE, Err(Denial::PurposeRequired)),
        (Support, RecordRead, "core", "curiosity", Facts::NONE, Err(Denial::PurposeUnknown)),
        (Support, RecordRead, "core", "newsletter", Facts::NONE, Err(Denial::PurposeNotAllowed)),
        (Ops, StatusRead, "", "service", Facts::NONE, Err(Denial::PurposeNotAllowed)),
        (Support, RecordRead, "core", "support", Facts::NONE, Ok(RecordRead)),
        (Crm, RecordRead, "core", "", Facts::NONE, Ok(RecordRead)),
        (Crm, RecordRead, "core", "service", Facts::NONE, Ok(RecordRead)),
        // The member's state.
        (Crm, RecordRead, "core", "", ABSENT, Err(Denial::NotFound)),
        (Crm, RecordRead, "core", "", ERASED, Err(Denial::Gone)),
        (Crm, RecordRead, "core", "", PART_ERASED, Err(Denial::Gone)),
        (Crm, MemberErase, "", "", PART_ERASED, Ok(MemberErase)),
        (Crm, MemberCreate, "", "", ABSENT, Ok(MemberCreate)),
        // Legal holds stand against destruction, and against nothing else.
        (Compliance, MemberErase, "", "", HELD, Err(Denial::LegalHold)),
        (Compliance, CompartmentErase, "orders", "", HELD, Err(Denial::LegalHold)),
        (Member, MemberErase, "", "", HELD, Err(Denial::LegalHold)),
        (Crm, RecordDelete, "core", "", HELD, Err(Denial::LegalHold)),
        (Crm, RecordRead, "core", "", HELD, Ok(RecordRead)),
        // The first refusal counts: role, then purpose, then the member.
        (Ops, RecordRead, "core", "curiosity", ERASED, Err(Denial::Forbidden)),
        (Marketing, RecordRead, "core", "", ABSENT, Err(Denial::PurposeRequired)),
        (Marketing, RecordRead, "core", "curiosity", ERASED, Err(Denial::PurposeUnknown)),
        (Crm, MemberErase, "", "", Facts { held: true, ..ERASED }, Err(Denial::Gone)),
        (Compliance, CompartmentErase, "core", "", Facts { held: true, ..PART_ERASED }, Err(Denial::Gone)),
    ] {
        let ask = Ask { facts, ..Ask::new(role, action, compartment, purpose) };
        assert_eq!(answer(&ask), expected, "{role} {action} {compartment:?} {purpose:?} {facts:?}");
    }
}

#[test]
fn a_members_token_speaks_of_its_member_only() {
    let stranger = MemberId::from_random([8; 16]);
    let read = || Ask::new(Role::Member, Action::RecordRead, "core", "");
    assert_eq!(answer(&read()), Ok(Action::RecordRead));
    for (own, asked) in [(Some(stranger), Some(somebody())), (None, Some(somebody())), (Some(stranger), None)] {
        for facts in [Facts::NONE, ABSENT, ERASED, HELD] {
            let ask = Ask { actor: actor(Role::Member, own), member: asked, facts, ..read() };
            assert_eq!(answer(&ask), Err(Denial::OtherMember), "whatever is true of the other member");
        }
    }
}

#[test]
fn a_bound_token_of_any_role_keeps_to_its_member() {
    let stranger = MemberId::from_random([8; 16]);
    let ask = Ask { actor: actor(Role::Crm, Some(stranger)), ..Ask::new(Role::Crm, Action::RecordRead, "core", "") };
    assert_eq!(answer(&ask), Err(Denial::OtherMember));
}

#[test]
fn a_permit_reaches_no_further_than_its_request() {
    let policy = default_policy();
    let core = "core".parse().unwrap();
    let health = "health".parse().unwrap();
    let one = Ask::new(Role::Crm, Action::RecordRead, "core", "");
    let permit = decide(&policy, &one.request(), &one.facts).unwrap();
    assert_eq!(permit.member(), Some(&somebody()));
    assert_eq!(*permit.policy_digest(), policy.digest());
    assert!(permit.is_all_clear(&core));

    let listing = Ask::new(Role::Support, Action::RecordList, "", "support");
    let permit = decide(&policy, &listing.request(), &listing.facts).unwrap();
    assert!(permit.reaches(&core) && !permit.reaches(&health));

    let export = Ask::new(Role::Member, Action::MemberExport, "", "");
    let permit = decide(&policy, &export.request(), &export.facts).unwrap();
    assert!(permit.is_all_clear(&core) && permit.is_all_clear(&health));

    let erase = Ask::new(Role::Compliance, Action::MemberErase, "", "");
    let permit = decide(&policy, &erase.request(), &erase.facts).unwrap();
    assert!(permit.view(&core).is_none(), "an erasure shows nothing");
}

#[test]
fn marketing_sees_what_its_purpose_needs() {
    let policy = default_policy();
    let core = "core".parse().unwrap();
    for (purpose, field, clear) in [
        ("newsletter", "email", true),
        ("newsletter", "preferences", false),
        ("personalisation", "email", false),
        ("personalisation", "preferences", true),
    ] {
        let ask = Ask::new(Role::Marketing, Action::RecordRead, "core", purpose);
        let permit = decide(&policy, &ask.request(), &ask.facts).unwrap();
        let treatment = permit.view(&core).unwrap().treatment(field);
        assert_eq!(treatment == super::super::Treatment::Clear, clear, "{purpose} {field}");
    }
}
