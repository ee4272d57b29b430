//! The member's own centre, as a member would use it over HTTP: the CRM lets it in, it sees what is held and who used it,
//! corrects, agrees and withdraws, objects, takes everything away, and is forgotten.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use membervault::types::Role;
use membervault::vault::bundle::read_archive;
use serde_json::{Value, json};
use support::desk::{Ask, Desk, Reply};

const RECORD: &str = "/v1/members/{id}/records/{compartment}/{name}";
const CONSENT: &str = "/v1/members/{id}/consents/{purpose}";
const OBJECTION: &str = "/v1/members/{id}/objections/{purpose}";
const REQUESTS: &str = "/v1/members/{id}/requests";
const REQUEST: &str = "/v1/requests/{id}";

struct Centre {
    desk: Desk,
    crm: String,
    /// Its id.
    member: String,
    /// Its token, as the CRM got it.
    token: String,
}

/// A caller's request.
async fn ask(desk: &Desk, bearer: &str, method: &str, template: &str, values: &[&str], body: Option<Value>) -> Reply {
    let headers = [("authorization", bearer)];
    desk.send(Ask { method, template, values, headers: &headers, body, ..Ask::default() }).await
}

impl Centre {
    async fn open() -> Self {
        let desk = Desk::new();
        let crm = desk.token(Role::Crm, None);
        let profile = json!({
            "email": "maria@example.org", "name": "Maria Muster", "phone": "+49 30 901820", "birth_date": "1985-01-09",
            "city": "Berlin", "locale": "de_DE", "loyalty_tier": "gold",
        });
        let created = ask(&desk, &crm, "POST", "/v1/members", &[], Some(json!({ "profile": profile }))).await;
        let member = created.json()["id"].as_str().unwrap().to_owned();
        let mut centre = Self { desk, crm, member, token: String::new() };
        centre.log_in().await;
        centre
    }

    /// The CRM asks for a token when the member has logged in.
    async fn log_in(&mut self) {
        let reply = self.crm("POST", "/v1/members/{id}/token", Some(json!({}))).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let info = &reply.json()["info"];
        assert_eq!((&info["role"], &info["member"]), (&json!("member"), &json!(self.member)));
        self.token = format!("Bearer {}", reply.json()["token"].as_str().unwrap());
    }

    async fn crm(&self, method: &str, template: &str, body: Option<Value>) -> Reply {
        ask(&self.desk, &self.crm, method, template, &[&self.member], body).await
    }

    /// What the member does about itself; `rest` fills the braces after its id.
    async fn own(&self, method: &str, template: &str, rest: &[&str], body: Option<Value>) -> Reply {
        let values: Vec<_> = std::iter::once(self.member.as_str()).chain(rest.iter().copied()).collect();
        ask(&self.desk, &self.token, method, template, &values, body).await
    }

    async fn staff(&self, role: Role, method: &str, template: &str, values: &[&str], body: Option<Value>) -> Reply {
        let bearer = self.desk.token(role, None);
        ask(&self.desk, &bearer, method, template, values, body).await
    }
}

