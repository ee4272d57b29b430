//! The regular review: dormant tokens, what roles never did, refusals, unused purposes; from the log.

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{START, TestVault, ctx, ctx_for};
use membervault::types::{Ctx, Role, TokenId};
use membervault::vault::api::{Agreement, Expect, NewToken, Recipient, RecipientKind, RecordAddress, RecordQuery};
use membervault::vault::report::audit::Finding;
use membervault::vault::report::{AuditQuery, AuditReport};

use crate::support::{member, read};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

const ALL: AuditQuery = AuditQuery { since: None, dormant_days: 30, fields: true };

fn report(test: &TestVault, query: &AuditQuery) -> AuditReport {
    test.vault.audit_report(&ctx(Role::Compliance), query).wait().unwrap()
}

fn token(test: &TestVault, new: &NewToken, purpose: &str) -> Ctx {
    let issued = test.vault.create_token(&ctx(Role::Admin), new).wait().unwrap();
    Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..ctx_for(new.role, purpose) }
}

fn owned(role: Role, label: &str) -> NewToken {
    NewToken { organisation: Some("Example Shop".to_owned()), ..NewToken::new(role, label) }
}

fn findings(report: &AuditReport, token: &TokenId) -> Vec<Finding> {
    report.tokens.iter().find(|review| review.id == *token).unwrap().findings.clone()
}

