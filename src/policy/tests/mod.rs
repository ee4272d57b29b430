//! The policy as its readers and its callers meet it.

mod cases;
mod model;
mod refusals;
mod views;

use super::{Action, Facts, Request};
use crate::types::{Actor, Compartment, MemberId, Purpose, Role, TokenId};

/// The member every request is about.
fn somebody() -> MemberId {
    MemberId::from_random([7; 16])
}

fn actor(role: Role, member: Option<MemberId>) -> Actor {
    Actor { token: TokenId::from_bytes([1; 8]), role, member }
}

/// A request in words.
struct Ask {
    actor: Actor,
    action: Action,
    purpose: Option<Purpose>,
    member: Option<MemberId>,
    compartment: Option<Compartment>,
    facts: Facts,
}

impl Ask {
    /// `compartment` and `purpose` may be empty for none.
    fn new(role: Role, action: Action, compartment: &str, purpose: &str) -> Self {
        let own = (role == Role::Member).then(somebody);
        Self {
            actor: actor(role, own),
            action,
            purpose: purpose.parse().ok(),
            member: Some(somebody()),
            compartment: compartment.parse().ok(),
            facts: Facts::NONE,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            actor: &self.actor,
            action: self.action,
            purpose: self.purpose.as_ref(),
            member: self.member.as_ref(),
            compartment: self.compartment.as_ref(),
        }
    }
}
