//! API tokens: created, listed, revoked, checked on every request.
//!
//! All tokens of a vault are kept in memory (hash, role, expiry; never the secret), so authentication reads no row.
//! The stored row is sealed under the vault's control key. Revocation takes effect with its reply.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::Event;
use crate::codec::rows;
use crate::crypto;
use crate::ledger::Change;
use crate::policy::{Action, MemberState};
use crate::store::Keyspace;
use crate::tables;
use crate::types::place::ControlPlace;
use crate::types::{Actor, Ctx, MemberId, RecipientName, Role, TokenId};

use super::act::{Act, Decision, Prepared};
use super::api::{IssuedToken, Listing, NewToken, Page, TokenInfo};
use super::bearer;
use super::cursor::LISTING_TOKENS;
use super::pipeline::Case;
use super::rate::RateBucket;
use super::{Error, Vault};

/// Tokens of one vault. Revoked and expired ones count until their place is needed.
pub const TOKENS_MAX: usize = 10_000;
/// The life of a token when its creator does not say: 90 days.
pub const TTL_DEFAULT_MS: u64 = 90 * 24 * 3_600 * 1_000;
/// The longest life of a token: two years.
pub const TTL_MAX_MS: u64 = 2 * 366 * 24 * 3_600 * 1_000;
/// Bytes of a token's label.
pub const LABEL_BYTES_MAX: usize = 64;
/// Bytes of the name of the organisation that uses a token.
pub const ORGANISATION_BYTES_MAX: usize = 64;
/// The highest rate that can be set, in requests per second.
pub const RATE_MAX: u32 = 1_000_000;

/// A token as it is stored (JSON, sealed). Apart from [`TokenInfo`], which is what callers see.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredToken {
    role: Role,
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<MemberId>,
    created_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members_per_hour: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members_per_day: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient: Option<RecipientName>,
    secret_sha256: String,
}

/// A token as authentication needs it.
struct KnownToken {
    info: TokenInfo,
    /// Whom it makes of its bearer; made once, since every request asks.
    actor: Actor,
    hash: [u8; 32],
    rate: Option<RateBucket>,
}

/// All tokens of the vault, in memory.
#[derive(Default)]
pub(crate) struct TokenBook(RwLock<HashMap<TokenId, Arc<KnownToken>>>);

impl TokenBook {
    fn known(&self, id: &TokenId) -> Option<Arc<KnownToken>> {
        self.0.read().get(id).cloned()
    }

    pub(super) fn remember(&self, info: TokenInfo, hash: [u8; 32]) {
        let rate = info.rate_per_s.map(|rate| RateBucket::new(rate, info.created_at));
        let actor = Actor {
            token: info.id,
            role: info.role,
            member: info.member,
            organisation: info.organisation.as_deref().map(Arc::from),
            recipient: info.recipient.clone(),
        };
        self.0.write().insert(info.id, Arc::new(KnownToken { info, actor, hash, rate }));
    }

    /// Members a token may touch within an hour and a day, by its own bounds.
    pub(crate) fn quota_of(&self, id: &TokenId) -> (Option<u32>, Option<u32>) {
        self.0.read().get(id).map_or((None, None), |token| (token.info.members_per_hour, token.info.members_per_day))
    }

    /// The role of a token, also of one that has ended.
    pub(crate) fn role_of(&self, id: &TokenId) -> Option<Role> {
        self.known(id).map(|token| token.info.role)
    }

    pub(super) fn forget(&self, id: &TokenId) {
        self.0.write().remove(id);
    }

    /// The token that has to go so that another fits: the one that ended first. None while there is room.
    pub(super) fn room_for_one(&self, now: Timestamp) -> Result<Option<TokenId>, Error> {
        let tokens = self.0.read();
        if tokens.len() < TOKENS_MAX {
            return Ok(None);
        }
        let ended = |info: &TokenInfo| ended_at(info, now);
        let oldest = tokens.values().filter_map(|token| Some((ended(&token.info)?, token.info.id))).min();
        oldest
            .map(|(_, id)| Some(id))
            .ok_or(Error::LimitReached { limit: "the vault holds 10,000 live tokens; revoke those that are not used" })
    }

    /// How many live tokens of members there are, and up to `limit` that ended.
    pub(super) fn of_members(&self, now: Timestamp, limit: usize) -> (usize, Vec<TokenId>) {
        let (mut live, mut ended) = (0, Vec::new());
        for token in self.0.read().values().filter(|token| token.info.role == Role::Member) {
            match ended_at(&token.info, now) {
                None => live += 1,
                Some(_) if ended.len() < limit => ended.push(token.info.id),
                Some(_) => {}
            }
        }
        (live, ended)
    }

    /// What is known of a token that was not tidied away.
    pub(crate) fn info(&self, id: &TokenId) -> Option<TokenInfo> {
        self.known(id).map(|token| token.info.clone())
    }

    pub(crate) fn infos(&self) -> Vec<TokenInfo> {
        let mut infos: Vec<_> = self.0.read().values().map(|token| token.info.clone()).collect();
        infos.sort_by_key(|info| (info.created_at, info.id));
        infos
    }
}

