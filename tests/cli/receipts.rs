//! Receipts of consents, checked on a machine that never saw the vault.

use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{RecordMeta, Role};
use membervault::vault::api::NewMember;
use membervault::vault::consent::{Method, NewConsent, Notice};

use super::desk::Desk;

fn receipt() -> (String, String) {
    let test = TestVault::new(1);
    let crm = ctx(Role::Crm);
    let new = NewMember { profile: serde_json::Map::new(), meta: RecordMeta::default(), idempotency_key: None };
    let consent = NewConsent {
        notice: Notice { version: "2026-01".to_owned(), sha256: None, language: None },
        notice_text: Some("We write to you.".to_owned()),
        method: Method::Paper,
        place: None,
        explicit: false,
        expires_at: None,
    };
    let newsletter = "newsletter".parse().unwrap();
    let id = test.vault.create_member(&crm, &new).wait().unwrap().id;
    test.vault.give_consent(&crm, &id, &newsletter, &consent).wait().unwrap();
    let text = test.vault.consent_receipt(&crm, &id, &newsletter, None).wait().unwrap();
    (text, test.vault.log_verifier().to_string())
}

#[test]
fn a_receipt_holds_or_it_does_not() {
    let (text, key) = receipt();
    let desk = Desk::new();
    desk.write("consent.receipt", &text);
    let verify = |more: &[&str]| desk.run(&[&["verify-receipt", "consent.receipt", "--key", &key], more].concat());
    let held = verify(&[]);
    assert_eq!((held.code, held.err.as_str()), (0, ""));
    for line in ["holds  form", "holds  signature", "holds  events", "Notice: version 2026-01", "Consent given: "] {
        assert!(held.out.contains(line), "{line}: {}", held.out);
    }
    let json: serde_json::Value = serde_json::from_str(&verify(&["--json"]).out).unwrap();
    assert_eq!((&json["holds"], &json["purpose"]), (&true.into(), &"newsletter".into()));
    desk.write("consent.receipt", text.replace("paper", "phone"));
    let failed = verify(&[]);
    assert_eq!(failed.code, 5);
    assert!(failed.out.contains("FAILS  signature") && failed.err.contains("[not_verified]"), "{}", failed.err);
}
