//! The report of a breach says exactly what a token or a role touched: held against what the test did.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "breach/audit.rs"]
mod audit;
#[path = "history/support.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use membervault::clock::{Clock, Timestamp};
use membervault::code::{Code, Coded};
use membervault::testkit::vault::{START, TestVault, ctx, ctx_for};
use membervault::types::{Actor, Ctx, IdentifierKind, MemberId, Role, TokenId};
use membervault::vault::api::{Expect, NewToken, Page, RecordAddress, RecordWrite};
use membervault::vault::crowd::audience::AudienceQuery;
use membervault::vault::report::{BreachQuery, BreachReport, MemberTouched, Suspect};
use support::{member, read};

const MINUTE: u64 = 60_000;
const MEMBERS: usize = 300;

fn query(suspect: Suspect) -> BreachQuery {
    BreachQuery { suspect, since: START, until: None, cursor: None, limit: 10_000 }
}

fn report(test: &TestVault, query: &BreachQuery) -> BreachReport {
    test.vault.breach_report(&ctx(Role::Compliance), query).wait().unwrap()
}

/// What the report says of each member: how often, what, and what was seen.
type Found = BTreeMap<MemberId, (u64, BTreeSet<&'static str>, BTreeSet<String>)>;

fn found(report: &BreachReport) -> Found {
    let one = |touched: &MemberTouched| {
        let seen = touched.seen.iter().flat_map(|part| match &part.fields {
            None => vec!["*".to_owned()],
            Some(fields) => fields.iter().chain(&part.masked).cloned().collect(),
        });
        (touched.member, (touched.accesses, touched.acts.keys().copied().collect(), whole(seen.collect())))
    };
    report.items.iter().map(one).collect()
}

/// All fields are all fields, whatever else is named.
fn whole(seen: BTreeSet<String>) -> BTreeSet<String> {
    if seen.contains("*") { BTreeSet::from(["*".to_owned()]) } else { seen }
}

/// What a caller did, as the test remembers it.
#[derive(Default)]
struct Memory {
    did: Found,
    lists: u64,
    missed: u64,
}

impl Memory {
    fn note(&mut self, member: MemberId, what: &'static str, seen: &[&str]) {
        let entry = self.did.entry(member).or_default();
        entry.0 += 1;
        entry.1.insert(what);
        entry.2.extend(seen.iter().map(|field| (*field).to_owned()));
        entry.2 = whole(std::mem::take(&mut entry.2));
    }
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

const SUPPORT_SEES: &[&str] = &["external_id", "email", "name", "birth_date", "postal_code", "locale", "loyalty_tier"];

/// One random act of a token, remembered.
fn act(test: &TestVault, dice: &mut Dice, ctx: &Ctx, members: &[MemberId], memory: &mut Memory) {
    let number = dice.roll(members.len());
    let member = members[number];
    match (ctx.actor.role, dice.roll(7)) {
        (Role::Crm, 0) => {
            test.vault.export_member(ctx, &member).wait().unwrap();
            memory.note(member, "member.export", &["*"]);
        }
        (Role::Crm, 1) => {
            let email = format!("m{number}@example.org");
            test.vault.lookup(ctx, IdentifierKind::Email, &email).wait().unwrap();
            memory.note(member, "member.lookup", &["email"]);
        }
        (Role::Crm, 2) => {
            assert!(test.vault.lookup(ctx, IdentifierKind::Email, "nobody@example.org").wait().is_err());
            memory.missed += 1;
        }
        (Role::Crm, 3) => {
            test.vault.list_records(ctx, &member, &Page { cursor: None, limit: 10 }).wait().unwrap();
            memory.note(member, "record.list", &[]);
        }
        (Role::Crm, 4) => {
            test.vault.list_members(ctx, &Page { cursor: None, limit: 10 }).wait().unwrap();
            memory.lists += 1;
        }
        (Role::Crm, 5) => {
            let address = RecordAddress { member, compartment: "orders".parse().unwrap(), name: "1".parse().unwrap() };
            let write = RecordWrite { address, data: serde_json::Map::new(), meta: None, expect: Expect::Any };
            test.vault.put_record(ctx, &write).wait().unwrap();
            memory.note(member, "record.write", &[]);
        }
        (Role::Crm, _) => {
            read(test, ctx, &member, None);
            memory.note(member, "record.read", &["*"]);
        }
        (Role::Support, _) => {
            read(test, ctx, &member, None);
            memory.note(member, "record.read", SUPPORT_SEES);
        }
        _ => {
            read(test, ctx, &member, Some(&["locale", "name"]));
            memory.note(member, "record.read", &["locale"]);
        }
    }
}

fn token(test: &TestVault, role: Role, purpose: &str) -> Ctx {
    let issued = test.vault.create_token(&ctx(Role::Admin), &NewToken::new(role, "a test")).wait().unwrap();
    Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..ctx_for(role, purpose) }
}

#[test]
fn the_report_names_exactly_the_members_and_fields_that_were_touched() {
    let test = TestVault::new(40);
    let members: Vec<_> = (0..MEMBERS).map(|number| member(&test, u32::try_from(number).unwrap())).collect();
    let thief = token(&test, Role::Crm, "service");
    let others = [
        token(&test, Role::Crm, "service"),
        token(&test, Role::Support, "support"),
        token(&test, Role::Support, "support"),
        token(&test, Role::Marketing, "newsletter"),
    ];
    let mut dice = Dice(7);
    let mut noise = Memory::default();
    let mut support = Memory::default();
    // Before the period, in it, and after it.
    let mut stolen = Memory::default();
    for (round, minutes) in [(0, 10), (1, 20), (2, 30)] {
        for _ in 0..120 {
            let memory = if round == 1 { &mut stolen } else { &mut noise };
            act(&test, &mut dice, &thief, &members, memory);
            let other = &others[dice.roll(others.len())];
            let memory = if other.actor.role == Role::Support { &mut support } else { &mut noise };
            act(&test, &mut dice, other, &members, memory);
        }
        test.clock.advance_millis(minutes * MINUTE);
    }
    let period = |from: u64, to: u64| BreachQuery {
        since: START.plus_millis(from * MINUTE),
        until: Some(START.plus_millis(to * MINUTE)),
        ..query(Suspect::Token(thief.actor.token))
    };
    let report = self::report(&test, &period(5, 25));
    assert!(stolen.did.len() > 60 && stolen.lists > 0 && stolen.missed > 0);
    assert_eq!(found(&report), stolen.did);
    let accesses = stolen.did.values().map(|(count, ..)| count).sum::<u64>();
    assert_eq!((report.members, report.accesses), (stolen.did.len() as u64, accesses));
    assert_eq!(report.acts.values().sum::<u64>(), accesses + stolen.lists + stolen.missed);
    assert_eq!(report.acts["member.list"], stolen.lists);
    assert_eq!((report.erased_since, report.unreadable), (0, 0));
    assert_eq!(report.purposes, BTreeMap::from([("service".to_owned(), accesses)]));
    let all = stolen.did.values().filter(|(.., seen)| seen.contains("*")).count() as u64;
    assert_eq!(report.fields["*"].get("*").copied().unwrap_or(0) + report.fields["core"]["*"], {
        let both = report.items.iter().filter(|item| item.seen.iter().filter(|part| part.fields.is_none()).count() > 1);
        all + both.count() as u64
    });

    // A role: every token of it, also one that was revoked.
    test.vault.revoke_token(&ctx(Role::Admin), &others[1].actor.token).wait().unwrap();
    let of_role = self::report(&test, &query(Suspect::Role(Role::Support)));
    assert_eq!(found(&of_role), support.did);
    assert_eq!(of_role.purposes.keys().collect::<Vec<_>>(), ["support"]);

    // Who is erased since is counted, not named.
    let mut left = stolen.did.clone();
    let mut gone = 0;
    for member in stolen.did.keys().step_by(3).copied().collect::<Vec<_>>() {
        test.vault.erase(&ctx(Role::Compliance), &member, None).wait().unwrap();
        gone += left.remove(&member).unwrap().0;
    }
    let report = self::report(&test, &period(5, 25));
    assert_eq!((found(&report), report.erased_since, report.accesses), (left, gone, accesses - gone));
    assert!(report.text().contains(&format!("accesses to members erased since: {gone}")));
}

#[test]
fn a_page_of_an_audience_touches_those_it_showed_with_the_fields_it_showed() {
    let test = TestVault::new(42);
    let members: Vec<_> = (0..7).map(|number| member(&test, number)).collect();
    let thief = token(&test, Role::Marketing, "newsletter");
    let asked = AudienceQuery { compartment: "core".parse().unwrap(), name: "profile".parse().unwrap(), fields: None };
    let page = test.vault.audience(&thief, &asked, &Page { cursor: None, limit: 4 }).wait().unwrap();
    let shown: Found = page
        .items
        .iter()
        .map(|entry| {
            let data: serde_json::Map<_, _> = serde_json::from_slice(entry.data.as_bytes()).unwrap();
            (
                entry.id.unwrap(),
                (1, BTreeSet::from(["record.read"]), data.into_iter().map(|(field, _)| field).collect()),
            )
        })
        .collect();
    assert_eq!(shown.len(), 4);
    assert!(shown.values().all(|(.., fields)| fields.contains("email") && fields.len() < 8), "{shown:?}");
    let report = report(&test, &query(Suspect::Token(thief.actor.token)));
    assert_eq!(found(&report), shown);
    assert_eq!((report.members, report.accesses), (4, 4));
    assert!(members.iter().filter(|member| !shown.contains_key(*member)).count() == 3);
}

#[test]
fn the_members_of_a_report_are_paged_and_its_counts_are_whole() {
    let test = TestVault::new(41);
    let members: Vec<_> = (0..7).map(|number| member(&test, number)).collect();
    let thief = token(&test, Role::Support, "support");
    members.iter().take(5).for_each(|member| read(&test, &thief, member, None));
    let whole = report(&test, &query(Suspect::Token(thief.actor.token)));
    for limit in 1..=6 {
        let mut asked = BreachQuery { limit, ..query(Suspect::Token(thief.actor.token)) };
        let mut items = Vec::new();
        loop {
            let page = report(&test, &asked);
            assert_eq!((page.members, page.accesses, page.items.len() <= limit), (5, 5, true));
            items.extend(page.items.iter().map(|item| item.member));
            asked.cursor = page.next;
            if asked.cursor.is_none() {
                break;
            }
        }
        assert_eq!(items, whole.items.iter().map(|item| item.member).collect::<Vec<_>>(), "{limit} at a time");
    }
}

#[test]
fn the_operators_acts_count_for_the_role_they_were_done_in() {
    let test = TestVault::new(42);
    let members: Vec<_> = (0..3).map(|number| member(&test, number)).collect();
    let local = |role| Ctx { actor: Actor::local(role), ..ctx(role) };
    read(&test, &local(Role::Crm), &members[0], None);
    let own = Ctx { actor: Actor { member: Some(members[1]), ..Actor::local(Role::Member) }, ..ctx(Role::Member) };
    read(&test, &own, &members[1], None);
    let seen = |suspect| found(&report(&test, &query(suspect))).into_keys().collect::<BTreeSet<_>>();
    assert_eq!(seen(Suspect::Role(Role::Member)), BTreeSet::from([members[1]]));
    assert_eq!(seen(Suspect::Role(Role::Crm)), BTreeSet::from([members[0]]));
    let operator = Suspect::Token(TokenId::LOCAL_OPERATOR);
    assert_eq!(seen(operator), BTreeSet::from([members[0], members[1]]));
}

#[test]
fn a_report_is_for_compliance_and_leaves_an_entry() {
    let test = TestVault::new(43);
    let code = |role: Role, query: &BreachQuery| {
        test.vault.breach_report(&ctx(role), query).wait().map(|_| ()).map_err(|error| error.code())
    };
    let all = query(Suspect::Role(Role::Crm));
    for role in [Role::Crm, Role::Support, Role::Ops, Role::Admin, Role::Analyst] {
        assert_eq!(code(role, &all), Err(Code::Forbidden), "{role}");
    }
    let backwards = BreachQuery { until: Some(Timestamp::from_millis(1)), ..all.clone() };
    assert_eq!(code(Role::Compliance, &backwards), Err(Code::InvalidRequest));
    assert_eq!(code(Role::Compliance, &BreachQuery { limit: 0, ..all.clone() }), Err(Code::InvalidRequest));
    let astray = BreachQuery { cursor: Some("abc".to_owned()), ..all.clone() };
    assert_eq!(code(Role::Compliance, &astray), Err(Code::InvalidCursor));
    assert_eq!(code(Role::Compliance, &all), Ok(()));
    let compliance =
        BreachQuery { since: test.clock.now(), ..query(Suspect::Token(ctx(Role::Compliance).actor.token)) };
    let report = report(&test, &compliance);
    assert_eq!((report.acts["breach.report"], report.members), (1, 0));
}
