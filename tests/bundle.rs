//! The bundle of a member: complete, readable, harmless, signed, and only for whoever may have it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::process::Command;

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx, ctx_for, log_key};
use membervault::tlog::{KeyName, SignatureType, VerifierKey};
use membervault::types::{Ctx, MemberId, RecordMeta, Right, Role, TokenId};
use membervault::vault::Error;
use membervault::vault::api::{Expect, Imported, NewBulkRequest, NewMember, NewRequest, RecordAddress, RecordWrite};
use membervault::vault::bundle::{Bundle, Content, Manifest, read_archive, verify};
use membervault::vault::certificate::{Check, Outcome};
use membervault::vault::request::Fulfil;
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

fn itself(member: MemberId) -> Ctx {
    let mut own = ctx(Role::Member);
    own.actor.member = Some(member);
    own
}

/// Profiles in the form of an import, different in each field.
fn profiles(count: usize) -> Vec<Map<String, Value>> {
    const NAMES: [&str; 5] = ["Pamela Fleming", "小林 七夏", "Łukasz Żak", "O'Neil, \"Bo\"", "=cmd()"];
    const LOCALES: [&str; 3] = ["ar_EG", "ja_JP", "pl_PL"];
    let profile = |number: usize| {
        object(json!({
            "external_id": format!("CRM-{}", 100_000 + number),
            "email": format!("member{number}@example.org"),
            "phone": format!("+4930{:07}", 1_000_000 + number),
            "name": NAMES[number % 5],
            "birth_date": format!("19{:02}-0{}-1{}", 50 + number % 50, 1 + number % 9, number % 10),
            "locale": LOCALES[number % 3],
            "address": format!("{number} Long Street\nBack door; ring twice"),
            "city": "横浜市西区",
            "postal_code": format!("{:05}", number * 7),
            "country": "EG",
            "loyalty_tier": if number.is_multiple_of(4) { Value::Null } else { json!("gold") },
            "joined_at": "2023-11-24T03:26:42.121770Z",
            "preferences": {"language": "de", "channels": ["push", "email"], "topics": [], "depth": {"n": number}},
        }))
    };
    (0..count).map(profile).collect()
}

fn imported(test: &TestVault, profiles: &[Map<String, Value>]) -> Vec<MemberId> {
    let member = |profile: &Map<String, Value>| NewMember {
        profile: profile.clone(),
        meta: RecordMeta { source: Some("members-5k.csv".to_owned()), ..RecordMeta::default() },
        idempotency_key: None,
    };
    let batch: Vec<_> = profiles.iter().map(member).collect();
    let outcomes = test.vault.import(&ctx(Role::Crm), &batch).wait().unwrap();
    let id = |outcome| match outcome {
        Imported::Created(id) => id,
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().map(id).collect()
}

fn unpacked(bundle: &Bundle) -> Content {
    read_archive(&bundle.archive()).unwrap()
}

fn text(files: &Content, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

fn member_json(files: &Content) -> Value {
    serde_json::from_slice(&files["member.json"]).unwrap()
}

/// Rows of a table, as a spreadsheet reads them.
fn rows(table: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = table.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => cell.extend(chars.next()),
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && row.is_empty(), "the table ends with its last line");
    rows
}

#[test]
fn what_was_imported_is_in_the_bundle_field_by_field() {
    let test = TestVault::new(1);
    let profiles = profiles(200);
    let members = imported(&test, &profiles);
    for (member, profile) in members.iter().zip(&profiles) {
        let files = unpacked(&test.vault.member_bundle(&itself(*member), member).wait().unwrap());
        let held = member_json(&files);
        assert_eq!(held["member"], member.to_string());
        let records = held["records"].as_array().unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0]["data"], Value::Object(profile.clone()));
        assert_eq!(records[0]["meta"]["source"], "members-5k.csv");
        assert!(records[0].get("withheld").is_none(), "nothing is withheld from the member itself");

        let table = rows(&text(&files, "records.csv"));
        assert_eq!(table.len(), 1 + profile.len());
        for (line, (field, value)) in table[1..].iter().zip(profile) {
            let shown = match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            assert_eq!(line[3], *field);
            assert!(line[4] == shown || line[4] == format!("'{shown}"), "{field}: {}", line[4]);
        }
        let page = text(&files, "index.html");
        for field in profile.keys() {
            assert!(page.contains(&format!("<bdi>{field}</bdi>")), "{field}");
        }
        assert!(page.contains("横浜市西区") && page.contains(profile["email"].as_str().unwrap()));
    }
}

