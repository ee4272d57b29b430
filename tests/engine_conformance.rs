//! Every engine keeps the promises of `store::Engine`: the same cases against the memory engine, RocksDB, and
//! the engines with a cache and with a mirror around them; then what
//! only an engine on disk can be asked: reopening, locks, damage, a full disk, power loss.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "engine_conformance/cases.rs"]
mod cases;
#[path = "engine_conformance/damage.rs"]
mod damage;
#[path = "engine_conformance/disk.rs"]
mod disk;
#[path = "engine_conformance/model.rs"]
mod model;
#[path = "engine_conformance/power_loss.rs"]
mod power_loss;
#[path = "engine_conformance/support.rs"]
mod support;

macro_rules! for_every_engine {
    ($($case:ident,)+) => {
        mod memory {
            $(#[test] fn $case() { crate::cases::$case(&membervault::store::memory::MemoryEngine::new()); })+
        }
        mod rocks {
            $(#[test] fn $case() {
                let directory = tempfile::tempdir().unwrap();
                crate::cases::$case(&crate::support::fresh(directory.path()));
            })+
        }
        mod cached {
            $(#[test] fn $case() {
                let directory = tempfile::tempdir().unwrap();
                crate::cases::$case(&crate::support::cached(crate::support::fresh(directory.path())));
            })+
        }
        mod mirrored {
            $(#[test] fn $case() {
                let directory = tempfile::tempdir().unwrap();
                let engine = crate::support::mirrored(directory.path());
                crate::cases::$case(&engine);
                crate::support::mirror_agrees(engine, directory.path());
            })+
        }
    };
}

for_every_engine! {
    rows_come_back,
    keyspaces_do_not_mix,
    scans_are_ordered_and_bounded,
    rows_that_share_a_prefix_are_scanned_in_order,
    a_scan_sees_one_state,
    a_snapshot_stands_still,
    a_batch_applies_in_order,
    a_batch_is_seen_whole_or_not_at_all,
    ranges_are_deleted,
    upkeep_changes_no_row,
    writers_and_syncs_run_together,
    a_checkpoint_takes_a_new_directory,
    sizes_are_told,
}
