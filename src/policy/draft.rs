//! The policy as it is written: checked words, with the lines they stand on.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Mask, Treatment};
use crate::types::{Compartment, FieldName, Purpose, Role};

/// A policy file, read.
pub(super) struct Draft {
    /// Each with its line and meaning.
    pub(super) purposes: BTreeMap<Purpose, (usize, String)>,
    pub(super) masks: BTreeMap<FieldName, Mask>,
    pub(super) roles: Vec<DraftRole>,
}

/// The rules of one role.
pub(super) struct DraftRole {
    pub(super) role: Role,
    pub(super) line: usize,
    pub(super) mode: PurposeMode,
    /// What it may state.
    pub(super) purposes: BTreeSet<Purpose>,
    pub(super) allow: Vec<Allow>,
    pub(super) deny: Vec<Deny>,
}

/// Whether a role states a purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PurposeMode {
    /// Whenever it uses a member's data.
    Required,
    /// If it wants to.
    Optional,
    /// Never.
    None,
}

impl PurposeMode {
    pub(super) const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::None];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::None => "none",
        }
    }
}

/// What a rule speaks of.
pub(super) struct Reach {
    pub(super) line: usize,
    pub(super) actions: BTreeSet<Action>,
    pub(super) compartments: Compartments,
    /// `None`: whatever purpose is stated, or none.
    pub(super) purposes: Option<BTreeSet<Purpose>>,
}

impl Reach {
    /// `purpose` is `None` where the request states none.
    pub(super) fn covers(&self, action: Action, purpose: Option<&Purpose>) -> bool {
        let purposes = self.purposes.as_ref();
        let for_purpose = purposes.is_none_or(|purposes| purpose.is_some_and(|purpose| purposes.contains(purpose)));
        for_purpose && self.actions.contains(&action)
    }
}

/// The compartments a rule speaks of.
pub(super) enum Compartments {
    All,
    Named(BTreeSet<Compartment>),
}

impl Compartments {
    pub(super) fn named(&self) -> impl Iterator<Item = &Compartment> {
        match self {
            Self::All => None,
            Self::Named(names) => Some(names),
        }
        .into_iter()
        .flatten()
    }

    /// `None` is a compartment no rule of the role names.
    pub(super) fn names(&self, compartment: Option<&Compartment>) -> bool {
        match (self, compartment) {
            (Self::Named(names), Some(compartment)) => names.contains(compartment),
            _ => false,
        }
    }

    pub(super) fn cover(&self, compartment: Option<&Compartment>) -> bool {
        matches!(self, Self::All) || self.names(compartment)
    }
}

/// A rule that allows.
pub(super) struct Allow {
    pub(super) reach: Reach,
    pub(super) fields: BTreeMap<FieldName, Word>,
    pub(super) rest: Word,
}

/// A rule that denies: the act, or the sight of some fields.
pub(super) struct Deny {
    pub(super) reach: Reach,
    pub(super) fields: Option<BTreeSet<FieldName>>,
}

/// How a field is shown, as written; the mask is chosen by field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Clear,
    Masked,
    Pseudonym,
    Hidden,
}

impl Word {
    pub(super) const ALL: [Self; 4] = [Self::Clear, Self::Masked, Self::Pseudonym, Self::Hidden];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Masked => "masked",
            Self::Pseudonym => "pseudonym",
            Self::Hidden => "hidden",
        }
    }

    pub(super) const fn with(self, mask: Mask) -> Treatment {
        match self {
            Self::Clear => Treatment::Clear,
            Self::Masked => Treatment::Masked(mask),
            Self::Pseudonym => Treatment::Pseudonym,
            Self::Hidden => Treatment::Hidden,
        }
    }
}
