//! Where a passphrase comes from: a file, the environment, or a person at the terminal. Never an argument, which every
//! user of the machine can see.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::failure::Failure;
use crate::code::Code;
use crate::config::Settings;

/// The variable a passphrase may stand in. Not a setting: it is never shown, and a settings file cannot have it.
pub(super) const VARIABLE: &str = "MEMBERVAULT_PASSPHRASE";

/// Bytes of a passphrase file.
const FILE_BYTES_MAX: u64 = 4096;

/// Whether the passphrase exists or is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// For the one that was chosen before.
    Existing,
    /// For a new one; a person is asked twice.
    New,
}

/// The passphrase.
pub(super) fn obtain(settings: &Settings, asking: Asking) -> Result<Zeroizing<String>, Failure> {
    match (&settings.passphrase_file, std::env::var_os(VARIABLE)) {
        (Some(path), _) => from_file(path),
        (None, Some(text)) => text
            .into_string()
            .map(Zeroizing::new)
            .map_err(|_| Failure::usage(format!("{VARIABLE} is not UTF-8"), "set it to text")),
        (None, None) => from_terminal(asking),
    }
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let shown = path.display();
    let failed = |error| Failure::io(format_args!("the passphrase file cannot be read: {shown}"), error);
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let what = format!("others can read the passphrase file: {shown}");
        return Err(Failure::new(Code::ExposedFile, what, format_args!("chmod 600 {shown}")));
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
    if line.is_empty() {
        return Err(Failure::usage(
            format!("the passphrase file begins with an empty line: {shown}"),
            "write the passphrase there",
        ));
    }
    Ok(line)
}

fn from_terminal(asking: Asking) -> Result<Zeroizing<String>, Failure> {
    let first = prompt("Passphrase: ")?;
    if asking == Asking::New && *prompt("The same again: ")? != *first {
        return Err(Failure::usage("the two passphrases differ", "try again"));
    }
    Ok(first)
}

fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(text).map(Zeroizing::new).map_err(without_terminal)
}

fn without_terminal(error: io::Error) -> Failure {
    let what = "a passphrase is needed and there is no terminal to ask on";
    let what_to_do =
        format!("give --passphrase-file FILE (readable by you only), set {VARIABLE}, or give --key-file FILE");
    Failure::io(format_args!("{what}: {what_to_do}"), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, mode: u32, expected: Result<&str, Code>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let found = from_file(&path);
        let found = found.as_ref().map(|text| text.as_str()).map_err(Failure::code);
        assert_eq!(found, expected, "{content:?} {mode:o}");
    }

    #[test]
    fn the_first_line_of_a_private_file_is_the_passphrase() {
        check("correct horse battery", 0o600, Ok("correct horse battery"));
        check("correct horse\r\nsecond\n", 0o400, Ok("correct horse"));
        check(" with spaces \n", 0o600, Ok(" with spaces "));
        check("correct horse", 0o640, Err(Code::ExposedFile));
        check("correct horse", 0o604, Err(Code::ExposedFile));
        check("", 0o600, Err(Code::InvalidRequest));
        check("\nsecond\n", 0o600, Err(Code::InvalidRequest));
    }
}
