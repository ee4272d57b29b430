//! What must hold in every state, and what must be possible.

use stateright::Property;

use super::graph::{ITEMS, LEAF_OF, ROW_D, items_of};
use super::moves::Move;
use super::world::{Mode, Presence, State, World};

pub const NOLOSS: &str = "NOLOSS";
pub const ERASE: &str = "ERASE";
pub const GONE: &str = "GONE";
pub const KEYLESS: &str = "KEYLESS";
pub const END: &str = "END";
pub const CERTIFIED: &str = "all that was erased is certified";
pub const AFTER_ALL: &str = "and so after every crash and loss";

pub fn properties() -> Vec<Property<World>> {
    vec![
        Property::always(NOLOSS, |_, state| no_loss(state)),
        Property::always(ERASE, |_, state| erase(state)),
        Property::always(GONE, |_, state| gone(state)),
        Property::always(KEYLESS, |_, state| keyless(state)),
        Property::always(END, end),
        Property::sometimes(CERTIFIED, certified),
        Property::sometimes(AFTER_ALL, |world, state| {
            let bounds = &world.0.bounds;
            certified(world, state) && state.crashes == bounds.crashes && state.lost == bounds.lost
        }),
    ]
}

/// Whether every rule about a single state holds.
pub fn unbroken(state: &State) -> bool {
    no_loss(state) && erase(state) && gone(state) && keyless(state)
}

/// The database opens under a root in the keyring, or can be redone from the capsule; every live row is there, under the
/// present key of its leaf. A wrong batch is noticed before the old root is gone.
fn no_loss(state: &State) -> bool {
    if state.stale {
        return true; // somebody brought back an image: what it lacks, it lacks
    }
    let Some(db) = state.opened() else { return false };
    if db.wrong && state.here.root == db.root {
        return false;
    }
    let all = (1 << ITEMS) - 1;
    let inserted = if state.inserted { all } else { all & !(1 << ROW_D) };
    let present = |item: usize| db.rows[item].is_none_or(|version| version == db.leaves[LEAF_OF[item]]);
    state.mode != Mode::Stuck && db.items() == inserted & !items_of(db.fenced) && (0..ITEMS).all(present)
}

/// Nothing certified can be opened with the keys of today, over everything ever written: those of this keyring, of every
/// registered holder, and in memory. Where the certificate names no revoked holder, not with what those kept either.
fn erase(state: &State) -> bool {
    if state.stale && state.mode != Mode::Up {
        return true; // an old keyring was brought back by hand; what counts is whether it is served
    }
    let reached = |and_revoked| state.history.reached(state.roots_of_today(and_revoked));
    items_of(state.promised) & reached(true) == 0 && items_of(state.promised_but) & reached(false) == 0
}

/// What is erased does not come back while the vault serves.
fn gone(state: &State) -> bool {
    state.mode != Mode::Up || state.db.items() & items_of(state.gone) == 0 && state.gone & !state.db.fenced == 0
}

/// While the vault serves there is no record without its key.
fn keyless(state: &State) -> bool {
    state.mode != Mode::Up || state.db.records & !state.db.items() == 0
}

/// Where nothing more can happen, all that was erased is certified, or there is a reason that can be named.
fn end(world: &World, state: &State) -> bool {
    let settled = state.db.fenced == state.db.certified;
    let away = state.registered().any(|holder| holder.presence == Presence::Away);
    let closed = matches!(state.mode, Mode::Refused | Mode::Stopped);
    if settled || away || closed || state.attempts == world.0.bounds.attempts {
        return true;
    }
    let mut moves = Vec::new();
    Move::possible(&world.0, state, &mut moves);
    !moves.is_empty()
}

fn certified(world: &World, state: &State) -> bool {
    state.mode == Mode::Up && (state.promised | state.promised_but).count_ones() == u32::from(world.0.bounds.erasures)
}
