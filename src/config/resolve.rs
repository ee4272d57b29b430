//! From what was typed in each place to what stands, remembering where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{ConfigError, ENVIRONMENT_PREFIX, KEYS, Key, Settings, file};

/// Where a value was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the default.
    Default,
    /// In a settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// In an environment variable.
    Environment(String),
    /// As a flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Environment(variable) => write!(f, "environment, {variable}"),
            Self::Flag(flag) => write!(f, "flag, {flag}"),
        }
    }
}

/// The text of one setting and where it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The text.
    pub text: String,
    /// Where it was typed.
    pub origin: Origin,
}

/// What was typed, before it is decided: at most one text a setting.
#[derive(Debug, Default)]
pub struct Typed {
    values: BTreeMap<&'static str, Chosen>,
    /// Variables with our prefix that are no setting. Not an error: a container platform may invent some
    /// (`MEMBERVAULT_PORT`, `MEMBERVAULT_SERVICE_HOST`); `config show` lists them, so that a typing error is found.
    unused: Vec<String>,
}

impl Typed {
    /// What is typed in the settings file at `path`.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        file::read(path)
    }

    /// What is typed in the environment. `known` names variables that are read elsewhere, such as the passphrase.
    pub fn from_environment(variables: impl Iterator<Item = (String, String)>, known: &[&str]) -> Self {
        let mut typed = Self::default();
        for (variable, text) in variables.filter(|(variable, _)| variable.starts_with(ENVIRONMENT_PREFIX)) {
            match KEYS.iter().find(|key| key.variable() == variable) {
                Some(key) => typed.put(key, text, Origin::Environment(variable)),
                None if known.contains(&variable.as_str()) => {}
                None => typed.unused.push(variable),
            }
        }
        typed.unused.sort();
        typed
    }

    /// Adds the text of a flag, if it was given.
    pub fn flag(&mut self, name: &'static str, flag: &'static str, text: Option<String>) {
        if let (Some(key), Some(text)) = (Key::named(name), text) {
            self.put(key, text, Origin::Flag(flag));
        }
    }

    pub(super) fn put(&mut self, key: &'static Key, text: String, origin: Origin) {
        self.values.insert(key.name, Chosen { text, origin });
    }

    /// Lays `stronger` over this: what it has typed wins.
    #[must_use]
    pub fn under(mut self, stronger: Self) -> Self {
        self.values.extend(stronger.values);
        self.unused.extend(stronger.unused);
        self
    }

    /// Decides: every setting gets a value, checked, and keeps its origin.
    pub fn resolve(self) -> Result<Resolved, ConfigError> {
        let mut values = self.values;
        let chosen: Vec<_> = KEYS
            .iter()
            .map(|key| {
                let default = Chosen { text: key.default.to_owned(), origin: Origin::Default };
                (key, values.remove(key.name).unwrap_or(default))
            })
            .collect();
        let settings = Settings::read(&chosen)?;
        Ok(Resolved { settings, chosen, unused_variables: self.unused })
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> Vec<String> {
        self.values.iter().map(|(name, chosen)| format!("{name} = {} ({})", chosen.text, chosen.origin)).collect()
    }
}

/// Settings as decided.
#[derive(Debug)]
pub struct Resolved {
    /// The values.
    pub settings: Settings,
    /// Their texts and origins, in the order of [`KEYS`].
    pub chosen: Vec<(&'static Key, Chosen)>,
    /// Variables that look like settings and are none.
    pub unused_variables: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(list: &[(&str, &str)]) -> Typed {
        let owned = list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Typed::from_environment(owned, &["MEMBERVAULT_PASSPHRASE"])
    }

    fn origin_of(resolved: &Resolved, name: &str) -> String {
        let (_, chosen) = resolved.chosen.iter().find(|(key, _)| key.name == name).unwrap();
        format!("{} ({})", chosen.text, chosen.origin)
    }

    #[test]
    fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
        let text = "data = '/file'\nkeyring = '/file-ring'\n[log]\nlevel = 'debug'";
        let typed = file::parse(Path::new("/s.toml"), text).unwrap();
        let environment =
            variables(&[("MEMBERVAULT_DATA", "/env"), ("MEMBERVAULT_LOG_LEVEL", "warn"), ("HOME", "/root")]);
        let mut flags = Typed::default();
        flags.flag("log.level", "--log-level", Some("error".to_owned()));
        flags.flag("http.listen", "--listen", None);
        let resolved = typed.under(environment).under(flags).resolve().unwrap();
        assert_eq!(origin_of(&resolved, "keyring"), "/file-ring (/s.toml, line 2)");
        assert_eq!(origin_of(&resolved, "data"), "/env (environment, MEMBERVAULT_DATA)");
        assert_eq!(origin_of(&resolved, "log.level"), "error (flag, --log-level)");
        assert_eq!(origin_of(&resolved, "http.listen"), "127.0.0.1:8200 (default)");
    }

    #[test]
    fn variables_that_are_no_setting_are_remembered_and_known_ones_are_not() {
        let typed = variables(&[("MEMBERVAULT_PASSPHRASE", "x"), ("MEMBERVAULT_PORT", "y"), ("MEMBERVAULT_DTA", "z")]);
        assert_eq!(typed.resolve().unwrap().unused_variables, ["MEMBERVAULT_DTA", "MEMBERVAULT_PORT"]);
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_origin_and_without_its_text() {
        let error = variables(&[("MEMBERVAULT_HTTP_LISTEN", "everywhere")]).resolve().unwrap_err();
        let expected = "the setting http.listen is not valid: environment, MEMBERVAULT_HTTP_LISTEN: \
                        expected an IP address and port, such as 127.0.0.1:8200";
        assert_eq!(error.to_string(), expected);
    }
}
