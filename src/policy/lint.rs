//! What a policy may say, but probably does not mean.

use super::draft::{Compartments, Draft, DraftRole, Word};
use super::table::{RoleTable, RowIndex};
use super::{Action, View};
use crate::types::{Purpose, Role};

/// A remark on a valid policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// The line, counted from 1.
    pub line: usize,
    /// What is odd and what to do.
    pub text: String,
}

fn lint(line: usize, text: impl Into<String>) -> Lint {
    Lint { line, text: text.into() }
}

/// Remarks that need no table.
pub(super) fn of_draft(draft: &Draft) -> Vec<Lint> {
    let stated = |purpose: &Purpose| draft.roles.iter().any(|role| role.purposes.contains(purpose));
    let unused = draft.purposes.iter().filter(|(purpose, _)| !stated(purpose));
    let unused = unused.map(|(purpose, (line, _))| {
        lint(*line, format!("no role may state the purpose \"{purpose}\"; remove it, or let a role state it"))
    });
    let silent = Role::ALL.into_iter().filter(|role| !draft.roles.iter().any(|draft| draft.role == *role));
    let silent = silent.map(|role| lint(1, format!("the role {role} has no rules; its tokens may do nothing")));
    unused.chain(silent).collect()
}

/// Remarks on one role.
pub(super) fn of_role(draft: &DraftRole, table: &RoleTable, allow_used: &[bool], deny_used: &[bool]) -> Vec<Lint> {
    let mut lints = Vec::new();
    for (rule, used) in draft.allow.iter().zip(allow_used) {
        if !used {
            lints.push(lint(rule.reach.line, "this rule allows nothing: other rules decide all its cases"));
        }
        if is_meant_without_data(draft.role) && rule.reach.actions.iter().any(|action| action.uses_data()) {
            let role = draft.role;
            lints.push(lint(rule.reach.line, format!("the role {role} is meant to work without member data")));
        }
        let everywhere = matches!(rule.reach.compartments, Compartments::All) && rule.rest == Word::Clear;
        let shows = rule.reach.actions.iter().any(|action| action.shows_fields());
        if everywhere && shows && !is_meant_to_see_all(draft.role) {
            let text =
                "this rule shows every field of every compartment, also of those that come later; name what is needed";
            lints.push(lint(rule.reach.line, text));
        }
    }
    for (rule, used) in draft.deny.iter().zip(deny_used) {
        if !used {
            lints.push(lint(rule.reach.line, "this rule denies nothing that another rule allows"));
        }
    }
    if writes_unseen(table) {
        let role = draft.role;
        let text =
            format!("the role {role} may write records it does not see clear; replacing one loses what is hidden");
        lints.push(lint(draft.line, text));
    }
    lints
}

fn is_meant_without_data(role: Role) -> bool {
    matches!(role, Role::Ops | Role::Compliance | Role::Admin)
}

fn is_meant_to_see_all(role: Role) -> bool {
    matches!(role, Role::Crm | Role::Member)
}

fn writes_unseen(table: &RoleTable) -> bool {
    let rows = (0..table.compartments.len()).map(RowIndex::named).chain([RowIndex::UNNAMED]);
    rows.flat_map(|row| (0..table.slots).map(move |slot| (row, slot))).any(|(row, slot)| {
        let writes = table.view(row, Action::RecordWrite, slot).is_some();
        writes && !table.view(row, Action::RecordRead, slot).is_some_and(View::is_all_clear)
    })
}
