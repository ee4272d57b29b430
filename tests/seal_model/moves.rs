//! What can happen next: erasures, writers, the steps of a seal, crashes, losses, holders that come and go, images.

use membervault::vault::seal::Step;

use super::graph::{ITEMS, LEAF_OF, Member, ROW_A, ROW_D};
use super::plan::{Fault, Plan};
use super::recover;
use super::steps;
use super::world::{Mode, Presence, Run, State, Writer};

/// One thing that happens, atomically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Fence(Member),
    ReadToInsert,
    Insert,
    ReadToRewrap,
    Rewrap,
    /// A writer whose facts moved decides anew.
    Conflict,
    /// A seal begins: fresh keys are drawn.
    Begin,
    /// The rows of the dirty leaves are read for the batch; from here to the batch no writer commits.
    Gather,
    /// The step, or the part of it for one keyring: 0 here, then the holders.
    Do(Step, u8),
    /// The batch is wrong.
    CommitWrong,
    /// All is done but a holder's acknowledgement: drop there, and certify.
    Finish,
    Crash,
    /// A crash in the middle of the batch: its bytes are on the disk, the database is as before.
    CrashTorn,
    /// A crash, and the disk lost what it acknowledged: the last round, or more.
    CrashLost {
        more: bool,
    },
    Recover,
    /// The keyring here is lost; the copy of the first holder takes its place.
    KeyringFromHolder,
    HolderLeaves,
    HolderReturns,
    HolderRevoked,
    TakeImage,
    /// The image comes back, with its keyring or under today's.
    BringImage {
        with_keyring: bool,
    },
    TakeBackup,
    Restore,
}

impl Move {
    /// All that can happen in `state`.
    pub fn possible(plan: &Plan, state: &State, moves: &mut Vec<Self>) {
        match state.mode {
            Mode::Up => {
                Self::of_members(plan, state, moves);
                Self::of_the_seal(plan, state, moves);
                Self::of_power(plan, state, moves);
            }
            Mode::Down => {
                moves.push(Self::Recover);
                if plan.bounds.keyring_lost && !state.keyring_lost {
                    moves.push(Self::KeyringFromHolder);
                }
            }
            Mode::Refused | Mode::Stopped | Mode::Stuck => return,
        }
        Self::of_holders(state, moves);
        Self::of_time(plan, state, moves);
    }

    fn of_members(plan: &Plan, state: &State, moves: &mut Vec<Self>) {
        let exclusive = state.run.is_some_and(|run| run.gathered.is_some());
        let room = state.db.fenced.count_ones() < u32::from(plan.bounds.erasures);
        let live = |member: Member| state.db.items() & member.items() != 0;
        if room && !exclusive {
            moves.extend(Member::ALL.into_iter().filter(|member| live(*member)).map(Self::Fence));
        }
        if !plan.bounds.writers {
            return;
        }
        let free = !exclusive || plan.has(Fault::GatherWithoutExclusion);
        match state.inserting {
            None if !state.inserted => moves.push(Self::ReadToInsert),
            Some(writer) if free => {
                moves.push(if current(plan, state, writer) { Self::Insert } else { Self::Conflict })
            }
            _ => {}
        }
        match state.rewrapping {
            None if state.db.rows[ROW_A].is_some() && state.rewraps == 0 => moves.push(Self::ReadToRewrap),
            Some(writer) if free => {
                let there = state.db.rows[ROW_A].is_some() || plan.has(Fault::ResurrectingWriter);
                moves.push(if there && current(plan, state, writer) { Self::Rewrap } else { Self::Conflict });
            }
            _ => {}
        }
    }

    fn of_the_seal(plan: &Plan, state: &State, moves: &mut Vec<Self>) {
        let Some(run) = state.run else {
            if state.db.dirty != 0 && state.attempts < plan.bounds.attempts {
                moves.push(Self::Begin);
            }
            let away = state.registered().any(|holder| holder.presence == Presence::Away);
            if state.db.rekeyed != 0 && state.here.next.is_none() && !away {
                moves.push(Self::Finish);
            }
            return;
        };
        let step = plan.order[usize::from(run.at)];
        match (step, run.gathered) {
            (Step::Commit, None) => moves.push(Self::Gather),
            (Step::Commit, Some(_)) => {
                moves.push(Self::Do(step, 0));
                if state.damage < plan.bounds.damage {
                    moves.push(Self::CommitWrong);
                }
                if plan.bounds.torn && state.crashes < plan.bounds.crashes {
                    moves.push(Self::CrashTorn);
                }
            }
            _ => moves.push(Self::Do(step, run.part)),
        }
    }

    fn of_power(plan: &Plan, state: &State, moves: &mut Vec<Self>) {
        if state.crashes < plan.bounds.crashes {
            moves.push(Self::Crash);
            if state.lost < plan.bounds.lost {
                moves.extend(state.undo.map(|_| Self::CrashLost { more: false }));
                moves.extend(state.undo_deep.map(|_| Self::CrashLost { more: true }));
            }
        }
    }

    fn of_holders(state: &State, moves: &mut Vec<Self>) {
        // The first holder stays, so that there is one to turn to.
        match state.holders[1].map(|holder| holder.presence) {
            Some(Presence::Present) if !state.left => moves.push(Self::HolderLeaves),
            Some(Presence::Away) => {
                moves.push(Self::HolderReturns);
                if state.mode == Mode::Up {
                    moves.push(Self::HolderRevoked);
                }
            }
            _ => {}
        }
    }

