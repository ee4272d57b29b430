//! A vault, members in it, and those who deal with their requests.

use membervault::code::{Code, Coded};
use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{Ctx, IdentityMethod, MemberId, RecordMeta, RequestCaseId, Right, Role, TokenId};
use membervault::vault::api::{NewMember, NewRequest, Request};
use membervault::vault::request::{Check, Fulfil};
use membervault::vault::{Error, Vault};
use serde_json::{Value, json};

pub(crate) fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

pub(crate) fn create(vault: &Vault, email: &str) -> MemberId {
    let Value::Object(profile) = json!({"email": email, "name": "Maria Muster"}) else { panic!("an object") };
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

pub(crate) fn vault(seed: u64) -> (TestVault, MemberId) {
    let test = TestVault::new(seed);
    let id = create(&test.vault, "maria@example.org");
    (test, id)
}

/// A member with its own token.
pub(crate) fn itself(member: MemberId) -> Ctx {
    let mut own = ctx(Role::Member);
    own.actor.member = Some(member);
    own
}

/// Another person of compliance.
pub(crate) fn colleague() -> Ctx {
    let mut colleague = ctx(Role::Compliance);
    colleague.actor.token = TokenId::from_bytes([0xcc; 8]);
    colleague
}

pub(crate) fn new(kind: Right) -> NewRequest {
    let purposes = if kind == Right::Object { vec!["newsletter".parse().unwrap()] } else { Vec::new() };
    NewRequest { kind, purposes, note: Some("canary-words of Maria".to_owned()) }
}

pub(crate) fn open(vault: &Vault, by: &Ctx, member: &MemberId, kind: Right) -> Request {
    vault.open_request(by, member, &new(kind)).wait().unwrap()
}

pub(crate) fn check(vault: &Vault, id: &RequestCaseId) -> Request {
    let check = Check { method: IdentityMethod::KnownContact, note: None };
    vault.check_request(&ctx(Role::Compliance), id, &check).wait().unwrap()
}

pub(crate) fn fulfil(vault: &Vault, id: &RequestCaseId) -> Result<Request, Error> {
    vault.fulfil_request(&ctx(Role::Compliance), id, &Fulfil::default())
}

pub(crate) fn read(vault: &Vault, id: &RequestCaseId) -> Request {
    vault.request(&ctx(Role::Compliance), id).wait().unwrap()
}

/// The names of the steps.
pub(crate) fn steps(request: &Request) -> Vec<&'static str> {
    request.steps.iter().map(|step| step.what.as_str()).collect()
}
