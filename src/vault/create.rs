//! Create a member: new keys, a profile, its identifiers in the index; one durable commit.

use serde::{Deserialize, Serialize};

use crate::codec::{Event, RowStamp, keys, rows};
use crate::crypto;
use crate::keyring::MemberBody;
use crate::ledger::{Change, Reliance};
use crate::policy::{Action, MemberState};
use crate::store::Row;
use crate::tables;
use crate::types::place::ControlPlace;
use crate::types::{Compartment, Ctx, MemberId, Purpose, RecordVersion};

use super::act::{Act, Decision, Prepared};
use super::api::{Created, NewMember, RecordAddress};
use super::consent::{self, NewConsent};
use super::evidence::AccessDetail;
use super::pipeline::Case;
use super::records::NewRecord;
use super::schema::declared;
use super::{Error, Vault, dossier, input};

/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// How long an idempotency key is remembered: a day.
pub const IDEMPOTENCY_TTL_MS: u64 = 24 * 3_600 * 1_000;

/// Old outcomes looked at with each new one.
const TIDIED_EACH: usize = 4;

/// The outcome of a creation with an idempotency key (JSON, sealed). Names the member, holds nothing of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOutcome {
    member: MemberId,
    at: crate::clock::Timestamp,
    /// Keyed by the member's own key, so that it dies with the member.
    request_mac: String,
}

impl Vault {
    /// Creates a member with its profile.
    ///
    /// # Errors
    /// `identifier_taken`, `invalid_identifier`, `too_large`, `invalid_request`; `idempotency_mismatch` where the key
    /// was used for another request.
    pub fn create_member<'v>(&'v self, ctx: &'v Ctx, new: &'v NewMember) -> Act<'v, Created> {
        self.create_member_with(ctx, new, &[])
    }

    /// As [`Vault::create_member`], with the consents the member gives at the same time.
    ///
    /// # Errors
    /// As [`Vault::create_member`], and as [`Vault::give_consent`] for each of them.
    pub fn create_member_with<'v>(
        &'v self,
        ctx: &'v Ctx,
        new: &'v NewMember,
        consents: &'v [(Purpose, NewConsent)],
    ) -> Act<'v, Created> {
        Act::new(self, move || prepare(&Case::open(self, ctx), new, consents))
    }
}

fn prepare(case: &Case<'_>, new: &NewMember, consents: &[(Purpose, NewConsent)]) -> Decision<Created> {
    case.decide_plain(Action::MemberCreate)?;
    input::metadata(&new.meta)?;
    let json = input::record_text(&new.profile)?;
    let content = content_hash(json.expose(), consents)?;
    let idempotency = new.idempotency_key.as_deref().map(|key| Idempotency::of(case, key)).transpose()?;
    if let Some(created) = idempotency.as_ref().map(|known| known.replay(case, &content)).transpose()?.flatten() {
        return Ok(Prepared::unlogged(created));
    }
    declared::profile(case.map(), &new.profile)?;
    let consents = consent::first_entries(case, consents)?;
    let vault = case.vault;
    let id = MemberId::from_random(vault.random()?);
    let mut body = vault.keyring().new_member(case.now, &Compartment::core(), vault.entropy())?;
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let mut change = vault.access(case.ctx, Event::MemberCreate, &id, &body.mk, &detail)?;
    change.decided_at(case.mark);
    if let Some(idempotency) = &idempotency {
        idempotency.remember(case, &mut change, &id, &body, &content)?;
    }
    vault.reindex(&mut change, &id, None, Some(&new.profile))?;
    consent::put_first(case, &mut change, &id, &mut body, &consents)?;
    vault.put_member(&mut change, &id, &body)?;
    let address = RecordAddress::profile(id);
    let record = NewRecord::first(&address, case.now, &new.meta, json.expose());
    vault.put_row(&mut change, &body, &record, None)?;
    let created = Created { id, version: RecordVersion::FIRST, created_at: case.now };
    Ok(Prepared::durable(created, change))
}

/// An idempotency key of one token, and what is stored under it.
struct Idempotency {
    key: [u8; 17],
    row: Option<Row>,
}

