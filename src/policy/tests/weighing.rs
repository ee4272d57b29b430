//! What data map and member say, weighed: each reason by itself, their order, and that nobody gets round them.

use super::super::{Action, Denial, Permit, Policy, Scales, WithheldReason, decide};
use super::{Ask, somebody};
use crate::clock::Timestamp;
use crate::schema::DataMap;
use crate::types::standing::Consent;
use crate::types::{Purpose, RecipientName, RecordMeta, RecordName, Role, Standing};

const MAP: &str = r#"
version = 1
strict = false
controller = "Shop"
contact = "privacy at the shop"

[purposes.service]
about = "Serving"
basis = "contract"
dpv = "dpv:ServiceProvision"

[purposes.newsletter]
about = "News"
basis = "consent"
dpv = "dpv:DirectMarketing"
recipients = ["mailer"]

[purposes.fraud]
about = "Finding fraud"
basis = "legitimate_interest"
dpv = "dpv:FraudPreventionAndDetection"
automated = true

[purposes.claims]
about = "Legal claims"
basis = "legal_obligation"
dpv = "dpv:LegalCompliance"
despite_restriction = true

[[records]]
compartment = "core"
name = "profile"
about = "Profile"
start = "updated"
retention = "P3Y"

[records.fields.email]
about = "Mail"
type = "email"
sensitivity = "ordinary"
purposes = ["service", "newsletter", "claims"]
source = "member"

[records.fields.allergies]
about = "Allergies"
type = "text"
sensitivity = "special"
purposes = ["newsletter", "service"]
basis.service = "consent"
source = "member"

[records.fields.score]
about = "Score"
type = "number"
sensitivity = "ordinary"
purposes = ["fraud", "service"]
basis.service = "legitimate_interest"
source = "member"
"#;

const NOON: Timestamp = Timestamp::from_millis(720 * 60_000);

fn map(strict: bool) -> DataMap {
    DataMap::parse(&MAP.replace("strict = false", &format!("strict = {strict}"))).unwrap()
}

fn purpose(name: &str) -> Purpose {
    name.parse().unwrap()
}

fn permit(role: Role, action: Action) -> Permit {
    let policy = "version = 1\n[purposes]\nservice = \"s\"\nnewsletter = \"n\"\nfraud = \"f\"\nclaims = \"c\"\nother = \"o\"\n\
                  [roles.crm]\nabout = \"a\"\npurpose = \"optional\"\npurposes = [\"*\"]\n[[roles.crm.allow]]\n\
                  actions = [\"record.read\", \"member.export\", \"record.list\"]\ncompartments = [\"*\"]\n\
                  fields.\"*\" = \"clear\"\n\
                  [roles.member]\nabout = \"m\"\npurpose = \"none\"\n[[roles.member.allow]]\n\
                  actions = [\"record.read\"]\ncompartments = [\"*\"]\nfields.\"*\" = \"clear\"\n";
    let ask = Ask::new(role, action, if action.takes_compartment() { "core" } else { "" }, "");
    decide(&Policy::parse(policy).unwrap(), &ask.request(), &ask.facts).unwrap()
}

/// A case on the scales.
struct Case {
    map: DataMap,
    standing: Standing,
    purpose: Option<Purpose>,
    recipient: Option<RecipientName>,
    meta: RecordMeta,
}

impl Case {
    fn of(stated: &str) -> Self {
        Self {
            map: map(false),
            standing: Standing::default(),
            purpose: stated.parse().ok(),
            recipient: None,
            meta: RecordMeta::default(),
        }
    }

    fn agreed(mut self, to: &str, explicit: bool, until: Option<u32>) -> Self {
        assert!(self.standing.set_consent(&purpose(to), Some(Consent { explicit, until })));
        self
    }

    fn objected(mut self, to: &str) -> Self {
        assert!(self.standing.set_objection(&purpose(to), true));
        self
    }

    fn scales(&self) -> Scales<'_> {
        let (purpose, recipient) = (self.purpose.as_ref(), self.recipient.as_ref());
        Scales { map: &self.map, standing: &self.standing, purpose, recipient, now: NOON }
    }

    fn admitted(&self, action: Action) -> Result<(), Denial> {
        self.scales().admit(&permit(Role::Crm, action))
    }

    fn withheld(&self, role: Role, field: &str) -> Option<WithheldReason> {
        let permit = permit(role, Action::RecordRead);
        let core = "core".parse().unwrap();
        self.scales().screen(&permit, &core, &RecordName::profile(), &self.meta).withholds(field)
    }
}

#[test]
fn a_purpose_that_rests_on_consent_needs_one_in_force() {
    let read = Action::RecordRead;
    assert_eq!(Case::of("newsletter").admitted(read), Err(Denial::ConsentMissing));
    assert_eq!(Case::of("newsletter").agreed("fraud", true, None).admitted(read), Err(Denial::ConsentMissing));
    assert_eq!(Case::of("newsletter").agreed("newsletter", false, None).admitted(read), Ok(()));
    assert_eq!(Case::of("newsletter").agreed("newsletter", false, Some(721)).admitted(read), Ok(()));
    let ended = Case::of("newsletter").agreed("newsletter", false, Some(720));
    assert_eq!(ended.admitted(read), Err(Denial::ConsentMissing), "the minute it ends it no longer counts");
    assert_eq!(Case::of("service").admitted(read), Ok(()));
}

