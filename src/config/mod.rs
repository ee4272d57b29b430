//! Settings: what was typed, and what was decided.
//!
//! A setting may be typed in a TOML file, in the environment (`MEMBERVAULT_*`) or as a flag; the later wins over the
//! earlier. [`Typed`] holds one such source, [`Resolved`] the decision, in which every value remembers its
//! [`Origin`]. There is no global: `cli` resolves once and hands the values on. This room knows no other room's
//! settings type; `app` turns these values into them. Nobody but `cli` and `app` comes in.
//!
//! Secrets are never settings: a passphrase in a settings file would lie beside the vault it opens. The settings name
//! the files in which secrets are.

mod error;
mod file;
mod guards;
mod key;
mod paths;
mod resolve;
mod settings;

pub use error::ConfigError;
pub use guards::AlertSettings;
pub use key::{ENVIRONMENT_PREFIX, KEYS, Key};
pub use resolve::{Chosen, Origin, Resolved, Typed};
pub use settings::{LogFormat, LogLevel, ReadDurability, Settings};
