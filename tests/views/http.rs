//! Links, audiences and segments as their callers see them; each reply is held against the document.

use membervault::testkit::vault::START;
use membervault::types::Role;
use serde_json::{Value, json};

use super::people::{agree, member, withdraw};
use super::support::desk::{Ask, Desk, Reply};

async fn ask(desk: &Desk, bearer: &str, purpose: &str, ask: Ask<'_>) -> Reply {
    let headers = [("authorization", bearer), ("membervault-purpose", purpose)];
    desk.send(Ask { headers: &headers, ..ask }).await
}

#[tokio::test]
async fn a_link_goes_from_the_house_to_its_recipient_and_back() {
    let desk = Desk::new();
    let id = member(&desk.vault.vault, 1).to_string();
    let crm = desk.token(Role::Crm, None);
    let expires_at = START.plus_millis(60_000);
    let body =
        json!({"recipient": "carrier", "fields": ["name", "postal_code"], "expires_at": expires_at, "opens_max": 1});
    let template = "/v1/members/{id}/records/{compartment}/{name}/shares";
    let values = [id.as_str(), "core", "profile"];
    let make = Ask { method: "POST", template, values: &values, body: Some(body.clone()), ..Ask::default() };
    let made = ask(&desk, &crm, "service", make).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let secret = made.json()["secret"].as_str().unwrap().to_owned();

    let open = |secret: String| {
        let body = Some(json!({ "secret": secret }));
        desk.send(Ask { method: "POST", template: "/v1/shares/open", body, ..Ask::default() })
    };
    let opened = open(secret.clone()).await;
    assert_eq!(
        (opened.status.as_u16(), opened.json()["data"].clone()),
        (200, json!({"name": "Maria Muster", "postal_code": "81461"}))
    );
    assert!(!opened.text().contains(&id));
    let (used_up, unknown) = (open(secret).await, open("mvs1_AAAA".to_owned()).await);
    for refused in [&used_up, &unknown] {
        assert_eq!((refused.status.as_u16(), refused.code()), (404, "not_found".to_owned()));
    }
    assert_eq!(used_up.json()["detail"], unknown.json()["detail"]);

    let shares = "/v1/members/{id}/shares";
    let list = Ask { method: "GET", template: shares, values: &[&id], ..Ask::default() };
    let listed = ask(&desk, &crm, "service", list).await.json();
    assert_eq!((&listed["items"][0]["opens"], &listed["items"][0]["secret"]), (&json!(1), &Value::Null));
    let share = listed["items"][0]["id"].as_str().unwrap();
    let values = [id.as_str(), share];
    let end = Ask { method: "DELETE", template: "/v1/members/{id}/shares/{share}", values: &values, ..Ask::default() };
    assert_eq!(ask(&desk, &crm, "service", end).await.status, 204);
    for wrong in [json!({}), json!({"recipient": "No!"}), json!({"fields": "name"}), json!({"extra": 1})] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        if wrong == json!({}) {
            body.as_object_mut().unwrap().remove("fields");
        }
        let make =
            Ask { method: "POST", template, values: &[&id, "core", "profile"], body: Some(body), ..Ask::default() };
        assert_eq!(ask(&desk, &crm, "service", make).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_newsletter_goes_to_those_who_agree_with_address_and_language_alone() {
    let desk = Desk::new();
    let everybody: Vec<_> = (0..6).map(|number| member(&desk.vault.vault, number)).collect();
    everybody.iter().take(4).for_each(|id| agree(&desk.vault.vault, id, "newsletter"));
    let marketing = desk.token(Role::Marketing, None);
    let page = |query: String| {
        let (desk, marketing) = (&desk, &marketing);
        async move {
            let read = Ask { method: "GET", template: "/v1/audience", query: &query, ..Ask::default() };
            ask(desk, marketing, "newsletter", read).await
        }
    };
    const PROFILES: &str = "?compartment=core&name=profile&limit=3";
    let first = page(PROFILES.to_owned()).await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    let fields: Vec<_> = first["items"][0]["data"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["email", "locale"]);
    let seen: Vec<_> = first["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let last = everybody.iter().take(4).find(|id| !seen.contains(&json!(id))).unwrap();
    withdraw(&desk.vault.vault, last, "newsletter");
    let next = first["next"].as_str().unwrap();
    assert_eq!(page(format!("{PROFILES}&cursor={next}")).await.json(), json!({"items": []}));
    for query in ["", "?compartment=core", "?compartment=Core&name=profile", "?compartment=core&name=profile&cursor=x"]
    {
        assert_eq!(page(query.to_owned()).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_segment_is_counted_and_listed_above_the_floor() {
    let desk = Desk::new();
    for number in 0..25 {
        agree(&desk.vault.vault, &member(&desk.vault.vault, number), "analytics");
    }
    let analyst = desk.token(Role::Analyst, None);
    let question = |question: Value, limit: Option<u32>| {
        let mut body = json!({"compartment": "core", "name": "profile", "where": question});
        body.as_object_mut().unwrap().extend(limit.map(|limit| ("limit".to_owned(), json!(limit))));
        Some(body)
    };
    let gold = || json!({"field": "loyalty_tier", "eq": "gold"});
    let count = |body| {
        ask(
            &desk,
            &analyst,
            "analytics",
            Ask { method: "POST", template: "/v1/segments/count", body, ..Ask::default() },
        )
    };
    let list = |body| {
        ask(
            &desk,
            &analyst,
            "analytics",
            Ask { method: "POST", template: "/v1/segments/members", body, ..Ask::default() },
        )
    };
    let counted = count(question(gold(), None)).await;
    assert_eq!(counted.json(), json!({"count": 25, "below_floor": false, "floor": 20, "step": 5}));
    let few = json!({"field": "preferences", "at": ["topics"], "contains": "kids"});
    assert_eq!(count(question(few.clone(), None)).await.json(), json!({"below_floor": true, "floor": 20, "step": 5}));
    assert_eq!(list(question(few, None)).await.json(), json!({"items": [], "below_floor": true, "floor": 20}));
    let listed = list(question(gold(), Some(10))).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 10);
    assert!(listed["items"][0].as_str().unwrap().starts_with("psn_") && listed["next"].is_string());
    for body in [question(json!({"field": "email", "eq": "x"}), None), question(json!({"like": 1}), None)] {
        assert_eq!(count(body).await.status, 400);
    }
    assert_eq!(list(question(gold(), Some(501))).await.status, 400);
}
