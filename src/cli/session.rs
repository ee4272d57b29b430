//! What every command has at hand: the settings as decided, and where to print.

use std::path::Path;

use super::args::{CONFIG_VARIABLE, Global};
use super::failure::Failure;
use super::output::Output;
use super::passphrase;
use crate::config::{ENVIRONMENT_PREFIX, Resolved, Settings, Typed};
use crate::telemetry;

/// One run of one command.
pub(super) struct Session {
    /// The settings and where they come from.
    pub(super) resolved: Resolved,
    /// Where to print.
    pub(super) out: Output,
}

impl Session {
    /// Decides the settings and begins the log.
    pub(super) fn begin(global: &Global, flags: Typed) -> Result<Self, Failure> {
        let resolved = settings(global, flags)?;
        telemetry::start(resolved.settings.log_format, resolved.settings.log_level)?;
        Ok(Self { resolved, out: Output { quiet: global.quiet } })
    }

    /// The settings.
    pub(super) fn settings(&self) -> &Settings {
        &self.resolved.settings
    }
}

fn settings(global: &Global, flags: Typed) -> Result<Resolved, Failure> {
    let variables =
        std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    let ours = variables.filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX));
    let environment = Typed::from_environment(ours, &[CONFIG_VARIABLE, passphrase::VARIABLE]);
    let file = match global.config_file() {
        Some(path) => Typed::from_file(Path::new(&path))?,
        None => Typed::default(),
    };
    Ok(file.under(environment).under(global.typed()).under(flags).resolve()?)
}