#[test]
fn records_consents_requests_disclosures_and_history_are_all_there() {
    let test = TestVault::new(2);
    let vault = &test.vault;
    let member = imported(&test, &profiles(1))[0];
    let write = RecordWrite {
        address: RecordAddress { member, compartment: "orders".parse().unwrap(), name: "2026-1".parse().unwrap() },
        data: object(json!({"total": 42, "items": ["tea", "=1+1"]})),
        meta: None,
        expect: Expect::Any,
    };
    vault.put_record(&ctx(Role::Crm), &write).wait().unwrap();
    let own = itself(member);
    let objection = membervault::vault::consent::Stance::Objection(&"analytics".parse().unwrap());
    vault.set_stance(&own, &member, objection, true, None).wait().unwrap();
    let ask = NewRequest { kind: Right::Access, purposes: vec![], note: Some("What do <b>you</b> hold?".to_owned()) };
    let request = vault.open_request(&own, &member, &ask).wait().unwrap();

    let files = unpacked(&vault.member_bundle(&own, &member).wait().unwrap());
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["history.csv", "index.html", "manifest.json", "manifest.sig", "member.json", "records.csv"]
    );
    let held = member_json(&files);
    let names: Vec<_> = held["records"].as_array().unwrap().iter().map(|record| record["name"].clone()).collect();
    assert!(names.contains(&json!("profile")) && names.contains(&json!("2026-1")));
    assert_eq!(held["consents"]["standing"]["objections"], json!(["analytics"]));
    assert_eq!(held["consents"]["history"][0]["event"], "objected");
    assert_eq!(held["requests"][0]["id"], request.id.to_string());
    assert_eq!(held["requests"][0]["steps"][0]["note"], "What do <b>you</b> hold?");
    assert_eq!(held["disclosures"], json!([]));
    assert_eq!(held["dossier"].as_array().unwrap().len(), 1);
    let history = held["history"].as_array().unwrap();
    let what: Vec<_> = history.iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    for expected in ["member.create", "record.write", "standing.change", "request.step"] {
        assert!(what.contains(&expected), "{what:?}");
    }
    let table = rows(&text(&files, "history.csv"));
    assert_eq!(table.len(), 1 + history.len());
    // The next bundle shows that this one was taken.
    let again = member_json(&unpacked(&vault.member_bundle(&own, &member).wait().unwrap()));
    assert_eq!(again["history"].as_array().unwrap().last().unwrap()["what"], "member.export");
    let page = text(&files, "index.html");
    for words in ["What you asked for", "Who used your data", "You object to", "the customer system", "orders / 2026-1"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("What do &lt;b&gt;you&lt;/b&gt; hold?"));
}

