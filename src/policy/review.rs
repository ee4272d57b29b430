//! What a policy allows a role at most, for the review of whether it is needed. Decides nothing.

use std::collections::BTreeSet;

use super::table::{RoleTable, RowIndex};
use super::{Action, Policy, Treatment};
use crate::types::{FieldName, Purpose, Role};

impl Policy {
    /// The acts a role may do on some compartment, for some purpose.
    pub fn actions_of(&self, role: Role) -> Vec<Action> {
        let Some(table) = self.table(role) else { return Vec::new() };
        let allowed = |action: &Action| rows(table).any(|row| table.cells(row, *action).iter().any(Option::is_some));
        Action::ALL.iter().copied().filter(allowed).collect()
    }

    /// The purposes a role may state for an act that uses data.
    pub fn purposes_of(&self, role: Role) -> Vec<&Purpose> {
        let Some(table) = self.table(role) else { return Vec::new() };
        let may_state = |slot: usize| {
            let used = Action::ALL.iter().filter(|action| action.uses_data());
            used.clone()
                .any(|action| rows(table).any(|row| table.cells(row, *action).get(slot).is_some_and(Option::is_some)))
        };
        // Slot 0 is "none stated".
        self.purposes().enumerate().filter(|(at, _)| may_state(at + 1)).map(|(_, (purpose, _))| purpose).collect()
    }

    /// The fields the policy names that some view of the role shows, at least in part.
    pub fn fields_of(&self, role: Role) -> BTreeSet<&FieldName> {
        let Some(table) = self.table(role) else { return BTreeSet::new() };
        let shown = |(name, treatment)| (treatment != Treatment::Hidden).then_some(name);
        table.views.iter().flat_map(|view| view.named_fields()).filter_map(shown).collect()
    }
}

fn rows(table: &RoleTable) -> impl Iterator<Item = RowIndex> {
    let named = (0..table.compartments.len()).map(RowIndex::named);
    [RowIndex::WHOLE, RowIndex::UNNAMED].into_iter().chain(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_is_reviewed_as_it_reads() {
        let policy = Policy::parse(Policy::default_text()).unwrap();
        let purposes = |role| policy.purposes_of(role).into_iter().map(Purpose::as_str).collect::<Vec<_>>();
        assert_eq!(purposes(Role::Marketing), ["newsletter", "personalisation"]);
        assert_eq!(purposes(Role::Support), ["support"]);
        assert!(purposes(Role::Ops).is_empty() && purposes(Role::Admin).is_empty());
        assert!(policy.actions_of(Role::Compliance).contains(&Action::BreachRead));
        assert!(!policy.actions_of(Role::Crm).contains(&Action::TokenCreate));
        let fields: Vec<_> = policy.fields_of(Role::Support).into_iter().map(FieldName::as_str).collect();
        assert!(fields.contains(&"email") && !fields.contains(&"address"));
        assert!(policy.fields_of(Role::Ops).is_empty());
    }
}
