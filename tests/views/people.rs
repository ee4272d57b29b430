//! Members who agree and members who do not.

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx, ctx_for};
use membervault::types::{Ctx, MemberId, Purpose, RecordMeta, RequestId, Role};
use membervault::vault::api::{NewMember, NewToken};
use membervault::vault::consent::{Method, NewConsent, Notice};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value, json};

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => panic!("an object"),
    }
}

pub(crate) fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

pub(crate) fn purpose(name: &str) -> Purpose {
    name.parse().unwrap()
}

/// A member of this number, who agreed to nothing.
pub(crate) fn member(vault: &Vault, number: u32) -> MemberId {
    let profile = object(json!({
        "external_id": format!("CRM-{number}"),
        "email": format!("member{number}@example.org"),
        "name": "Maria Muster",
        "birth_date": format!("{}-01-09", 1950 + number % 50),
        "locale": if number.is_multiple_of(2) { "de_DE" } else { "fr_FR" },
        "address": "Lindenweg 7",
        "postal_code": "81461",
        "country": if number.is_multiple_of(3) { "DE" } else { "FR" },
        "loyalty_tier": "gold",
        "joined_at": "2023-11-24T03:26:42.121770Z",
        "preferences": {"topics": ["books", if number.is_multiple_of(5) { "kids" } else { "tea" }]},
    }));
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

pub(crate) fn agree(vault: &Vault, member: &MemberId, to: &str) {
    let form = NewConsent {
        notice: Notice { version: "2026-01".to_owned(), sha256: None, language: None },
        notice_text: Some("We use your data for this.".to_owned()),
        method: Method::WebForm,
        place: None,
        explicit: false,
        expires_at: None,
    };
    vault.give_consent(&ctx(Role::Crm), member, &purpose(to), &form).wait().unwrap();
}

pub(crate) fn withdraw(vault: &Vault, member: &MemberId, to: &str) {
    vault.withdraw_consent(&ctx(Role::Crm), member, &purpose(to)).wait().unwrap();
}

/// A caller with a real token of this role, for this purpose.
pub(crate) fn caller(test: &TestVault, role: Role, purpose: &str) -> Ctx {
    let issued = test.vault.create_token(&ctx(Role::Admin), &NewToken::new(role, "a test")).wait().unwrap();
    Ctx { actor: test.vault.authenticate(&issued.secret).unwrap(), ..ctx_for(role, purpose) }
}

pub(crate) fn request(number: u8) -> RequestId {
    RequestId::from_random([number; 16])
}
