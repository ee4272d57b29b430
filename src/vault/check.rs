//! What it takes to check a signed document without the vault: checks with names that never change, and nothing believed
//! that the log's key does not bear out. Called by the checks of certificates, receipts and bundles.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::tlog::{Note, VerifierKey};

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds; with what it says.
    Holds(String),
    /// It does not; with what was found.
    Fails(String),
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name: `form`, `signature`, and as the document asks `intent`, `rotation`, `seal`, `purge`, `inclusion`,
    /// `witness`, `stages`; `events`; `files`.
    pub name: &'static str,
    /// What it came to.
    pub outcome: Outcome,
}

/// What a check gives: what holds, or what does not.
pub(super) type Finding = Result<String, String>;

impl Check {
    /// A check that was made.
    pub(super) fn of(name: &'static str, finding: Finding) -> Self {
        let outcome = match finding {
            Ok(what) => Outcome::Holds(what),
            Err(what) => Outcome::Fails(what),
        };
        Self { name, outcome }
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        matches!(self.outcome, Outcome::Holds(_))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Holds(what) => write!(f, "holds  {:<9}  {what}", self.name),
            Outcome::Fails(what) => write!(f, "FAILS  {:<9}  {what}", self.name),
        }
    }
}

/// Something that must be so.
pub(super) fn demand(so: bool, otherwise: &str) -> Result<(), String> {
    if so { Ok(()) } else { Err(otherwise.to_owned()) }
}

/// A note, and the document that is its text.
pub(super) fn document<T: DeserializeOwned>(text: &str) -> Result<(Note<'_>, T), String> {
    let note = Note::parse(text).map_err(|error| error.to_string())?;
    // The parser's messages are about syntax and our own words; the text is the reader's own file.
    let document = serde_json::from_str(note.text()).map_err(|error| error.to_string())?;
    Ok((note, document))
}

/// The log's key signed it, and it names this log.
pub(super) fn signed(note: &Note<'_>, log: &str, key: &VerifierKey, otherwise: &str) -> Finding {
    note.require(key).map_err(|error| error.to_string())?;
    demand(log == key.name().as_str(), otherwise)?;
    Ok(format!("signed by the log {}", key.name()))
}
