//! Reads the policy file: from text to words that mean something. What the words allow together is [`super::compile`]'s
//! affair.
//!
//! Another syntax for policies would replace this file only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use super::compile::compile;
use super::draft::{Allow, Compartments, Deny, Draft, DraftRole, PurposeMode, Reach, Word};
use super::{Action, Mask, Policy};
use crate::code::{Code, Coded};
use crate::types::{Compartment, FieldName, Purpose, Role};

/// The policy the vault starts with when no other is given.
const DEFAULT: &str = include_str!("default.toml");
/// The version of the file's language.
const VERSION: u32 = 1;
/// Stands for every compartment, every purpose, or every field not named.
const ALL: &str = "*";

/// Bytes of a policy file: some thousand lines, more than a person reads.
const FILE_BYTES_MAX: usize = 256 * 1024;
const PURPOSES_MAX: usize = 64;
const RULES_PER_ROLE_MAX: usize = 64;
const LIST_ENTRIES_MAX: usize = 128;

/// The policy file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, or not in the shape of a policy.
    #[error("policy line {line}: {}", reason.message())]
    Shape {
        /// The line, counted from 1.
        line: usize,
        /// What the reader of TOML says. Part of this sentence, so not its cause as well.
        reason: Box<toml::de::Error>,
    },
    /// Well-formed, but it cannot be meant so.
    #[error("policy line {line}: {what}; {advice}")]
    Rule {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
        /// What to do.
        advice: String,
    },
}

impl PolicyError {
    pub(super) fn rule(line: usize, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Rule { line, what: what.into(), advice: advice.into() }
    }

    /// The line of the file, counted from 1.
    pub const fn line(&self) -> usize {
        match self {
            Self::Shape { line, .. } | Self::Rule { line, .. } => *line,
        }
    }
}

impl Coded for PolicyError {
    fn code(&self) -> Code {
        Code::InvalidPolicy
    }
}

