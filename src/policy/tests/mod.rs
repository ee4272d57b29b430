//! The policy as its readers and its callers meet it.

mod cases;
mod model;
mod refusals;
mod views;
mod weighing;

use super::{Action, Denial, Facts, Mask, Request, Treatment};
use crate::code::Coded;
use crate::types::{Actor, Compartment, MemberId, Purpose, Role, TokenId};

/// The member every request is about.
fn somebody() -> MemberId {
    MemberId::from_random([7; 16])
}

fn actor(role: Role, member: Option<MemberId>) -> Actor {
    Actor { token: TokenId::from_bytes([1; 8]), role, member, organisation: None, recipient: None }
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

/// The numbers in the ledger are what `docs/FORMAT.md` says, and every word is in `docs/POLICY.md`.
#[test]
fn the_documents_know_every_word_and_number() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
        std::fs::read_to_string(path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (format, policy) = (read("FORMAT.md"), read("POLICY.md"));
    for action in Action::ALL {
        assert!(format.contains(&format!("{} {action}", action.number())), "{action}");
        assert!(policy.contains(&format!("`{action}`")), "{action}");
    }
    for denial in Denial::ALL {
        let code = denial.code().as_str();
        assert!(format.contains(&format!("{} {code}", denial.number())), "{denial:?}");
        assert!(policy.contains(&format!("`{code}`")), "{denial:?}");
    }
    let masks = Mask::ALL.map(Mask::as_str);
    let treatments = [Treatment::Clear, Treatment::Masked(Mask::Text), Treatment::Pseudonym, Treatment::Hidden];
    for word in masks.into_iter().chain(treatments.map(Treatment::as_str)) {
        assert!(policy.contains(&format!("`{word}`")), "{word}");
    }
}
