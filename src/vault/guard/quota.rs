//! How many members a token may touch, and how many it may be shown in bulk outside a window.
//!
//! Whoever stands at the machine holds the keys and is not counted, nor is a member that sees to itself. The first
//! refusal of a span is a leaf of the ledger and an alert; the others are counters, so that a token cannot fill the
//! ledger with them.

use crate::clock::Timestamp;
use crate::policy::{Action, Denial};
use crate::types::{Actor, TokenId};

use super::super::act::Refusal;
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::alert::AlertKind;
use super::tally::{DAY_MS, HOUR_MS, MINUTE_MS, Span};

/// How a token stands before an act.
enum Standing {
    Fine,
    /// It must wait; whether this is news.
    Over {
        retry_after_s: u32,
        news: bool,
    },
    /// It needs a window; whether this is news.
    Closed {
        news: bool,
    },
}

/// Whether the act shows many members at once, or all of one, so that a copy of the vault can be made of it.
const fn reads_in_bulk(action: Action) -> bool {
    matches!(
        action,
        Action::MemberList | Action::AudienceRead | Action::SegmentRead | Action::RecordQuery | Action::MemberExport
    )
}

/// Members an act touches as far as that is known before it: one, or `None` for as many as a page holds.
fn touched_before(action: Action) -> Option<u64> {
    let one = action == Action::MemberLookup || (action.uses_data() && action.needs_live_member());
    one.then_some(1)
}

fn counted(actor: &Actor) -> bool {
    actor.token != TokenId::LOCAL_OPERATOR && actor.member.is_none()
}

impl Case<'_> {
    /// Counts what is about to be touched, and refuses what is too much. Called once an act is permitted.
    pub(crate) fn within_bounds(&self, action: Action) -> Result<(), Refusal> {
        let bulk = reads_in_bulk(action);
        let one = touched_before(action);
        if !counted(&self.ctx.actor) || !(bulk || one.is_some()) {
            return Ok(());
        }
        match self.vault.stands(&self.ctx.actor, self.now, bulk, one) {
            Standing::Fine => Ok(()),
            Standing::Over { retry_after_s, news } => {
                Err(self.too_much(action, Denial::OverQuota, Error::RateLimited { retry_after_s }, news))
            }
            Standing::Closed { news } => {
                Err(self.too_much(action, Denial::WindowClosed, Denial::WindowClosed.into(), news))
            }
        }
    }

    /// Counts the members that a page of a bulk read is about to show.
    pub(crate) fn shows(&self, members: usize) {
        let actor = &self.ctx.actor;
        if !counted(actor) || self.vault.window_is_open(&actor.token, self.now) {
            return;
        }
        let (now, more) = (self.now, members as u64);
        self.vault.guards().tallies.of(&actor.token, now, |tally| {
            tally.bulk.at(now, HOUR_MS).add(more);
            tally.hour.at(now, HOUR_MS).add(more);
            tally.day.at(now, DAY_MS).add(more);
        });
    }

    fn too_much(&self, action: Action, denial: Denial, error: Error, news: bool) -> Refusal {
        self.vault.guards().counters.refused();
        if !news {
            return error.into();
        }
        let kind = if denial == Denial::OverQuota { AlertKind::QuotaExceeded } else { AlertKind::WindowClosed };
        self.vault.raise(kind, self.ctx, Some(action), None);
        Refusal::logged(error, self.vault.denial(self.ctx, action, denial, self.now))
    }

    /// Counts a denial; so many of them in a minute are worth an alert, once a minute.
    pub(super) fn count_denial(&self, action: Action) {
        let actor = &self.ctx.actor;
        let bound = self.vault.guards().settings.load().denials_per_minute;
        if actor.token == TokenId::LOCAL_OPERATOR || bound == 0 {
            return;
        }
        let count = self
            .vault
            .guards()
            .tallies
            .of(&actor.token, self.now, |tally| tally.denials.at(self.now, MINUTE_MS).add(1));
        if count == u64::from(bound) {
            self.vault.raise(AlertKind::DeniedBurst, self.ctx, Some(action), None);
        }
    }
}

impl Vault {
    fn stands(&self, actor: &Actor, now: Timestamp, bulk: bool, one: Option<u64>) -> Standing {
        let settings = self.guards().settings.load();
        let own = self.tokens().quota_of(&actor.token);
        let hourly = least(settings.members_per_hour.get(&actor.role).copied(), own.0);
        let daily = least(settings.members_per_day.get(&actor.role).copied(), own.1);
        let unwatched = if bulk { self.window_is_open(&actor.token, now) } else { hourly == 0 && daily == 0 };
        if unwatched {
            return Standing::Fine;
        }
        let more = one.unwrap_or(0);
        self.guards().tallies.of(&actor.token, now, |tally| {
            if bulk && tally.bulk.at(now, HOUR_MS).would_pass(settings.bulk_members_per_hour, more) {
                return Standing::Closed { news: tally.bulk.tell() };
            }
            for (span, period, bound) in [(&mut tally.day, DAY_MS, daily), (&mut tally.hour, HOUR_MS, hourly)] {
                if span.at(now, period).would_pass(bound, more) {
                    return Standing::Over { retry_after_s: Span::ends_in_s(now, period), news: span.tell() };
                }
            }
            tally.hour.add(more);
            tally.day.add(more);
            if bulk {
                tally.bulk.add(more);
            }
            Standing::Fine
        })
    }
}

/// The lower of two bounds, zero and nothing being none.
fn least(role: Option<u32>, own: Option<u32>) -> u32 {
    let bounds = [role, own].into_iter().flatten().filter(|bound| *bound != 0);
    bounds.min().unwrap_or(0)
}
