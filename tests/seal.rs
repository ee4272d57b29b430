//! Erase, then seal: what each step leaves behind, what a crash after it comes to, what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

#[path = "seal/holders.rs"]
mod holders;
#[path = "seal/recovery.rs"]
mod recovery;
#[path = "seal/rounds.rs"]
mod rounds;

use std::ops::ControlFlow;
use std::sync::Arc;

use membervault::testkit::vault::{TestVault, ctx};
use membervault::types::{ErasureId, MemberId, RecordMeta, Role};
use membervault::vault::api::{NewMember, RecordAddress, RecordQuery, Stage};
use membervault::vault::seal::{Step, StepWatch};
use membervault::vault::{Error, Vault};
use serde_json::{Map, Value, json};

/// Creates a member whose e-mail tells who it is.
pub(crate) fn create(vault: &Vault, name: &str) -> MemberId {
    let profile = json!({ "email": format!("{name}@example.org"), "name": name });
    let Value::Object(profile) = profile else { unreachable!() };
    let new = NewMember { profile, meta: RecordMeta::default(), idempotency_key: None };
    vault.create_member(&ctx(Role::Crm), &new).wait().unwrap().id
}

pub(crate) fn erase(vault: &Vault, member: &MemberId) -> ErasureId {
    vault.erase(&ctx(Role::Compliance), member, None).wait().unwrap().id
}

pub(crate) fn seal(vault: &Vault) -> Result<membervault::vault::seal::SealReport, Error> {
    vault.seal(&ctx(Role::Ops))
}

pub(crate) fn stage(vault: &Vault, erasure: &ErasureId) -> Stage {
    vault.erasure(&ctx(Role::Compliance), erasure).wait().unwrap().stage
}

/// The profile, as the CRM reads it.
pub(crate) fn read(vault: &Vault, member: &MemberId) -> Result<Map<String, Value>, Error> {
    let query = RecordQuery { address: RecordAddress::profile(*member), fields: None };
    let view = vault.read_record(&ctx(Role::Crm), &query).wait()?;
    Ok(serde_json::from_slice(view.data.as_bytes()).unwrap())
}

/// Ends the seal after one step, as a crash does.
pub(crate) fn crash_after(last: Step) -> Option<StepWatch> {
    Some(Arc::new(move |step| if step == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }))
}

/// The vault in order: nothing that does not open, and everybody who should be readable is.
pub(crate) fn assert_sound(test: &TestVault, live: &[MemberId]) {
    let examined = test.vault.examine(&ctx(Role::Ops)).wait().unwrap();
    assert!(examined.is_sound(), "{examined:?}");
    assert_eq!(examined.members, live.len() as u64);
    live.iter().for_each(|member| drop(read(&test.vault, member).unwrap()));
}