/// When a token ended, if it has.
fn ended_at(info: &TokenInfo, now: Timestamp) -> Option<Timestamp> {
    info.revoked_at.or((now >= info.expires_at).then_some(info.expires_at))
}

impl Vault {
    /// Who presents this token. An unknown, expired or revoked token all look the same.
    pub fn authenticate(&self, bearer: &str) -> Result<Actor, Error> {
        let presented = bearer::parse(bearer).ok_or(Error::Unauthenticated)?;
        let tokens = self.tokens().0.read();
        let token = tokens.get(&presented.id).ok_or(Error::Unauthenticated)?;
        let genuine = crypto::equal_constant_time(&token.hash, &presented.hash);
        let now = self.now();
        if !genuine || token.info.revoked_at.is_some() || now >= token.info.expires_at {
            return Err(Error::Unauthenticated);
        }
        if let Some(rate) = &token.rate {
            rate.take(now).map_err(|retry_after_s| Error::RateLimited { retry_after_s })?;
        }
        Ok(token.actor.clone())
    }

    /// Whom a token makes of its bearer, as long as it is neither revoked nor at its end.
    pub(crate) fn live_actor(&self, id: &TokenId) -> Option<Actor> {
        let token = self.tokens().known(id)?;
        let lives = token.info.revoked_at.is_none() && self.now() < token.info.expires_at;
        lives.then(|| token.actor.clone())
    }

    /// Issues a token. Its secret is in the reply and nowhere else.
    ///
    /// # Errors
    /// `invalid_request` for a life, rate or label out of bounds, or a member where there must be none (or none where
    /// there must be one); `limit_reached` when the vault holds [`TOKENS_MAX`] tokens.
    pub fn create_token<'v>(&'v self, ctx: &'v Ctx, input: &'v NewToken) -> Act<'v, IssuedToken> {
        Act::new(self, move || prepare_create(&Case::open(self, ctx), input))
    }

    /// Lists tokens, oldest first.
    pub fn list_tokens<'v>(&'v self, ctx: &'v Ctx, page: &'v Page) -> Act<'v, Listing<TokenInfo>> {
        Act::new(self, move || prepare_list(&Case::open(self, ctx), page))
    }

    /// Revokes a token; revoking a revoked one changes nothing.
    pub fn revoke_token<'v>(&'v self, ctx: &'v Ctx, id: &'v TokenId) -> Act<'v, TokenInfo> {
        Act::new(self, move || prepare_revoke(&Case::open(self, ctx), id))
    }

    /// Reads all tokens into memory, when the vault is opened.
    pub(super) fn load_tokens(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let chunk = tables::token::list(self.engine(), after.as_ref(), tables::SCAN_ROWS_MAX)?;
            for (id, row) in &chunk.items {
                let (info, hash) = self.open_token(*id, row)?;
                self.tokens().remember(info, hash);
            }
            after = chunk.items.last().map(|(id, _)| *id).filter(|_| chunk.more);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn open_token(&self, id: TokenId, row: &[u8]) -> Result<(TokenInfo, [u8; 32]), Error> {
        let key = tables::token::key(&id);
        let place = ControlPlace { vault: self.id(), row_key: &key };
        let plain = crypto::open(self.keyring().control(), &place, rows::sealed(row)?)?;
        let undecodable = || Error::Internal("a token row that opens under the vault's key is a token");
        let stored: StoredToken = serde_json::from_slice(plain.expose()).map_err(|_| undecodable())?;
        let hash = data_encoding::HEXLOWER.decode(stored.secret_sha256.as_bytes()).map_err(|_| undecodable())?;
        let hash = hash.try_into().map_err(|_| undecodable())?;
        let StoredToken { role, label, member, created_at, expires_at, revoked_at, rate_per_s, .. } = stored;
        let (organisation, recipient) = (stored.organisation, stored.recipient);
        let (members_per_hour, members_per_day) = (stored.members_per_hour, stored.members_per_day);
        let info = TokenInfo {
            id,
            role,
            label,
            member,
            created_at,
            expires_at,
            revoked_at,
            rate_per_s,
            members_per_hour,
            members_per_day,
            organisation,
            recipient,
        };
        Ok((info, hash))
    }

    pub(super) fn put_token(&self, change: &mut Change, info: &TokenInfo, hash: &[u8; 32]) -> Result<(), Error> {
        let stored = StoredToken {
            role: info.role,
            label: info.label.clone(),
            member: info.member,
            created_at: info.created_at,
            expires_at: info.expires_at,
            revoked_at: info.revoked_at,
            rate_per_s: info.rate_per_s,
            members_per_hour: info.members_per_hour,
            members_per_day: info.members_per_day,
            organisation: info.organisation.clone(),
            recipient: info.recipient.clone(),
            secret_sha256: data_encoding::HEXLOWER.encode(hash),
        };
        let plain = serde_json::to_vec(&stored).map_err(|_| Error::Internal("a token is serialisable"))?;
        let key = tables::token::key(&info.id);
        let row = self.seal_row(self.keyring().control(), &ControlPlace { vault: self.id(), row_key: &key }, &plain)?;
        change.put(Keyspace::Control, key.to_vec(), row);
        Ok(())
    }
}

