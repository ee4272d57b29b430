//! Reads the policy file.

use super::Policy;
use crate::code::{Code, Coded};

/// The policy the vault starts with when no other is given.
const DEFAULT: &str = include_str!("default.toml");

/// The policy file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, or not in the shape of a policy; the cause says what was expected.
    #[error("the policy cannot be read at line {line}")]
    Shape {
        /// The line, counted from 1.
        line: usize,
        /// What the reader of the file says.
        #[source]
        source: Box<toml::de::Error>,
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

impl Coded for PolicyError {
    fn code(&self) -> Code {
        Code::InvalidPolicy
    }
}

/// What is allowed to be written so, but probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// The line, counted from 1.
    pub line: usize,
    /// What is odd and what to do.
    pub text: String,
}

impl Policy {
    /// The default policy's text.
    pub fn default_text() -> &'static str {
        DEFAULT
    }

    /// Reads and checks a policy file.
    pub fn parse(_text: &str) -> Result<Self, PolicyError> {
        todo!()
    }
}
