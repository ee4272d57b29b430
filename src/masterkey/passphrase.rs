//! A passphrase, stretched by Argon2id.
//!
//! The text goes through the PRECIS profile for passwords (RFC 8265, `OpaqueString`) first: the same words typed on
//! another system, where an accent may be composed differently, must open the vault.

use std::borrow::Cow;
use std::path::Path;

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

use super::secret_file;
use super::{MasterKey, MasterKeyError, UnlockMethod, UnlockParams};
use crate::crypto::{self, Entropy, Key, PassphraseParams};
use crate::secret::Secret;
use crate::types::place::Kek;

/// What a guess at the passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106 (section 4), for where 2 GiB are not to be had.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    /// Costs nothing. For tests, which would otherwise spend their time here.
    #[cfg(any(test, feature = "testkit"))]
    pub const WEAK_FOR_TESTS: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };
    /// The least memory an operator may choose: the least that is advised anywhere (OWASP, with 2 passes).
    pub const MEMORY_KIB_MIN: u32 = 19 * 1024;

    /// A cost chosen by the operator.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, MasterKeyError> {
        let accepted = PassphraseParams::new(memory_kib, passes, lanes, [0; 16]).is_ok();
        if accepted && memory_kib >= Self::MEMORY_KIB_MIN {
            Ok(Self { memory_kib, passes, lanes })
        } else {
            Err(MasterKeyError::CostOutOfBounds)
        }
    }
}

/// A passphrase in its normal form.
pub struct Passphrase {
    text: Secret<String>,
    cost: Cost,
}

impl Passphrase {
    /// The shortest new passphrase, in characters.
    pub const CHARS_MIN: usize = 12;
    /// The longest passphrase, in bytes: nobody types more, and every byte of it is hashed.
    pub const BYTES_MAX: usize = 1024;

    /// The passphrase of an existing keyring.
    pub fn new(text: &str) -> Result<Self, MasterKeyError> {
        if text.len() > Self::BYTES_MAX {
            return Err(MasterKeyError::TooLong);
        }
        Ok(Self { text: Secret::new(normal_form(text)?), cost: Cost::RECOMMENDED })
    }

    /// A passphrase for a new keyring, or one to change to: long enough not to be guessed.
    pub fn new_strong(text: &str) -> Result<Self, MasterKeyError> {
        Self::new(text)?.strong()
    }

    /// This passphrase, if it may open a new keyring: long enough not to be guessed.
    pub fn strong(self) -> Result<Self, MasterKeyError> {
        if self.text.expose().chars().count() < Self::CHARS_MIN {
            return Err(MasterKeyError::TooShort);
        }
        Ok(self)
    }

    /// Reads the passphrase from the first line of a file that only its owner can read (such as a service's credential).
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        let bytes = secret_file::read(path, Self::BYTES_MAX + 2)?;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Self::new(std::str::from_utf8(line).map_err(|_| MasterKeyError::NotText)?)
    }

    /// With another cost for the keyrings it will be given to from now on.
    #[must_use]
    pub fn with_cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }
}

impl MasterKey for Passphrase {
    fn method(&self) -> UnlockMethod {
        UnlockMethod::Passphrase
    }

    fn fresh_params(&self, entropy: &dyn Entropy) -> Result<UnlockParams, MasterKeyError> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt)?;
        let Cost { memory_kib, passes, lanes } = self.cost;
        Ok(UnlockParams::Passphrase(PassphraseParams::new(memory_kib, passes, lanes, salt)?))
    }

    fn kek(&self, params: &UnlockParams) -> Result<Key<Kek>, MasterKeyError> {
        let UnlockParams::Passphrase(params) = params else {
            return Err(MasterKeyError::WrongMethod { needed: params.method(), given: self.method() });
        };
        Ok(crypto::kek_from_passphrase(self.text.expose().as_bytes(), params)?)
    }
}

/// ASCII text is its own normal form; this spares the usual passphrase the copies of the general way.
fn normal_form(text: &str) -> Result<String, MasterKeyError> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !text.is_empty() {
        return Ok(text.to_owned());
    }
    OpaqueString::enforce(text).map(Cow::into_owned).map_err(|_| MasterKeyError::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        Passphrase::new(text).ok().map(|passphrase| passphrase.text.expose().clone())
    }

    #[test]
    fn the_same_words_are_the_same_passphrase() {
        assert_eq!(normal("correct horse").as_deref(), Some("correct horse"));
        assert_eq!(normal("cafe\u{301}"), normal("caf\u{e9}"), "composed and decomposed");
        assert_eq!(normal("a\u{a0}b"), normal("a b"), "a space is a space");
        assert_ne!(normal("Horse"), normal("horse"), "case counts");
        for text in ["", "tab\there", "nul\0", "line\nbreak"] {
            assert_eq!(normal(text), None, "{text:?}");
        }
        assert!(matches!(Passphrase::new(&"x".repeat(1025)), Err(MasterKeyError::TooLong)));
    }

    #[test]
    fn a_new_passphrase_is_counted_in_characters() {
        assert!(matches!(Passphrase::new_strong("elevenchars"), Err(MasterKeyError::TooShort)));
        assert!(matches!(
            Passphrase::new_strong("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"),
            Err(MasterKeyError::TooShort)
        ));
        assert!(Passphrase::new_strong("twelve chars").is_ok());
    }

    #[test]
    fn a_passphrase_file_gives_its_first_line() {
        let dir = tempfile::tempdir().unwrap();
        for (number, content) in
            ["two words", "two words\n", "two words\r\n", "two words\nand a note\n"].iter().enumerate()
        {
            let path = dir.path().join(number.to_string());
            secret_file::create(&path, content.as_bytes()).unwrap();
            assert_eq!(Passphrase::from_file(&path).unwrap().text.expose(), "two words");
        }
        let empty = dir.path().join("empty");
        secret_file::create(&empty, b"\n").unwrap();
        assert!(matches!(Passphrase::from_file(&empty), Err(MasterKeyError::NotText)));
    }
}