fn prepare_create(case: &Case<'_>, input: &NewToken) -> Decision<IssuedToken> {
    case.decide_plain(Action::TokenCreate)?;
    let vault = case.vault;
    check(case, input)?;
    let ended = vault.tokens().room_for_one(case.now)?;
    let (secret, drawn) = bearer::draw(vault.entropy())?;
    let info = TokenInfo {
        id: drawn.id,
        role: input.role,
        label: input.label.clone(),
        member: input.member,
        created_at: case.now,
        expires_at: input.expires_at.unwrap_or(case.now.plus_millis(TTL_DEFAULT_MS)),
        revoked_at: None,
        rate_per_s: input.rate_per_s,
        members_per_hour: input.members_per_hour,
        members_per_day: input.members_per_day,
        organisation: input.organisation.clone(),
        recipient: input.recipient.clone(),
    };
    let mut change = vault.event(case.ctx, Event::TokenCreate(info.id, info.role), case.now);
    vault.put_token(&mut change, &info, &drawn.hash)?;
    if let Some(ended) = &ended {
        change.delete(tables::token::KEYSPACE, tables::token::key(ended));
    }
    let book = vault.clone();
    let issued = IssuedToken { secret, info };
    Ok(Prepared::durable(issued, change).then(move |issued, _| {
        ended.iter().for_each(|id| book.tokens().forget(id));
        book.tokens().remember(issued.info.clone(), drawn.hash);
    }))
}

fn check(case: &Case<'_>, input: &NewToken) -> Result<(), Error> {
    if input.label.len() > LABEL_BYTES_MAX || input.label.chars().any(char::is_control) {
        return Err(Error::invalid("/label", "a label has at most 64 bytes and no control characters"));
    }
    let fits =
        |name: &String| (1..=ORGANISATION_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    if !input.organisation.as_ref().is_none_or(fits) {
        return Err(Error::invalid("/organisation", "an organisation has 1 to 64 bytes and no control characters"));
    }
    if input.rate_per_s.is_some_and(|rate| rate == 0 || rate > RATE_MAX) {
        return Err(Error::invalid("/rate_per_s", "a rate lies between 1 and 1,000,000 requests per second"));
    }
    if input.members_per_hour == Some(0) {
        return Err(Error::invalid("/members_per_hour", "a quota is at least 1; leave it out for that of the role"));
    }
    if input.members_per_day == Some(0) {
        return Err(Error::invalid("/members_per_day", "a quota is at least 1; leave it out for that of the role"));
    }
    let too_late = case.now.plus_millis(TTL_MAX_MS);
    if input.expires_at.is_some_and(|end| end <= case.now || end > too_late) {
        return Err(Error::invalid("/expires_at", "a token ends in the future, within two years"));
    }
    match (input.role, &input.member) {
        (Role::Member, Some(member)) if case.find(member)?.state == MemberState::Live => Ok(()),
        (Role::Member, Some(_)) => Err(Error::invalid("/member", "there is no such member")),
        (Role::Member, None) => Err(Error::invalid("/member", "a token of role member names its member")),
        (_, Some(_)) => Err(Error::invalid("/member", "only a token of role member names a member")),
        (_, None) => Ok(()),
    }
}

fn prepare_list(case: &Case<'_>, page: &Page) -> Decision<Listing<TokenInfo>> {
    case.decide_plain(Action::TokenList)?;
    let vault = case.vault;
    let after = page.cursor.as_deref().map(|cursor| vault.read_cursor(LISTING_TOKENS, cursor)).transpose()?;
    let mut items = vault.tokens().infos();
    if let Some(after) = after {
        let at = items.iter().position(|info| info.id.as_bytes() == after.as_slice()).map_or(items.len(), |at| at + 1);
        items.drain(..at);
    }
    let more = items.len() > page.limit;
    items.truncate(page.limit);
    let next = items.last().filter(|_| more).map(|info| vault.issue_cursor(LISTING_TOKENS, info.id.as_bytes()));
    Ok(Prepared::unlogged(Listing { items, next }))
}

fn prepare_revoke(case: &Case<'_>, id: &TokenId) -> Decision<TokenInfo> {
    case.decide_plain(Action::TokenRevoke)?;
    let vault = case.vault;
    let known = vault.tokens().known(id).ok_or_else(Error::not_found)?;
    if known.info.revoked_at.is_some() {
        return Ok(Prepared::unlogged(known.info.clone()));
    }
    let info = TokenInfo { revoked_at: Some(case.now), ..known.info.clone() };
    let mut change = vault.event(case.ctx, Event::TokenRevoke(info.id, info.role), case.now);
    vault.put_token(&mut change, &info, &known.hash)?;
    let (book, hash) = (vault.clone(), known.hash);
    Ok(Prepared::durable(info, change).then(move |info, _| book.tokens().remember(info.clone(), hash)))
}
