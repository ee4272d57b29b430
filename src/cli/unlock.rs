//! What opens the keyring: a key file, or a passphrase from a file, the environment, or a person at the terminal.
//!
//! Never an argument, which every user of the machine can see.

use std::ffi::OsString;

use zeroize::Zeroizing;

use super::failure::Failure;
use crate::app::{self, Unlock, UnlockMethod};
use crate::config::Settings;

/// The variable a passphrase may stand in. Not a setting: it is never shown, and a settings file cannot have it.
pub(super) const VARIABLE: &str = "MEMBERVAULT_PASSPHRASE";

/// What opens an existing keyring.
pub(super) fn existing(settings: &Settings) -> Result<Unlock, Failure> {
    if let Some(unlock) = stated(settings)? {
        return Ok(unlock);
    }
    match app::unlock_method(settings)? {
        UnlockMethod::Passphrase => prompt("Passphrase: ").map(Unlock::Passphrase),
        UnlockMethod::KeyFile => Err(Failure::usage(
            "this vault is opened by a key file, and none is given",
            "give --key-file FILE, or set MEMBERVAULT_KEY_FILE",
        )),
    }
}

/// What is to open a new keyring: chosen now, so a person is asked twice.
pub(super) fn new(settings: &Settings) -> Result<Unlock, Failure> {
    if let Some(unlock) = stated(settings)? {
        return Ok(unlock);
    }
    let first = prompt("New passphrase (several random words): ")?;
    if *prompt("The same again: ")? == *first {
        Ok(Unlock::Passphrase(first))
    } else {
        Err(Failure::usage("the two passphrases differ", "try again"))
    }
}

/// What the settings or the environment name.
fn stated(settings: &Settings) -> Result<Option<Unlock>, Failure> {
    if let Some(path) = &settings.key_file {
        return Ok(Some(Unlock::KeyFile(path.clone())));
    }
    if let Some(path) = &settings.passphrase_file {
        return Ok(Some(Unlock::PassphraseFile(path.clone())));
    }
    std::env::var_os(VARIABLE).map(|text| text_of(text).map(Unlock::Passphrase)).transpose()
}

fn text_of(variable: OsString) -> Result<Zeroizing<String>, Failure> {
    let text = variable.into_string();
    text.map(Zeroizing::new).map_err(|_| Failure::usage(format!("{VARIABLE} is not UTF-8"), "set it to text"))
}

fn prompt(question: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(question).map(Zeroizing::new).map_err(|error| {
        let what = "a passphrase is needed and there is no terminal to ask on";
        let ways =
            "give --passphrase-file FILE (readable by you only) or --key-file FILE, or set MEMBERVAULT_PASSPHRASE";
        Failure::io(format_args!("{what}: {ways}"), error)
    })
}
