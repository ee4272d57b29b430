//! A state of the world: what is durable, what is in memory, what has been promised, and everything ever written.

use stateright::{Model, Property};

use super::graph::{GROUPS, History, ITEMS, LEAF_OF, LEAVES, ROW_D, group_of, items_of};
use super::moves::Move;
use super::plan::Plan;
use super::rules;

/// The database. Every change of it is one atomic, synced batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Db {
    pub epoch: u8,
    /// Versions of the keys the tree is under.
    pub root: u8,
    pub groups: [u8; GROUPS],
    pub leaves: [u8; LEAVES],
    /// The version of the leaf key that each row lies under; `None` where there is no row.
    pub rows: [Option<u8>; ITEMS],
    /// Records of the members A to D, as a set of items. Sealed under keys in the rows.
    pub records: u8,
    /// Sets of members: erased; of these, all leaves re-keyed since; of these, certified.
    pub fenced: u8,
    pub rekeyed: u8,
    pub certified: u8,
    /// Leaves that lost something and are to be re-keyed.
    pub dirty: u8,
    /// Leaves that the last round re-keyed; its row of the rotation says so.
    pub taken: u8,
    /// Leaves of the log.
    pub size: u8,
    /// The last batch was wrong: what it rewrote does not open.
    pub wrong: bool,
}

/// A keyring: a root and its epoch, and while a seal is under way the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ring {
    pub epoch: u8,
    pub root: u8,
    pub next: Option<u8>,
}

impl Ring {
    /// Versions of the root it holds, as a set.
    pub const fn roots(self) -> u8 {
        1 << self.root | if let Some(next) = self.next { 1 << next } else { 0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    Present,
    /// Registered, and out of reach: what it keeps, it keeps.
    Away,
    /// Struck off while away. It still keeps what it kept.
    Revoked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    pub ring: Ring,
    pub presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    Up,
    Down,
    /// Recovery refused a stale image.
    Refused,
    /// Verification failed: closed, with the old root still in the keyring.
    Stopped,
    /// Recovery found nothing that it could do.
    Stuck,
}

/// A seal under way, in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// The step that is next, as a position in the order.
    pub at: u8,
    /// Within a step that writes keyrings: 0 here, then the holders.
    pub part: u8,
    /// The version of all keys that were drawn for this attempt.
    pub key: u8,
    /// What was erased and not certified when the seal began.
    pub found: u8,
    /// Rows read for the batch: leaves taken, items found.
    pub gathered: Option<(u8, u8)>,
}

/// A writer between its read and its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    pub epoch: u8,
    pub leaf_key: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    // Durable.
    pub db: Db,
    pub here: Ring,
    pub holders: [Option<Holder>; 2],
    /// Ciphertext of the last round, beside the database: what is on the leaves it took, and the fences.
    pub capsule: Option<Db>,
    pub backup: Option<Db>,
    // In memory; gone with a crash.
    pub mode: Mode,
    pub run: Option<Run>,
    /// Old roots that were not wiped yet, as a set of versions.
    pub memory: u8,
    pub inserting: Option<Writer>,
    pub rewrapping: Option<Writer>,
    // What others may rely on. Sets of members.
    pub promised: u8,
    /// Promised by a certificate that names a revoked holder.
    pub promised_but: u8,
    /// Erasures that were acknowledged.
    pub gone: u8,
    /// Whether D was acknowledged.
    pub inserted: bool,
    /// How far others know the log to have come.
    pub outside: u8,
    // Everything ever written.
    pub history: History,
    // What a lying disk may go back to, and an image that somebody kept.
    pub undo: Option<Db>,
    pub undo_deep: Option<Db>,
    pub image: Option<(Db, Ring)>,
    // What has been used up.
    pub attempts: u8,
    pub crashes: u8,
    pub lost: u8,
    pub damage: u8,
    pub rewraps: u8,
    pub keyring_lost: bool,
    pub left: bool,
    pub stale: bool,
    pub restored: bool,
}

impl State {
    /// A founded vault: A, B and C are members, D is not yet.
    pub fn founded(plan: &Plan) -> Self {
        let mut rows = [Some(0); ITEMS];
        rows[ROW_D] = None;
        let db = Db {
            epoch: 0,
            root: 0,
            groups: [0; GROUPS],
            leaves: [0; LEAVES],
            rows,
            records: 0b0111,
            fenced: 0,
            rekeyed: 0,
            certified: 0,
            dirty: 0,
            taken: 0,
            size: 0,
            wrong: false,
        };
        let here = Ring { epoch: 0, root: 0, next: None };
        let holder =
            |number| (number < plan.bounds.holders).then_some(Holder { ring: here, presence: Presence::Present });
        Self {
            db,
            here,
            holders: [holder(0), holder(1)],
            capsule: None,
            backup: None,
            mode: Mode::Up,
            run: None,
            memory: 0,
            inserting: None,
            rewrapping: None,
            promised: 0,
            promised_but: 0,
            gone: 0,
            inserted: false,
            outside: 0,
            history: db.edges(u8::MAX),
            undo: None,
            undo_deep: None,
            image: None,
            attempts: 0,
            crashes: 0,
            lost: 0,
            damage: 0,
            rewraps: 0,
            keyring_lost: false,
            left: false,
            stale: false,
            restored: false,
        }
    }

