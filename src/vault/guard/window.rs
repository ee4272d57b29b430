//! Windows for bulk reads: who reads many members needs somebody else to say why, and for how long.
//!
//! One window a token; another one takes its place. It closes by itself, with no more to be done than to look at the
//! clock, so no job can fail to close it. Rows of windows that have closed are removed when the next one is opened.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::codec::{Event, RowStamp};
use crate::crypto;
use crate::ledger::Reliance;
use crate::policy::Action;
use crate::tables;
use crate::types::{Ctx, TokenId};

use super::super::act::{Act, Decision, Prepared};
use super::super::api::Listing;
use super::super::api::guard::{NewWindow, Noted, Window};
use super::super::pipeline::Case;
use super::super::{Error, Vault};
use super::alert::AlertKind;
use super::{WINDOW_MINUTES_MAX, check_reason};

/// Windows that can be open together.
const WINDOWS_MAX: usize = 1_000;
/// Rows of closed windows that are removed when another is opened.
const REMOVED_MAX: usize = 16;
const MINUTE_MS: u64 = 60_000;

/// The windows that were opened, by token; some may have closed by themselves.
#[derive(Clone, Default)]
pub(super) struct Windows(HashMap<TokenId, Window>);

impl Vault {
    /// Whether the token may read in bulk just now.
    pub(super) fn window_is_open(&self, token: &TokenId, now: Timestamp) -> bool {
        self.guards().windows.load().0.get(token).is_some_and(|window| window.is_open(now))
    }

    /// Opens a window for bulk reads, or replaces the one of this token.
    ///
    /// # Errors
    /// `not_found` for a token that is not there; `invalid_request` for a reason or time out of bounds; `limit_reached`.
    pub fn open_window<'v>(&'v self, ctx: &'v Ctx, input: &'v NewWindow) -> Act<'v, Window> {
        Act::new(self, move || prepare_open(&Case::open(self, ctx), input))
    }

    /// The windows that are open, by token.
    pub fn list_windows<'v>(&'v self, ctx: &'v Ctx) -> Act<'v, Listing<Window>> {
        Act::new(self, move || {
            let case = Case::open(self, ctx);
            case.decide_plain(Action::WindowOpen)?;
            let windows = self.guards().windows.load();
            let mut items: Vec<_> = windows.0.values().filter(|window| window.is_open(case.now)).cloned().collect();
            items.sort_by_key(|window| window.token);
            Ok(Prepared::unlogged(Listing { items, next: None }))
        })
    }

    /// Closes a window before its time.
    ///
    /// # Errors
    /// `not_found` where none is open.
    pub fn close_window<'v>(&'v self, ctx: &'v Ctx, token: &'v TokenId) -> Act<'v, ()> {
        Act::new(self, move || prepare_close(&Case::open(self, ctx), token))
    }

    pub(super) fn load_windows(&self) -> Result<(), Error> {
        let mut windows = Windows::default();
        let mut after = None;
        loop {
            let chunk = tables::window::list(self.engine(), after.as_ref(), tables::SCAN_ROWS_MAX)?;
            for (token, row) in &chunk.items {
                windows.0.insert(*token, self.stored_window(token, row)?);
            }
            after = chunk.items.last().map(|(token, _)| *token).filter(|_| chunk.more);
            if after.is_none() {
                break;
            }
        }
        self.guards().windows.store(Arc::new(windows));
        Ok(())
    }

    fn stored_window(&self, token: &TokenId, row: &[u8]) -> Result<Window, Error> {
        let Noted { reason, at, by, until } = self.open_note(&tables::window::key(token), row)?;
        Ok(Window { token: *token, reason, opened_at: at, opened_by: by, closes_at: until.unwrap_or(at) })
    }

    /// Brings memory to what is stored of these tokens now; a row that cannot be read opens nothing.
    fn learn_windows(&self, tokens: &[TokenId]) {
        let guards = self.guards();
        let _turn = guards.learning.lock();
        let mut windows = Windows::clone(&guards.windows.load());
        for token in tokens {
            let row = tables::window::row(self.engine(), token).ok().flatten();
            match row.and_then(|row| self.stored_window(token, &row).ok()) {
                Some(window) => windows.0.insert(*token, window),
                None => windows.0.remove(token),
            };
        }
        guards.windows.store(Arc::new(windows));
    }
}

fn prepare_open(case: &Case<'_>, input: &NewWindow) -> Decision<Window> {
    case.decide_plain(Action::WindowOpen)?;
    check_reason(&input.reason)?;
    if !(1..=WINDOW_MINUTES_MAX).contains(&input.minutes) {
        return Err(Error::invalid("/minutes", "a window is open for 1 to 480 minutes").into());
    }
    let (vault, token) = (case.vault, input.token);
    vault.tokens().role_of(&token).ok_or_else(Error::not_found)?;
    let known = vault.guards().windows.load_full();
    let past = known.0.values().filter(|window| !window.is_open(case.now) && window.token != token);
    let mut past: Vec<_> = past.map(|window| window.token).collect();
    if known.0.len().saturating_sub(past.len()) >= WINDOWS_MAX {
        return Err(Error::LimitReached { limit: "1,000 windows are open; close some" }.into());
    }
    let window = Window {
        token,
        reason: input.reason.clone(),
        opened_at: case.now,
        opened_by: case.ctx.actor.token,
        closes_at: case.now.plus_millis(u64::from(input.minutes) * MINUTE_MS),
    };
    let key = tables::window::key(&token);
    let note = Noted {
        reason: window.reason.clone(),
        at: window.opened_at,
        by: window.opened_by,
        until: Some(window.closes_at),
    };
    let (row, digest) = vault.seal_note(&key, &note)?;
    let mut change = vault.event(case.ctx, Event::WindowOpen(digest), case.now);
    past.truncate(REMOVED_MAX);
    for token in &past {
        let key = tables::window::key(token);
        // One that was opened anew meanwhile must not go with the one that closed.
        let stamp = tables::window::row(vault.engine(), token)?.map(|row| RowStamp::of(&row));
        change.relies_on(Reliance::Row { keyspace: tables::window::KEYSPACE, key: key.to_vec(), stamp });
        change.delete(tables::window::KEYSPACE, key);
    }
    change.put(tables::window::KEYSPACE, key, row);
    let (vault, ctx) = (vault.clone(), case.ctx.clone());
    Ok(Prepared::durable(window, change).then(move |_, _| {
        vault.learn_windows(&[past, vec![token]].concat());
        vault.raise(AlertKind::WindowOpened, &ctx, None, Some(token.to_string()));
    }))
}

fn prepare_close(case: &Case<'_>, token: &TokenId) -> Decision<()> {
    case.decide_plain(Action::WindowOpen)?;
    let vault = case.vault;
    let row = tables::window::row(vault.engine(), token)?.ok_or_else(Error::not_found)?;
    if !vault.stored_window(token, &row)?.is_open(case.now) {
        return Err(Error::not_found().into());
    }
    let (key, token) = (tables::window::key(token), *token);
    let mut change = vault.event(case.ctx, Event::WindowClose(crypto::sha256(&[&row])), case.now);
    let stamp = Some(RowStamp::of(&row));
    change.relies_on(Reliance::Row { keyspace: tables::window::KEYSPACE, key: key.to_vec(), stamp });
    change.delete(tables::window::KEYSPACE, key);
    let vault = vault.clone();
    Ok(Prepared::durable((), change).then(move |(), _| vault.learn_windows(&[token])))
}
