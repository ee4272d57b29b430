//! The rules: what is due, by which, and what becomes of it.

use membervault::code::Code;
use membervault::codec::{LeafKind, leaf::Leaf};
use membervault::policy::Action;
use membervault::testkit::vault::ctx;
use membervault::types::{RecordMeta, Role};
use membervault::vault::api::{NewHold, RecordAddress, Stage};
use membervault::vault::retention::{Reach, Rule};
use serde_json::json;

use super::support::{DAY, address, code, create, lines, now, plan, put, put_with, read, run, vault};

#[test]
fn nothing_is_due_before_its_time_and_all_of_it_after() {
    let test = vault(1);
    let start = now(&test);
    let (ada, bob) = (create(&test.vault, "ada"), create(&test.vault, "bob"));
    put(&test.vault, ada, "tickets", "1");
    put(&test.vault, bob, "archive", "2020");
    assert_eq!(plan(&test.vault), []);
    test.clock.advance_millis(10 * DAY - 1);
    assert_eq!(plan(&test.vault), []);
    test.clock.advance_millis(1);
    assert_eq!(lines(&plan(&test.vault), start), ["Compartment tickets retention day 10"]);
    test.clock.advance_millis(20 * DAY);
    // The phone of a profile goes before the profile; Bob has none.
    let expected = ["Fields core/profile phone retention day 30", "Compartment tickets retention day 10"];
    assert_eq!(lines(&plan(&test.vault), start), expected);
    let due = plan(&test.vault);
    assert_eq!((due[1].of.as_deref(), due[1].period.as_deref()), (Some("tickets/*"), Some("P10D")));
    assert_eq!(due[0].period.as_deref(), Some("P30D"));
    test.clock.advance_millis(60 * DAY);
    assert_eq!(lines(&plan(&test.vault), start), ["Member all retention day 90"; 2]);
}

#[test]
fn what_a_plan_names_goes_with_certificates() {
    let test = vault(2);
    let (ada, bob) = (create(&test.vault, "ada"), create(&test.vault, "bob"));
    test.clock.advance_millis(85 * DAY);
    // Bob is written once more, so its time begins anew.
    put_with(&test.vault, RecordAddress::profile(bob), json!({"name": "bob"}), RecordMeta::default()).unwrap();
    test.clock.advance_millis(5 * DAY);
    let planned = plan(&test.vault);
    assert_eq!(planned.iter().map(|due| due.member).collect::<Vec<_>>(), [ada]);
    let report = run(&test.vault);
    assert_eq!(report.removed.iter().map(|removal| removal.due.clone()).collect::<Vec<_>>(), planned);
    assert_eq!(code(read(&test.vault, RecordAddress::profile(ada))), Some(Code::Gone));
    assert!(read(&test.vault, RecordAddress::profile(bob)).is_ok());
    assert_eq!((plan(&test.vault), run(&test.vault).removed), (vec![], vec![]));
    // Once it is sealed there is a certificate.
    let id = report.removed[0].erasure.unwrap();
    let compliance = ctx(Role::Compliance);
    test.vault.seal(&compliance).unwrap();
    assert_eq!(test.vault.erasure(&compliance, &id).wait().unwrap().stage, Stage::Sealed);
    assert!(test.vault.certificate(&compliance, &id).wait().unwrap().contains(&id.to_string()));
}

#[test]
fn a_compartment_goes_whole_or_record_by_record() {
    let test = vault(3);
    let start = now(&test);
    let id = create(&test.vault, "bob");
    put(&test.vault, id, "tickets", "1");
    test.clock.advance_millis(5 * DAY);
    put(&test.vault, id, "tickets", "2");
    test.clock.advance_millis(5 * DAY);
    assert_eq!(lines(&plan(&test.vault), start), ["Record tickets/1 retention day 10"]);
    let report = run(&test.vault);
    assert_eq!((report.removed.len(), report.removed[0].erasure, report.keys_rotated), (1, None, 1));
    assert_eq!(code(read(&test.vault, address(id, "tickets", "1"))), Some(Code::NotFound));
    assert!(read(&test.vault, address(id, "tickets", "2")).is_ok(), "the other lies under the new key");
    test.clock.advance_millis(5 * DAY);
    assert_eq!(lines(&plan(&test.vault), start), ["Compartment tickets retention day 15"]);
    let report = run(&test.vault);
    assert!(report.removed[0].erasure.is_some() && report.removed[0].due.what == Reach::Compartment);
    assert_eq!(code(read(&test.vault, address(id, "tickets", "2"))), Some(Code::Gone));
    assert!(read(&test.vault, RecordAddress::profile(id)).is_ok());
}

#[test]
fn fields_go_before_their_record_and_do_not_prolong_it() {
    let test = vault(4);
    let start = now(&test);
    let id = create(&test.vault, "ada");
    test.clock.advance_millis(31 * DAY);
    assert_eq!(lines(&plan(&test.vault), start), ["Fields core/profile phone retention day 30"]);
    assert_eq!(run(&test.vault).keys_rotated, 1);
    let profile = read(&test.vault, RecordAddress::profile(id)).unwrap();
    assert_eq!(profile, json!({"name": "ada", "email": "ada@example.org"}));
    // Nobody is found by it any more, and somebody else may have it.
    let other = create(&test.vault, "ada2");
    let phone = json!({"name": "ada2", "phone": "+49301234567"});
    put_with(&test.vault, RecordAddress::profile(other), phone, RecordMeta::default()).unwrap();
    test.clock.advance_millis(59 * DAY);
    let mut planned = lines(&plan(&test.vault), start);
    planned.sort();
    let expected = ["Fields core/profile phone retention day 61", "Member all retention day 90"];
    assert_eq!(planned, expected, "counted from the last real write");
}