#[tokio::test]
async fn the_whole_story() {
    let centre = Centre::open().await;

    // See what is held.
    let profile = centre.own("GET", "/v1/members/{id}", &[], None).await;
    assert_eq!(profile.json()["profile"]["name"], "Maria Muster");
    assert!(profile.json().get("withheld").is_none());
    let records = centre.own("GET", "/v1/members/{id}/records", &[], None).await;
    assert_eq!(records.json()["items"][0]["name"], "profile");

    // Correct what may be corrected, and nothing else.
    let correction = |data: Value| Some(json!({ "data": data }));
    let corrected = centre.own("PATCH", "/v1/members/{id}/correction", &[], correction(json!({"city": "Ulm"}))).await;
    assert_eq!((corrected.status.as_u16(), corrected.header("etag")), (200, "\"2\""));
    for refused in
        [json!({"loyalty_tier": "platinum"}), json!({"city": "Bonn", "joined_at": "2000-01-01"}), json!({"x": 1})]
    {
        let reply = centre.own("PATCH", "/v1/members/{id}/correction", &[], correction(refused)).await;
        assert_eq!(reply.code(), "not_correctable");
    }
    let elsewhere = json!({"compartment": "dossier", "name": "preferences", "data": {"language": "de"}});
    let reply = centre.own("PATCH", "/v1/members/{id}/correction", &[], Some(elsewhere)).await;
    assert_eq!(reply.code(), "invalid_name");
    let profile = centre.own("GET", "/v1/members/{id}", &[], None).await.json();
    assert_eq!((&profile["profile"]["city"], &profile["profile"]["loyalty_tier"]), (&json!("Ulm"), &json!("gold")));
    let write = centre.own("PUT", RECORD, &["core", "profile"], Some(json!({"data": {"city": "Bonn"}}))).await;
    assert_eq!(write.code(), "forbidden");

    // Agree, change one's mind, say how one wants to be spoken to.
    let consent = json!({"notice": {"version": "1", "text": "We write to you once a month."}, "method": "web_form"});
    let given = centre.own("PUT", CONSENT, &["newsletter"], Some(consent)).await;
    assert!(given.status.is_success(), "{}", given.text());
    let withdrawn = centre.own("DELETE", CONSENT, &["newsletter"], None).await;
    assert!(withdrawn.status.is_success(), "{}", withdrawn.text());
    let objected = centre.own("PUT", OBJECTION, &["analytics"], Some(json!({}))).await;
    assert!(objected.status.is_success(), "{}", objected.text());
    let preferences = json!({"channels": ["email"], "topics": ["books"], "language": "de"});
    let kept = centre.own("PUT", "/v1/members/{id}/preferences", &[], Some(preferences)).await;
    assert!(kept.status.is_success(), "{}", kept.text());

    // See who used its data.
    let read = centre.crm("GET", "/v1/members/{id}", None).await;
    assert_eq!(read.status, 200);
    let history = centre.own("GET", "/v1/members/{id}/history", &[], None).await.json();
    let by_crm = |entry: &&Value| entry["role"] == "crm" && entry["what"] == "record.read";
    let entry = history["items"].as_array().unwrap().iter().find(by_crm).unwrap();
    assert!(entry.get("token").is_none(), "a member is told roles, not tokens of the house");

    // Take everything away.
    let bundle = centre.own("GET", "/v1/members/{id}/bundle", &[], None).await;
    assert_eq!((bundle.status.as_u16(), bundle.header("content-type")), (200, "application/zip"));
    assert!(bundle.header("content-disposition").ends_with(&format!("member-{}.zip\"", centre.member)));
    assert_eq!(bundle.header("cache-control"), "no-store");
    let files = read_archive(&bundle.body).unwrap();
    let held: Value = serde_json::from_slice(&files["member.json"]).unwrap();
    assert_eq!(held["records"][0]["data"]["city"], "Ulm");
    assert_eq!(held["consents"]["standing"]["objections"], json!(["analytics"]));
    assert_eq!(held["preferences"]["channels"], json!(["email"]));
    let events: Vec<_> =
        held["consents"]["history"].as_array().unwrap().iter().map(|one| one["event"].clone()).collect();
    assert_eq!(events, ["given", "withdrawn", "objected"]);
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    assert!(page.contains("you withdrew your consent") && page.contains("the customer system"));

    // Ask to be forgotten; a clerk of data protection carries it out, and the certificate goes by the request.
    let request = centre.own("POST", REQUESTS, &[], Some(json!({"kind": "erase", "note": "Goodbye."}))).await;
    assert_eq!((request.status.as_u16(), &request.json()["state"]), (201, &json!("identity_checked")));
    let id = request.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(request.header("location"), format!("/v1/requests/{id}"));
    let seen = ask(&centre.desk, &centre.token, "GET", REQUEST, &[&id], None).await;
    assert_eq!(seen.json()["steps"][0]["note"], "Goodbye.");
    let done = centre.staff(Role::Compliance, "POST", "/v1/requests/{id}/fulfilment", &[&id], Some(json!({}))).await;
    assert_eq!(done.json()["state"], "fulfilled", "{}", done.text());
    let erasure = done.json()["erasure"].as_str().unwrap().to_owned();
    centre.staff(Role::Compliance, "POST", "/v1/seals", &[], None).await;
    let certificate = centre.staff(Role::Compliance, "GET", "/v1/erasures/{id}/certificate", &[&erasure], None).await;
    assert_eq!(certificate.status, 200);

    // Nothing is left for anybody. (Such a token has its rate; the clock of tests stands still.)
    centre.desk.vault.clock.advance_millis(1_000);
    for (method, template) in [
        ("GET", "/v1/members/{id}"),
        ("GET", "/v1/members/{id}/history"),
        ("GET", "/v1/members/{id}/bundle"),
        ("GET", REQUESTS),
    ] {
        assert_eq!(centre.own(method, template, &[], None).await.code(), "gone", "{template}");
        assert_eq!(centre.crm(method, template, None).await.code(), "gone", "{template}");
    }
    let evidence = centre.staff(Role::Compliance, "GET", REQUEST, &[&id], None).await;
    assert!(!evidence.text().contains("Goodbye"));
    assert_eq!(evidence.json()["erasure"], erasure);
}

