//! Freezes: the use of member data stops for a token, a role, or everybody, until somebody else lifts it.
//!
//! A frozen token or role can do nothing at all, so that a stolen token of role `compliance` cannot lift its own freeze;
//! only the operator at the machine is outside those two. A freeze of `all` stops the use of member data and whatever
//! hands out more of it, for everybody, also at the machine; what an incident is handled with goes on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::codec::Event;
use crate::codec::RowStamp;
use crate::crypto;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::tables;
use crate::types::{Actor, Ctx, FreezeScope, Role, TokenId};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::Listing;
use super::super::api::guard::{Freeze, NewFreeze, Noted};
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::alert::AlertKind;
use super::{Guards, check_reason};

/// Freezes that can stand together.
pub(crate) const FREEZES_MAX: usize = 1_000;

/// The freezes that stand.
#[derive(Clone, Default)]
pub(super) struct Freezes(HashMap<FreezeScope, Freeze>);

impl Freezes {
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn stop(&self, actor: &Actor, action: Action) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let stands = |scope| self.0.contains_key(&scope);
        let remote = actor.token != TokenId::LOCAL_OPERATOR;
        (remote && (stands(FreezeScope::Token(actor.token)) || stands(FreezeScope::Role(actor.role))))
            || (stands(FreezeScope::All) && stops_with_all(action, actor.role))
    }
}

/// Whether a freeze of all stops this. Erasing is left to compliance, so that a stolen token cannot erase its traces.
fn stops_with_all(action: Action, role: Role) -> bool {
    let erases = matches!(action, Action::MemberErase | Action::CompartmentErase);
    action.uses_data() || action == Action::MemberTokenCreate || (erases && role != Role::Compliance)
}

impl Vault {
    /// Stops the use of member data. In force with the reply: no read that is answered later shows anything.
    ///
    /// A freeze of the same scope that stands gets this reason.
    ///
    /// # Errors
    /// `not_found` for a token that is not there; `invalid_request` for a reason out of bounds; `limit_reached`.
    pub fn set_freeze<'v>(&'v self, ctx: &'v Ctx, input: &'v NewFreeze) -> Act<'v, Freeze> {
        Act::new(self, move || prepare_set(&Case::open(self, ctx), input))
    }

    /// The freezes that stand, by scope.
    pub fn list_freezes<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, Listing<Freeze>> {
        Act::new(self, move || {
            Case::open(self, ctx).decide_plain(Action::FreezeSet)?;
            let mut items: Vec<_> = self.guards().freezes.load().0.values().cloned().collect();
            items.sort_by_key(|freeze| freeze.id);
            Ok(Prepared::unlogged(Listing { items, next: None }))
        })
    }

    /// Lifts a freeze.
    ///
    /// # Errors
    /// `not_found` where none stands.
    pub fn release_freeze<'v>(&'v self, ctx: &'v Ctx, scope: &'v FreezeScope) -> Act<'v, ()> {
        Act::new(self, move || prepare_release(&Case::open(self, ctx), scope))
    }

    pub(super) fn load_freezes(&self) -> Result<(), Error> {
        let mut freezes = Freezes::default();
        let mut after = None;
        loop {
            let chunk = tables::freeze::list(self.engine(), after.as_ref(), tables::SCAN_ROWS_MAX)?;
            for (scope, row) in &chunk.items {
                freezes.0.insert(*scope, self.open_freeze(scope, row)?);
            }
            after = chunk.items.last().map(|(scope, _)| *scope).filter(|_| chunk.more);
            if after.is_none() {
                break;
            }
        }
        self.guards().freezes.store(Arc::new(freezes));
        Ok(())
    }

    fn open_freeze(&self, scope: &FreezeScope, row: &[u8]) -> Result<Freeze, Error> {
        let Noted { reason, at, by, .. } = self.open_note(&tables::freeze::key(scope), row)?;
        Ok(Freeze { id: *scope, reason, set_at: at, set_by: by })
    }

    /// Brings memory to what is stored of this scope now. Two that set and release at once end with what was committed
    /// last, in whatever order they come here. A row that cannot be read freezes, as does one that cannot be opened.
    fn learn_freeze(&self, scope: &FreezeScope, told: &Freeze) {
        let guards = self.guards();
        let _turn = guards.learning.lock();
        let stored = match tables::freeze::row(self.engine(), scope) {
            Ok(row) => row.map(|row| self.open_freeze(scope, &row).unwrap_or_else(|_| told.clone())),
            Err(_) => Some(told.clone()),
        };
        guards.learn_freeze(scope, stored);
    }
}