#[test]
fn an_objection_counts_where_the_law_gives_one() {
    let read = Action::RecordRead;
    for (stated, refused) in [("fraud", true), ("newsletter", true), ("service", false), ("claims", false)] {
        let case = Case::of(stated).agreed("newsletter", true, None).objected(stated);
        assert_eq!(case.admitted(read), if refused { Err(Denial::Objected) } else { Ok(()) }, "{stated}");
    }
    let case = Case::of("service").objected("service");
    assert_eq!(case.withheld(Role::Crm, "score"), Some(WithheldReason::Objected), "the field rests on an interest");
    assert_eq!(case.withheld(Role::Crm, "email"), None);
}

#[test]
fn a_restriction_leaves_what_is_named_and_taking_out() {
    let restricted = |stated: &str| {
        let mut case = Case::of(stated).agreed("newsletter", true, None);
        case.standing.restricted = true;
        case
    };
    for stated in ["service", "newsletter", "fraud", ""] {
        assert_eq!(restricted(stated).admitted(Action::RecordRead), Err(Denial::Restricted), "{stated}");
    }
    assert_eq!(restricted("claims").admitted(Action::RecordRead), Ok(()));
    assert_eq!(restricted("").admitted(Action::MemberExport), Ok(()));
    assert_eq!(restricted("service").admitted(Action::RecordList), Ok(()), "what shows no field uses none");
}

#[test]
fn nobody_is_decided_about_by_a_machine_against_its_will() {
    let mut case = Case::of("fraud");
    case.standing.refuses_automation = true;
    assert_eq!(case.admitted(Action::RecordRead), Err(Denial::AutomatedDecision));
    case.purpose = Some(purpose("service"));
    assert_eq!(case.admitted(Action::RecordRead), Ok(()));
}

#[test]
fn a_recipient_gets_what_is_meant_for_it_and_must_say_for_what() {
    let mut case = Case::of("newsletter").agreed("newsletter", false, None);
    case.recipient = Some("mailer".parse().unwrap());
    assert_eq!(case.admitted(Action::RecordRead), Ok(()));
    case.recipient = Some("carrier".parse().unwrap());
    assert_eq!(case.admitted(Action::RecordRead), Err(Denial::RecipientNotAllowed));
    case.purpose = None;
    assert_eq!(case.admitted(Action::RecordRead), Err(Denial::PurposeRequired));
}

#[test]
fn a_purpose_the_map_does_not_know_opens_nothing() {
    let case = Case::of("other");
    assert_eq!(case.admitted(Action::RecordRead), Err(Denial::PurposeUnknown));
    assert_eq!(case.withheld(Role::Crm, "email"), Some(WithheldReason::NotForPurpose));
}

#[test]
fn a_field_is_shown_for_what_it_serves() {
    let case = Case::of("service");
    assert_eq!(case.withheld(Role::Crm, "email"), None);
    assert_eq!(case.withheld(Role::Crm, "allergies"), Some(WithheldReason::NoExplicitConsent));
    assert_eq!(case.withheld(Role::Crm, "shoe_size"), Some(WithheldReason::Undeclared));
    let case = case.agreed("service", false, None);
    assert_eq!(case.withheld(Role::Crm, "allergies"), Some(WithheldReason::NoExplicitConsent));
    let case = case.agreed("service", true, None);
    assert_eq!(case.withheld(Role::Crm, "allergies"), None);
    let case = Case::of("newsletter").agreed("newsletter", true, None);
    assert_eq!(case.withheld(Role::Crm, "score"), Some(WithheldReason::NotForPurpose));
}

#[test]
fn where_no_purpose_is_stated_only_a_strict_map_withholds() {
    let mut case = Case::of("");
    assert_eq!((case.withheld(Role::Crm, "allergies"), case.withheld(Role::Crm, "shoe_size")), (None, None));
    case.map = map(true);
    assert_eq!(case.withheld(Role::Crm, "allergies"), None);
    assert_eq!(case.withheld(Role::Crm, "shoe_size"), Some(WithheldReason::Undeclared));
}

#[test]
fn what_a_record_says_of_itself_counts_for_all_its_fields() {
    let mut case = Case::of("service");
    case.meta.purposes = vec![purpose("newsletter")];
    assert_eq!(case.withheld(Role::Crm, "email"), Some(WithheldReason::NotForPurpose));
    case.meta.purposes.push(purpose("service"));
    assert_eq!(case.withheld(Role::Crm, "email"), None);
    case.meta.objections = vec![purpose("service")];
    assert_eq!(case.withheld(Role::Crm, "email"), Some(WithheldReason::Objected));
    let mut case = Case::of("fraud");
    case.meta.automated_decision = true;
    assert_eq!(case.withheld(Role::Crm, "score"), None);
    case.standing.refuses_automation = true;
    assert_eq!(case.withheld(Role::Crm, "score"), Some(WithheldReason::AutomatedDecision));
}

#[test]
fn the_member_itself_sees_all_of_it() {
    let mut case = Case::of("").objected("service");
    (case.map, case.standing.restricted) = (map(true), true);
    case.meta.objections = vec![purpose("service")];
    assert_eq!(case.scales().admit(&permit(Role::Member, Action::RecordRead)), Ok(()));
    assert_eq!(case.withheld(Role::Member, "allergies"), None);
    assert_eq!(case.withheld(Role::Member, "shoe_size"), None);
    assert_eq!(permit(Role::Member, Action::RecordRead).member(), Some(&somebody()));
}