    fn of_time(plan: &Plan, state: &State, moves: &mut Vec<Self>) {
        if plan.bounds.image && state.mode == Mode::Up && state.image.is_none() {
            moves.push(Self::TakeImage);
        }
        if state.image.is_some() && !state.stale {
            moves.extend([true, false].map(|with_keyring| Self::BringImage { with_keyring }));
        }
        if plan.bounds.backup && state.mode == Mode::Up && state.backup.is_none() {
            moves.push(Self::TakeBackup);
        }
        if state.backup.is_some() && !state.restored && state.mode == Mode::Up && state.run.is_none() {
            moves.push(Self::Restore);
        }
    }

    /// The state after it.
    pub fn make(self, plan: &Plan, mut state: State) -> State {
        match self {
            Self::Fence(member) => fence(plan, &mut state, member),
            Self::ReadToInsert => state.inserting = Some(writer(&state, ROW_D)),
            Self::ReadToRewrap => state.rewrapping = Some(writer(&state, ROW_A)),
            Self::Insert => {
                let key = state.inserting.take().map(|writer| writer.leaf_key);
                state.inserted = true;
                state.db.records |= 1 << ROW_D;
                put(&mut state, ROW_D, key);
            }
            Self::Rewrap => {
                let key = state.rewrapping.take().map(|writer| writer.leaf_key);
                state.rewraps += 1;
                put(&mut state, ROW_A, key);
            }
            Self::Conflict => {
                state.inserting = state.inserting.filter(|writer| current(plan, &state, *writer));
                let there = state.db.rows[ROW_A].is_some();
                state.rewrapping = state.rewrapping.filter(|writer| there && current(plan, &state, *writer));
            }
            Self::Begin => begin(plan, &mut state),
            Self::Gather => steps::gather(plan, &mut state),
            Self::Do(step, part) => steps::take(plan, &mut state, step, part),
            Self::CommitWrong => {
                state.damage += 1;
                steps::take(plan, &mut state, Step::Commit, 0);
                state.db.wrong = true;
                state.undo = None;
            }
            Self::Finish => resume(plan, &mut state, Step::Drop),
            Self::Crash => crash(&mut state),
            Self::CrashTorn => {
                state.history = state.history.with(steps::batch(plan, &state).1);
                crash(&mut state);
            }
            Self::CrashLost { more } => {
                crash(&mut state);
                state.lost += 1;
                if let Some(db) = if more { state.undo_deep } else { state.undo } {
                    state.fall_back(db);
                }
            }
            Self::Recover => recover::recover(plan, &mut state),
            Self::KeyringFromHolder => {
                state.keyring_lost = true;
                state.here = state.holders[0].map_or(state.here, |holder| holder.ring);
            }
            Self::HolderLeaves => {
                state.left = true;
                presence(&mut state, Presence::Away);
            }
            Self::HolderReturns => presence(&mut state, Presence::Present),
            Self::HolderRevoked => presence(&mut state, Presence::Revoked),
            Self::TakeImage => state.image = Some((state.db, state.here)),
            Self::BringImage { with_keyring } => bring(&mut state, with_keyring),
            Self::TakeBackup => state.backup = Some(state.db),
            Self::Restore => restore(plan, &mut state),
        }
        state
    }
}

/// Whether the epoch a writer relied on is still that of the database.
fn current(plan: &Plan, state: &State, writer: Writer) -> bool {
    writer.epoch == state.db.epoch || plan.has(Fault::StaleWriter)
}

fn writer(state: &State, item: usize) -> Writer {
    Writer { epoch: state.db.epoch, leaf_key: state.db.leaves[LEAF_OF[item]] }
}

fn put(state: &mut State, item: usize, key: Option<u8>) {
    state.db.rows[item] = key;
    key.into_iter().for_each(|key| state.history.item_under_leaf(item, key));
}

/// One commit: the fence, the rows removed, their leaves dirty, the intent logged.
fn fence(plan: &Plan, state: &mut State, member: Member) {
    state.undo_deep = (state.lost < plan.bounds.lost).then_some(state.db);
    state.db.fenced |= member.bit();
    state.db.dirty |= member.leaves();
    state.db.size += 1;
    state.db.remove(member.items());
    state.gone |= member.bit();
}

fn begin(plan: &Plan, state: &mut State) {
    state.attempts += 1;
    let pending = state.here.next.filter(|_| plan.has(Fault::ReusePending));
    let found = state.db.fenced & !state.db.certified;
    state.run = Some(Run { at: 0, part: 0, key: pending.unwrap_or(state.attempts), found, gathered: None });
}

/// Goes on from `step`, as a process does that knows only what is on the disk.
pub fn resume(plan: &Plan, state: &mut State, step: Step) {
    let found = state.db.fenced & !state.db.certified;
    state.run = Some(Run { at: plan.position(step), part: 0, key: state.db.root, found, gathered: None });
}

fn crash(state: &mut State) {
    state.crashes += 1;
    state.power_off();
}

fn presence(state: &mut State, presence: Presence) {
    if let Some(holder) = &mut state.holders[1] {
        holder.presence = presence;
    }
}

fn bring(state: &mut State, with_keyring: bool) {
    let Some((db, ring)) = state.image else { return };
    state.stale = true;
    state.power_off();
    state.fall_back(db);
    if with_keyring {
        state.here = ring;
    }
}

/// Records of the backup, the control rows of today; records without a key are dropped.
fn restore(plan: &Plan, state: &mut State) {
    let Some(backup) = state.backup else { return };
    state.restored = true;
    state.power_off();
    if plan.has(Fault::RestoreControlRows) {
        state.db = backup;
        return;
    }
    let keyed = if plan.has(Fault::RestoreKeyless) { (1 << ITEMS) - 1 } else { state.db.items() };
    state.db.records = backup.records & keyed;
    state.db.size += 1;
}
