//! The dossier is the vault's own to write, and a compartment as any other in all else.

use membervault::code::Code;
use membervault::testkit::vault::ctx;
use membervault::types::{Compartment, Role};
use membervault::vault::api::{Expect, Page, RecordPatch, RecordWrite};
use membervault::vault::consent::Stance;
use serde_json::json;

use super::support::{code, dossier_record, in_dossier, object, vault};

#[test]
fn no_caller_writes_deletes_or_erases_it() {
    let (test, id) = vault(1);
    let crm = ctx(Role::Crm);
    for name in ["consent-1", "anything"] {
        let address = || in_dossier(id, name);
        let write = RecordWrite { address: address(), data: object(json!({"a": 1})), meta: None, expect: Expect::Any };
        assert_eq!(code(test.vault.put_record(&crm, &write).wait()), Some(Code::InvalidName));
        let patch = RecordPatch { address: address(), patch: object(json!({"a": 1})), meta: None, expect: Expect::Any };
        assert_eq!(code(test.vault.patch_record(&crm, &patch).wait()), Some(Code::InvalidName));
        assert_eq!(code(test.vault.delete_record(&crm, &address(), Expect::Any).wait()), Some(Code::InvalidName));
    }
    let erased = test.vault.erase(&crm, &id, Some(&Compartment::dossier())).wait();
    assert_eq!(
        erased.as_ref().err().map(ToString::to_string).as_deref(),
        Some("the compartment dossier is the vault's own")
    );
    assert_eq!(code(erased), Some(Code::InvalidName));
}

#[test]
fn it_is_listed_read_exported_and_erased_with_the_member() {
    let (test, id) = vault(2);
    let crm = ctx(Role::Crm);
    assert_eq!(code(dossier_record(&test.vault, id, "consent-1")), Some(Code::NotFound), "before there is a dossier");
    test.vault.set_stance(&crm, &id, Stance::AutomatedDecisions, true, None).wait().unwrap();
    let page = Page { cursor: None, limit: 10 };
    let listed = test.vault.list_records(&crm, &id, &page).wait().unwrap();
    let named = |compartment: &str| listed.items.iter().filter(|item| item.compartment.as_str() == compartment).count();
    assert_eq!((named("core"), named("dossier")), (1, 1));
    assert_eq!(test.vault.export_member(&crm, &id).wait().unwrap().records.len(), 2);
    assert_eq!(dossier_record(&test.vault, id, "consent-1").unwrap()["event"], "automation_refused");
    test.vault.erase(&ctx(Role::Compliance), &id, None).wait().unwrap();
    assert_eq!(code(dossier_record(&test.vault, id, "consent-1")), Some(Code::Gone));
}
