//! The question: who wants to do what, and the facts it is weighed against.

use super::Action;
use crate::types::{Actor, Compartment, MemberId, Purpose};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub actor: &'a Actor,
    /// What it wants to do.
    pub action: Action,
    /// The purpose it states.
    pub purpose: Option<&'a Purpose>,
    /// The member it is about, where there is one.
    pub member: Option<&'a MemberId>,
    /// The compartment it is about, where the action takes one.
    pub compartment: Option<&'a Compartment>,
}

/// How it stands with the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// The member exists.
    Live,
    /// No member of this id was ever here.
    Absent,
    /// The member was erased.
    Erased,
}

/// What is known when the decision is made. The vault gathers it; a fact an action does not depend on may have any
/// value (see [`Action::needs_live_member`] and [`Action::minds_hold`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How it stands with the member.
    pub member: MemberState,
    /// Whether the compartment in the request was erased.
    pub compartment_erased: bool,
    /// Whether a legal hold lies on the member.
    pub held: bool,
}

impl Facts {
    /// The facts of an action that is about no member.
    pub const NONE: Self = Self { member: MemberState::Live, compartment_erased: false, held: false };
}
