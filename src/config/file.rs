//! Reads a settings file into typed settings, each with its line. Refuses what it does not know.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{Form, LIST_SEPARATOR};
use super::{ConfigError, KEYS, Key, Origin, Typed};

/// Bytes of a settings file. All settings with long paths fit many times over.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Reads the settings file at `path`.
pub(super) fn read(path: &Path) -> Result<Typed, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(ConfigError::TooLarge { path: path.to_owned(), limit: FILE_BYTES_MAX });
    }
    parse(path, &text)
}

/// Reads settings from the text of the file at `path`.
pub(super) fn parse(path: &Path, text: &str) -> Result<Typed, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| ConfigError::Malformed {
        path: path.to_owned(),
        line: line_at(text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut walk = Walk { path, text, typed: Typed::default() };
    walk.table("", table.get_ref())?;
    Ok(walk.typed)
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Walk<'a> {
    path: &'a Path,
    text: &'a str,
    typed: Typed,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (name, value) in table {
            let full =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let line = line_at(self.text, name.span().start);
            self.entry(&full, line, value)?;
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, line: usize, value: &Spanned<DeValue<'_>>) -> Result<(), ConfigError> {
        match value.get_ref() {
            DeValue::Table(inner) if is_table_name(name) => self.table(name, inner),
            value => {
                let key = Key::named(name).ok_or_else(|| self.unknown(name, line))?;
                let origin = Origin::File { path: self.path.to_owned(), line };
                let expected = match key.form {
                    Form::Paths => "a list of texts",
                    Form::Plain | Form::Path => "one text, number or true/false",
                };
                let text = typed(key.form, value);
                let text =
                    text.ok_or_else(|| ConfigError::Invalid { name: key.name, origin: origin.clone(), expected })?;
                self.typed.put(key, self.beside_the_file(key.form, text), origin);
                Ok(())
            }
        }
    }

    /// A path in the file is relative to the file, not to wherever the service was started.
    fn beside_the_file(&self, form: Form, text: String) -> String {
        let base = self.path.parent().unwrap_or(Path::new(""));
        // Both parts came from texts (the file's path from an argument), so nothing is lost in all but odd systems.
        let joined = |text: &str| base.join(text).to_string_lossy().into_owned();
        match form {
            Form::Path if !text.is_empty() => joined(&text),
            Form::Paths => {
                text.split(LIST_SEPARATOR).filter(|part| !part.is_empty()).map(joined).collect::<Vec<_>>().join(":")
            }
            Form::Path | Form::Plain => text,
        }
    }

    fn unknown(&self, name: &str, line: usize) -> ConfigError {
        ConfigError::UnknownKey { path: self.path.to_owned(), line, name: name.to_owned(), near: nearest(name) }
    }
}

fn is_table_name(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

fn typed(form: Form, value: &DeValue<'_>) -> Option<String> {
    match (form, value) {
        (Form::Paths, DeValue::Array(parts)) => {
            let texts: Option<Vec<_>> = parts.iter().map(|part| part.get_ref().as_str()).collect();
            texts.map(|texts| texts.join(":"))
        }
        _ => scalar(value),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// A setting whose name, or last part, is at most two typing errors away.
fn nearest(name: &str) -> Option<&'static str> {
    let last = |text: &'static str| text.rsplit('.').next().unwrap_or(text);
    let typed_last = name.rsplit('.').next().unwrap_or(name);
    let distance = |key: &Key| typing_errors(name, key.name).min(typing_errors(typed_last, last(key.name)));
    KEYS.iter().map(|key| (distance(key), key.name)).filter(|(errors, _)| *errors <= 2).min().map(|(_, name)| name)
}

/// Levenshtein distance.
fn typing_errors(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut before = i + 1;
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), before);
        for (b, cell) in right.bytes().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            *cell = changed.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let path = Path::new("/etc/mv/membervault.toml");
        let found = match parse(path, text) {
            Ok(typed) => typed.lines().join("\n"),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "for {text:?}");
    }

    #[test]
    fn settings_are_read_with_their_lines() {
        check("", "");
        check("data = '/srv/mv'\n", "data = /srv/mv (/etc/mv/membervault.toml, line 1)");
        check("keyring = 'ring'", "keyring = /etc/mv/ring (/etc/mv/membervault.toml, line 1)");
        check(
            "# a comment\n[http]\nlisten = \"[::1]:1\"\nbehind_tls_proxy = true\n[storage]\ncache_mib = 64\n",
            "http.behind_tls_proxy = true (/etc/mv/membervault.toml, line 4)\n\
             http.listen = [::1]:1 (/etc/mv/membervault.toml, line 3)\n\
             storage.cache_mib = 64 (/etc/mv/membervault.toml, line 6)",
        );
        check("backup.directory = '/b'", "backup.directory = /b (/etc/mv/membervault.toml, line 1)");
        check(
            "mirror.directories = ['/a', 'b']",
            "mirror.directories = /a:/etc/mv/b (/etc/mv/membervault.toml, line 1)",
        );
        check("log.level = 'warn'", "log.level = warn (/etc/mv/membervault.toml, line 1)");
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        let at = "/etc/mv/membervault.toml, line";
        let all = "see `membervault config show` for all settings";
        check("\n\nwhatever = 1", &format!("there is no setting named \"whatever\": {at} 3: {all}"));
        check(
            "[http]\nlistn = 'x'",
            &format!("there is no setting named \"http.listn\": {at} 2: did you mean \"http.listen\"?"),
        );
        check("listen = 'x'", &format!("there is no setting named \"listen\": {at} 1: did you mean \"http.listen\"?"));
        check("passphrase = 'x'", &format!("there is no setting named \"passphrase\": {at} 1: {all}"));
        check("[secrets]\na = 1", &format!("there is no setting named \"secrets\": {at} 1: {all}"));
        check("http = 3", &format!("there is no setting named \"http\": {at} 1: {all}"));
        check(
            "data = ['a']",
            &format!("the setting data is not valid: {at} 1: expected one text, number or true/false"),
        );
        check(
            "[data]\nx = 1",
            &format!("the setting data is not valid: {at} 1: expected one text, number or true/false"),
        );
        check(
            "mirror.directories = [1]",
            &format!("the setting mirror.directories is not valid: {at} 1: expected a list of texts"),
        );
        let twice = format!("the settings file is not well-formed: {at} 2: duplicate key");
        check("data = 'a'\ndata = 'b'", &twice);
        assert!(parse(Path::new("f"), "data = ").is_err());
    }

    #[test]
    fn typing_errors_are_counted() {
        for (left, right, errors) in [("", "", 0), ("a", "", 1), ("data", "date", 1), ("kitten", "sitting", 3)] {
            assert_eq!(typing_errors(left, right), errors, "{left} {right}");
        }
    }
}
