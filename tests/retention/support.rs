//! A vault under a data map with short times.

use membervault::clock::{Clock, Timestamp};
use membervault::code::{Code, Coded};
use membervault::schema::DataMap;
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{MemberId, RecordMeta, Role};
use membervault::vault::api::{Expect, NewMember, Page, RecordAddress, RecordQuery, RecordWrite};
use membervault::vault::retention::{Due, RetentionReport};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value, json};

pub(crate) const DAY: u64 = 24 * 3_600 * 1_000;

/// Profiles go 90 days after they were last written, and their phone after 30; tickets 10 days after they were created;
/// marketing's records after a year, or with the consent.
const MAP: &str = r#"
version = 1
strict = false
controller = "Shop"
contact = "privacy@shop.example"
[purposes]
service = { about = "Serving", basis = "contract", dpv = "dpv:ServiceProvision" }
support = { about = "Helping", basis = "contract", dpv = "dpv:CustomerCare" }
newsletter = { about = "News", basis = "consent", dpv = "dpv:DirectMarketing" }
personalisation = { about = "Offers", basis = "consent", dpv = "dpv:ServicePersonalisation" }
analytics = { about = "Measuring", basis = "consent", dpv = "dpv:ServiceUsageAnalytics" }
[[records]]
compartment = "core"
name = "profile"
about = "The profile"
start = "updated"
retention = "P90D"
fields.name = { type = "text", sensitivity = "ordinary", purposes = ["service"], source = "x", about = "x" }
fields.email = { type = "email", sensitivity = "ordinary", purposes = ["service", "newsletter"], source = "x", about = "x" }
fields.phone = { type = "phone", sensitivity = "ordinary", purposes = ["service"], retention = "P30D", source = "x", about = "x" }
[[records]]
compartment = "tickets"
name = "*"
about = "What the member asked"
start = "created"
retention = "P10D"
fields.text = { type = "text", sensitivity = "ordinary", purposes = ["support"], source = "x", about = "x" }
[[records]]
compartment = "marketing"
name = "*"
about = "What marketing knows"
start = "updated"
retention = "P1Y"
fields.topics = { type = "list", sensitivity = "ordinary", purposes = ["newsletter", "personalisation"], source = "x", about = "x" }
[[records]]
compartment = "archive"
name = "*"
about = "What the law wants kept"
until_erased = "The tax office decides"
fields.total = { type = "number", sensitivity = "ordinary", purposes = ["service"], source = "x", about = "x" }
"#;

pub(crate) fn vault(seed: u64) -> TestVault {
    let mut test = TestVault::new(seed);
    test.reopen_with_map(DataMap::parse(MAP).unwrap());
    test
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

pub(crate) fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

pub(crate) fn create(vault: &Vault, name: &str) -> MemberId {
    let profile = object(json!({"name": name, "email": format!("{name}@example.org"), "phone": "+49301234567"}));
    let profile =
        if name == "ada" { profile } else { profile.into_iter().filter(|(field, _)| field != "phone").collect() };
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

pub(crate) fn address(member: MemberId, compartment: &str, name: &str) -> RecordAddress {
    RecordAddress { member, compartment: compartment.parse().unwrap(), name: name.parse().unwrap() }
}

pub(crate) fn put_with(vault: &Vault, address: RecordAddress, data: Value, meta: RecordMeta) -> Result<(), Error> {
    let write = RecordWrite { address, data: object(data), meta: Some(meta), expect: Expect::Any };
    vault.put_record(&ctx(Role::Crm), &write).wait().map(drop)
}

pub(crate) fn put(vault: &Vault, member: MemberId, compartment: &str, name: &str) {
    put_with(vault, address(member, compartment, name), json!({"text": "x"}), RecordMeta::default()).unwrap();
}

pub(crate) fn read(vault: &Vault, address: RecordAddress) -> Result<Value, Error> {
    let view = vault.read_record(&ctx(Role::Crm), &RecordQuery { address, fields: None }).wait()?;
    Ok(serde_json::from_slice(view.data.as_bytes()).unwrap())
}

pub(crate) fn whole() -> Page {
    Page { cursor: None, limit: Page::LIMIT_MAX }
}

pub(crate) fn plan(vault: &Vault) -> Vec<Due> {
    let plan = vault.retention_plan(&ctx(Role::Ops), &whole()).unwrap();
    assert_eq!((plan.next, plan.unreadable), (None, 0));
    plan.items
}

pub(crate) fn run(vault: &Vault) -> RetentionReport {
    let report = vault.retention_run(&ctx(Role::Compliance), &whole()).unwrap();
    assert_eq!((report.next.as_ref(), report.unreadable), (None, 0));
    report
}

/// What is due, a line each: what, where, rule, and since which day after the start.
pub(crate) fn lines(due: &[Due], start: Timestamp) -> Vec<String> {
    let line = |due: &Due| {
        let place = due.compartment.as_ref().map_or("all".to_owned(), ToString::to_string);
        let record = due.record.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        let fields = due.fields.iter().map(|field| format!(" {field}")).collect::<String>();
        let held = if due.held { " held" } else { "" };
        let day = due.due_at.millis_since(start) / DAY;
        format!("{:?} {place}{record}{fields} {} day {day}{held}", due.what, due.rule.as_str())
    };
    due.iter().map(line).collect()
}

pub(crate) fn now(test: &TestVault) -> Timestamp {
    test.clock.now()
}
