//! Recovery, exactly by the table: the epoch of the database against the roots in the keyring. It knows epochs and
//! numbers only, never which keys are the same; whether that suffices is what is checked.
//!
//! Each call is one durable step, decided from the disk alone; so a crash in the middle of recovery is a state of its own
//! already.

use membervault::vault::seal::Step;

use super::moves::resume;
use super::plan::{Fault, Plan};
use super::steps::certify_members;
use super::world::{Mode, State};

pub fn recover(plan: &Plan, state: &mut State) {
    let (tree, ring) = (state.db.epoch, state.here);
    match (tree, ring.next) {
        // The disk lost a batch that it acknowledged: redo it from the capsule.
        (tree, _) if tree < ring.epoch => match state.redone() {
            Some(db) => state.db = db,
            None if state.stale => state.mode = Mode::Refused,
            None => state.mode = Mode::Stuck,
        },
        // An old image: the log outside is longer.
        _ if plan.bounds.image && state.db.size < state.outside && !plan.has(Fault::ServeStaleImage) => {
            state.mode = Mode::Refused;
        }
        // The round was not committed: drop the pending root, and never use its keys again.
        (tree, Some(_)) if tree == ring.epoch && !plan.has(Fault::ReusePending) => state.here.next = None,
        // Nothing is under way.
        (tree, _) if tree == ring.epoch => state.mode = Mode::Up,
        // The round was committed and the old root is still there: go on where the batch is verified.
        (tree, Some(_)) if tree == ring.epoch + 1 => {
            if plan.has(Fault::RecoveryCertifiesFirst) {
                certify_members(plan, state, state.db.rekeyed);
            }
            state.mode = Mode::Up;
            resume_after_commit(plan, state);
        }
        // The database is ahead of the keyring.
        _ => state.mode = Mode::Refused,
    }
}

fn resume_after_commit(plan: &Plan, state: &mut State) {
    let after = usize::from(plan.position(Step::Commit)) + 1;
    if let Some(step) = plan.order.get(after) {
        resume(plan, state, *step);
    }
}