#[test]
fn hostile_values_stay_values() {
    let test = TestVault::new(3);
    let hostile = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}'\"&";
    let profile = object(json!({
        "name": hostile,
        "<b>key</b>": hostile,
        "javascript:alert(1)": "=HYPERLINK(\"http://example.org\")",
        "quote": "a\"b,c\r\nd",
    }));
    let member = imported(&test, &[profile])[0];
    let files = unpacked(&test.vault.member_bundle(&itself(member), &member).wait().unwrap());
    let page = text(&files, "index.html");
    for forbidden in ["<script", "<img", "<b>", "onerror=alert(1)>", "\u{202e}", "href", "src="] {
        let outside = page.replace("src=x onerror=alert(1)&gt;", "");
        assert!(!outside.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'"));
    assert_eq!(member_json(&files)["records"][0]["data"]["name"], hostile);
    let table = rows(&text(&files, "records.csv"));
    assert!(table.iter().all(|row| row.len() == 9), "{table:?}");
    let value = |field: &str| &table.iter().find(|row| row[3] == field || row[3] == format!("'{field}")).unwrap()[4];
    assert_eq!(value("quote"), "a\"b,c\r\nd");
    assert_eq!(value("javascript:alert(1)"), "'=HYPERLINK(\"http://example.org\")");
}

fn verifier(test: &TestVault, seed: u64) -> VerifierKey {
    let name: KeyName = test.vault.log_verifier().name().clone();
    VerifierKey::new(name, SignatureType::Ed25519, log_key(seed).public())
}

fn verdict(files: &Content, key: &VerifierKey) -> (Option<Manifest>, Vec<(&'static str, bool)>) {
    let (manifest, checks) = verify(files, key);
    let holds = |check: &Check| (check.name, matches!(check.outcome, Outcome::Holds(_)));
    (manifest, checks.iter().map(holds).collect())
}

#[test]
fn a_bundle_verifies_and_no_changed_one_does() {
    let test = TestVault::new(4);
    let member = imported(&test, &profiles(1))[0];
    let files = unpacked(&test.vault.member_bundle(&itself(member), &member).wait().unwrap());
    let key = verifier(&test, 4);
    let (manifest, checks) = verdict(&files, &key);
    assert_eq!(checks, [("form", true), ("signature", true), ("files", true)]);
    assert_eq!(manifest.unwrap().member, member);

    for name in files.keys() {
        for at in [0, files[name].len() / 2, files[name].len() - 2] {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[at] ^= 1;
            assert!(verdict(&changed, &key).1.iter().any(|(_, holds)| !holds), "{name} at {at}");
        }
        let mut missing = files.clone();
        missing.remove(name);
        assert!(verdict(&missing, &key).1.iter().any(|(_, holds)| !holds), "without {name}");
    }
    let mut more = files.clone();
    more.insert("letter.html".to_owned(), b"you owe us".to_vec());
    assert_eq!(verdict(&more, &key).1.last(), Some(&("files", false)));
    assert_eq!(verdict(&files, &verifier(&test, 5)).1[1], ("signature", false));
    assert_eq!(verdict(&Content::new(), &key).1, [("form", false)]);
}

#[test]
fn only_who_may_take_out_all_gets_it() {
    let test = TestVault::new(6);
    let vault = &test.vault;
    let members = imported(&test, &profiles(2));
    let (member, other) = (members[0], members[1]);
    assert!(vault.member_bundle(&ctx(Role::Crm), &member).wait().is_ok());
    assert_eq!(code(vault.member_bundle(&itself(other), &member).wait()), Some(Code::NotFound));
    for by in [ctx(Role::Compliance), ctx_for(Role::Support, "support"), ctx(Role::Ops), ctx(Role::Admin)] {
        assert_eq!(code(vault.member_bundle(&by, &member).wait()), Some(Code::Forbidden));
    }
    vault.erase(&ctx(Role::Crm), &member, None).wait().unwrap();
    assert_eq!(code(vault.member_bundle(&itself(member), &member).wait()), Some(Code::Gone));
}

#[test]
fn a_fulfilled_request_opens_its_bundle_for_a_while() {
    let test = TestVault::new(7);
    let vault = &test.vault;
    let member = imported(&test, &profiles(1))[0];
    let (own, staff) = (itself(member), ctx(Role::Compliance));
    let open = |kind| {
        let purposes = Vec::new();
        vault.open_request(&own, &member, &NewRequest { kind, purposes, note: None }).wait().unwrap().id
    };
    let (access, restrict) = (open(Right::Portability), open(Right::Restrict));
    assert_eq!(code(vault.request_bundle(&own, &access, None).wait()), Some(Code::RequestState));
    vault.fulfil_request(&staff, &access, &Fulfil::default()).unwrap();
    vault.fulfil_request(&ctx_for(Role::Support, "support"), &restrict, &Fulfil::default()).unwrap();
    assert_eq!(code(vault.request_bundle(&own, &restrict, None).wait()), Some(Code::RequestState));
    let files = unpacked(&vault.request_bundle(&own, &access, None).wait().unwrap());
    assert_eq!(verdict(&files, &verifier(&test, 7)).0.unwrap().request, Some(access));
    assert!(vault.request_bundle(&own, &access, Some(&member)).wait().is_ok());
    let stranger = MemberId::from_random([9; 16]);
    assert_eq!(code(vault.request_bundle(&own, &access, Some(&stranger)).wait()), Some(Code::InvalidRequest));
    // Whoever decided about it has no right to what is in it.
    assert_eq!(code(vault.request_bundle(&staff, &access, None).wait()), Some(Code::Forbidden));
    assert!(vault.request_bundle(&ctx(Role::Crm), &access, None).wait().is_ok());
    test.clock.advance_millis(30 * 24 * 3_600_000);
    assert_eq!(code(vault.request_bundle(&own, &access, None).wait()), Some(Code::RequestState));
}

#[test]
fn many_bundles_need_two_persons_and_one_who_may_read() {
    let test = TestVault::new(8);
    let vault = &test.vault;
    let members = imported(&test, &profiles(3));
    let mut colleague = ctx(Role::Compliance);
    colleague.actor.token = TokenId::from_bytes([0xcc; 8]);
    let input = NewBulkRequest {
        kind: Right::ExportBulk,
        members: members[..2].to_vec(),
        reason: "handing over to the new operator".to_owned(),
    };
    let crm = ctx(Role::Crm);
    let request = vault.open_bulk_request(&crm, &input).wait().unwrap().id;
    let fetch = |member: Option<&MemberId>| code(vault.request_bundle(&crm, &request, member).wait());
    assert_eq!(fetch(Some(&members[0])), Some(Code::RequestState));
    vault.approve_request(&colleague, &request).wait().unwrap();
    vault.fulfil_request(&ctx(Role::Compliance), &request, &Fulfil::default()).unwrap();
    assert_eq!((fetch(Some(&members[0])), fetch(Some(&members[1]))), (None, None));
    assert_eq!((fetch(None), fetch(Some(&members[2]))), (Some(Code::InvalidRequest), Some(Code::InvalidRequest)));
    vault.erase(&crm, &members[0], None).wait().unwrap();
    assert_eq!(fetch(Some(&members[0])), Some(Code::Gone));
}

/// Another reader of archives agrees, where there is one on the machine.
#[test]
fn another_program_unpacks_it() {
    let test = TestVault::new(9);
    let member = imported(&test, &profiles(1))[0];
    let bundle = test.vault.member_bundle(&itself(member), &member).wait().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    std::fs::write(&path, bundle.archive().as_slice()).unwrap();
    let script = "import sys,zipfile,json\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                  print(len(z.namelist()), json.loads(z.read('member.json'))['member'])";
    let Ok(output) = Command::new("python3").args(["-c", script]).arg(&path).output() else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("6 {member}"));
}
