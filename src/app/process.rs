//! What the process does about itself before it reads a secret or starts a thread.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit};

use crate::harden;

/// Protects the memory of the process, and sets how it makes files. What could not be done comes back as sentences for
/// the log.
pub fn prepare() -> Vec<String> {
    // Whatever it writes, and the storage engine writes many files, is for its owner only.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    allow_many_files();
    let warnings = harden::process().into_iter().map(|warning| warning.to_string());
    #[cfg(feature = "sabotage")]
    let warnings = {
        #[allow(clippy::disallowed_methods, reason = "faults are not settings, and nothing but this knows of them")]
        let said = |name: &str| std::env::var(name).ok();
        warnings.chain(crate::sabotage::choose(said("MEMBERVAULT_SABOTAGE"), said("MEMBERVAULT_CRASH_AT")))
    };
    warnings.collect()
}

/// The storage engine and connections want more open files than the customary 1024; what is allowed is taken. Where
/// nothing more is allowed, the customary number serves a smaller vault.
fn allow_many_files() {
    let most = rustix::process::getrlimit(Resource::Nofile).maximum;
    let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
}