#[tokio::test]
async fn a_token_of_a_member_ends_soon_and_speaks_of_nobody_else() {
    let mut centre = Centre::open().await;
    let other = json!({"profile": {"email": "other@example.org"}});
    let other = ask(&centre.desk, &centre.crm, "POST", "/v1/members", &[], Some(other)).await.json()["id"].clone();
    let other = other.as_str().unwrap();
    for (method, template, body) in [
        ("GET", "/v1/members/{id}", None),
        ("GET", "/v1/members/{id}/records", None),
        ("GET", "/v1/members/{id}/history", None),
        ("GET", "/v1/members/{id}/bundle", None),
        ("GET", REQUESTS, None),
        ("POST", REQUESTS, Some(json!({"kind": "erase"}))),
        ("PATCH", "/v1/members/{id}/correction", Some(json!({"data": {"city": "Ulm"}}))),
        ("DELETE", "/v1/members/{id}", None),
    ] {
        let reply = ask(&centre.desk, &centre.token, method, template, &[other], body).await;
        assert_eq!(reply.code(), "not_found", "{method} {template}");
    }
    for (method, template) in [("GET", "/v1/members"), ("GET", "/v1/requests"), ("GET", "/v1/tokens")] {
        assert_eq!(ask(&centre.desk, &centre.token, method, template, &[], None).await.code(), "forbidden");
    }
    let another = centre.own("POST", "/v1/members/{id}/token", &[], Some(json!({}))).await;
    assert_eq!(another.code(), "forbidden", "a member gives out no tokens");

    // A quarter of an hour, unless it was said otherwise; at most a day.
    centre.desk.vault.clock.advance_millis(15 * 60_000 - 1);
    assert_eq!(centre.own("GET", "/v1/members/{id}", &[], None).await.status, 200);
    centre.desk.vault.clock.advance_millis(1);
    assert_eq!(centre.own("GET", "/v1/members/{id}", &[], None).await.code(), "unauthenticated");
    centre.log_in().await;
    assert_eq!(centre.own("GET", "/v1/members/{id}", &[], None).await.status, 200);
    for minutes in [0, 1441, 10_000] {
        let reply = centre.crm("POST", "/v1/members/{id}/token", Some(json!({ "minutes": minutes }))).await;
        assert_eq!(reply.code(), "invalid_request", "{minutes}");
    }
    let day = centre.crm("POST", "/v1/members/{id}/token", Some(json!({"minutes": 1440}))).await;
    assert_eq!(day.status, 201);
}

#[tokio::test]
async fn tokens_that_ended_are_tidied_away() {
    let mut centre = Centre::open().await;
    let count = async |centre: &Centre| {
        let reply = centre.staff(Role::Admin, "GET", "/v1/tokens", &[], None).await;
        let items = reply.json()["items"].as_array().unwrap().clone();
        items.iter().filter(|token| token["role"] == "member").count()
    };
    for _ in 0..10 {
        centre.log_in().await;
    }
    assert_eq!(count(&centre).await, 11);
    centre.desk.vault.clock.advance_millis(15 * 60_000);
    centre.log_in().await;
    assert_eq!(count(&centre).await, 1, "each new one takes ended ones away");
    centre.desk.vault.reopen();
    assert_eq!(
        centre
            .desk
            .vault
            .vault
            .list_tokens(
                &membervault::testkit::vault::ctx(Role::Admin),
                &membervault::vault::api::Page { cursor: None, limit: 100 },
            )
            .wait()
            .unwrap()
            .items
            .iter()
            .filter(|token| token.role == Role::Member)
            .count(),
        1,
        "also from the disk"
    );
}

#[tokio::test]
async fn who_restricts_its_data_still_has_its_rights() {
    let centre = Centre::open().await;
    let restricted = centre.own("PUT", "/v1/members/{id}/restriction", &[], Some(json!({}))).await;
    assert!(restricted.status.is_success(), "{}", restricted.text());
    assert_eq!(centre.own("GET", "/v1/members/{id}", &[], None).await.status, 200);
    assert_eq!(centre.own("GET", "/v1/members/{id}/bundle", &[], None).await.status, 200);
    let correction = Some(json!({"data": {"city": "Ulm"}}));
    assert_eq!(centre.own("PATCH", "/v1/members/{id}/correction", &[], correction).await.status, 200);
    let request = centre.own("POST", REQUESTS, &[], Some(json!({"kind": "access"}))).await;
    assert_eq!(request.status, 201);
    let id = request.json()["id"].as_str().unwrap().to_owned();
    let done = centre.staff(Role::Support, "POST", "/v1/requests/{id}/fulfilment", &[&id], Some(json!({}))).await;
    assert_eq!(done.json()["state"], "fulfilled", "{}", done.text());
    let bundle = ask(&centre.desk, &centre.token, "GET", "/v1/requests/{id}/bundle", &[&id], None).await;
    assert_eq!(bundle.status, 200);
    // The member sees that staff worked on it, not with which token.
    let seen = ask(&centre.desk, &centre.token, "GET", REQUEST, &[&id], None).await.json();
    assert_eq!(seen["steps"][1]["by"], json!({"role": "support"}));
    assert!(seen["opened_by"]["token"].is_string(), "its own it knows");
}
