//! What a role sees of a record: one treatment a top-level field, applied to the record's JSON.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Mask, Screen};
use crate::types::FieldName;

/// Stands in the list of withheld fields for all hidden fields the policy does not name: the name of a field can
/// itself tell something about the member.
const UNNAMED_FIELDS: &str = "*";
/// Before a pseudonym, so that nobody takes one for a value.
const PSEUDONYM_PREFIX: &str = "psn_";

/// How a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// As it is.
    Clear,
    /// A glimpse of it.
    Masked(Mask),
    /// The member's pseudonym for the stated purpose in its place.
    Pseudonym,
    /// Not at all.
    Hidden,
}

impl Treatment {
    /// The treatment's name in the policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Masked(_) => "masked",
            Self::Pseudonym => "pseudonym",
            Self::Hidden => "hidden",
        }
    }

    const fn reason(self) -> Option<WithheldReason> {
        match self {
            Self::Clear => None,
            Self::Masked(_) => Some(WithheldReason::Masked),
            Self::Pseudonym => Some(WithheldReason::Pseudonym),
            Self::Hidden => Some(WithheldReason::Hidden),
        }
    }
}

/// Why a field is not shown as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WithheldReason {
    /// The role sees a glimpse.
    Masked,
    /// The role sees a pseudonym.
    Pseudonym,
    /// The role does not see it.
    Hidden,
    /// The data map does not declare it, and is strict.
    Undeclared,
    /// It does not serve the stated purpose.
    NotForPurpose,
    /// It may serve the purpose with the member's consent, which is not there.
    NoConsent,
    /// It is of a special category, and the consent to it was not given explicitly.
    NoExplicitConsent,
    /// The member objected.
    Objected,
    /// The member refuses decisions made without a person.
    AutomatedDecision,
}

impl WithheldReason {
    /// The reason as programs see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Pseudonym => "pseudonym",
            Self::Hidden => "hidden",
            Self::Undeclared => "undeclared",
            Self::NotForPurpose => "not_for_purpose",
            Self::NoConsent => "no_consent",
            Self::NoExplicitConsent => "no_explicit_consent",
            Self::Objected => "objected",
            Self::AutomatedDecision => "automated_decision",
        }
    }
}

/// A field that is not shown as it is. Its value is never here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// The field's name, or `*` for all hidden fields the policy does not name.
    pub field: String,
    /// Why.
    pub reason: WithheldReason,
}

/// A record as a role sees it.
#[derive(Debug)]
pub struct Projection {
    /// What is shown, in the order of the record.
    pub object: Map<String, Value>,
    /// What is not, or not as it is.
    pub withheld: Vec<Withheld>,
}

/// What a role sees of the records of a compartment, for a purpose. Reached only through a [`super::Permit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Every field the policy names anywhere, sorted.
    fields: Box<[(FieldName, Treatment)]>,
    /// Every other field.
    rest: Treatment,
}

impl View {
    /// Nothing at all.
    pub(super) fn nothing() -> Self {
        Self { fields: Box::default(), rest: Treatment::Hidden }
    }

    /// `fields` in ascending order without repetition, as a sorted map yields them.
    pub(super) fn new(fields: impl IntoIterator<Item = (FieldName, Treatment)>, rest: Treatment) -> Self {
        Self { fields: fields.into_iter().collect(), rest }
    }

    /// How the field is shown.
    pub fn treatment(&self, field: &str) -> Treatment {
        self.named(field).unwrap_or(self.rest)
    }

    /// How fields are shown that no rule names.
    pub(super) const fn of_others(&self) -> Treatment {
        self.rest
    }

    /// Whether every field is shown as it is, so that stored bytes may be answered without parsing them.
    pub fn is_all_clear(&self) -> bool {
        self.treatments().all(|treatment| treatment == Treatment::Clear)
    }

    /// Whether some field is shown as a pseudonym.
    pub fn needs_pseudonym(&self) -> bool {
        self.treatments().any(|treatment| treatment == Treatment::Pseudonym)
    }

    /// Applies the view to a record's JSON, and to what it shows the `screen`. `selection` are the fields the caller wants, all if `None`. `pseudonym`
    /// yields the member's pseudonym for the stated purpose; it is called at most once, and only if a field needs it.
    pub fn project(
        &self,
        object: Map<String, Value>,
        selection: Option<&[FieldName]>,
        screen: &Screen<'_>,
        pseudonym: impl FnOnce() -> [u8; 16],
    ) -> Projection {
        let mut pseudonym = Pseudonym::Underived(pseudonym);
        let mut shown = Map::new();
        let mut withheld = Vec::new();
        for (field, value) in object {
            if !is_selected(selection, &field) {
                continue;
            }
            let treatment = self.treatment(&field);
            if let Some(reason) = screen.withholds(&field).filter(|_| treatment != Treatment::Hidden) {
                withheld.push(Withheld { field, reason });
                continue;
            }
            self.note(&mut withheld, &field, treatment);
            match treatment {
                Treatment::Clear => shown.insert(field, value),
                Treatment::Masked(mask) => shown.insert(field, mask.apply(&value)),
                Treatment::Pseudonym => shown.insert(field, pseudonym.value()),
                Treatment::Hidden => None,
            };
        }
        Projection { object: shown, withheld }
    }

    fn note(&self, withheld: &mut Vec<Withheld>, field: &str, treatment: Treatment) {
        let Some(reason) = treatment.reason() else { return };
        let unnamed = treatment == Treatment::Hidden && self.named(field).is_none();
        let field = if unnamed { UNNAMED_FIELDS } else { field };
        if !unnamed || withheld.iter().all(|entry| entry.field != UNNAMED_FIELDS) {
            withheld.push(Withheld { field: field.to_owned(), reason });
        }
    }

    fn named(&self, field: &str) -> Option<Treatment> {
        let position = self.fields.binary_search_by(|(name, _)| name.as_str().cmp(field)).ok()?;
        self.fields.get(position).map(|(_, treatment)| *treatment)
    }

    /// The fields the policy names, and how each is shown.
    pub(super) fn named_fields(&self) -> impl Iterator<Item = (&FieldName, Treatment)> {
        self.fields.iter().map(|(name, treatment)| (name, *treatment))
    }

    fn treatments(&self) -> impl Iterator<Item = Treatment> {
        self.fields.iter().map(|(_, treatment)| *treatment).chain([self.rest])
    }
}

/// The fields chosen are few (a URL holds them), so a walk is cheaper than a set.
fn is_selected(selection: Option<&[FieldName]>, field: &str) -> bool {
    selection.is_none_or(|chosen| chosen.iter().any(|name| name.as_str() == field))
}

/// The member's pseudonym, derived when first needed.
enum Pseudonym<F> {
    Underived(F),
    Derived(String),
    Lost,
}

impl<F: FnOnce() -> [u8; 16]> Pseudonym<F> {
    fn value(&mut self) -> Value {
        let text = match std::mem::replace(self, Self::Lost) {
            Self::Underived(derive) => pseudonym_text(&derive()),
            Self::Derived(text) => text,
            Self::Lost => String::new(),
        };
        *self = Self::Derived(text.clone());
        Value::String(text)
    }
}

/// A pseudonym as it is shown.
pub fn pseudonym_text(bytes: &[u8; 16]) -> String {
    format!("{PSEUDONYM_PREFIX}{}", data_encoding::BASE32_NOPAD.encode(bytes).to_ascii_lowercase())
}