#[test]
fn a_record_may_say_itself_when_it_is_to_go() {
    let test = vault(5);
    let start = now(&test);
    let id = create(&test.vault, "bob");
    let until = |days: u64| RecordMeta { expires_at: Some(start.plus_millis(days * DAY)), ..RecordMeta::default() };
    put_with(&test.vault, address(id, "archive", "a"), json!({"total": 1}), until(3)).unwrap();
    put_with(&test.vault, address(id, "archive", "b"), json!({"total": 1}), until(400)).unwrap();
    // Also where no type is declared, and never later than the type says.
    put_with(&test.vault, address(id, "notes", "x"), json!({"a": 1}), until(4)).unwrap();
    put_with(&test.vault, address(id, "tickets", "1"), json!({"text": "x"}), until(400)).unwrap();
    test.clock.advance_millis(5 * DAY);
    let expected = ["Record archive/a expires_at day 3", "Compartment notes expires_at day 4"];
    assert_eq!(lines(&plan(&test.vault), start), expected);
    assert_eq!(plan(&test.vault)[1].of, None);
    assert_eq!(run(&test.vault).removed.len(), 2);
    test.clock.advance_millis(5 * DAY);
    assert_eq!(lines(&plan(&test.vault), start), ["Compartment tickets retention day 10"]);
}

#[test]
fn a_hold_keeps_what_it_covers_and_says_so() {
    let test = vault(6);
    let start = now(&test);
    let (ada, bob) = (create(&test.vault, "ada"), create(&test.vault, "bob"));
    let hold = NewHold { reason: "a lawsuit".to_owned(), reference: None };
    test.vault.set_hold(&ctx(Role::Compliance), &ada, &hold).wait().unwrap();
    test.clock.advance_millis(91 * DAY);
    let mut planned = lines(&plan(&test.vault), start);
    planned.sort();
    assert_eq!(planned, ["Member all retention day 90", "Member all retention day 90 held"]);
    let report = run(&test.vault);
    assert_eq!(report.removed.iter().map(|removal| removal.due.member).collect::<Vec<_>>(), [bob]);
    assert_eq!(report.held.iter().map(|due| (due.member, due.held)).collect::<Vec<_>>(), [(ada, true)]);
    assert!(read(&test.vault, RecordAddress::profile(ada)).is_ok());
    test.vault.release_hold(&ctx(Role::Compliance), &ada).wait().unwrap();
    assert_eq!(run(&test.vault).removed.len(), 1);
}

#[test]
fn each_run_and_each_removal_is_in_the_ledger() {
    let test = vault(7);
    let id = create(&test.vault, "bob");
    put(&test.vault, id, "tickets", "1");
    test.clock.advance_millis(5 * DAY);
    put(&test.vault, id, "tickets", "2");
    test.clock.advance_millis(5 * DAY);
    let from = leaves(&test).len();
    run(&test.vault);
    let kinds: Vec<_> = leaves(&test).split_off(from);
    assert_eq!(kinds, [LeafKind::RecordDelete, LeafKind::DekRotate, LeafKind::RetentionRun]);
    test.clock.advance_millis(5 * DAY);
    let from = leaves(&test).len();
    run(&test.vault);
    let kinds: Vec<_> = leaves(&test).split_off(from);
    assert_eq!(kinds, [LeafKind::EraseIntent, LeafKind::RecordDelete, LeafKind::RetentionRun]);
}

fn leaves(test: &membervault::testkit::vault::TestVault) -> Vec<LeafKind> {
    use membervault::store::{KeyRange, Keyspace};
    let mut kinds = Vec::new();
    let each = &mut |key: &[u8], row: &[u8]| {
        if key[0] == membervault::codec::keys::ledger_tag::LEAF {
            kinds.push(Leaf::parse(row).unwrap().event.kind());
        }
        std::ops::ControlFlow::Continue(())
    };
    test.engine.scan(Keyspace::Ledger, &KeyRange::all(), each).unwrap();
    kinds
}

#[test]
fn the_member_reads_in_its_history_what_retention_took() {
    let test = vault(9);
    let id = create(&test.vault, "ada");
    put(&test.vault, id, "tickets", "1");
    test.clock.advance_millis(5 * DAY);
    put(&test.vault, id, "tickets", "2");
    test.clock.advance_millis(5 * DAY);
    run(&test.vault);
    test.clock.advance_millis(25 * DAY);
    run(&test.vault);
    let page = super::support::whole();
    let history = test.vault.history(&ctx(Role::Crm), &id, &page).wait().unwrap().items;
    let of = |entry: &membervault::vault::history::HistoryEntry| {
        let entry = serde_json::to_value(entry).unwrap();
        let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("what"), text("role"), text("compartment"), text("record"))
    };
    let taken: Vec<_> = history.iter().map(of).filter(|line| line.contains("compliance")).collect();
    assert_eq!(
        taken,
        [
            "record.delete compliance tickets 1",
            "dek.rotate compliance tickets -",
            "record.write compliance core profile",
            "record.delete compliance tickets -",
            "dek.rotate compliance core -",
        ]
    );
}

#[test]
fn who_may_plan_and_who_may_run() {
    let test = vault(8);
    let page = super::support::whole();
    for role in Role::ALL {
        let planned = test.vault.retention_plan(&ctx(role), &page);
        let ran = test.vault.retention_run(&ctx(role), &page);
        assert_eq!(planned.is_ok(), matches!(role, Role::Ops | Role::Compliance), "{role}");
        assert_eq!(ran.is_ok(), role == Role::Compliance, "{role}");
        assert!(ran.is_ok() || code(ran) == Some(Code::Forbidden));
    }
    assert_eq!((Action::RetentionRead.as_str(), Rule::ConsentEnded.as_str()), ("retention.read", "consent_ended"));
}
