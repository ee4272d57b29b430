//! The policy as it is used: one table a role, so that a decision is two look-ups.

use std::sync::Arc;

use super::{Action, Lint, View};
use crate::types::{Compartment, Purpose, Role};

/// A policy in force. Cheap to clone.
#[derive(Clone)]
pub struct Policy {
    inner: Arc<PolicyInner>,
}

pub(super) struct PolicyInner {
    pub(super) text: String,
    pub(super) digest: [u8; 32],
    /// Sorted by name. The slot of a purpose is its position here and one; slot 0 is "none stated".
    pub(super) purposes: Vec<(Purpose, String)>,
    /// In the order of [`Role::ALL`].
    pub(super) roles: Vec<Arc<RoleTable>>,
    pub(super) lints: Vec<Lint>,
}

/// The slot of a request that states no purpose.
pub(super) const NO_PURPOSE: usize = 0;

impl Policy {
    pub(super) fn new(inner: PolicyInner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The policy file as it was read.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// SHA-256 of the policy file.
    pub fn digest(&self) -> [u8; 32] {
        self.inner.digest
    }

    /// The declared purposes, by name, with their meaning.
    pub fn purposes(&self) -> impl Iterator<Item = (&Purpose, &str)> {
        self.inner.purposes.iter().map(|(purpose, meaning)| (purpose, meaning.as_str()))
    }

    /// Whether it declares a purpose.
    pub fn declares(&self, purpose: &Purpose) -> bool {
        self.slot(purpose).is_some()
    }

    /// What is allowed to be written so, but probably not meant.
    pub fn lints(&self) -> &[Lint] {
        &self.inner.lints
    }

    pub(super) fn slot(&self, purpose: &Purpose) -> Option<usize> {
        self.inner.purposes.binary_search_by(|(declared, _)| declared.cmp(purpose)).ok().map(|position| position + 1)
    }

    pub(super) fn table(&self, role: Role) -> Option<&Arc<RoleTable>> {
        self.inner.roles.iter().find(|table| table.role == role)
    }
}

/// A row of the table: acts that touch no single compartment, then compartments no rule names, then the named ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowIndex(usize);

impl RowIndex {
    /// Acts that touch no single compartment.
    pub(super) const WHOLE: Self = Self(0);
    /// Every compartment no rule of the role names.
    pub(super) const UNNAMED: Self = Self(1);

    /// The row of the named compartment at this position.
    pub(super) const fn named(position: usize) -> Self {
        Self(position + 2)
    }
}

/// What one role may do.
pub(super) struct RoleTable {
    pub(super) role: Role,
    pub(super) policy_digest: [u8; 32],
    /// Compartments the rules of this role name, sorted.
    pub(super) compartments: Vec<Compartment>,
    /// Purposes of the policy and one.
    pub(super) slots: usize,
    /// `[row][action][slot]` -> position of the view; `None`: denied.
    pub(super) cells: Vec<Option<u16>>,
    pub(super) views: Vec<View>,
}

impl RoleTable {
    /// A role without rules.
    pub(super) const fn empty(role: Role, policy_digest: [u8; 32]) -> Self {
        Self { role, policy_digest, compartments: Vec::new(), slots: 0, cells: Vec::new(), views: Vec::new() }
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    pub(super) fn policy_digest(&self) -> &[u8; 32] {
        &self.policy_digest
    }

    pub(super) fn row(&self, compartment: &Compartment) -> RowIndex {
        self.compartments.binary_search(compartment).map_or(RowIndex::UNNAMED, RowIndex::named)
    }

    /// The cells of one act: one a slot.
    pub(super) fn cells(&self, row: RowIndex, action: Action) -> &[Option<u16>] {
        let start = self.cell_index(row, action, 0);
        self.cells.get(start..start + self.slots).unwrap_or_default()
    }

    pub(super) fn view(&self, row: RowIndex, action: Action, slot: usize) -> Option<&View> {
        let position = (*self.cells(row, action).get(slot)?)?;
        self.views.get(usize::from(position))
    }

    pub(super) fn cell_index(&self, row: RowIndex, action: Action, slot: usize) -> usize {
        let action_index = usize::from(action.number()) - 1;
        (row.0 * Action::ALL.len() + action_index) * self.slots + slot
    }
}
