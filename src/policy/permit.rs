//! The answer yes, and what exactly is allowed.

use std::fmt;
use std::sync::Arc;

use super::table::{RoleTable, RowIndex};
use super::{Action, View};
use crate::types::{Compartment, MemberId, Role};

/// Says: this role may do this act, on this member, and see these fields, under this policy. Made by
/// [`super::decide`] alone. Cheap to clone and to hold.
#[derive(Clone)]
pub struct Permit {
    table: Arc<RoleTable>,
    action: Action,
    slot: usize,
    /// The one compartment the permit speaks of; `None` for all that the role may see.
    row: Option<RowIndex>,
    member: Option<MemberId>,
}

impl Permit {
    pub(super) fn new(
        table: Arc<RoleTable>,
        action: Action,
        slot: usize,
        row: Option<RowIndex>,
        member: Option<MemberId>,
    ) -> Self {
        Self { table, action, slot, row, member }
    }

    /// What is allowed.
    pub fn action(&self) -> Action {
        self.action
    }

    /// To whom.
    pub fn role(&self) -> Role {
        self.table.role()
    }

    /// On which member, where the request named one.
    pub fn member(&self) -> Option<&MemberId> {
        self.member.as_ref()
    }

    /// SHA-256 of the policy that allowed it.
    pub fn policy_digest(&self) -> &[u8; 32] {
        self.table.policy_digest()
    }

    /// What may be seen of the records of `compartment`. `None`: the permit does not reach there, not even to say what
    /// exists. For acts that show no fields the view shows nothing.
    pub fn view(&self, compartment: &Compartment) -> Option<&View> {
        let row = self.table.row(compartment);
        let reaches = self.row.is_none_or(|only| only == row);
        reaches.then(|| self.table.view(row, self.action, self.slot)).flatten()
    }

    /// Whether the permit reaches `compartment`.
    pub fn reaches(&self, compartment: &Compartment) -> bool {
        self.view(compartment).is_some()
    }

    /// Whether every field of the records of `compartment` is shown as it is.
    pub fn is_all_clear(&self, compartment: &Compartment) -> bool {
        self.view(compartment).is_some_and(View::is_all_clear)
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({} {})", self.role(), self.action)
    }
}
