//! Makes the process keep its memory to itself. To be called first, before any secret is read.

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use thiserror::Error;

use crate::code::{Code, Coded};

/// The operating system refused to protect the process.
#[derive(Debug, Error)]
#[error(
    "the process cannot be protected (while {doing}); membervault holds keys in memory and does not start unprotected"
)]
pub struct HardenError {
    doing: &'static str,
    #[source]
    source: Errno,
}

impl Coded for HardenError {
    fn code(&self) -> Code {
        Code::Io
    }
}

/// No core file, no other process of the same user that reads our memory, no file that others can read.
pub fn harden() -> Result<(), HardenError> {
    let failed = |doing| move |source| HardenError { doing, source };
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(failed("forbidding core files"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(failed("forbidding other processes to read its memory"))?;
    rustix::process::umask(Mode::from_raw_mode(0o077));
    allow_many_files();
    Ok(())
}

/// RocksDB and connections want more open files than the customary 1024; what is allowed is taken. If not, the
/// customary number will do for smaller vaults.
fn allow_many_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
