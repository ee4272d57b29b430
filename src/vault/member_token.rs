//! Short-lived tokens for members: the CRM asks for one when a member has logged in, and hands it to the member's own
//! centre. It speaks of that one member and of nothing else.
//!
//! They count among the tokens of the vault. Each new one takes some ended ones out of the book, so those that are
//! forgotten do not gather; a thousand places stay for the tokens of systems and people, whatever members do.

use crate::codec::Event;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::tables;
use crate::types::{Ctx, MemberId, Role};

use super::act::{Act, Decision, Prepared};
use super::api::{IssuedToken, NewMemberToken, TokenInfo};
use super::bearer;
use super::evidence::AccessDetail;
use super::pipeline::Case;
use super::tokens::TOKENS_MAX;
use super::{Error, Vault};

/// The life of a member's token when its creator does not say, in minutes.
pub const MINUTES_DEFAULT: u32 = 15;
/// The longest life of such a token: a day.
pub const MINUTES_MAX: u32 = 24 * 60;
/// Live tokens of members at one time.
pub const MEMBER_TOKENS_MAX: usize = TOKENS_MAX - 1_000;
/// Requests per second of one such token: a person and its browser.
pub const RATE_PER_S: u32 = 20;
/// Ended tokens that each new one takes out of the book.
const TIDIED_EACH: usize = 16;

const LABEL: &str = "the member's own centre";

impl Vault {
    /// Issues a token to one member. Its secret is in the reply and nowhere else.
    ///
    /// # Errors
    /// `invalid_request` for a life out of bounds; `limit_reached` while [`MEMBER_TOKENS_MAX`] are live; `not_found`,
    /// `gone`; a denial of the policy.
    pub fn create_member_token<'v>(
        &'v self,
        ctx: &'v Ctx,
        member: &'v MemberId,
        input: &'v NewMemberToken,
    ) -> Act<'v, IssuedToken> {
        Act::new(self, move || prepare(&Case::open(self, ctx), member, input))
    }
}

fn prepare(case: &Case<'_>, member: &MemberId, input: &NewMemberToken) -> Decision<IssuedToken> {
    let opened = case.open_member(Action::MemberTokenCreate, member, None)?;
    let minutes = input.minutes.unwrap_or(MINUTES_DEFAULT);
    if !(1..=MINUTES_MAX).contains(&minutes) {
        return Err(Error::invalid("/minutes", "a member's token lives 1 to 1440 minutes").into());
    }
    let vault = case.vault;
    let (live, mut ended) = vault.tokens().of_members(case.now, TIDIED_EACH);
    if live >= MEMBER_TOKENS_MAX {
        return Err(Error::LimitReached {
            limit: "9,000 tokens of members are live; wait until some end, or give them shorter lives",
        }
        .into());
    }
    if ended.is_empty() {
        ended.extend(vault.tokens().room_for_one(case.now)?);
    }
    let (secret, drawn) = bearer::draw(vault.entropy())?;
    let info = TokenInfo {
        id: drawn.id,
        role: Role::Member,
        label: LABEL.to_owned(),
        member: Some(*member),
        created_at: case.now,
        expires_at: case.now.plus_millis(u64::from(minutes) * 60_000),
        revoked_at: None,
        rate_per_s: Some(RATE_PER_S),
        members_per_hour: None,
        members_per_day: None,
        organisation: None,
        recipient: None,
    };
    // In the member's history too: who let it in, and when.
    let detail = AccessDetail::of_member(case.ctx, case.now);
    let event = |_| Event::TokenCreate(info.id, Role::Member);
    let mut change = vault.access(case.ctx, event, member, &opened.body.mk, &detail)?;
    change.decided_at(case.mark);
    change.relies_on(Reliance::NoErasureSince { generation: case.generation, member: *member });
    vault.put_token(&mut change, &info, &drawn.hash)?;
    for id in &ended {
        change.delete(tables::token::KEYSPACE, tables::token::key(id));
    }
    let book = vault.clone();
    let issued = IssuedToken { secret, info };
    Ok(Prepared::durable(issued, change).then(move |issued, _| {
        ended.iter().for_each(|id| book.tokens().forget(id));
        book.tokens().remember(issued.info.clone(), drawn.hash);
    }))
}
