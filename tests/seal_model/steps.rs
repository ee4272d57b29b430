//! The steps of a seal, as the model takes them: in the order of the plan, one keyring at a time.

use membervault::vault::seal::Step;

use super::graph::{History, LEAF_OF, LEAVES, Member, group_of};
use super::plan::{Fault, Plan};
use super::world::{Db, Mode, Presence, Ring, Run, State};

/// Reads the dirty leaves of this round, and holds writers off.
pub fn gather(plan: &Plan, state: &mut State) {
    let most = plan.bounds.leaves_per_round.unwrap_or(u32::MAX);
    let mut taken = state.db.dirty;
    while taken.count_ones() > most {
        taken &= !(1 << taken.ilog2());
    }
    let items = state.db.items();
    if let Some(run) = &mut state.run {
        run.gathered = Some((taken, items));
    }
}

/// The batch: the database after it, and the edges it writes.
pub fn batch(plan: &Plan, state: &State) -> (Db, History) {
    let Some(Run { key, gathered: Some((taken, items)), .. }) = state.run else {
        return (state.db, History::default());
    };
    let mut db = Db { epoch: state.db.epoch + 1, root: key, size: state.db.size + 1, ..state.db };
    for leaf in (0..LEAVES).filter(|leaf| taken & (1 << leaf) != 0) {
        if !plan.has(Fault::NoLeafRotation) {
            db.leaves[leaf] = key;
        }
        if !plan.has(Fault::NoInnerRotation) {
            db.groups[group_of(leaf)] = key;
        }
    }
    for (item, row) in db.rows.iter_mut().enumerate() {
        let leaf = LEAF_OF[item];
        if row.is_some() && taken & (1 << leaf) != 0 && items & (1 << item) != 0 {
            *row = Some(db.leaves[leaf]);
        }
    }
    db.dirty &= !taken;
    db.taken = taken;
    let clean = |member: &Member| db.fenced & !db.certified & member.bit() != 0 && member.leaves() & db.dirty == 0;
    db.rekeyed |= Member::ALL.iter().filter(|member| clean(member)).fold(0, |set, member| set | member.bit());
    (db, db.edges(taken))
}

/// Takes one step, or for a step that writes keyrings one part of it, and goes on to the next.
pub fn take(plan: &Plan, state: &mut State, step: Step, part: u8) {
    let Some(run) = state.run else { return };
    match step {
        Step::Prepare => prepare(state, run.key, part),
        Step::Commit => commit(plan, state),
        Step::Verify if state.db.wrong => {
            state.power_off();
            state.mode = Mode::Stopped;
            return;
        }
        Step::Verify => {}
        Step::Capsule => capsule(plan, state),
        Step::Drop if plan.has(Fault::KeepOldRoot) => {}
        Step::Drop => drop_old(state, part),
        Step::Wipe => state.memory = 0,
        Step::Certify => certify(plan, state),
    }
    advance(plan, state, step, part);
}

fn advance(plan: &Plan, state: &mut State, step: Step, part: u8) {
    let everywhere = step == Step::Drop || step == Step::Prepare && !plan.has(Fault::PrepareHereOnly);
    let present = |number: &u8| {
        let holder = state.holders[usize::from(*number) - 1];
        everywhere && holder.is_some_and(|holder| holder.presence == Presence::Present)
    };
    let next = (part + 1..=2).find(present);
    state.run = state.run.and_then(|run| match next {
        Some(part) => Some(Run { part, ..run }),
        None => (usize::from(run.at) + 1 < plan.order.len()).then_some(Run { at: run.at + 1, part: 0, ..run }),
    });
}

fn prepare(state: &mut State, key: u8, part: u8) {
    match part {
        0 => state.here.next = Some(key),
        _ => copy_to_holder(state, part),
    }
}

fn drop_old(state: &mut State, part: u8) {
    match (part, state.here) {
        (0, Ring { epoch, next: Some(next), .. }) => state.here = Ring { epoch: epoch + 1, root: next, next: None },
        (0, _) => {}
        _ => copy_to_holder(state, part),
    }
}

fn copy_to_holder(state: &mut State, part: u8) {
    if let Some(holder) = &mut state.holders[usize::from(part) - 1]
        && holder.presence == Presence::Present
    {
        holder.ring = state.here;
    }
}

fn commit(plan: &Plan, state: &mut State) {
    let (db, written) = batch(plan, state);
    state.undo = (state.lost < plan.bounds.lost).then_some(state.db);
    state.memory |= 1 << state.db.root;
    state.history = state.history.with(written);
    state.db = db;
    if let Some(run) = &mut state.run {
        run.gathered = None;
    }
}

fn capsule(plan: &Plan, state: &mut State) {
    let useful = plan.bounds.lost > 0 || plan.bounds.image;
    if useful && !plan.has(Fault::NoCapsule) {
        state.capsule = Some(state.db);
    }
}

/// Certifies what was re-keyed, if every registered holder has what the keyring here has.
fn certify(plan: &Plan, state: &mut State) {
    let here = state.here;
    let away = plan.has(Fault::CertifyWhileAway);
    if !away && state.registered().any(|holder| holder.ring != here) {
        return;
    }
    let half = state.run.filter(|_| plan.has(Fault::CertifyHalf)).map_or(0, |run| run.found);
    certify_members(plan, state, state.db.rekeyed | half);
}

pub fn certify_members(plan: &Plan, state: &mut State, members: u8) {
    state.db.certified |= members;
    state.db.rekeyed &= !members;
    state.db.size += 1;
    state.outside = state.db.size;
    if state.has_revoked() && !plan.has(Fault::RevokedUnnamed) {
        state.promised_but |= members;
    } else {
        state.promised |= members;
    }
}
