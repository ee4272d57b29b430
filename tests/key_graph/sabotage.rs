//! A build that leaks on purpose must be found to leak: `cargo test --features sabotage --test key_graph`.
//!
//! A fault is chosen once for a process, so this test starts itself again for each.

/// Takes the fault of this process. Whether there is one.
#[cfg(not(feature = "sabotage"))]
pub fn begin() -> bool {
    false
}

#[cfg(feature = "sabotage")]
pub use chosen::begin;

#[cfg(feature = "sabotage")]
mod chosen {
    use std::env;
    use std::process::Command;

    use membervault::sabotage;

    const FAULT: &str = "MEMBERVAULT_SABOTAGE";
    const INVARIANT: &str = "nothing_certified_is_reached_from_the_keys_of_today";
    /// The faults of a seal, but for one that only leaves keys in memory.
    const FAULTS: [&str; 5] =
        ["skip-shard-rotation", "skip-inner-rotation", "keep-old-root", "reuse-pending-keys", "certify-before-drop"];

    /// Takes the fault of this process. Whether there is one.
    pub fn begin() -> bool {
        let fault = env::var(FAULT).ok();
        let chosen = fault.is_some();
        sabotage::choose(fault, None);
        chosen
    }

    #[test]
    fn every_sabotaged_seal_is_found() {
        let itself = env::current_exe().unwrap();
        for fault in FAULTS {
            let mut run = Command::new(&itself);
            run.args(["--exact", INVARIANT, "--nocapture"]).env(FAULT, fault).env("MEMBERVAULT_KEY_GRAPH_CASES", "100");
            let run = run.output().unwrap();
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(!run.status.success(), "{fault} was not found");
            let found = said.lines().find(|line| line.starts_with("Test failed:")).unwrap_or_default();
            println!("{fault}: {found}");
            assert!(
                found.contains("reached") || found.contains("names an erased"),
                "{fault}: found otherwise: {found}"
            );
        }
    }
}
