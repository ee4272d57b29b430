//! From rules to tables: every case a role can ask for is decided here, once.
//!
//! A case is (compartment, action, purpose). Of the allow rules that cover a case, those that name the compartment
//! count before those for `"*"`; if two are left that show fields, the file is refused, because a reader could not say
//! which is meant. A deny rule that covers the case takes it away, or hides fields of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::draft::{Allow, Deny, Draft, DraftRole, PurposeMode, Reach, Word};
use super::lint::{self, Lint};
use super::table::{PolicyInner, RoleTable};
use super::{Action, Mask, Policy, PolicyError, View};
use crate::crypto::sha256;
use crate::types::{Compartment, FieldName, Purpose, Role};

/// Compartments the rules of one role may name; bounds the size of its table.
const COMPARTMENTS_PER_ROLE_MAX: usize = 256;

pub(super) fn compile(text: &str, draft: &Draft) -> Result<Policy, PolicyError> {
    let digest = sha256(&[text.as_bytes()]);
    let words = Words::of(draft);
    let mut lints = lint::of_draft(draft);
    let mut roles = Vec::with_capacity(Role::ALL.len());
    for role in Role::ALL {
        let Some(draft) = draft.roles.iter().find(|draft| draft.role == role) else {
            roles.push(Arc::new(RoleTable::empty(role, digest)));
            continue;
        };
        check(draft)?;
        let mut compiler = Compiler::new(draft, &words)?;
        let table = compiler.table(digest)?;
        lints.extend(lint::of_role(draft, &table, &compiler.allow_used, &compiler.deny_used));
        roles.push(Arc::new(table));
    }
    lints.sort_by_key(|lint: &Lint| lint.line);
    let purposes = draft.purposes.iter().map(|(purpose, (_, meaning))| (purpose.clone(), meaning.clone())).collect();
    Ok(Policy::new(PolicyInner { text: text.to_owned(), digest, purposes, roles, lints }))
}

/// What no rule of a role may be, whatever the other rules say.
fn check(draft: &DraftRole) -> Result<(), PolicyError> {
    let role = draft.role;
    let mut uses_data = None;
    let mut grants_access = None;
    for Allow { reach, fields, rest } in &draft.allow {
        let mut words = fields.values().chain([rest]);
        let purposeless = reach.purposes.is_none() && draft.mode != PurposeMode::Required;
        if purposeless && words.any(|word| *word == Word::Pseudonym) {
            let advice = "a pseudonym belongs to a purpose: write purpose = \"required\", or purposes for this rule";
            return Err(PolicyError::rule(reach.line, "pseudonyms are shown where no purpose need be stated", advice));
        }
        for action in &reach.actions {
            if role == Role::Member && !action.suits_member_token() {
                let what = format!("the role member cannot have {action}");
                return Err(PolicyError::rule(reach.line, what, "its tokens speak of one member only"));
            }
            uses_data = uses_data.or(action.uses_data().then_some(*action));
            grants_access = grants_access.or(action.grants_access().then_some((*action, reach.line)));
        }
    }
    match (uses_data, grants_access) {
        (Some(data), Some((grant, line))) => {
            let what = format!("the role {role} has both {data} and {grant}");
            let advice = "nobody may both use member data and change who may; give one of them to another role";
            Err(PolicyError::rule(line, what, advice))
        }
        _ => Ok(()),
    }
}

/// What the whole policy says, needed for every role.
struct Words<'d> {
    /// In the order of their slots, without the slot for none.
    purposes: Vec<&'d Purpose>,
    masks: &'d BTreeMap<FieldName, Mask>,
    /// Every field the policy names anywhere.
    fields: BTreeSet<&'d FieldName>,
}

impl<'d> Words<'d> {
    fn of(draft: &'d Draft) -> Self {
        let allowed = draft.roles.iter().flat_map(|role| &role.allow).flat_map(|rule| rule.fields.keys());
        let denied = draft.roles.iter().flat_map(|role| &role.deny).flat_map(|rule| rule.fields.iter().flatten());
        let fields = draft.masks.keys().chain(allowed).chain(denied).collect();
        Self { purposes: draft.purposes.keys().collect(), masks: &draft.masks, fields }
    }
}

/// One role on its way to a table.
struct Compiler<'d> {
    draft: &'d DraftRole,
    words: &'d Words<'d>,
    compartments: Vec<Compartment>,
    views: Vec<View>,
    /// Which rules decide at least one case; the others are dead letters.
    allow_used: Vec<bool>,
    deny_used: Vec<bool>,
}

impl<'d> Compiler<'d> {
    fn new(draft: &'d DraftRole, words: &'d Words<'d>) -> Result<Self, PolicyError> {
        let reaches = draft.allow.iter().map(|rule| &rule.reach).chain(draft.deny.iter().map(|rule| &rule.reach));
        let named: BTreeSet<_> = reaches.flat_map(|reach| reach.compartments.named()).cloned().collect();
        if named.len() > COMPARTMENTS_PER_ROLE_MAX {
            let what = format!("the rules of the role {} name more than 256 compartments", draft.role);
            return Err(PolicyError::rule(draft.line, what, "use \"*\" where they are treated alike"));
        }
        Ok(Self {
            draft,
            words,
            compartments: named.into_iter().collect(),
            views: vec![View::nothing()],
            allow_used: vec![false; draft.allow.len()],
            deny_used: vec![false; draft.deny.len()],
        })
    }