#[test]
fn tokens_that_sleep_or_hide_or_live_long_are_found() {
    let test = TestVault::new(60);
    let maria = member(&test, 1);
    let until = |days: u64| Some(START.plus_millis(days * DAY_MS));
    let busy = token(&test, &owned(Role::Crm, "busy"), "service");
    let asleep = token(&test, &owned(Role::Crm, "asleep"), "service");
    let unused = token(&test, &owned(Role::Support, "unused"), "support");
    let nameless = token(&test, &NewToken::new(Role::Support, "name|less"), "support");
    let eternal = token(&test, &NewToken { expires_at: until(700), ..owned(Role::Ops, "eternal") }, "service");
    let ended = token(&test, &NewToken { expires_at: until(2), ..owned(Role::Ops, "ended") }, "service");
    let to = |name: &str| NewToken { recipient: name.parse().ok(), ..owned(Role::Marketing, name) };
    let (unknown, lapsed) = (token(&test, &to("nobody"), "newsletter"), token(&test, &to("mailer"), "newsletter"));
    let mailer = Recipient {
        kind: RecipientKind::Processor,
        organisation: "Mailer Ltd".to_owned(),
        agreement: Some(Agreement { reference: "7".to_owned(), agreed_at: START, expires_at: until(10) }),
        country: None,
        safeguards: None,
        contact: None,
        purposes: Vec::new(),
    };
    let name = "mailer".parse().unwrap();
    test.vault.put_recipient(&ctx(Role::Compliance), &name, &mailer, Expect::Any).wait().unwrap();
    read(&test, &asleep, &maria, None);
    assert!(findings(&report(&test, &ALL), &lapsed.actor.token).is_empty(), "the agreement stands");
    test.clock.advance_millis(40 * DAY_MS);
    read(&test, &busy, &maria, None);
    read(&test, &nameless, &maria, None);

    let found = report(&test, &ALL);
    let of = |ctx: &Ctx| findings(&found, &ctx.actor.token);
    assert_eq!(of(&busy), []);
    assert_eq!(of(&asleep), [Finding::Dormant]);
    assert_eq!(of(&unused), [Finding::NeverUsed]);
    assert_eq!(of(&nameless), [Finding::NoOrganisation]);
    assert_eq!(of(&eternal), [Finding::NeverUsed, Finding::EndsLate]);
    assert_eq!(of(&unknown), [Finding::NeverUsed, Finding::UnknownRecipient]);
    assert_eq!(of(&lapsed), [Finding::NeverUsed, Finding::NoAgreement]);
    assert!(found.tokens.iter().all(|review| review.id != ended.actor.token), "what ended is no risk");
    assert_eq!(found.findings[&Finding::NeverUsed], 4);
    let patient = AuditQuery { dormant_days: 41, ..ALL };
    assert!(findings(&report(&test, &patient), &asleep.actor.token).is_empty());
    let asleep = found.tokens.iter().find(|review| review.id == asleep.actor.token).unwrap();
    assert_eq!(asleep.last_used_at, Some(START), "to the minute");
    assert_eq!(asleep.acts["record.read"], 1);
    let page = found.markdown();
    for line in ["# Review of access", "never used since it was issued", "name\\|less", "| crm | 2 |"] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn what_roles_may_and_never_did_is_told() {
    let test = TestVault::new(61);
    let maria = member(&test, 1);
    let support = token(&test, &owned(Role::Support, "desk"), "support");
    let crm = token(&test, &owned(Role::Crm, "crm"), "service");
    let role =
        |report: &AuditReport, role: Role| report.roles.iter().find(|review| review.role == role).cloned().unwrap();
    let before = role(&report(&test, &ALL), Role::Support);
    for action in ["record.read", "record.list", "member.lookup", "history.read"] {
        assert!(before.unused_actions.contains(&action), "{action}");
    }
    let fields = Some(vec!["email".parse().unwrap(), "locale".parse().unwrap()]);
    let query = RecordQuery { address: RecordAddress::profile(maria), fields };
    test.vault.read_record(&support, &query).wait().unwrap();
    read(&test, &crm, &maria, None);
    let after = report(&test, &ALL);
    let unused = role(&after, Role::Support);
    assert!(!unused.unused_actions.contains(&"record.read") && unused.unused_actions.contains(&"history.read"));
    let fields = unused.unused_fields.unwrap();
    assert!(!fields.contains(&"email".to_owned()) && !fields.contains(&"locale".to_owned()));
    assert!(fields.contains(&"phone".to_owned()) && !fields.contains(&"address".to_owned()), "it may not see that");
    assert_eq!(role(&after, Role::Crm).unused_fields, Some(Vec::new()), "it saw all there was");
    let unused: Vec<_> = after.unused_purposes.iter().map(|purpose| purpose.as_str()).collect();
    assert_eq!(unused, ["analytics", "newsletter", "personalisation"]);
    // Without the walk over members nothing is said of fields.
    assert!(report(&test, &AuditQuery { fields: false, ..ALL }).roles.iter().all(|role| role.unused_fields.is_none()));
    // What was done before the period is no use of today's rights.
    test.clock.advance_millis(2 * DAY_MS);
    let late = AuditQuery { since: Some(START.plus_millis(DAY_MS)), ..ALL };
    assert!(role(&report(&test, &late), Role::Support).unused_actions.contains(&"record.read"));
}

#[test]
fn refusals_are_counted_by_token_and_reason() {
    let test = TestVault::new(62);
    let maria = member(&test, 1);
    let curious = token(&test, &owned(Role::Support, "curious"), "newsletter");
    let query = RecordQuery { address: RecordAddress::profile(maria), fields: None };
    for _ in 0..3 {
        assert!(test.vault.read_record(&curious, &query).wait().is_err());
    }
    assert!(test.vault.export_member(&curious, &maria).wait().is_err());
    let found = report(&test, &ALL);
    let said: Vec<_> = found
        .denied
        .iter()
        .map(|denied| (denied.token, denied.role, denied.action, denied.reason, denied.count))
        .collect();
    let token = curious.actor.token;
    assert_eq!(
        said,
        [
            (token, Some(Role::Support), "record.read", "purpose_not_allowed", 3),
            (token, Some(Role::Support), "member.export", "forbidden", 1),
        ]
    );
    for role in [Role::Crm, Role::Support, Role::Ops] {
        let refused = test.vault.audit_report(&ctx(role), &ALL).wait();
        assert_eq!(refused.unwrap_err().code(), Code::Forbidden, "{role}");
    }
    assert!(test.vault.audit_report(&ctx(Role::Admin), &ALL).wait().is_ok());
}