    /// Everything in memory is gone.
    pub fn power_off(&mut self) {
        self.mode = Mode::Down;
        self.run = None;
        self.memory = 0;
        self.inserting = None;
        self.rewrapping = None;
    }

    /// The database goes back to an earlier one: what was acknowledged since and not certified was lost with it.
    pub fn fall_back(&mut self, db: Db) {
        self.db = db;
        self.inserted = db.rows[ROW_D].is_some() || items_of(db.fenced) & (1 << ROW_D) != 0;
        self.gone = db.fenced | self.promised | self.promised_but;
        self.undo = None;
        self.undo_deep = None;
    }

    /// Holders that count: all but the revoked.
    pub fn registered(&self) -> impl Iterator<Item = Holder> {
        self.holders.into_iter().flatten().filter(|holder| holder.presence != Presence::Revoked)
    }

    pub fn has_revoked(&self) -> bool {
        self.holders.iter().flatten().any(|holder| holder.presence == Presence::Revoked)
    }

    /// Versions of the root that somebody has today: keyring, registered holders, memory. `and_revoked` adds what
    /// holders kept that were struck off.
    pub fn roots_of_today(&self, and_revoked: bool) -> u8 {
        let holders = self.holders.iter().flatten();
        let counted = holders.filter(|holder| and_revoked || holder.presence != Presence::Revoked);
        counted.fold(self.here.roots() | self.memory, |roots, holder| roots | holder.ring.roots())
    }

    /// The database as the keyring opens it, redone from the capsule if it must be; `None` if nothing opens.
    pub fn opened(&self) -> Option<Db> {
        if self.here.roots() & (1 << self.db.root) != 0 {
            return Some(self.db);
        }
        let redone = self.redone()?;
        (self.here.roots() & (1 << redone.root) != 0).then_some(redone)
    }

    /// The capsule applied to the database, if it is the one that is missing.
    pub fn redone(&self) -> Option<Db> {
        let after = self.capsule?;
        (after.epoch == self.here.epoch && self.db.epoch + 1 == after.epoch).then(|| self.db.redo(&after))
    }
}

impl Db {
    /// The edges that writing these leaves writes, their groups, and the root.
    pub fn edges(&self, taken: u8) -> History {
        let mut history = History::default();
        let groups: Vec<usize> = (0..LEAVES).filter(|leaf| taken & (1 << leaf) != 0).map(group_of).collect();
        for (group, version) in self.groups.iter().enumerate() {
            history.group_under_root(group, *version, self.root);
        }
        for (leaf, version) in self.leaves.iter().enumerate().filter(|(leaf, _)| groups.contains(&group_of(*leaf))) {
            history.leaf_under_group(leaf, *version, self.groups[group_of(leaf)]);
        }
        for (item, version) in self.rows.iter().enumerate().filter(|(item, _)| taken & (1 << LEAF_OF[*item]) != 0) {
            if let Some(version) = version {
                history.item_under_leaf(item, *version);
            }
        }
        history
    }

    /// Items there are.
    pub fn items(&self) -> u8 {
        self.rows.iter().enumerate().filter(|(_, row)| row.is_some()).fold(0, |items, (item, _)| items | 1 << item)
    }

    /// This database with the round in `after` applied again: the leaves taken as they were then, the fences, and no row
    /// of anybody who is fenced.
    fn redo(&self, after: &Self) -> Self {
        let mut rows = self.rows;
        for (item, row) in rows.iter_mut().enumerate().filter(|(item, _)| after.taken & (1 << LEAF_OF[*item]) != 0) {
            *row = after.rows[item];
        }
        let mut redone = Self { rows, ..*after };
        redone.records = self.records;
        redone.fenced |= self.fenced;
        redone.remove(items_of(redone.fenced));
        redone
    }

    /// Removes rows and records.
    pub fn remove(&mut self, items: u8) {
        for (item, row) in self.rows.iter_mut().enumerate() {
            if items & (1 << item) != 0 {
                *row = None;
            }
        }
        self.records &= !items;
    }
}

/// The world under one plan.
#[derive(Clone, Copy)]
pub struct World(pub Plan);

impl Model for World {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        vec![State::founded(&self.0)]
    }

    fn actions(&self, state: &State, moves: &mut Vec<Move>) {
        // Where a plan is meant to fail, what follows a failure is of no interest.
        if self.0.is_sound() || rules::unbroken(state) {
            Move::possible(&self.0, state, moves);
        }
    }

    fn next_state(&self, state: &State, action: Move) -> Option<State> {
        Some(action.make(&self.0, *state))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        rules::properties()
    }
}