    fn table(&mut self, policy_digest: [u8; 32]) -> Result<RoleTable, PolicyError> {
        let slots = self.words.purposes.len() + 1;
        let per_row = Action::ALL.len() * slots;
        let named: Vec<Option<Compartment>> = self.compartments.iter().cloned().map(Some).collect();
        let mut within = Vec::new();
        for compartment in [None].iter().chain(&named) {
            self.row(&mut within, compartment.as_ref(), |action| {
                action.takes_compartment() || action.spans_compartments()
            })?;
        }
        let mut cells = Vec::with_capacity(per_row + within.len());
        self.row(&mut cells, None, |action| !action.takes_compartment() && !action.spans_compartments())?;
        // An act over all compartments is allowed as a whole where any compartment may be seen.
        for action in Action::ALL.iter().filter(|action| action.spans_compartments()) {
            let start = usize::from(action.number() - 1) * slots;
            for position in start..start + slots {
                let anywhere = within.iter().skip(position).step_by(per_row).any(Option::is_some);
                if let Some(cell) = cells.get_mut(position) {
                    *cell = anywhere.then_some(0);
                }
            }
        }
        cells.append(&mut within);
        let (compartments, views) = (std::mem::take(&mut self.compartments), std::mem::take(&mut self.views));
        Ok(RoleTable { role: self.draft.role, policy_digest, compartments, slots, cells, views })
    }

    /// Decides all cases of one row; actions that do not belong there are denied.
    fn row(
        &mut self,
        cells: &mut Vec<Option<u16>>,
        compartment: Option<&Compartment>,
        belongs: impl Fn(Action) -> bool,
    ) -> Result<(), PolicyError> {
        let words = self.words;
        for action in Action::ALL.iter().copied() {
            for purpose in [None].into_iter().chain(words.purposes.iter().copied().map(Some)) {
                let stated = belongs(action) && self.may_state(action, purpose);
                cells.push(if stated { self.case(compartment, action, purpose)? } else { None });
            }
        }
        Ok(())
    }

    fn may_state(&self, action: Action, purpose: Option<&Purpose>) -> bool {
        match purpose {
            None => self.draft.mode != PurposeMode::Required || !action.uses_data(),
            Some(purpose) => self.draft.purposes.contains(purpose),
        }
    }

    fn case(
        &mut self,
        compartment: Option<&Compartment>,
        action: Action,
        purpose: Option<&Purpose>,
    ) -> Result<Option<u16>, PolicyError> {
        let Some(position) = self.rule_for(compartment, action, purpose)? else { return Ok(None) };
        let Some(hidden) = self.denied(compartment, action, purpose) else { return Ok(None) };
        if let Some(used) = self.allow_used.get_mut(position) {
            *used = true;
        }
        let view = match self.draft.allow.get(position) {
            Some(rule) if action.shows_fields() => self.view(rule, &hidden),
            _ => View::nothing(),
        };
        Ok(Some(self.position_of(view)))
    }

    /// The one allow rule that counts in this case.
    fn rule_for(
        &self,
        compartment: Option<&Compartment>,
        action: Action,
        purpose: Option<&Purpose>,
    ) -> Result<Option<usize>, PolicyError> {
        let covering = self.draft.allow.iter().enumerate().filter(|(_, rule)| rule.reach.covers(action, purpose));
        let covering: Vec<_> = covering.filter(|(_, rule)| is_within(&rule.reach, action, compartment)).collect();
        let specific = covering.iter().filter(|(_, rule)| rule.reach.compartments.names(compartment));
        let specific: Vec<_> = specific.copied().collect();
        let counting = if specific.is_empty() { covering } else { specific };
        match counting.as_slice() {
            [] => Ok(None),
            [(_, first), (_, second), ..] if action.shows_fields() => Err(overlap(first, second, action)),
            [(position, _), ..] => Ok(Some(*position)),
        }
    }

    /// The fields denied in this case; `None` if the act itself is.
    fn denied(
        &mut self,
        compartment: Option<&Compartment>,
        action: Action,
        purpose: Option<&Purpose>,
    ) -> Option<BTreeSet<&'d FieldName>> {
        let draft = self.draft;
        let mut fields = BTreeSet::new();
        let mut forbidden = false;
        for (Deny { reach, fields: denied }, used) in draft.deny.iter().zip(&mut self.deny_used) {
            if reach.covers(action, purpose) && is_within(reach, action, compartment) {
                *used = true;
                forbidden |= denied.is_none();
                fields.extend(denied.iter().flatten());
            }
        }
        (!forbidden).then_some(fields)
    }

    fn view(&self, rule: &Allow, hidden: &BTreeSet<&FieldName>) -> View {
        let treatment = |field: &&FieldName| {
            let mask = self.words.masks.get(*field).copied().unwrap_or(Mask::Text);
            let word =
                if hidden.contains(field) { Word::Hidden } else { *rule.fields.get(*field).unwrap_or(&rule.rest) };
            ((*field).clone(), word.with(mask))
        };
        View::new(self.words.fields.iter().map(treatment), rule.rest.with(Mask::Text))
    }

    /// Few views differ, so a walk finds them. Should there ever be more than a cell can count, the case gets the first
    /// view, which shows nothing.
    fn position_of(&mut self, view: View) -> u16 {
        let position = self.views.iter().position(|known| *known == view).unwrap_or_else(|| {
            self.views.push(view);
            self.views.len() - 1
        });
        u16::try_from(position).unwrap_or(0)
    }
}

/// Actions that are not about records know no compartment.
fn is_within(reach: &Reach, action: Action, compartment: Option<&Compartment>) -> bool {
    let about_records = action.takes_compartment() || action.spans_compartments();
    !about_records || reach.compartments.cover(compartment)
}

fn overlap(first: &Allow, second: &Allow, action: Action) -> PolicyError {
    let (first, second) = (first.reach.line.min(second.reach.line), first.reach.line.max(second.reach.line));
    let what = format!("this rule and the one at line {first} both say how {action} shows the same records");
    PolicyError::rule(second, what, "say it in one of them; to show less, use a deny rule")
}
