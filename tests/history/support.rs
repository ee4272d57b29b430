//! A vault with members in it, and those who ask.

use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Actor, Ctx, MemberId, RecordMeta, Role, TokenId};
use membervault::vault::api::{NewMember, NewToken, Page, RecordAddress, RecordQuery};
use membervault::vault::consent::{Method, NewConsent, Notice};
use membervault::vault::history::HistoryEntry;
use serde_json::{Map, Value, json};

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

pub(crate) fn member(test: &TestVault, number: u32) -> MemberId {
    let profile = object(json!({
        "external_id": format!("CRM-{number}"), "email": format!("m{number}@example.org"), "name": "Maria Muster",
        "locale": "de-DE", "loyalty_tier": "gold", "birth_date": "1985-02-03", "address": "Street 1", "postal_code": "81234"
    }));
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    let id = test.vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id;
    let consent = NewConsent {
        notice: Notice { version: "1".to_owned(), sha256: None, language: None },
        notice_text: Some("Once a month.".to_owned()),
        method: Method::WebForm,
        place: None,
        explicit: false,
        expires_at: None,
    };
    test.vault.give_consent(&ctx(Role::Crm), &id, &"newsletter".parse().unwrap(), &consent).wait().unwrap();
    id
}

pub(crate) fn read(test: &TestVault, ctx: &Ctx, member: &MemberId, fields: Option<&[&str]>) {
    let fields = fields.map(|names| names.iter().map(|name| name.parse().unwrap()).collect());
    let query = RecordQuery { address: RecordAddress::profile(*member), fields };
    test.vault.read_record(ctx, &query).wait().unwrap();
}

pub(crate) fn page(limit: usize) -> Page {
    Page { cursor: None, limit }
}

pub(crate) fn history(test: &TestVault, ctx: &Ctx, member: &MemberId) -> Vec<HistoryEntry> {
    let mut page = page(7);
    let mut all = Vec::new();
    loop {
        let listing = test.vault.history(ctx, member, &page).wait().unwrap();
        all.extend(listing.items);
        page.cursor = listing.next;
        if page.cursor.is_none() {
            return all;
        }
    }
}

/// The member's own token.
pub(crate) fn own(member: MemberId) -> Ctx {
    let actor = Actor { token: TokenId::from_bytes([77; 8]), member: Some(member), ..Actor::local(Role::Member) };
    Ctx { actor, ..ctx(Role::Member) }
}

/// A token of this role that says whose it is.
pub(crate) fn of(role: Role, purpose: &str, organisation: &str) -> Ctx {
    let mut ctx = ctx_for(role, purpose);
    ctx.actor.organisation = Some(organisation.into());
    ctx
}

pub(crate) fn mailer() -> NewToken {
    NewToken {
        organisation: Some("Mailer Ltd".to_owned()),
        recipient: "mailer".parse().ok(),
        ..NewToken::new(Role::Marketing, "newsletter")
    }
}
