//! What every command has at hand: the settings as decided, where to print, and the way to the vault.

use std::path::Path;

use super::args::{CONFIG_VARIABLE, Global};
use super::failure::Failure;
use super::output::Output;
use super::unlock;
use crate::app::{self, Unlock};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config::{ENVIRONMENT_PREFIX, Resolved, Settings, Typed};
use crate::telemetry;
use crate::types::{Actor, Ctx, Role};
use crate::vault::Vault;

/// One run of one command.
pub(super) struct Session {
    /// The settings and where they come from.
    pub(super) resolved: Resolved,
    /// Where to print.
    pub(super) out: Output,
}

impl Session {
    /// Decides the settings and begins the log. `flags` are those of the command, `warnings` are for the log.
    pub(super) fn begin(global: &Global, flags: Typed, warnings: &[String]) -> Result<Self, Failure> {
        let resolved = settings(global, flags)?;
        telemetry::start(resolved.settings.log_format, resolved.settings.log_level)?;
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        Ok(Self { resolved, out: Output { quiet: global.quiet } })
    }

    /// The settings.
    pub(super) fn settings(&self) -> &Settings {
        &self.resolved.settings
    }

    /// The present moment.
    pub(super) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Opens the vault, asking for the passphrase if need be. The caller closes it, to hear whether all is on disk.
    pub(super) fn vault(&self) -> Result<Vault, Failure> {
        self.vault_with(&unlock::existing(self.settings())?)
    }

    /// Opens the vault.
    pub(super) fn vault_with(&self, unlock: &Unlock) -> Result<Vault, Failure> {
        Ok(app::open(self.settings(), unlock)?)
    }

    /// The context of a verb. Who holds the master key and stands at the machine may act as any role; each command takes
    /// the least that can do its work, so that the ledger tells what was done in which capacity.
    pub(super) fn ctx(&self, role: Role) -> Ctx {
        Ctx { actor: Actor::local(role), purpose: None, request: app::request_ids()() }
    }
}

fn settings(global: &Global, flags: Typed) -> Result<Resolved, Failure> {
    let variables =
        std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    let ours = variables.filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX));
    let environment = Typed::from_environment(ours, &[CONFIG_VARIABLE, unlock::VARIABLE]);
    let file = match global.config_file() {
        Some(path) => Typed::from_file(Path::new(&path))?,
        None => Typed::default(),
    };
    Ok(file.under(environment).under(global.typed()).under(flags).resolve()?)
}
