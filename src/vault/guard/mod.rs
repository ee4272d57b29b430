//! Guards against the misuse of what is allowed: stops in an emergency, windows for bulk reads, quotas, canaries, alerts.
//!
//! The policy says what a role may do; a stolen or curious token does just that, only more of it. What is here stands
//! beside the policy, at the one place every decision passes (`Case::decide`), and only ever refuses.
//! Rows of freezes and windows are kept in memory too, so that a decision reads none; counters are in memory alone and
//! begin anew with each start.

pub mod alert;
mod canary;
mod freeze;
mod quota;
mod settings;
mod tally;
mod window;

use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::codec::rows;
use crate::crypto;
use crate::policy::{Action, Denial};
use crate::types::Actor;
use crate::types::place::ControlPlace;

use super::act::Refusal;
use super::api::guard::Noted;
use super::pipeline::Case;
use super::{Error, Vault};
use alert::{Counters, Outbox};
use freeze::Freezes;
use tally::Tallies;
use window::Windows;

pub use settings::GuardSettings;

/// Bytes of the reason of a freeze or a window.
pub const REASON_BYTES_MAX: usize = 256;
/// The longest window for bulk reads, in minutes: a working day.
pub const WINDOW_MINUTES_MAX: u32 = 480;

/// What stands guard in one vault.
#[derive(Default)]
pub(crate) struct Guards {
    settings: ArcSwap<GuardSettings>,
    freezes: ArcSwap<Freezes>,
    /// Grows with each freeze, after it is in force.
    frozen: AtomicU64,
    windows: ArcSwap<Windows>,
    tallies: Tallies,
    counters: Counters,
    outbox: Outbox,
    /// Held while memory is brought to what the rows say.
    learning: Mutex<()>,
}

impl Guards {
    /// How often something was frozen in this life of the vault: take it before a decision.
    pub(crate) fn frozen_times(&self) -> u64 {
        self.frozen.load(Ordering::Acquire)
    }
}

impl Vault {
    /// Sets what is counted and how much is too much.
    pub fn set_guards(&self, settings: GuardSettings) {
        self.guards().settings.store(std::sync::Arc::new(settings));
    }

    /// Reads what stands guard into memory, when the vault is opened.
    pub(super) fn load_guards(&self) -> Result<(), Error> {
        self.load_freezes()?;
        self.load_windows()
    }

    /// A row of a freeze or a window, sealed, and its SHA-256 for the ledger.
    fn seal_note(&self, key: &[u8], note: &Noted) -> Result<(Vec<u8>, [u8; 32]), Error> {
        let plain = serde_json::to_vec(note).map_err(|_| Error::Internal("a note is serialisable"))?;
        let row = self.seal_row(self.keyring().control(), &ControlPlace { vault: self.id(), row_key: key }, &plain)?;
        let digest = crypto::sha256(&[&row]);
        Ok((row, digest))
    }

    fn open_note(&self, key: &[u8], row: &[u8]) -> Result<Noted, Error> {
        let place = ControlPlace { vault: self.id(), row_key: key };
        let plain = crypto::open(self.keyring().control(), &place, rows::sealed(row)?)?;
        serde_json::from_slice(plain.expose()).map_err(|_| Error::Internal("a note that opens is a note"))
    }
}

impl Case<'_> {
    /// Refuses what is frozen, before anything else is looked at.
    pub(crate) fn unfrozen(&self, action: Action) -> Result<(), Refusal> {
        if self.vault.guards().stops(&self.ctx.actor, action) {
            Err(self.denied(action, Denial::Frozen))
        } else {
            Ok(())
        }
    }

    /// A denial, with the change that records it.
    pub(crate) fn denied(&self, action: Action, denial: Denial) -> Refusal {
        self.count_denial(action);
        let evidence = self.vault.denial(self.ctx, action, denial, self.now);
        Refusal::logged(denial.into(), evidence)
    }
}

impl Guards {
    /// Whether the actor is stopped from doing this.
    pub(crate) fn stops(&self, actor: &Actor, action: Action) -> bool {
        self.freezes.load().stop(actor, action)
    }
}

fn check_reason(reason: &str) -> Result<(), Error> {
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
        return Err(Error::invalid("/reason", "state the reason in 1 to 256 bytes, without control characters"));
    }
    Ok(())
}