impl Policy {
    /// The default policy's text.
    pub fn default_text() -> &'static str {
        DEFAULT
    }

    /// Reads and checks a policy file.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(PolicyError::rule(1, "the file is longer than 256 KiB", "a policy is to be read by people"));
        }
        let reader = Reader { text };
        let raw: RawPolicy = toml::from_str(text).map_err(|reason| PolicyError::Shape {
            line: reason.span().map_or(1, |span| reader.line(&span)),
            reason: Box::new(reason),
        })?;
        compile(text, &reader.policy(raw)?)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    version: Spanned<u32>,
    #[serde(default)]
    purposes: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    masks: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    roles: BTreeMap<Spanned<String>, RawRole>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRole {
    about: Spanned<String>,
    purpose: Spanned<String>,
    purposes: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    allow: Vec<RawAllow>,
    #[serde(default)]
    deny: Vec<RawDeny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAllow {
    actions: Spanned<Vec<Spanned<String>>>,
    compartments: Option<Vec<Spanned<String>>>,
    purposes: Option<Vec<Spanned<String>>>,
    fields: Option<BTreeMap<Spanned<String>, Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDeny {
    actions: Spanned<Vec<Spanned<String>>>,
    compartments: Option<Vec<Spanned<String>>>,
    purposes: Option<Vec<Spanned<String>>>,
    fields: Option<Vec<Spanned<String>>>,
}

/// Turns texts into words, and byte positions into lines.
struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn line_of<T>(&self, word: &Spanned<T>) -> usize {
        self.line(&word.span())
    }

    fn refuse<T, R>(&self, at: &Spanned<T>, what: impl Into<String>, advice: &str) -> Result<R, PolicyError> {
        Err(PolicyError::rule(self.line_of(at), what, advice))
    }

    /// A name of the operator's choice.
    fn name<N: FromStr<Err: Display>>(&self, kind: &str, word: &Spanned<String>) -> Result<N, PolicyError> {
        word.get_ref().parse().map_err(|form: N::Err| {
            PolicyError::rule(
                self.line_of(word),
                format!("{:?} cannot name a {kind}", word.get_ref()),
                form.to_string(),
            )
        })
    }

    /// A word of the policy language.
    fn keyword<W: Copy>(
        &self,
        kind: &str,
        word: &Spanned<String>,
        all: &[W],
        as_str: fn(W) -> &'static str,
    ) -> Result<W, PolicyError> {
        all.iter().copied().find(|known| as_str(*known) == word.get_ref()).ok_or_else(|| {
            let known: Vec<_> = all.iter().copied().map(as_str).collect();
            let what = format!("there is no {kind} {:?}", word.get_ref());
            PolicyError::rule(self.line_of(word), what, format!("use one of {}", known.join(", ")))
        })
    }

    fn prose(&self, subject: &str, text: &Spanned<String>) -> Result<String, PolicyError> {
        if text.get_ref().trim().is_empty() {
            return self.refuse(text, format!("{subject} is not described"), "say in a sentence what it is for");
        }
        Ok(text.get_ref().clone())
    }

    fn policy(&self, raw: RawPolicy) -> Result<Draft, PolicyError> {
        if *raw.version.get_ref() != VERSION {
            return self.refuse(&raw.version, "unknown version of the policy language", "write version = 1");
        }
        let purposes = self.declared(&raw.purposes)?;
        let masks = self.masks(&raw.masks)?;
        let roles = raw.roles.iter().map(|(name, role)| self.role(name, role, &purposes)).collect::<Result<_, _>>()?;
        Ok(Draft { purposes, masks, roles })
    }

    fn declared(
        &self,
        raw: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Result<BTreeMap<Purpose, (usize, String)>, PolicyError> {
        if let Some((word, _)) = raw.iter().nth(PURPOSES_MAX) {
            return self.refuse(word, "more than 64 purposes", "join purposes that are not told apart");
        }
        let entry = |(name, meaning): (&Spanned<String>, &Spanned<String>)| {
            let purpose = self.name("purpose", name)?;
            let meaning = self.prose(&format!("the purpose {:?}", name.get_ref()), meaning)?;
            Ok((purpose, (self.line_of(name), meaning)))
        };
        raw.iter().map(entry).collect()
    }

    fn masks(
        &self,
        raw: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Result<BTreeMap<FieldName, Mask>, PolicyError> {
        let entry = |(field, mask): (&Spanned<String>, &Spanned<String>)| {
            Ok((self.name("field", field)?, self.keyword("mask", mask, &Mask::ALL, Mask::as_str)?))
        };
        raw.iter().map(entry).collect()
    }

    fn role(
        &self,
        name: &Spanned<String>,
        raw: &RawRole,
        declared: &BTreeMap<Purpose, (usize, String)>,
    ) -> Result<DraftRole, PolicyError> {
        let role = self.keyword("role", name, &Role::ALL, Role::as_str)?;
        self.prose(&format!("the role {role}"), &raw.about)?;
        let mode = self.keyword("purpose mode", &raw.purpose, &PurposeMode::ALL, PurposeMode::as_str)?;
        let purposes = match &raw.purposes {
            Some(words) => self.purposes(words, declared)?,
            None => BTreeSet::new(),
        };
        let line = self.line_of(name);
        if (mode == PurposeMode::None) != purposes.is_empty() {
            let what = format!("the role {role} states purposes that do not fit purpose = {:?}", mode.as_str());
            let advice = "list the purposes it may state, or write purpose = \"none\" and no list";
            return Err(PolicyError::rule(self.line_of(&raw.purpose), what, advice));
        }
        if raw.allow.len() + raw.deny.len() > RULES_PER_ROLE_MAX {
            return Err(PolicyError::rule(line, format!("the role {role} has more than 64 rules"), "join some"));
        }
        let of_role = |words: &Option<Vec<Spanned<String>>>| self.purposes_of_rule(words.as_deref(), &purposes, role);
        let allow =
            raw.allow.iter().map(|rule| self.allow(rule, of_role(&rule.purposes)?)).collect::<Result<_, _>>()?;
        let deny = raw.deny.iter().map(|rule| self.deny(rule, of_role(&rule.purposes)?)).collect::<Result<_, _>>()?;
        Ok(DraftRole { role, line, mode, purposes, allow, deny })
    }

    fn allow(&self, raw: &RawAllow, purposes: Option<BTreeSet<Purpose>>) -> Result<Allow, PolicyError> {
        let reach = self.reach(&raw.actions, raw.compartments.as_deref(), purposes)?;
        let mut fields = BTreeMap::new();
        let mut rest = None;
        for (field, word) in raw.fields.iter().flatten() {
            let word = self.keyword("treatment", word, &Word::ALL, Word::as_str)?;
            match field.get_ref().as_str() {
                ALL => rest = Some(word),
                _ => drop(fields.insert(self.name("field", field)?, word)),
            }
        }
        if reach.actions.iter().any(|action| action.shows_fields()) != raw.fields.is_some() {
            let what = "the rule's actions and fields do not fit";
            let advice = "say how fields are shown (fields.\"*\" = ...) where, and only where, the rule allows \
                          record.read or member.export";
            return self.refuse(&raw.actions, what, advice);
        }
        Ok(Allow { reach, fields, rest: rest.unwrap_or(Word::Hidden) })
    }

    fn deny(&self, raw: &RawDeny, purposes: Option<BTreeSet<Purpose>>) -> Result<Deny, PolicyError> {
        let reach = self.reach(&raw.actions, raw.compartments.as_deref(), purposes)?;
        let Some(words) = &raw.fields else { return Ok(Deny { reach, fields: None }) };
        if !reach.actions.iter().all(|action| action.shows_fields()) {
            let what = "a deny rule with fields names an action that shows no fields";
            return self.refuse(&raw.actions, what, "deny fields of record.read and member.export only");
        }
        let fields = self.list(words, |word| self.name("field", word))?;
        Ok(Deny { reach, fields: Some(fields) })
    }

    fn reach(
        &self,
        actions: &Spanned<Vec<Spanned<String>>>,
        compartments: Option<&[Spanned<String>]>,
        purposes: Option<BTreeSet<Purpose>>,
    ) -> Result<Reach, PolicyError> {
        let line = self.line_of(actions);
        let words = actions.get_ref();
        let actions: BTreeSet<Action> =
            self.list(words, |word| self.keyword("action", word, Action::ALL, Action::as_str))?;
        if actions.is_empty() {
            return Err(PolicyError::rule(line, "the rule names no action", "name at least one, or remove the rule"));
        }
        let within = actions.iter().any(|action| action.takes_compartment() || action.spans_compartments());
        if within != compartments.is_some() {
            let what = "the rule's actions and compartments do not fit";
            let advice = "name the compartments (or [\"*\"]) where, and only where, an action is about records";
            return Err(PolicyError::rule(line, what, advice));
        }
        let compartments = self.compartments(compartments.unwrap_or_default())?;
        Ok(Reach { line, actions, compartments, purposes })
    }

    fn compartments(&self, words: &[Spanned<String>]) -> Result<Compartments, PolicyError> {
        if is_all(words) {
            return Ok(Compartments::All);
        }
        self.list(words, |word| self.name::<Compartment>("compartment", word)).map(Compartments::Named)
    }

    /// The purposes a role may state.
    fn purposes(
        &self,
        words: &[Spanned<String>],
        declared: &BTreeMap<Purpose, (usize, String)>,
    ) -> Result<BTreeSet<Purpose>, PolicyError> {
        if is_all(words) {
            return Ok(declared.keys().cloned().collect());
        }
        self.list(words, |word| {
            let purpose: Purpose = self.name("purpose", word)?;
            if declared.contains_key(&purpose) {
                return Ok(purpose);
            }
            self.refuse(word, format!("the purpose \"{purpose}\" is not declared"), "declare it under [purposes]")
        })
    }

    /// The purposes a rule is for, which are among those of its role. `None`: all of them, and none stated.
    fn purposes_of_rule(
        &self,
        words: Option<&[Spanned<String>]>,
        of_role: &BTreeSet<Purpose>,
        role: Role,
    ) -> Result<Option<BTreeSet<Purpose>>, PolicyError> {
        let Some(words) = words else { return Ok(None) };
        let purposes = self.list(words, |word| {
            let purpose: Purpose = self.name("purpose", word)?;
            if of_role.contains(&purpose) {
                return Ok(purpose);
            }
            let what = format!("the role {role} may not state the purpose \"{purpose}\"");
            self.refuse(word, what, "add it to the purposes of the role, or leave it out here")
        })?;
        Ok(Some(purposes))
    }

    /// A list in which every entry means something and none is said twice.
    fn list<T: Ord>(
        &self,
        words: &[Spanned<String>],
        read: impl Fn(&Spanned<String>) -> Result<T, PolicyError>,
    ) -> Result<BTreeSet<T>, PolicyError> {
        let mut entries = BTreeSet::new();
        for word in words {
            if word.get_ref() == ALL {
                let advice =
                    "write [\"*\"] alone for all compartments or all purposes; name actions and fields one by one";
                return self.refuse(word, "\"*\" cannot stand in this list", advice);
            }
            if !entries.insert(read(word)?) {
                return self.refuse(word, format!("{:?} stands twice in the list", word.get_ref()), "remove one");
            }
            if entries.len() > LIST_ENTRIES_MAX {
                return self.refuse(word, "the list has more than 128 entries", "use \"*\", or split the rule");
            }
        }
        Ok(entries)
    }
}

fn is_all(words: &[Spanned<String>]) -> bool {
    matches!(words, [only] if only.get_ref() == ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_is_valid_and_without_remarks() {
        let policy = Policy::parse(Policy::default_text()).unwrap();
        assert_eq!(policy.lints(), []);
        assert_eq!(policy.purposes().count(), 5);
        assert_eq!(policy.text(), Policy::default_text());
    }
}
