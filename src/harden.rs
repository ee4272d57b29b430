//! What the process can do to keep its memory to itself: no core dumps, no debugger, no new privileges.
//!
//! Called once by `app` and `cli`, before any thread is started and before a secret is read. Never fails: a container may
//! forbid one of these, and a vault that then refused to start would help nobody. What could not be done comes back as
//! warnings, for the log and for `status`.
//!
//! What this does not do: memory can still be read by root, by a hypervisor, through swap and hibernation.

use std::fmt;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A protection that could not be switched on.
#[derive(Debug)]
pub struct Warning {
    what: &'static str,
    advice: &'static str,
    /// Why not.
    pub source: rustix::io::Errno,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}; {}", self.what, self.source, self.advice)
    }
}

/// Switches on every protection there is, and returns those that could not be.
pub fn process() -> Vec<Warning> {
    [no_core_files(), no_dump_no_debugger(), no_new_privileges()].into_iter().filter_map(Result::err).collect()
}

/// A core file would carry every key the process holds to the disk.
fn no_core_files() -> Result<(), Warning> {
    // The hard limit is lowered too, so that nothing in the process can raise it again.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if getrlimit(Resource::Core) == none {
        return Ok(());
    }
    setrlimit(Resource::Core, none).map_err(|source| Warning {
        what: "forbid core files",
        advice: "set `ulimit -c 0`, or LimitCORE=0 in the service",
        source,
    })
}

/// Also keeps other processes of the same user from reading `/proc/<pid>/mem` and attaching a debugger. A core pattern
/// that is a pipe ignores the limit above, but not this.
#[cfg(target_os = "linux")]
fn no_dump_no_debugger() -> Result<(), Warning> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|source| Warning {
        what: "forbid debuggers and memory dumps",
        advice: "run the vault as a user of its own",
        source,
    })
}

#[cfg(not(target_os = "linux"))]
fn no_dump_no_debugger() -> Result<(), Warning> {
    Ok(())
}

/// The vault starts no other program; a hole in it should not start one with more rights either.
#[cfg(target_os = "linux")]
fn no_new_privileges() -> Result<(), Warning> {
    rustix::thread::set_no_new_privs(true).map_err(|source| Warning {
        what: "give up gaining privileges",
        advice: "set NoNewPrivileges=yes in the service",
        source,
    })
}

#[cfg(not(target_os = "linux"))]
fn no_new_privileges() -> Result<(), Warning> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn a_hardened_process_leaves_no_core_and_lets_nobody_in() {
        let warnings = super::process();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(super::getrlimit(super::Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert!(rustix::thread::no_new_privs().unwrap());
        assert!(super::process().is_empty(), "twice does no harm");
    }
}