impl Idempotency {
    fn of(case: &Case<'_>, text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.len() > IDEMPOTENCY_KEY_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid("Idempotency-Key", "an idempotency key has 1 to 128 visible ASCII characters"));
        }
        let token = case.vault.keyring().idempotency_token(&case.ctx.actor.token, text);
        let row = tables::idempotency::row(case.vault.engine(), &token)?;
        Ok(Self { key: tables::idempotency::key(&token), row })
    }

    /// The reply of the first request, if there was one and it still stands.
    fn replay(&self, case: &Case<'_>, content: &[u8; 32]) -> Result<Option<Created>, Error> {
        let Some(row) = &self.row else { return Ok(None) };
        let vault = case.vault;
        let outcome = self.opened(case, &self.key, row)?;
        if case.now.millis_since(outcome.at) > IDEMPOTENCY_TTL_MS {
            return Ok(None);
        }
        let found = case.find(&outcome.member)?;
        let Some(row) = found.row.filter(|_| found.state == MemberState::Live) else {
            return Err(Error::Denied(crate::policy::Denial::Gone));
        };
        let body = vault.keyring().open_member(vault.engine(), &outcome.member, &row)?;
        if outcome.request_mac != request_mac(&body, content) {
            return Err(Error::IdempotencyMismatch);
        }
        Ok(Some(Created { id: outcome.member, version: RecordVersion::FIRST, created_at: outcome.at }))
    }

    fn remember(
        &self,
        case: &Case<'_>,
        change: &mut Change,
        member: &MemberId,
        body: &MemberBody,
        content: &[u8; 32],
    ) -> Result<(), Error> {
        let outcome = StoredOutcome { member: *member, at: case.now, request_mac: request_mac(body, content) };
        let plain = serde_json::to_vec(&outcome).map_err(|_| Error::Internal("an outcome is serialisable"))?;
        let vault = case.vault;
        let place = ControlPlace { vault: vault.id(), row_key: &self.key };
        let row = vault.seal_row(vault.keyring().control(), &place, &plain)?;
        change.relies_on(Reliance::Row {
            keyspace: tables::idempotency::KEYSPACE,
            key: self.key.to_vec(),
            stamp: self.row.as_deref().map(RowStamp::of),
        });
        change.put(tables::idempotency::KEYSPACE, self.key, row);
        self.tidy(case, change)
    }

    /// Removes outcomes among the next few rows whose time is over. Row keys are random, so the rows of yesterday go as
    /// fast as those of today come, and no job is needed.
    fn tidy(&self, case: &Case<'_>, change: &mut Change) -> Result<(), Error> {
        let after = keys::parse_idempotency(&self.key)?;
        let next = tables::idempotency::list(case.vault.engine(), Some(&after), TIDIED_EACH)?;
        for outcome in next.items {
            let key = tables::idempotency::key(&outcome.token);
            let over = case.now.millis_since(self.opened(case, &key, &outcome.row)?.at) > IDEMPOTENCY_TTL_MS;
            if over {
                change.delete(tables::idempotency::KEYSPACE, key);
            }
        }
        Ok(())
    }

    fn opened(&self, case: &Case<'_>, key: &[u8], row: &[u8]) -> Result<StoredOutcome, Error> {
        let vault = case.vault;
        let place = ControlPlace { vault: vault.id(), row_key: key };
        let plain = crypto::open(vault.keyring().control(), &place, rows::sealed(row)?)?;
        serde_json::from_slice(plain.expose()).map_err(|_| Error::Internal("an opened outcome is an outcome"))
    }
}

fn request_mac(body: &MemberBody, content: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(&body.mk.notes().note.request_mac(content))
}

/// SHA-256 of the profile, and of the consents behind it if there are any.
fn content_hash(json: &[u8], consents: &[(Purpose, NewConsent)]) -> Result<[u8; 32], Error> {
    if consents.is_empty() {
        return Ok(crypto::sha256(&[json]));
    }
    let consents = dossier::text(&consents)?;
    Ok(crypto::sha256(&[json, consents.expose()]))
}
