//! What can be wrong with a setting. Settings are not personal, so messages may quote names; values they do not.

use std::path::PathBuf;

use thiserror::Error;

use super::Origin;
use crate::code::{Code, Coded};

/// A setting could not be read or understood.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The settings file could not be read.
    #[error("the settings file cannot be read: {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The settings file is larger than any settings file needs to be.
    #[error("the settings file is larger than {limit} bytes: {}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The settings file is not TOML.
    #[error("the settings file is not well-formed: {}, line {line}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What the parser says; it names syntax, not values.
        message: String,
    },
    /// The settings file names a setting that does not exist.
    #[error("there is no setting named {name:?}: {}, line {line}: {}", path.display(), advice(*near))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The name as typed.
        name: String,
        /// A setting whose name is close.
        near: Option<&'static str>,
    },
    /// A value does not have the form of its setting.
    #[error("the setting {name} is not valid: {origin}: expected {expected}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// Where the value was typed.
        origin: Origin,
        /// The form, in words.
        expected: &'static str,
    },
    /// Two settings cannot stand together.
    #[error("{what}: {what_to_do}")]
    Contradiction {
        /// What contradicts.
        what: &'static str,
        /// The way out.
        what_to_do: &'static str,
    },
}

fn advice(near: Option<&'static str>) -> String {
    match near {
        Some(name) => format!("did you mean {name:?}?"),
        None => "see `membervault config show` for all settings".to_owned(),
    }
}

impl Coded for ConfigError {
    fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => Code::Io,
            _ => Code::InvalidConfig,
        }
    }
}