impl Guards {
    fn learn_freeze(&self, scope: &FreezeScope, stored: Option<Freeze>) {
        let mut freezes = Freezes::clone(&self.freezes.load());
        match stored {
            Some(freeze) => freezes.0.insert(*scope, freeze),
            None => freezes.0.remove(scope),
        };
        self.freezes.store(Arc::new(freezes));
        self.frozen.fetch_add(1, Ordering::AcqRel);
    }
}

fn prepare_set(case: &Case<'_>, input: &NewFreeze) -> Decision<Freeze> {
    case.decide_plain(Action::FreezeSet)?;
    check_reason(&input.reason)?;
    let (vault, scope) = (case.vault, input.scope);
    if let FreezeScope::Token(token) = &scope {
        vault.tokens().role_of(token).ok_or_else(Error::not_found)?;
    }
    if vault.guards().freezes.load().0.len() >= FREEZES_MAX {
        return Err(Error::LimitReached { limit: "1,000 freezes stand; release some, or freeze a role" }.into());
    }
    let freeze = Freeze { id: scope, reason: input.reason.clone(), set_at: case.now, set_by: case.ctx.actor.token };
    let key = tables::freeze::key(&scope);
    let note = Noted { reason: freeze.reason.clone(), at: freeze.set_at, by: freeze.set_by, until: None };
    let (row, digest) = vault.seal_note(&key, &note)?;
    let mut change = vault.event(case.ctx, Event::Freeze(digest), case.now);
    change.put(tables::freeze::KEYSPACE, key, row);
    let (vault, ctx) = (vault.clone(), case.ctx.clone());
    Ok(Prepared::durable(freeze, change).then(move |freeze, _| {
        vault.learn_freeze(&scope, freeze);
        vault.raise(AlertKind::Frozen, &ctx, None, Some(scope.to_string()));
    }))
}

fn prepare_release(case: &Case<'_>, scope: &FreezeScope) -> Decision<()> {
    case.decide_plain(Action::FreezeRelease)?;
    let vault = case.vault;
    let row = tables::freeze::row(vault.engine(), scope)?.ok_or_else(Error::not_found)?;
    let freeze = vault.open_freeze(scope, &row)?;
    let (key, scope) = (tables::freeze::key(scope), *scope);
    let mut change = vault.event(case.ctx, Event::FreezeRelease(crypto::sha256(&[&row])), case.now);
    let stamp = Some(RowStamp::of(&row));
    change.relies_on(Reliance::Row { keyspace: tables::freeze::KEYSPACE, key: key.clone(), stamp });
    change.delete(tables::freeze::KEYSPACE, key);
    let (vault, ctx) = (vault.clone(), case.ctx.clone());
    Ok(Prepared::durable((), change).then(move |(), _| {
        vault.learn_freeze(&scope, &freeze);
        vault.raise(AlertKind::Unfrozen, &ctx, None, Some(scope.to_string()));
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Denial;
    use crate::testkit::vault::{TestVault, ctx};

    /// What `prepare` of a read or write finds, with a freeze of all acknowledged right after its first decision.
    fn raced(vault: &Vault, prepare: impl Fn(&Case<'_>) -> Decision<u32> + Send + Sync) -> Result<u32, Error> {
        let (crm, compliance) = (ctx(Role::Crm), ctx(Role::Compliance));
        let all = NewFreeze { scope: FreezeScope::All, reason: "a drill".to_owned() };
        let mut first = true;
        let act = Act::new(vault, || {
            let decision = prepare(&Case::open(vault, &crm));
            if std::mem::take(&mut first) {
                vault.set_freeze(&compliance, &all).wait().unwrap();
            }
            decision
        });
        act.wait()
    }

    #[test]
    fn a_read_that_was_decided_before_a_freeze_does_not_leave_after_it() {
        let test = TestVault::new(1);
        let read = raced(&test.vault, |case| {
            case.decide_plain(Action::MemberList)?;
            Ok(Prepared::logged(7, case.vault.event(case.ctx, Event::MemberList, case.now)))
        });
        assert!(matches!(read, Err(Error::Denied(Denial::Frozen))));
    }

    #[test]
    fn a_write_that_is_committed_is_acknowledged() {
        let test = TestVault::new(2);
        let written = raced(&test.vault, |case| {
            case.decide_plain(Action::MemberCreate)?;
            Ok(Prepared::durable(7, case.vault.event(case.ctx, Event::Import, case.now)))
        });
        assert_eq!(written.ok(), Some(7));
    }

    #[test]
    fn who_was_not_frozen_gets_the_reply() {
        let test = TestVault::new(3);
        let read = raced(&test.vault, |case| {
            let status = ctx(Role::Ops);
            Case::open(case.vault, &status).decide_plain(Action::StatusRead)?;
            Ok(Prepared::logged(7, case.vault.event(&status, Event::MemberList, case.now)))
        });
        assert_eq!(read.ok(), Some(7));
    }
}
